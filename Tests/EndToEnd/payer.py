"""A payer that shows every step: reads a challenge, pays it through the payer node's REST interface, gives the token."""

import json
import pathlib
import re

import requests


def read_challenge(response):
    """Token and invoice of a 402 answer, by the fixed pattern that simple clients use."""
    assert response.status_code == 402, (response.status_code, response.text)
    header = response.headers["WWW-Authenticate"]
    match = re.match(r'^L402 macaroon="([^"]+)", invoice="([^"]+)", version="0", token="\1"(, Payment id=.*)?$', header)
    assert match, header
    return match.group(1), match.group(2)


def pay(info, invoice):
    """Pays with the payer node; returns the preimage in hex."""
    payer = info["payer"]
    macaroon = pathlib.Path(payer["macaroon"]).read_bytes().hex()
    answer = requests.post(
        payer["restUrl"] + "/v2/router/send",
        json={"payment_request": invoice, "timeout_seconds": 30, "fee_limit_sat": "10", "no_inflight_updates": True},
        headers={"Grpc-Metadata-macaroon": macaroon}, verify=payer["tlsCert"], timeout=30,
    )
    assert answer.status_code == 200, answer.text
    update = json.loads(answer.text.strip().splitlines()[-1])["result"]
    assert update["status"] == "SUCCEEDED", update
    return update["payment_preimage"]


def buy(info, url, **options):
    """Buys one token for a URL; returns the Authorization header's value."""
    method = options.pop("method", "GET")
    token, invoice = read_challenge(requests.request(method, url, timeout=30, **options))
    return f"L402 {token}:{pay(info, invoice)}"
