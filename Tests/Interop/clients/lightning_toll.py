"""lightning-toll: reads everything from the body, and keeps a token for as long as the body says."""

import asyncio
import time

from lightning_toll.client.fetch import CachedCredential, TollClient
from lightning_toll.nwc import PaymentResult

from clients.driver import Task, report, seen

task = Task.read()


class Payer:
    async def pay_invoice(self, invoice):
        return PaymentResult(await asyncio.to_thread(task.pay, invoice), "")


async def main():
    client = TollClient(wallet=Payer())

    async def get():
        answer = await client.fetch(task["profile"])
        return seen(answer.status_code, answer.body)

    answers = [await get(), await get()]
    cached = client.get_stats()["cached_credentials"]
    healed = {}
    for name, (macaroon, preimage) in task["planted"].items():
        client._credential_cache[task["profile"]] = CachedCredential(macaroon, preimage, time.time() + 60)
        healed[name] = await get()
    report(answers=answers, healed=healed, spent=client.get_stats()["total_spent"], cached=cached)


asyncio.run(main())
