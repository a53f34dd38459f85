"""A bought token, narrowed by its holder without asking the server: every limit holds."""

import time

import pytest

from tokens import deposit


@pytest.mark.client("bolthub")
def test_every_limit_that_bolthub_adds_to_a_bought_token_holds(drive, run, wallet, node, ledger):
    token, preimage = deposit(run.api, wallet, 21)
    profile = ["GET", f"/api/profile/{node}", None]
    verdicts = ["POST", "/api/verdicts", {"hashes": [node]}]
    now = int(time.time() * 1000)
    result = drive(
        token=token, preimage=preimage,
        orders={
            "one use": {"limits": {"n_uses": 1}, "requests": [profile, profile, verdicts]},
            "two sats": {"limits": {"max_sats": 2}, "requests": [profile, verdicts, profile]},
            "a method": {"limits": {"method": "POST"}, "requests": [profile, verdicts]},
            "a path": {"limits": {"path_prefix": "/api/verdicts"}, "requests": [profile, verdicts]},
            "the past": {"limits": {"valid_until": now - 1000}, "requests": [profile]},
            "an hour": {"limits": {"valid_until": now + 3_600_000}, "requests": [profile, profile]},
        },
    )
    served, exhausted = [200, None], [402, "exhausted"]
    assert result["results"] == {
        "one use": [served, exhausted, exhausted],
        "two sats": [served, served, exhausted],
        "a method": [[402, "method_denied"], served],
        "a path": [[402, "path_denied"], served],
        "the past": [[402, "expired"]],
        "an hour": [served, served],
    }
    assert not result["widened"]
    ledger.agrees(payments=1, served=7, msat=21_000)
