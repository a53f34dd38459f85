"""SatRank's own SDK: its payment of a challenge and its deposits."""

import pytest


@pytest.mark.client("satrank")
def test_the_sdk_pays_our_challenge_within_its_budget(drive, node, ledger):
    results = drive()["results"]
    assert len(results) == 2
    for result in results:
        assert (result["success"], result["status"], result["node"]) == (True, 200, node), result
        assert (result["cost"], result["outcomes"]) == (1, ["paid_success"])
    ledger.agrees(payments=2, served=2)


@pytest.mark.client("satrank")
def test_a_deposit_paid_by_the_sdks_wallet_is_credited_once_and_opens_paid_routes(drive, node, ledger):
    result = drive(deposit=21)
    status, offer = result["offer"]
    assert status == 402
    assert (offer["amount"], offer["quotaGranted"], offer["tierId"], offer["expiresIn"]) == (21, 21, 1, 600)
    status, claimed = result["claimed"]
    assert status == 201
    assert claimed["data"]["paymentHash"] == offer["paymentHash"]
    assert claimed["data"]["balance"] == 21
    status, again = result["again"]
    assert status == 200
    assert again["data"]["alreadyRedeemed"] is True
    assert again["data"]["balance"] == 21
    assert result["token"].startswith("L402 ")
    assert result["use"] == {"status": 200, "node": node}
    ledger.agrees(payments=1, served=1, msat=21_000)
