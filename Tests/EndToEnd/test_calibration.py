"""What the oracle says about itself, from outcome to picture."""

import time
import xml.etree.ElementTree

import pytest
import requests

from conftest import Run

# Forty services whose calls work as often as was foretold, and one group that exaggerates.
OUTCOMES = """
INSERT INTO outcomes (observed_at, kind, id, source, stage, success, weight, label, predicted)
SELECT extract(epoch FROM now())::bigint - 60 - n, 2, sha256(int4send(n % 40)), 3, stage,
    CASE stage WHEN 3 THEN n % 10 < 8 ELSE n % 10 < 3 END, 2, 'test', 0.8
FROM generate_series(1, 2000) n, generate_series(3, 4) stage;
UPDATE jobs SET next_run_at = now() WHERE name = 'calibration';
"""


@pytest.fixture(scope="module")
def calibrated(program, tmp_path_factory):
    run = Run(program, tmp_path_factory.mktemp("calibrated"))
    run.environment["CALIBRATION_INTERVAL_MS"] = "2000"
    run.start()
    yield run
    assert run.stop() == 0


def figures(run):
    return requests.get(run.api + "/api/oracle/calibration", timeout=10).json()["data"]


def test_without_outcomes_nothing_is_claimed(calibrated):
    data = figures(calibrated)
    assert data["status"] == "no_outcomes" and data["overall"] is None and data["groups"] == []
    picture = requests.get(calibrated.api + "/api/oracle/calibration.svg", timeout=10)
    assert "Nothing has been observed yet." in picture.text


def test_forecasts_are_judged_and_shown(calibrated):
    written = calibrated.command("db", "psql", "--data", str(calibrated.data), input=OUTCOMES)
    assert written.returncode == 0 and "ERROR" not in written.stderr, written.stderr
    deadline = time.monotonic() + 60
    # The API loads what the crawler found within five minutes, or with the next scores.
    while figures(calibrated)["status"] == "no_outcomes" and time.monotonic() < deadline:
        calibrated.command("db", "psql", "--data", str(calibrated.data), input="NOTIFY scores;")
        time.sleep(1)
    data = figures(calibrated)
    groups = {group["name"]: group["figures"] for group in data["groups"]}
    right, wrong = groups["endpoint/payment/paid"], groups["endpoint/delivery/paid"]
    assert right["n"] == wrong["n"] == 2000 and right["targets"] == 40
    assert abs(right["brier"]["value"] - 0.16) < 1e-9
    assert right["ece"]["value"] <= right["noise_floor"]["p95"]
    assert wrong["ece"]["value"] > 10 * wrong["noise_floor"]["p95"]
    assert abs(wrong["murphy"]["reliability"] - 0.25) < 0.01
    assert data["compat"]["n_endpoints"] == 40 and len(data["compat"]["top_deltas"]) == 20
    assert "larger than chance" in data["reading"]

    picture = requests.get(
        calibrated.api + "/api/oracle/calibration.svg", params={"group": "endpoint/delivery/paid"}, timeout=10
    )
    assert picture.headers["Content-Type"].startswith("image/svg+xml")
    assert "style-src 'unsafe-inline'" in picture.headers["Content-Security-Policy"]
    root = xml.etree.ElementTree.fromstring(picture.text)
    assert root.tag.endswith("svg") and "endpoint/delivery/paid" in picture.text
    wrong_group = requests.get(
        calibrated.api + "/api/oracle/calibration.svg", params={"group": "nothing"}, timeout=10
    )
    assert wrong_group.status_code == 400

    metrics = requests.get(calibrated.refresh()["crawlerMetrics"] + "/metrics", timeout=10).text
    assert 'calibration_ece{group="endpoint/delivery/paid"}' in metrics
