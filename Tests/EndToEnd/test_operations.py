"""What operators, Prometheus, cron and crashes do to it."""

import os
import re
import signal
import subprocess
import time

import openapi_spec_validator
import pytest
import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from conftest import GRAPH, Run
from payer import buy


def wait_until(condition, timeout=60):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise AssertionError("did not happen in time")


def test_free_routes_answer(run, node):
    health = requests.get(run.api + "/api/health", timeout=10)
    assert health.status_code == 200, health.text
    data = health.json()["data"]
    assert data["status"] == "ok"
    assert data["dbStatus"] == "ok" and data["lndStatus"] == "ok"
    assert data["schemaVersion"] == data["expectedSchemaVersion"] >= 3
    assert data["agentsIndexed"] == 96
    assert requests.get(run.api + "/api/health/live", timeout=10).status_code == 200
    assert requests.get(run.api + "/api/health/ready", timeout=10).status_code == 200
    assert requests.get(run.api + "/api/version", timeout=10).json()["data"]["version"]
    stats = requests.get(run.api + "/api/stats", timeout=10).json()["data"]
    assert stats["totalChannels"] == 2623
    top = requests.get(run.api + "/api/agents/top", params={"limit": 100}, timeout=10).json()
    assert len(top["data"]) == 96 and top["meta"]["total"] == 96
    agent = requests.get(f"{run.api}/api/agent/{node}", timeout=10).json()["data"]["agent"]
    assert agent["publicKeyHash"] == node
    found = requests.get(run.api + "/api/agents/search", params={"alias": agent["alias"]}, timeout=10).json()
    assert node in [row["publicKeyHash"] for row in found["data"]]


