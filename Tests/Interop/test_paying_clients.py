"""Clients that buy by themselves: 402, a real payment, 200; and again when their token is spent or refused."""

import pytest

from tokens import refusable

PAYERS = ["l402-requests", "pyl402", "bolthub", "l402kit", "lightning-toll"]
RUST = ["l402sdk", "bolt402"]


def of(clients):
    return [pytest.param(client, marks=pytest.mark.client(client), id=client) for client in clients]


@pytest.fixture
def served(node):
    """What a client sees of a paid answer."""
    return {"status": 200, "node": node}


@pytest.mark.parametrize("client", of(PAYERS))
def test_a_client_buys_and_buys_again_when_its_token_is_spent_or_refused(
    client, drive, run, wallet, profile, served, ledger
):
    planted = refusable(wallet, profile)
    result = drive(planted=planted, scheme="L402")
    assert result["answers"] == [served, served], result
    assert result["healed"] == {reason: served for reason in planted}, result
    purchases = 2 + len(planted)
    assert result["spent"] == purchases
    ledger.agrees(payments=purchases, served=purchases)


@pytest.mark.client("lightning-toll")
def test_lightning_toll_keeps_a_token_until_the_time_in_the_body(drive, served):
    result = drive(planted={})
    assert result["answers"] == [served, served]
    assert result["cached"] == 1


@pytest.mark.parametrize("client", of(RUST))
def test_a_rust_client_pays_the_node_itself_and_gives_receipts(client, drive, served, ledger):
    result = drive()
    assert result["answers"] == [served | {"paid": True}] * 2, result
    assert result["posted"] == 200
    assert result["spent"] == 3
    assert result["receipts"] == [[1, 200]] * 3
    ledger.agrees(payments=3, served=3)


@pytest.mark.client("routeweiler")
def test_routeweiler_pays_what_it_has_checked_itself(drive, served, ledger):
    result = drive()
    assert result["answers"] == [served, served]
    assert result["posted"] == 200
    assert result["spent"] == 3
    ledger.agrees(payments=3, served=3)
