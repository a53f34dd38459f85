"""Probing services: a directory and shops on the loopback, real payments of the sandbox, stages for everybody to see."""

import base64
import hashlib
import http.server
import json
import pathlib
import subprocess
import threading
import time

import pytest
import requests
from pymacaroons import MACAROON_V2, Macaroon

from conftest import Run
from description import Description
from payer import buy, read_challenge

X402 = json.dumps({"x402Version": 1, "accepts": [{"scheme": "exact", "network": "base", "payTo": "0x1"}]})


class Shop:
    """Sells an answer for 3 sat over L402, and is its own directory; ``asked`` is what it was asked."""

    def __init__(self, data, address="127.0.0.1"):
        self.data = pathlib.Path(data)
        self.asked = []
        self.listed = []
        self.preimages = {}
        shop = self

        class Handler(Counter):
            owner = shop

        self.server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://{address}:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def challenge(self, sats):
        """An invoice of the merchant node, with a macaroon for it."""
        node = json.loads((self.data / "run.json").read_text())["lnd"]
        macaroon = pathlib.Path(node["invoiceMacaroon"]).read_bytes().hex()
        answer = requests.post(
            node["restUrl"] + "/v1/invoices", json={"value": str(sats), "memo": "a call"},
            headers={"Grpc-Metadata-macaroon": macaroon}, verify=node["tlsCert"], timeout=10,
        ).json()
        identifier = bytes(2) + base64.b64decode(answer["r_hash"]) + bytes(32)
        token = Macaroon(key=b"secret", identifier=identifier, location="shop", version=MACAROON_V2).serialize()
        token += "=" * (-len(token) % 4)
        return f'L402 macaroon="{token}", invoice="{answer["payment_request"]}"', answer["r_hash"]


