"""The second door: one payment for one request, through the Payment scheme."""

import hashlib

import pytest


@pytest.mark.client("l402-requests")
def test_l402_requests_pays_through_the_payment_scheme_and_gets_a_receipt(drive, node, ledger):
    result = drive(scheme="Payment")
    hashes = [hashlib.sha256(bytes.fromhex(preimage)).hexdigest() for preimage in result["preimages"]]
    assert [answer["status"] for answer in result["answers"]] == [200, 200], result
    assert [answer["node"] for answer in result["answers"]] == [node, node]
    receipts = [answer["receipt"] for answer in result["answers"]]
    assert [receipt["reference"] for receipt in receipts] == hashes
    for receipt in receipts:
        assert (receipt["status"], receipt["method"]) == ("success", "lightning")
        assert receipt["challenge_id"] and receipt["timestamp"].endswith("Z")
    assert receipts[0]["challenge_id"] != receipts[1]["challenge_id"]
    ledger.agrees(payments=2, served=2)


@pytest.mark.client("lightning-enable-mcp")
def test_lightning_enables_credential_is_good_for_one_request(drive, node, ledger):
    result = drive(scheme="Payment")
    assert (result["asked"], result["sats"]) == (402, 1)
    served, refused = result["answers"]
    assert (served["status"], served["node"]) == (200, node)
    assert (served["receipt"]["status"], served["receipt"]["method"]) == ("success", "lightning")
    assert (refused["status"], refused["receipt"]) == (402, None)
    ledger.agrees(payments=1, served=1)
