"""agent-security-harness: 33 attacks on a paid service that stands behind the gate."""

import json

import pytest

from backend import Backend
from conftest import Run

# Its CR/LF variant never leaves Python's own HTTP library, and is counted as a fault of the server.
CANNOT_PASS = "L4-030"

SERVICES = """
services:
  - name: dispatches
    hosts: [127.0.0.1]
    backend: {backend}
    routes:
      - {{ path: /api/dispatches, methods: [GET], price: 10sat }}
      - {{ path: /api/dispatches/1, methods: [GET], price: 10sat }}
      - {{ path: /api/ask, methods: [POST], price: 100sat }}
"""


# What 'assay serve' keeps to by default; 'assay run' is more generous.
PRODUCTION = {
    "ASSAY_CHALLENGES_PER_SECOND": "2", "ASSAY_CHALLENGE_BURST": "30", "ASSAY_CHALLENGES_PER_SECOND_TOTAL": "50",
}


@pytest.fixture
def dispatches(request, program, tmp_path):
    """A run of its own, because the harness floods it."""
    services = tmp_path / "services.yaml"
    with Backend() as backend:
        services.write_text(SERVICES.format(backend=backend.url))
        limits = getattr(request, "param", {})
        run = Run(program, tmp_path / "data", {"ASSAY_SERVICES_FILE": str(services), **limits}).start()
        yield run
        assert run.stop() == 0


@pytest.fixture
def attack(client, dispatches, tmp_path):
    """Runs the harness, or some of its categories; returns its results by number."""

    def run(*arguments):
        report = tmp_path / "report.json"
        done = client.command("-m", "protocol_tests.l402_harness", "--url", dispatches.api, "--report", report, *arguments)
        assert report.exists(), done.stdout + done.stderr
        return {result["test_id"]: result for result in json.loads(report.read_text())["results"]}

    return run


def failed(results):
    return {number: result["details"] for number, result in results.items() if not result["passed"]}


@pytest.mark.client("agent-security-harness")
def test_every_attack_but_the_one_that_cannot_pass_is_refused(attack):
    results = attack()
    assert len(results) == 33
    assert set(failed(results)) <= {CANNOT_PASS}, failed(results)


@pytest.mark.client("agent-security-harness")
@pytest.mark.parametrize("dispatches", [PRODUCTION], indirect=True, ids=["production"])
def test_a_flood_is_limited_with_the_limits_of_production(attack):
    results = attack("--categories", "rate_dos,ln_dos")
    assert len(results) == 5
    assert set(failed(results)) <= {CANNOT_PASS}, failed(results)
    flood = results["L4-031"]["response_received"]
    assert flood["n_429"] > 0 and flood["n_errors"] == 0, flood
