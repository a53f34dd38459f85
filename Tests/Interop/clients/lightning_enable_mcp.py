"""lightning-enable-mcp: its parser and its LND wallet. Its own request would refuse a loopback address."""

import asyncio

import httpx

from lightning_enable_mcp.l402_client import L402Challenge, L402Client, L402Token
from lightning_enable_mcp.lnd_wallet import LndWallet

from clients.driver import Task, report, seen


async def main():
    task = Task.read()
    wallet = LndWallet(task["node"], task["macaroon"], tls_cert_path=task["nodeCertificate"])
    await wallet.connect()
    parser = L402Client(wallet)
    first = httpx.get(task["profile"])
    challenge = parser._select_best_challenge(first.headers.get_list("www-authenticate"))
    assert isinstance(challenge, L402Challenge)
    preimage = await wallet.pay_invoice(challenge.invoice)
    header = L402Token(challenge.macaroon, preimage).to_header()
    answers = []
    for _ in range(2):
        answer = httpx.get(task["profile"], headers={"Authorization": header})
        answers.append(seen(answer.status_code, answer.json()))
    await parser.close()
    report(asked=first.status_code, sats=challenge.amount_sats, answers=answers)


asyncio.run(main())
