"""Clients of which one part is driven: how they read our challenge, and how they pay."""

import base64
import hashlib
import hmac
import re

import pytest
import requests

from conftest import Run
from payer import read_challenge


def header_of(challenge):
    return dict(re.findall(r'(macaroon|invoice)="([^"]+)"', challenge["header"]))


@pytest.mark.client("ln-church-agent")
def test_a_strict_parser_finds_the_l402_challenge_before_the_other(drive):
    for challenge in drive()["challenges"]:
        assert challenge["scheme"] == "L402"
        assert challenge["parameters"].items() >= header_of(challenge).items()


@pytest.mark.client("ln-church-agent")
def test_a_strict_parser_knows_the_price_where_l402_is_the_only_scheme(client, node, program, tmp_path_factory):
    # It takes a header for one challenge, and knows no price when there are two.
    run = Run(program, tmp_path_factory.mktemp("l402") / "data", {"ASSAY_PAYMENT_SCHEME": "0"}).start()
    try:
        challenges = client.drive({"profile": f"{run.api}/api/profile/{node}"})["challenges"]
    finally:
        assert run.stop() == 0
    for challenge in challenges:
        assert challenge["scheme"] == "L402"
        assert (challenge["amount"], challenge["asset"]) == (1, "SATS")
        assert challenge["parameters"].items() >= header_of(challenge).items()


@pytest.mark.client("lightning-enable-mcp")
def test_lightning_enable_reads_pays_and_is_served_once(drive, node, ledger):
    result = drive(scheme="L402")
    assert (result["asked"], result["sats"]) == (402, 1)
    assert [answer["status"] for answer in result["answers"]] == [200, 402]
    assert result["answers"][0]["node"] == node
    ledger.agrees(payments=1, served=1)


@pytest.mark.client("pymacaroons")
def test_pymacaroons_reads_what_we_mint_and_we_read_what_it_mints(drive, run, wallet, profile, ledger):
    token, invoice = read_challenge(requests.get(profile, timeout=10))
    preimage = wallet.pay(invoice)["payment_preimage"]
    result = drive(token=token, rootKey=root_key(run, token))
    assert result["verified"]
    assert result["location"] == "assay"
    assert result["caveats"][0] == "services=assay:0"

    def get(macaroon):
        return requests.get(profile, headers={"Authorization": f"L402 {macaroon}:{preimage}"}, timeout=10)

    refused = get(result["narrower"])
    assert (refused.status_code, refused.json()["code"]) == (402, "ip_denied")
    assert get(result["same"]).status_code == 200
    ledger.agrees(payments=1, served=1)


def root_key(run, token):
    """The root key of one token, in hex, from the ring that the run made."""
    identifier = base64.b64decode(token).split(b"\x02\x42", 1)[1][:66]
    epoch, state, secret = (run.data / "secrets" / "l402-key-ring").read_text().split()
    assert (epoch, state) == ("0", "mint")
    return hmac.new(bytes.fromhex(secret), b"assay/l402/root/1" + identifier, hashlib.sha256).hexdigest()
