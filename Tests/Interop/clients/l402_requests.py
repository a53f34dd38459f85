"""l402-requests, through the L402 scheme or, when the task asks for it, through the Payment scheme."""

from urllib.parse import urlparse

from l402_requests.client import L402Client
from l402_requests.wallets.lnd import LndWallet

from clients.driver import Task, report, seen


def wallet(task):
    # This wallet reads the preimage as base64.
    return LndWallet(task["wallet"] + "/base64", task["macaroon"])


def first_door(task):
    client = L402Client(wallet=wallet(task))
    url = urlparse(task["profile"])

    def get():
        answer = client.get(task["profile"])
        return seen(answer.status_code, answer.json())

    answers = [get(), get()]
    healed = {}
    for name, (macaroon, preimage) in task["planted"].items():
        client._cache.put(url.hostname, url.path, macaroon, preimage)
        healed[name] = get()
    report(answers=answers, healed=healed, spent=client.spending_log.total_spent())


def show_payment_only(response):
    """Hides the L402 challenge, which the client would prefer, and leaves the Payment challenge of the same line."""
    if response.status_code == 402:
        challenge = response.headers["WWW-Authenticate"].split(", Payment ", 1)[1]
        response.headers["WWW-Authenticate"] = "Payment " + challenge


def second_door(task):
    client = L402Client(wallet=wallet(task), event_hooks={"response": [show_payment_only]})
    answers = []
    for _ in range(2):
        answer = client.get(task["profile"])
        receipt = answer.payment_receipt
        answers.append(seen(answer.status_code, answer.json()) | {"receipt": receipt and vars(receipt)})
    preimages = [record.preimage for record in client.spending_log.records]
    report(answers=answers, preimages=preimages)


task = Task.read()
{"L402": first_door, "Payment": second_door}[task["scheme"]](task)