class Counter(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hashes = set()

    def answer(self, status, body="", headers=None):
        data = body.encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.owner.asked.append((self.path, self.headers.get("Authorization")))
        if self.path.startswith("/api/v1/services"):
            rows = [{"url": url, "protocol": "L402", "name": f"shop {url}", "category": "data/test", "price_sats": 3,
                     "reliability_score": 80, "http_method": "GET"} for url in self.owner.listed]
            return self.answer(200, json.dumps({"services": rows}))
        if self.path == "/x402":
            return self.answer(402, X402)
        if self.path not in ("/paid", "/broken"):
            return self.answer(404)
        credential = self.headers.get("Authorization", "")
        if credential.startswith("L402 "):
            preimage = bytes.fromhex(credential.rsplit(":", 1)[1])
            if base64.b64encode(hashlib.sha256(preimage).digest()).decode() in self.hashes:
                if self.path == "/broken":
                    return self.answer(500, "out of order today")
                body = json.dumps({"price": 64000, "unit": "usd"})
                return self.answer(200, body, {"Content-Type": "application/json"})
        header, payment_hash = self.owner.challenge(3)
        self.hashes.add(payment_hash)
        self.answer(402, headers={"WWW-Authenticate": header})

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def world(program, tmp_path_factory):
    """A run whose crawler reads the shop's directory, checks it and buys from it."""
    data = tmp_path_factory.mktemp("probing") / "data"
    shop, inner = Shop(data), Shop(data, "127.0.0.2")
    shop.listed = [shop.base + path for path in ("/paid", "/broken", "/x402", "/{item}")]
    shop.listed += [inner.base + "/paid", "http://10.0.0.1/paid", "http://[::1]/paid", "http://169.254.169.254/meta"]
    run = Run(program, data, {
        "ASSAY_PROBE_ALLOWED_NETWORKS": "127.0.0.1/32", "ASSAY_REGISTRY_402INDEX_URL": shop.base,
        "PAID_PROBE_ENABLED": "true", "ASSAY_PAID_PROBE_INTERVAL_MS": "2000",
        "PROBE_RATE_LIMIT_GLOBAL_PER_HOUR": "100",
    })
    run.start()
    yield run, shop, inner
    assert run.stop() == 0
    shop.close()
    inner.close()


def service(run, url, condition, timeout=90):
    """The service's answer once it satisfies a condition."""
    deadline = time.monotonic() + timeout
    name = hashlib.sha256(url.encode()).hexdigest()
    while True:
        answer = requests.get(f"{run.api}/api/services/{name}", timeout=10)
        if answer.status_code == 200 and condition(answer.json()["data"]):
            return answer.json()["data"]
        assert time.monotonic() < deadline, answer.text + run.logs()
        time.sleep(0.2)


def stages(data):
    """Observations by stage."""
    return {stage["stage"]: stage for stage in data["stages"]} if isinstance(data["stages"], list) else data["stages"]


def test_a_listed_service_is_found_checked_bought_from_and_shown(world):
    run, shop, _ = world
    data = service(run, shop.base + "/paid", lambda data: "quality_ok" in json.dumps(data))
    assert data["metadata"]["category"] == "data/test"
    authorizations = [credential for path, credential in shop.asked if path == "/paid" and credential]
    assert authorizations and authorizations[0].startswith("L402 ")
    service(run, shop.base + "/broken", lambda data: "delivery_5xx" in json.dumps(data))
    description = Description(run.api)
    name = hashlib.sha256((shop.base + "/paid").encode()).hexdigest()
    for path in ("/api/services/{url_hash}", "/api/endpoint/{url_hash}"):
        description.check(path, requests.get(run.api + path.format(url_hash=name), timeout=10))
    for path in ("/api/services", "/api/services/categories", "/api/oracle/calibration"):
        description.check(path, requests.get(run.api + path, timeout=10))
    listed = requests.get(run.api + "/api/services", params={"q": shop.base, "all": "1"}, timeout=10).json()["data"]
    assert {row["url"] for row in listed} == {shop.base + path for path in ("/paid", "/broken", "/x402")}


def test_nothing_inside_our_own_network_is_asked(world):
    run, shop, inner = world
    service(run, shop.base + "/paid", lambda data: data["http"])
    assert not inner.asked
    for url in (inner.base + "/paid", "http://10.0.0.1/", "http://[::ffff:10.0.0.1]/", "http://2130706433/",
                "http://user@127.0.0.1/", "http://127.0.0.1:5432/", "file:///etc/passwd", "http://0x7f.1/"):
        answer = requests.post(run.api + "/api/probe", json={"url": url, "max_sats": 5}, timeout=10)
        assert answer.status_code == 400, (url, answer.text)
        assert answer.json()["error"]["details"] == {"field": "url"}
    assert not inner.asked


def test_a_caller_pays_for_a_probe_what_it_costs_and_no_more(world):
    run, shop, _ = world
    order = {"url": shop.base + "/paid", "max_sats": 5}
    url = run.api + "/api/probe"
    credential = buy(run.info, url, method="POST", json=order)
    answer = requests.post(url, json=order, headers={"Authorization": credential}, timeout=40)
    assert answer.status_code == 200, answer.text + run.logs()
    description = Description(run.api)
    data = description.check("/api/probe", answer, "post")["data"]
    found = requests.get(run.api + "/api/probe/" + data["id"], timeout=10)
    description.check("/api/probe/{id}", found)
    assert data["target"] == "L402" and data["outcome"] == "quality_ok"
    assert data["stages"] == {name: "ok" for name in ("challenge", "invoice", "payment", "delivery", "quality")}
    assert data["payment"]["paidMsat"] == 3000 and "preimage" not in data["payment"]
    assert data["secondFetch"]["bodyPreview"] == '{"price": 64000, "unit": "usd"}'
    spent = data["cost"]["spentMsat"]
    # 5 sat for the probe and what was spent; held were 5 + 5 + 10 sat, the rest stays on the token.
    assert data["cost"]["chargedMsat"] == 5000 + spent
    assert int(answer.headers["X-Assay-Balance-Msat"]) == 20_000 - 5000 - spent
    # What is left pays for a look.
    look = requests.post(url, json={"url": shop.base + "/x402", "dry_run": True},
                         headers={"Authorization": credential}, timeout=40)
    assert look.status_code == 200 and look.json()["data"]["answer"] == "protocol_x402", look.text
    assert description.check("/api/probe", look, "post")["data"]["cost"]["chargedMsat"] == 1000


def test_the_price_is_what_the_target_asked_for_last_plus_base_price_and_fee_limit(world):
    run, shop, _ = world
    service(run, shop.base + "/paid", lambda data: data["http"])
    known = requests.post(run.api + "/api/probe", json={"url": shop.base + "/paid"}, timeout=10)
    assert known.json()["amountSats"] == 5 + 3 + 10
    unknown = requests.post(run.api + "/api/probe", json={"url": shop.base + "/unlisted"}, timeout=10)
    assert unknown.json()["amountSats"] == 5 + 1000 + 10
    dry = requests.post(run.api + "/api/probe", json={"url": shop.base + "/paid", "dry_run": True}, timeout=10)
    assert dry.json()["amountSats"] == 1


def test_a_repeated_probe_with_a_key_is_made_once_and_an_unreachable_target_costs_a_look(world):
    run, shop, _ = world
    url = run.api + "/api/probe"
    order = {"url": shop.base + "/paid", "max_sats": 5, "include_credential": True}
    headers = {"Authorization": buy(run.info, url, method="POST", json=order), "Idempotency-Key": "once"}
    first = requests.post(url, json=order, headers=headers, timeout=40)
    second = requests.post(url, json=order, headers=headers, timeout=40)
    assert first.status_code == 200 and second.json() == first.json()
    payment = first.json()["data"]["payment"]
    assert hashlib.sha256(bytes.fromhex(payment["preimage"])).hexdigest() == payment["paymentHash"]
    assert requests.get(shop.base + "/paid", headers={
        "Authorization": f'L402 {payment["macaroon"]}:{payment["preimage"]}'}, timeout=10).status_code == 200
    gone = requests.get(run.api + "/api/probe/" + first.json()["data"]["id"], timeout=10).json()["data"]
    assert gone["state"] == "done" and gone["outcome"] == "quality_ok"
    assert requests.get(run.api + "/api/probe/" + "0" * 32, timeout=10).status_code == 404

    dead = {"url": "http://127.0.0.1:1025/", "max_sats": 1}
    headers = {"Authorization": buy(run.info, url, method="POST", json=dead)}
    answer = requests.post(url, json=dead, headers=headers, timeout=40)
    assert answer.status_code == 200 and answer.json()["data"]["target"] == "UNREACHABLE", answer.text
    assert answer.json()["data"]["cost"]["chargedMsat"] == 1000


def test_a_person_can_look_at_a_service(world):
    run, shop, inner = world
    paid = run.command("probe", "--network", "regtest", shop.base + "/paid")
    assert paid.returncode == 0, paid.stderr
    assert "version 2" in paid.stdout and "3 sat" in paid.stdout and "_" not in paid.stdout
    assert run.command("probe", shop.base + "/x402").returncode == 65
    assert run.command("probe", "--json", inner.base + "/paid").returncode == 77
    assert run.command("probe", "http://127.0.0.1:1025/").returncode == 69


def test_what_was_spent_is_counted(world):
    run, shop, _ = world
    service(run, shop.base + "/paid", lambda data: "quality_ok" in json.dumps(data))
    text = requests.get(run.info["crawlerMetrics"] + "/metrics", timeout=10).text
    assert 'assay_spend_msat_total{kind="paid_probe",part="amount"}' in text
    assert 'assay_endpoint_probe_total{' in text
    assert 'assay_registry_endpoints_total{' in text
