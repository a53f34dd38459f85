"""Clients that buy by themselves: 402, a real payment, 200; and again when their token is spent or refused."""

import re

import pytest
import requests

from tokens import deposit, refusable

PAYERS = ["l402-requests", "pyl402", "bolthub", "l402kit", "lightning-toll"]
RUST = ["l402sdk", "bolt402"]


def of(clients):
    """One run of the test per client."""
    return pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.client(name)) for name in clients])


@pytest.fixture
def served(node):
    """What a client sees of a paid answer."""
    return {"status": 200, "node": node}


def refusals(api):
    """How many credentials were refused so far, by reason."""
    text = requests.get(api + "/metrics", timeout=10).text
    return {code: int(count) for code, count in re.findall(r'l402_refused_total\{code="(\w+)"\} (\d+)', text)}


@of(PAYERS)
def test_a_client_buys_and_buys_again_when_its_token_is_spent_or_refused(
    name, drive, run, wallet, profile, served, ledger
):
    planted = refusable(wallet, profile)
    before = refusals(run.api)
    result = drive(planted=planted, scheme="L402")
    assert result["answers"] == [served, served], result
    assert result["healed"] == {reason: served for reason in planted}, result
    # Each of them really was presented.
    after = refusals(run.api)
    assert {reason: after[reason] - before[reason] for reason in planted} == dict.fromkeys(planted, 1)
    purchases = 2 + len(planted)
    assert result["spent"] == purchases
    ledger.agrees(payments=purchases, served=purchases)


@of(PAYERS)
def test_a_client_that_holds_a_deposits_token_uses_it_instead_of_paying(
    name, drive, run, wallet, profile, served, ledger
):
    result = drive(planted={"deposit": deposit(run.api, wallet, 21)}, scheme="L402")
    assert result["answers"] == [served, served], result
    assert result["healed"] == {"deposit": served}, result
    assert result["spent"] == 2
    ledger.agrees(payments=3, served=3, msat=2_000 + 21_000)


@of(RUST)
def test_a_rust_client_pays_the_node_itself_and_gives_receipts(name, drive, served, ledger):
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
