"""lightning-enable-mcp: its parser, its LND wallet and its credentials. Its own request would refuse a loopback address."""

import asyncio

import httpx

from lightning_enable_mcp.l402_client import (
    L402Challenge, L402Client, L402Token, MppModernToken, parse_payment_challenge, parse_payment_receipt,
)
from lightning_enable_mcp.lnd_wallet import LndWallet

from clients.driver import Task, report, seen

task = Task.read()


async def first_door(wallet, challenges):
    parser = L402Client(wallet)
    challenge = parser._select_best_challenge(challenges)
    await parser.close()
    assert isinstance(challenge, L402Challenge)
    token = L402Token(challenge.macaroon, await wallet.pay_invoice(challenge.invoice))
    return challenge.amount_sats, token


async def second_door(wallet, challenges):
    text = next(text for text in L402Client._expand_challenges(challenges) if text.startswith("Payment "))
    challenge = parse_payment_challenge(text)
    assert challenge.is_modern and not challenge.is_expired()
    preimage = await wallet.pay_invoice(challenge.invoice)
    return challenge.amount_sats, MppModernToken(challenge.build_modern_credential(preimage))


async def main():
    wallet = LndWallet(task["node"], task["macaroon"], tls_cert_path=task["nodeCertificate"])
    await wallet.connect()
    first = httpx.get(task["profile"])
    door = {"L402": first_door, "Payment": second_door}[task["scheme"]]
    sats, token = await door(wallet, first.headers.get_list("WWW-Authenticate"))
    await wallet.disconnect()
    answers = []
    for _ in range(2):
        answer = httpx.get(task["profile"], headers={"Authorization": token.to_header()})
        receipt = parse_payment_receipt(answer.headers.get("Payment-Receipt"))
        answers.append(seen(answer.status_code, answer.json()) | {"receipt": receipt})
    report(asked=first.status_code, sats=sats, answers=answers)


asyncio.run(main())
