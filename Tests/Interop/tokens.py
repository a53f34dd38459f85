"""Credentials that a server must refuse, made from a real one."""

import time

import pymacaroons
import requests

from payer import read_challenge


def narrow(token, caveat):
    """A token with one more caveat, in standard base64."""
    macaroon = pymacaroons.Macaroon.deserialize(token.replace("+", "-").replace("/", "_").rstrip("="))
    macaroon.add_first_party_caveat(caveat)
    text = macaroon.serialize().replace("-", "+").replace("_", "/")
    return text + "=" * (-len(text) % 4)


def forge(token):
    """The token with another last character of its signature that still is canonical base64."""
    body, padding = token.rstrip("="), token[len(token.rstrip("=")):]
    step = {0: 1, 1: 4, 2: 16}[len(padding)]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return body[:-1] + alphabet[(alphabet.index(body[-1]) + step) % 64] + padding


def refusable(wallet, url):
    """Credentials by the reason for which they open nothing: [token, preimage]."""
    token, invoice = read_challenge(requests.get(url, timeout=10))
    preimage = wallet.pay(invoice)["payment_preimage"]
    credentials = {
        "expired": [narrow(token, f"valid_until={int(time.time()) - 60}"), preimage],
        "bad_signature": [forge(token), preimage],
        "preimage_mismatch": [token, "00" * 32],
        "path_denied": [narrow(token, "path_prefix=/api/profile/other"), preimage],
    }
    for reason, (macaroon, proof) in credentials.items():
        answer = requests.get(url, headers={"Authorization": f"L402 {macaroon}:{proof}"}, timeout=10)
        assert (answer.status_code, answer.json()["code"]) == (402, reason)
    return credentials


def deposit(api, wallet, sats):
    """Pays for a deposit; returns [token, preimage], good for many requests."""
    token, invoice = read_challenge(requests.post(api + "/api/deposit", json={"amount": sats}, timeout=10))
    return [token, wallet.pay(invoice)["payment_preimage"]]
