"""bolthub: buys, and narrows what was bought without asking the server."""

import time

import httpx

from bolthub.client import L402Client
from bolthub.delegate import attenuate
from bolthub.wallets import LndWallet

from clients.driver import Task, report, seen


def client_for(task):
    # This wallet reads one JSON object, not a stream.
    return L402Client(wallet=LndWallet(task["wallet"] + "/line", task["macaroon"]), budget_sats=100)


def buy(task):
    client = client_for(task)

    def get():
        answer = client.request("GET", task["profile"])
        return seen(answer.status_code, answer.json())

    answers = [get(), get()]
    healed = {}
    for name, (macaroon, preimage) in task["planted"].items():
        client._credit_store[httpx.URL(task["profile"]).netloc.decode()] = (macaroon, preimage, time.time() + 60)
        healed[name] = get()
    report(answers=answers, healed=healed, spent=client.total_spent)


def delegate(task):
    """Narrows one macaroon in several ways and makes the asked-for requests with each."""
    results = {}
    for name, order in task["orders"].items():
        token = attenuate(task["token"], **order["limits"])
        results[name] = []
        for method, path, body in order["requests"]:
            answer = httpx.request(
                method, task["api"] + path, json=body, headers={"Authorization": f"L402 {token}:{task['preimage']}"}
            )
            code = answer.json().get("code") if answer.status_code == 402 else None
            results[name].append([answer.status_code, code])
    try:
        attenuate(attenuate(task["token"], n_uses=1), n_uses=2)
        widened = True
    except ValueError:
        widened = False
    report(results=results, widened=widened)


task = Task.read()
delegate(task) if "orders" in task else buy(task)
