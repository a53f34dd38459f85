"""A service of somebody else, behind the gate."""

import pytest

import books
from wallet import Wallet


@pytest.mark.client("l402kit")
def test_a_client_buys_from_a_service_behind_the_gate(client, dispatches):
    with Wallet(dispatches.info["payer"]) as wallet:
        result = client.drive({"profile": dispatches.api + "/api/dispatches/7", "wallet": wallet.url, "planted": {}})
    assert [answer["status"] for answer in result["answers"]] == [200, 200], result
    assert result["spent"] == 20
    assert books.read(dispatches) == books.Totals(payments=2, paid_msat=20_000, served=2, served_msat=20_000, held=0)
