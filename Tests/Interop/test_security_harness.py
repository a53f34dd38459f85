"""agent-security-harness: 33 attacks on a paid service that stands behind the gate."""

import json

import pytest

# Its CR/LF variant never leaves Python's own HTTP library, and is counted as a fault of the server.
CANNOT_PASS = "L4-030"

# What 'assay serve' keeps to by default; 'assay run' is more generous.
PRODUCTION = {
    "ASSAY_CHALLENGES_PER_SECOND": "2", "ASSAY_CHALLENGE_BURST": "30", "ASSAY_CHALLENGES_PER_SECOND_TOTAL": "50",
}


@pytest.fixture
def attack(client, dispatches, tmp_path):
    """Runs the harness; returns its results by number."""

    def run():
        report = tmp_path / "report.json"
        done = client.command("-m", "protocol_tests.l402_harness", "--url", dispatches.api, "--report", report)
        assert report.exists(), done.stdout + done.stderr
        results = {result["test_id"]: result for result in json.loads(report.read_text())["results"]}
        assert len(results) == 33
        return results

    return run


@pytest.mark.client("agent-security-harness")
def test_every_attack_but_the_one_that_cannot_pass_is_refused(attack):
    failed = {number: result["details"] for number, result in attack().items() if not result["passed"]}
    assert set(failed) <= {CANNOT_PASS}, failed


@pytest.mark.client("agent-security-harness")
@pytest.mark.parametrize("dispatches", [PRODUCTION], indirect=True, ids=["production"])
def test_with_the_limits_of_production_no_attack_passes_and_a_flood_is_answered_with_429(attack):
    results = attack()
    # Attacks that need a challenge of their own are not made when the limit gives them none.
    made = {number: result for number, result in results.items() if not result["not_evaluated"]}
    failed = {number: result["details"] for number, result in made.items() if not result["passed"]}
    assert set(failed) <= {CANNOT_PASS}, failed
    flood = results["L4-031"]["response_received"]
    assert flood["n_429"] > 0 and flood["n_errors"] == 0, flood
