"""The scenario of the two Rust clients, which have one interface. They pay the node itself, over its TLS."""

import json

from clients.driver import Task, report, seen


def main(sdk):
    task = Task.read()
    client = sdk.L402Client.with_lnd_rest(task["node"], task["macaroon"], sdk.Budget(total_max=100))
    answers = []
    for _ in range(2):
        answer = client.get(task["profile"])
        answers.append(seen(answer.status, json.loads(answer.text())) | {"paid": answer.paid})
    body = json.dumps({"hashes": [task["profile"].rsplit("/", 1)[1]]})
    posted = client.post(task["api"] + "/api/verdicts", body)
    report(
        answers=answers, posted=posted.status, spent=client.total_spent(),
        receipts=[[receipt.amount_sats, receipt.response_status] for receipt in client.receipts()],
    )
