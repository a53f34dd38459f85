"""satrank: buys a deposit with its LND wallet, and pays our challenge as its fulfil step does.

The catalogue of endpoints is answered here, by a transport in front of the real one: one candidate, the paid route.
"""

import asyncio
import hashlib

import httpx
from satrank import SatRank
from satrank.wallet import LndWallet, NwcWallet  # noqa: F401  the package is installed with its nwc extra

from clients.driver import Task, report, seen

task = Task.read()


def candidate(url):
    return {
        "rank": 1, "endpoint_url": url, "endpoint_hash": hashlib.sha256(url.encode()).hexdigest(),
        "operator_pubkey": "00" * 32, "service_name": "profile", "price_sats": 1, "http_method": "GET",
        "bayesian": {"p_success": 0.9, "verdict": "SAFE"},
    }


class Catalogue(httpx.AsyncBaseTransport):
    """Answers the question for candidates; everything else goes to the network."""

    def __init__(self):
        self.network = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request):
        if request.url.path == "/api/intent":
            return httpx.Response(200, json={"intent": {}, "candidates": [candidate(task["profile"])], "meta": {}})
        return await self.network.handle_async_request(request)


async def deposit(http, wallet, amount):
    url = task["api"] + "/api/deposit"
    offer = await http.post(url, json={"amount": amount})
    data = offer.json()["data"]
    proof = {"paymentHash": data["paymentHash"]}
    proof["preimage"] = (await wallet.pay_invoice(data["invoice"], 10))["preimage"]
    claimed, again = [await http.post(url, json=proof) for _ in range(2)]
    token = claimed.json()["data"]["token"]
    use = await http.get(task["profile"], headers={"Authorization": token})
    return {
        "offer": [offer.status_code, data], "claimed": [claimed.status_code, claimed.json()],
        "again": [again.status_code, again.json()], "use": seen(use.status_code, use.json()),
        "balance": use.headers.get("L402-Balance"), "token": token,
    }


async def main():
    async with httpx.AsyncClient(transport=Catalogue(), timeout=30) as http:
        wallet = LndWallet(rest_url=task["wallet"], macaroon_hex=task["macaroon"], client=http)
        if amount := task.get("deposit"):
            report(**await deposit(http, wallet, amount))
            return
        async with SatRank(api_base=task["api"], wallet=wallet, http_client=http) as client:
            results = [
                await client.fulfill(intent={"category": "data"}, budget_sats=1, auto_report=False) for _ in range(2)
            ]
        report(
            results=[
                seen(result.get("response_code"), result.get("response_body"))
                | {
                    "success": result["success"], "cost": result["cost_sats"],
                    "outcomes": [tried["outcome"] for tried in result["candidates_tried"]],
                }
                for result in results
            ]
        )


asyncio.run(main())