@pytest.mark.parametrize(
    "method, path, options, status, code",
    [
        ("GET", "/api/nothing", {}, 404, "NOT_FOUND"),
        ("DELETE", "/api/stats", {}, 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/api/agents/search", {}, 400, "VALIDATION_ERROR"),
        ("GET", "/api/agents/top?limit=0", {}, 400, "VALIDATION_ERROR"),
        ("GET", "/api/agents/top?sort_by=luck", {}, 400, "VALIDATION_ERROR"),
        ("GET", "/api/agent/" + "f" * 64, {}, 404, "NOT_FOUND"),
        ("POST", "/api/verdicts", {"data": "x"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", "/api/verdicts", {"data": "{", "headers": {"Content-Type": "application/json"}}, 400, "MALFORMED_REQUEST"),
        ("POST", "/api/verdicts", {"json": {"hashes": ["0" * 64], "x": "y" * 10300}}, 413, "PAYLOAD_TOO_LARGE"),
        ("POST", "/api/decide", {"json": {}}, 410, "ENDPOINT_REMOVED"),
    ],
)
def test_bad_requests_get_the_error_envelope(run, method, path, options, status, code):
    answer = requests.request(method, run.api + path, timeout=10, **options)
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["error"]["code"] == code
    assert body["requestId"] == answer.headers["X-Request-Id"]
    if status == 405:
        assert "GET" in answer.headers["Allow"]


def test_a_request_id_is_echoed_if_it_is_safe(run):
    url = run.api + "/api/version"
    assert requests.get(url, headers={"X-Request-Id": "abc-1"}, timeout=10).headers["X-Request-Id"] == "abc-1"
    assert requests.get(url, headers={"X-Request-Id": "a b"}, timeout=10).headers["X-Request-Id"] != "a b"


def test_openapi_is_valid_and_names_every_price(run):
    document = requests.get(run.api + "/api/openapi.json", timeout=10).json()
    openapi_spec_validator.validate(document)
    assert document["paths"]["/api/profile/{ident}"]["get"]["x-l402"]["priceSats"] == 1
    assert document["paths"]["/api/verdicts"]["post"]["x-l402"]["priceMsat"] == 1000
    for path in ("/api/health", "/api/stats", "/api/agents/top", "/api/agents/search", "/api/agent/{ident}"):
        assert "x-l402" not in document["paths"][path]["get"]


@pytest.mark.parametrize("process", ["api", "crawlerMetrics"])
def test_promtool_accepts_the_metrics(run, process):
    text = requests.get(run.info[process] + "/metrics", timeout=10)
    assert text.status_code == 200
    checked = subprocess.run(["promtool", "check", "metrics"], input=text.text, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    wanted = {
        "api": ["assay_requests_total{", "assay_lnd_requests_total{", "assay_ledger_entries_total{",
                "assay_db_query_duration_seconds_bucket{", "assay_schema_version "],
        "crawlerMetrics": ["assay_scored_total{", "assay_job_runs_total{", "assay_graph_nodes 96",
                           "assay_lnd_requests_total{", "assay_db_query_duration_seconds_bucket{"],
    }[process]
    for name in wanted:
        assert name in text.text, name


@pytest.mark.parametrize("process", ["api", "crawlerMetrics"])
def test_metrics_come_as_openmetrics_for_who_asks(run, process):
    url = run.info[process] + "/metrics"
    answer = requests.get(url, timeout=10, headers={"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"})
    assert answer.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    families = {family.name: family.type for family in text_string_to_metric_families(answer.text)}
    assert families["assay_pg_pool_connections"] == "gauge" and families["assay_lnd_requests"] == "counter"
    assert families["assay_pg_pool_query_duration_seconds"] == "histogram"
    assert requests.get(url, timeout=10).headers["Content-Type"].startswith("text/plain; version=0.0.4")


def test_dashboards_of_satrank_find_their_names(run):
    text = requests.get(run.api + "/metrics", timeout=10).text
    for name in ("agents_total", "channels_total"):
        value = re.search(rf"^assay_{name} (\d+)$", text, re.MULTILINE)
        assert value and int(value[1]) > 0, name


def test_metrics_behind_a_proxy_need_the_key(run):
    url = run.api + "/metrics"
    proxied = {"X-Forwarded-For": "192.0.2.1"}
    assert requests.get(url, headers=proxied, timeout=10).status_code == 401
    assert requests.get(url, headers={**proxied, "X-API-Key": "wrong"}, timeout=10).status_code == 403
    with open(run.info["apiKeyFile"]) as file:
        key = file.read().strip()
    assert requests.get(url, headers={**proxied, "X-API-Key": key}, timeout=10).status_code == 200


def test_healthcheck_tells_healthy_and_unreachable_apart(run):
    assert run.command("healthcheck", "--url", run.api, "--disk-limit", "101").returncode == 0
    assert run.command("healthcheck", "--url", "http://127.0.0.1:1").returncode == 2


def test_run_json_is_private_and_its_files_exist(run):
    assert (run.data / "run.json").stat().st_mode & 0o777 == 0o600
    for key in ("operatorTokenFile", "apiKeyFile"):
        assert os.stat(run.info[key]).st_mode & 0o077 == 0
    for files in (run.info["lnd"], run.info["payer"]):
        for name, path in files.items():
            assert name == "restUrl" or os.path.exists(path), path
    assert set(run.info["pids"]) >= {"run", "serve", "crawl", "sandbox"}


def test_a_process_that_dies_is_started_again(run, node):
    before = run.refresh()["pids"]["serve"]
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: run.refresh()["pids"]["serve"] != before)
    wait_until(lambda: requests.get(run.api + "/api/health/ready", timeout=2).status_code == 200)
    profile = f"{run.api}/api/profile/{node}"
    token = buy(run.info, profile)
    assert requests.get(profile, headers={"Authorization": token}, timeout=10).status_code == 200


def test_what_was_paid_survives_kill_9_of_everything(program, tmp_path):
    run = Run(program, tmp_path / "data").start()
    profile = None
    try:
        rows = requests.get(run.api + "/api/agents/top", params={"limit": 1}, timeout=10).json()["data"]
        profile = f"/api/profile/{rows[0]['publicKeyHash']}"
        unused = buy(run.info, run.api + profile)
        used = buy(run.info, run.api + profile)
        assert requests.get(run.api + profile, headers={"Authorization": used}, timeout=10).status_code == 200
        run.kill()
        run.start()
        # The token that was paid and not used is good for one use, the other for none.
        assert requests.get(run.api + profile, headers={"Authorization": unused}, timeout=10).status_code == 200
        assert requests.get(run.api + profile, headers={"Authorization": unused}, timeout=10).status_code == 402
        assert requests.get(run.api + profile, headers={"Authorization": used}, timeout=10).status_code == 402
    finally:
        code = run.stop()
    assert code == 0
    # Nothing is left behind.
    for pid in run.info["pids"].values():
        assert not os.path.exists(f"/proc/{pid}"), pid


def test_a_second_run_on_the_same_data_is_refused(run):
    second = run.command("run", "--data", str(run.data), "--graph", str(GRAPH))
    assert second.returncode == 75
    assert "in use" in second.stderr


def test_bad_configuration_is_told_all_at_once(run):
    broken = {**run.environment, "PORT": "x", "LOG_LEVEL": "loud"}
    answer = subprocess.run([run.program, "config"], capture_output=True, text=True, env=broken)
    assert answer.returncode == 78
    assert "PORT" in answer.stderr and "LOG_LEVEL" in answer.stderr


def test_an_answer_that_cannot_be_written_is_told_and_a_closed_pipe_is_not(program):
    def hashed(out):
        return subprocess.run([program, "keyshare", "hash-password"], input="Lantern-quay-47-mill\n", stdout=out,
                              stderr=subprocess.PIPE, text=True, timeout=60)

    with open("/dev/full", "w") as full:
        told = hashed(full)
    assert told.returncode == 74 and "disk full" in told.stderr
    reading, writing = os.pipe()
    os.close(reading)
    told = hashed(writing)
    os.close(writing)
    assert told.returncode == 0 and "Fatal" not in told.stderr
