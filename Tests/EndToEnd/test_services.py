"""Services of others behind the gate: priced, streamed, and charged only for what was served."""

import json
import os
import socket
import threading
import time

import pytest
import requests

from backend import Backend, Line
from conftest import Run
from payer import buy, read_challenge

SERVICES = """
services:
  - name: demo
    backend: http://127.0.0.1:{port}
    request_headers:
      set: {{X-Api-Key: {{file: key}}, X-Env: test}}
      remove: [X-Private]
    response_headers: {{remove: [X-Powered-By]}}
    strip_path_prefix: /demo
    body_limit: 64KiB
    routes:
      - {{path: "/demo/paid/{{item}}", price: 2sat, capability: paid}}
      - {{path: "/demo/status/{{code}}", price: 3sat, methods: [GET], requests_per_invoice: 10}}
      - {{path: /demo/upload, methods: [POST], price: {{base: 1sat, per_kib: 1sat}}}}
      - {{path: /demo/some, price: 5sat, free_per_day: 2}}
      - {{path: /demo/socket, price: 7sat}}
      - {{path: /demo/events, price: 1sat}}
      - {{path: /demo/shadow, price: 9sat, auth: shadow}}
      - {{path: /demo/echo, methods: [POST], price: 0}}
      - {{path: /demo/any/**, methods: ["*"], price: 4sat}}
      - {{path: /demo/open/**, methods: ["*"], price: 0, auth: off}}
  - name: named
    hosts: [named.example]
    backend: http://127.0.0.1:{port}
    routes: [{{path: /api/version, price: 0}}]
  - name: dead
    backend: http://127.0.0.1:{dead}
    timeouts: {{connect: 2s}}
    routes: [{{path: /dead, price: 1sat}}]
"""


