"""routeweiler: checks the invoice's network and the preimage before it trusts its own node."""

import asyncio

from routeweiler import Routeweiler
from routeweiler.funding.lightning import LightningFundingSource

from clients.driver import Task, report, seen

task = Task.read()
paid = []


class Node:
    async def pay_invoice(self, bolt11, *, max_fee_msat):
        paid.append(await asyncio.to_thread(task.pay, bolt11))
        return bytes.fromhex(paid[-1])

    async def get_node_pubkey(self):
        return "02" * 33


async def main():
    source = await LightningFundingSource.create(Node(), "bitcoin-regtest")
    async with Routeweiler(funding=[source]) as client:
        answers = []
        for _ in range(2):
            answer = await client.get(task["profile"])
            answers.append(seen(answer.status_code, answer.json()))
        posted = await client.post(
            task["api"] + "/api/verdicts", json={"hashes": [task["profile"].rsplit("/", 1)[1]]}
        )
    report(answers=answers, posted=posted.status_code, spent=len(paid))


asyncio.run(main())
