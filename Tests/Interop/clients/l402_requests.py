"""l402-requests, through the L402 scheme or, when the task asks for it, through the Payment scheme."""

from urllib.parse import urlparse

from l402_requests import client as library
from l402_requests.challenge import parse_mpp_challenge
from l402_requests.credential_cache import CredentialCache
from l402_requests.wallets.lnd import LndWallet

from clients.driver import Task, report, seen


def wallet(task):
    # This wallet reads the preimage as base64.
    return LndWallet(task["wallet"] + "/base64", task["macaroon"])


def first_door(task):
    cache = CredentialCache()
    client = library.L402Client(wallet=wallet(task), credential_cache=cache)
    url = urlparse(task["profile"])

    def get():
        answer = client.get(task["profile"])
        return seen(answer.status_code, answer.json())

    answers = [get(), get()]
    healed = {}
    for name, (macaroon, preimage) in task["planted"].items():
        cache.put(url.hostname, url.path, macaroon, preimage)
        healed[name] = get()
    report(answers=answers, healed=healed, spent=client.spending_log.total_spent())


def second_door(task):
    # The client prefers L402 where a server offers both; here it is shown the other challenge alone.
    library._select_challenge = lambda response: parse_mpp_challenge(response.headers["www-authenticate"])
    client = library.L402Client(wallet=wallet(task))
    answers = []
    for _ in range(2):
        answer = client.get(task["profile"])
        receipt = answer.payment_receipt
        answers.append(
            seen(answer.status_code, answer.json())
            | {"receipt": receipt and {name: getattr(receipt, name) for name in ("status", "method", "reference", "challenge_id", "timestamp")}}
        )
    preimages = [record.preimage for record in client.spending_log.records]
    report(answers=answers, preimages=preimages)


task = Task.read()
{"L402": first_door, "Payment": second_door}[task["scheme"]](task)