@pytest.fixture(scope="module")
def backend():
    backend = Backend()
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def closed_port():
    """A port that nobody listens on, kept from others."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture(scope="module")
def files(tmp_path_factory, backend, closed_port):
    place = tmp_path_factory.mktemp("services")
    (place / "key").write_text("sesame\n")
    (place / "services.yaml").write_text(SERVICES.format(port=backend.port, dead=closed_port))
    return place


@pytest.fixture(scope="module")
def gate(program, tmp_path_factory, files):
    environment = {"ASSAY_SERVICES_FILE": str(files / "services.yaml"), "RATE_LIMIT_MAX": "100000"}
    run = Run(program, tmp_path_factory.mktemp("gate"), environment).start()
    yield run
    assert run.stop() == 0


def balance(gate, token):
    answer = requests.get(gate.api + "/l402/token", headers={"Authorization": token}, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_paid_request_is_forwarded_without_the_credential(gate, backend):
    url = gate.api + "/demo/paid/x"
    token = buy(gate.info, url)
    answer = requests.get(
        url + "?q=a%20b&c[]=1",
        headers={
            "Authorization": token, "X-Operator-Token": "x", "L402-Tier": "9", "L402_Token_Id": "forged",
            "X-Forwarded-For": "1.2.3.4", "X-Private": "p", "Connection": "X-Mine", "X-Mine": "m", "X-Other": "o",
        },
        timeout=10,
    )
    assert answer.status_code == 200, answer.text
    seen = answer.json()
    assert seen["path"] == "/paid/x?q=a%20b&c%5B%5D=1"
    names = {name.lower(): value for name, value in seen["headers"].items()}
    for absent in ["authorization", "x-operator-token", "x-private", "x-mine", "l402_token_id"]:
        assert absent not in names, names
    assert names["l402-tier"] == "0"
    assert len(names["l402-token-id"]) == 64
    assert len(names["l402-payment-hash"]) == 64
    assert names["x-forwarded-for"] == "127.0.0.1"
    assert names["x-forwarded-host"] == gate.api.removeprefix("http://")
    assert names["x-api-key"] == "sesame"
    assert names["x-env"] == "test"
    assert names["x-other"] == "o"
    assert answer.headers["L402-Payment"] == "charged"
    assert answer.headers["L402-Balance"] == "0;unit=sats"
    assert "X-Powered-By" not in answer.headers
    assert "X-Hop" not in answer.headers
    assert "Content-Security-Policy" not in answer.headers
    assert answer.headers["X-Request-Id"]
    assert requests.get(url, headers={"Authorization": token}, timeout=10).status_code == 402


def test_a_retry_with_a_key_is_free_and_its_answer_is_signed(gate, backend):
    url = gate.api + "/demo/status/200"
    token = buy(gate.info, url)
    headers = {"Authorization": token, "Idempotency-Key": "once"}
    first = requests.get(url, headers=headers, timeout=10)
    asked = len(backend.requests)
    again = requests.get(url, headers=headers, timeout=10)
    assert (first.status_code, again.status_code) == (200, 200) and first.content == again.content
    assert again.headers["Idempotent-Replayed"] == "true" and len(backend.requests) == asked
    assert again.headers["L402-Receipt"] == first.headers["L402-Receipt"] and "Payment-Receipt" in first.headers
    assert balance(gate, token)["remaining"] == 27
    assert requests.get(url + "?a", headers=headers, timeout=10).status_code == 409
    # What failed is not kept, and cost nothing.
    broken = {"Authorization": token, "Idempotency-Key": "broken"}
    for _ in range(2):
        assert requests.get(gate.api + "/demo/status/500", headers=broken, timeout=10).status_code == 500
    assert balance(gate, token)["remaining"] == 27


def test_an_answer_that_is_no_service_costs_nothing(gate):
    token = buy(gate.info, gate.api + "/demo/status/200")
    for code in [500, 404, 429]:
        answer = requests.get(gate.api + f"/demo/status/{code}", headers={"Authorization": token}, timeout=10)
        assert (answer.status_code, answer.headers["L402-Payment"]) == (code, "not_charged")
    assert answer.headers["L402-Balance"] == "30;unit=sats"
    answer = requests.get(gate.api + "/demo/status/204", headers={"Authorization": token}, timeout=10)
    assert (answer.status_code, answer.headers["L402-Balance"]) == (204, "27;unit=sats")
    answer = requests.get(
        gate.api + "/demo/status/302", headers={"Authorization": token}, timeout=10, allow_redirects=False
    )
    assert (answer.status_code, answer.headers["L402-Balance"]) == (302, "24;unit=sats")


def test_a_dead_backend_costs_nothing(gate):
    url = gate.api + "/dead"
    token = buy(gate.info, url)
    for _ in range(2):
        answer = requests.get(url, headers={"Authorization": token}, timeout=30)
        assert answer.status_code == 502, answer.text
        assert answer.json()["error"]["code"] == "BAD_GATEWAY"


def test_the_price_follows_the_size_of_the_body(gate):
    url = gate.api + "/demo/upload"
    for size, price in [(0, 1), (1, 2), (1024, 2), (5000, 6)]:
        answer = requests.post(url, data=b"x" * size, headers={"Content-Type": "image/png"}, timeout=10)
        assert answer.headers["L402-Price"] == str(price)
    token = buy(gate.info, url, method="POST", data=b"x" * 5000)
    answer = requests.post(url, data=b"x" * 5000, headers={"Authorization": token}, timeout=10)
    assert (answer.status_code, answer.json()["bytes"]) == (200, 5000)
    assert requests.post(url, data=iter([b"x"]), timeout=10).status_code == 411
    assert requests.post(url, data=b"x" * 70_000, timeout=10).status_code == 413


def test_free_requests_are_counted_and_what_comes_after_them_is_paid_for(gate):
    url = gate.api + "/demo/some"
    answers = [requests.get(url, timeout=10) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 402, 402]
    assert answers[0].headers["L402-Payment"] == "not_charged"
    token = buy(gate.info, url)
    assert requests.get(url, headers={"Authorization": token}, timeout=10).headers["L402-Payment"] == "charged"


def test_methods_paths_and_heads(gate):
    assert requests.put(gate.api + "/demo/some", timeout=10).status_code == 405
    preflight = requests.options(gate.api + "/demo/some", timeout=10)
    assert (preflight.status_code, preflight.headers["Allow"]) == (200, "GET, HEAD, OPTIONS")
    assert requests.options(gate.api + "/demo/any/x", timeout=10).status_code == 200
    assert requests.patch(gate.api + "/demo/any/x", timeout=10).status_code == 402
    head = requests.head(gate.api + "/demo/paid/x", timeout=10)
    assert (head.status_code, head.headers["L402-Price"]) == (402, "2")
    assert "WWW-Authenticate" not in head.headers
    assert requests.head(gate.api + "/demo/open/x", timeout=10).headers["Content-Length"] != "0"
    assert requests.get(gate.api + "/demo/nowhere", timeout=10).status_code == 404
    assert requests.get(gate.api + "/api/version", timeout=10).json()["data"]["version"]
    named = requests.get(gate.api + "/api/version", headers={"Host": "named.example"}, timeout=10)
    assert named.json()["path"] == "/api/version"
    with Line(gate.api, "GET /demo/open/../paid/x HTTP/1.1\nHost: x\n\n") as line:
        assert line.head()[0] == 400


def test_shadow_mode_serves_and_counts(gate):
    assert requests.get(gate.api + "/demo/shadow", timeout=10).status_code == 200
    metrics = requests.get(gate.api + "/metrics", timeout=10).text
    assert 'assay_proxy_shadow_refusals_total{reason="no_credential",service="demo"} 1' in metrics, metrics


def test_bodies_stream_both_ways_at_once(gate):
    with Line(gate.api, "POST /demo/echo HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n") as line:
        line.send(b"5\r\nfirst\r\n")
        assert line.head()[0] == 200
        assert line.chunk() == b"first"
        line.send(b"6\r\nsecond\r\n")
        assert line.chunk() == b"second"
        line.send(b"0\r\n\r\n")
        assert line.chunk() == b""
        # The connection is kept.
        line.send(b"GET /demo/open/x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert line.head()[0] == 200


def test_events_arrive_one_by_one(gate, backend):
    url = gate.api + "/demo/events"
    backend.release.clear()
    with Line(gate.api, f"GET /demo/events HTTP/1.1\nHost: x\nAuthorization: {buy(gate.info, url)}\n\n") as line:
        status, headers = line.head()
        assert (status, headers["content-type"], headers["l402-payment"]) == (200, "text/event-stream", "charged")
        assert line.chunk() == b"data: first\n\n"
        backend.release.set()
        assert line.chunk() == b"data: second\n\n"


UPGRADE = """GET /demo/socket HTTP/1.1
Host: x
Upgrade: websocket
Connection: keep-alive, Upgrade
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
{extra}
"""


def test_a_websocket_passes_through_once_it_is_paid_for(gate):
    with Line(gate.api, UPGRADE.format(extra="")) as line:
        status, headers = line.head()
        assert (status, headers["connection"]) == (402, "close")
    token = buy(gate.info, gate.api + "/demo/socket")
    # On a connection that has served something else before.
    with Line(gate.api, "GET /demo/open/x HTTP/1.1\nHost: x\n\n") as line:
        length = int(line.head()[1]["content-length"])
        line.file.read(length)
        line.send(UPGRADE.format(extra=f"Authorization: {token}\n").replace("\n", "\r\n").encode())
        status, headers = line.head()
        assert status == 101
        assert headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert headers["l402-payment"] == "charged"
        assert line.file.read(7) == b"welcome"
        data = os.urandom(3_000_000)
        sender = threading.Thread(target=line.send, args=(data,))
        sender.start()
        assert line.file.read(len(data)) == data
        sender.join()


def test_a_connection_that_asked_for_another_protocol_is_not_used_again(gate):
    for path in ["/api/version", "/demo/open/x"]:
        with Line(gate.api, f"GET {path} HTTP/1.1\nHost: x\nConnection: Upgrade\nUpgrade: h2c\n\n") as line:
            status, headers = line.head()
            assert (status, headers["connection"]) == (200, "close")


def test_what_is_sold_is_listed(gate):
    manifest = requests.get(gate.api + "/.well-known/l402", timeout=10).json()
    names = {service["name"]: service for service in manifest["services"]}
    assert {"assay", "demo", "dead"} <= names.keys()
    upload = next(route for route in names["demo"]["routes"] if route["path"] == "/demo/upload")
    assert upload["priceFormula"] == "1sat + 1sat/KiB"


def eventually(check, seconds=20):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_file_is_read_again_and_a_broken_one_changes_nothing(gate, files, backend):
    path = files / "services.yaml"
    good = path.read_text()
    url = gate.api + "/demo/new"
    assert requests.get(url, timeout=10).status_code == 404

    path.write_text(good.replace("    routes:\n", "    routes:\n      - {path: /demo/new, price: 0}\n", 1))
    eventually(lambda: requests.get(url, timeout=10).status_code == 200)

    path.write_text(good.replace("price: 2sat", "price: 2"))
    eventually(lambda: "assay_services_reload_ok 0" in requests.get(gate.api + "/metrics", timeout=10).text)
    assert requests.get(url, timeout=10).status_code == 200

    (files / "key").write_text("another\n")
    path.write_text(good)
    eventually(lambda: requests.get(url, timeout=10).status_code == 404)
    seen = requests.get(gate.api + "/demo/open/x", timeout=10).json()["headers"]
    assert {name.lower(): value for name, value in seen.items()}["x-api-key"] == "another"


def test_free_requests_stay_counted_over_a_restart_and_open_streams_do_not_keep_a_server(program, tmp_path, files, backend):
    environment = {"ASSAY_SERVICES_FILE": str(files / "services.yaml")}
    run = Run(program, tmp_path / "again", environment).start()
    assert [requests.get(run.api + "/demo/some", timeout=10).status_code for _ in range(3)] == [200, 200, 402]
    backend.release.clear()
    upgrade = UPGRADE.format(extra="").replace("/demo/socket", "/demo/open/socket")
    events = "GET /demo/open/events HTTP/1.1\nHost: x\n\n"
    with Line(run.api, upgrade) as tunnel, Line(run.api, events) as stream:
        assert (tunnel.head()[0], stream.head()[0]) == (101, 200)
        assert run.stop() == 0
    backend.release.set()
    run.start()
    assert requests.get(run.api + "/demo/some", timeout=10).status_code == 402
    assert run.stop() == 0


def test_services_check_explains_prices_and_refuses_wrong_files(gate, files, tmp_path):
    done = gate.command("services", "check", str(files / "services.yaml"), "--url", "/demo/paid/x", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["priceMsat"] == 2000
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("services:\n  - {name: a, backend: http://x, routes: [{path: /, price: 2, tire: 1}]}\n")
    done = gate.command("services", "check", str(wrong))
    assert done.returncode == 78
    assert "wrong.yaml:2:" in done.stderr and "did you mean 'tier'?" in done.stderr
