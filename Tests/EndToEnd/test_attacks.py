"""What an attacker tries from outside; each test names a promise that has to hold."""

import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import threading
import time

import pytest
import requests

from backend import Backend, Line
from conftest import Run
from payer import buy, pay, read_challenge
from test_tokens_and_money import narrow

SERVICES = """
services:
  - name: shop
    backend: http://127.0.0.1:{port}
    strip_path_prefix: /shop
    routes:
      - {{path: "/shop/ten/**", methods: [GET], price: 3sat, requests_per_invoice: 10}}
      - {{path: /shop/gold, price: 1sat, tier: 2}}
      - {{path: "/shop/any/**", methods: ["*"], price: 4sat}}
      - {{path: /shop/some, price: 5sat, free_per_day: 3}}
      - {{path: "/shop/open/**", methods: ["*"], price: 0, auth: off}}
  - name: wild
    backend: http://127.0.0.1:{wild}
    strip_path_prefix: /wild
    timeouts: {{connect: 2s, response: 2s, stall: 2s}}
    routes: [{{path: "/wild/**", price: 3sat, requests_per_invoice: 10}}]
"""


class WildBackend:
    """Answers every path with the bytes it was told to, whatever HTTP says about them."""

    answers = {
        "/short": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        "/lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
        "/both": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "/noise": bytes(range(128, 256)) * 8,
        "/split": b"HTTP/1.1 200 OK\r\nX-A: a\rX-B: b\r\nContent-Length: 0\r\n\r\n",
        "/headers": b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 300_000 + b"\r\n\r\n",
        "/forged": b"HTTP/1.1 200 OK\r\nL402-Payment: not_charged\r\nL402-Balance: 999\r\nPayment-Receipt: forged\r\n"
                   b"L402-Receipt: forged\r\nX-Request-Id: forged\r\nContent-Length: 2\r\n\r\nok",
        "/hangup": b"",
    }

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                data = connection.recv(65536)
                if not data:
                    return
                head += data
            try:
                connection.sendall(self.answers[head.split()[1].decode()])
            except OSError:
                pass

    def close(self):
        self.listener.close()


@pytest.fixture(scope="module")
def shop(program, tmp_path_factory):
    backend, wild = Backend(), WildBackend()
    place = tmp_path_factory.mktemp("shop")
    file = place / "services.yaml"
    file.write_text(SERVICES.format(port=backend.port, wild=wild.port))
    environment = {
        "ASSAY_SERVICES_FILE": str(file), "RATE_LIMIT_MAX": "100000", "ASSAY_COMPAT_BARE_DEPOSIT": "1",
        "ASSAY_REQUEST_TIMEOUT_MS": "5000", "ASSAY_HOLD_LIFETIME_SECONDS": "10",
    }
    run = Run(program, place / "data", environment).start()
    run.backend = backend
    rows = requests.get(run.api + "/api/agents/top", params={"limit": 1}, timeout=10).json()["data"]
    run.profile = f"{run.api}/api/profile/{rows[0]['publicKeyHash']}"
    yield run
    assert audit(run)["isConsistent"]
    assert run.stop() == 0
    backend.close()
    wild.close()


def use(url, credential, **headers):
    return requests.get(url, headers={"Authorization": credential, **headers}, timeout=30)


def admin(run):
    return {"X-API-Key": pathlib.Path(run.info["apiKeyFile"]).read_text().strip()}


def audit(run):
    return requests.get(run.api + "/api/admin/audit", headers=admin(run), timeout=10).json()["data"]


def remaining(run, credential):
    answer = requests.get(run.api + "/l402/token", headers={"Authorization": credential}, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()["remainingMsat"]


def deposit(run, sats):
    token, invoice = read_challenge(requests.post(run.api + "/api/deposit", json={"amount": sats}, timeout=10))
    preimage = pay(run.info, invoice)
    return f"L402 {token}:{preimage}", preimage


def race(count, work, workers=30):
    """Runs the work so many times at once; counts what came of it."""
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return collections.Counter(pool.map(work, range(count)))


# Money


def test_one_payment_is_spent_once_through_all_doors_at_once(shop):
    import base64

    answer = requests.get(shop.profile, timeout=10)
    token, invoice = read_challenge(answer)
    preimage = pay(shop.info, invoice)
    parameters = dict(re.findall(r'(\w+)="([^"]*)"', answer.headers["WWW-Authenticate"].split("Payment ", 1)[1]))
    echo = json.dumps({"challenge": parameters, "payload": {"preimage": preimage}}).encode()
    whole = f"L402 {token}:{preimage}"
    doors = [
        whole, narrow(whole, "n_uses=1"), narrow(whole, "max_sats=1"),
        "Payment " + base64.urlsafe_b64encode(echo).decode().rstrip("="),
    ]
    statuses = race(40, lambda n: use(shop.profile, doors[n % 4], **({"Idempotency-Key": f"k{n}"} if n % 3 else {})).status_code)
    assert statuses == {200: 1, 402: 39}


def test_a_deposit_is_spent_once_through_all_doors_at_once(shop):
    whole, preimage = deposit(shop, 21)
    body = {"paymentHash": hashlib.sha256(bytes.fromhex(preimage)).hexdigest(), "preimage": preimage}
    doors = [whole, f"L402 deposit:{preimage}", narrow(whole, "max_sats=5")]

    def attempt(n):
        if n % 4 == 3:
            requests.post(shop.api + "/api/deposit", json=body, timeout=30)
            return "redeemed"
        return use(shop.profile, doors[n % 4]).status_code

    assert race(80, attempt)[200] == 21
    assert remaining(shop, whole) == 0


def test_a_bare_deposit_opens_no_more_than_the_deposits_token(shop):
    whole, preimage = deposit(shop, 30)
    for path in ["/shop/ten/x", "/shop/gold"]:
        for credential in [f"L402 deposit:{preimage}", whole]:
            answer = use(shop.api + path, credential)
            assert (answer.status_code, answer.json()["code"]) == (402, "wrong_service"), path
    assert use(shop.profile, f"L402 deposit:{preimage}").status_code == 200
    # Revoking the token ends both.
    token = requests.get(shop.api + "/l402/token", headers={"Authorization": whole}, timeout=10).json()
    credit = requests.get(f"{shop.api}/api/admin/credits/{token['paymentHash']}", headers=admin(shop), timeout=10).json()
    assert credit["data"]["credit"]["tokenId"] == token["tokenId"]
    order = {"tokenId": token["tokenId"], "reason": "leaked"}
    assert requests.post(shop.api + "/api/admin/revocations", json=order, headers=admin(shop), timeout=10).status_code == 201
    for credential in [f"L402 deposit:{preimage}", whole]:
        assert use(shop.profile, credential).json()["code"] == "revoked"


def test_a_narrowed_token_does_not_get_the_answers_of_the_whole_one(shop):
    url = shop.api + "/shop/ten/x"
    whole = buy(shop.info, url)
    key = {"Idempotency-Key": "1"}
    assert use(url, whole, **key).status_code == 200
    assert use(url, narrow(whole, "max_sats=1"), **key).status_code == 402
    other = use(url, narrow(whole, "n_uses=2"), **key)
    assert (other.status_code, "Idempotent-Replayed" in other.headers) == (200, False)
    assert use(url, whole, **key).headers["Idempotent-Replayed"] == "true"
    assert remaining(shop, whole) == 24_000


def test_counts_survive_races_and_further_narrowing(shop):
    url = shop.api + "/shop/ten/x"
    whole = buy(shop.info, url)
    limited = narrow(whole, "n_uses=4")
    family = [limited] + [narrow(limited, f"other={n}", "n_uses=4", "max_sats=4000") for n in range(4)]
    assert race(30, lambda n: use(url, family[n % 5]).status_code) == {200: 4, 402: 26}
    assert remaining(shop, whole) == 18_000


@pytest.mark.parametrize("caveat", [
    "n_uses=6", "n_uses=+5", "n_uses=-1", "n_uses=99999999999999999999", "n_uses=5.0", "n_uses=\u0665", "n_uses\t=99",
    "services=shop:9", "services=shop:0,wild:0", "shop_capabilities=shop-ten,shop-any", "path_prefix=/",
    "path_prefix=/shop/ten/x/../..", "shop_valid_until=99999999999", "max_sats=18446744073709551616", "no value", "shop_x=1",
])
def test_no_caveat_widens_a_token(shop, caveat, narrowed):
    answer = use(shop.api + "/shop/ten/x", narrow(narrowed, caveat))
    assert answer.status_code == 402
    assert answer.json()["code"] in ["widened", "bad_caveat", "unknown_own_caveat"]


@pytest.fixture(scope="module")
def narrowed(shop):
    return narrow(buy(shop.info, shop.api + "/shop/ten/x"), "n_uses=5", "path_prefix=/shop/ten/x")


@pytest.mark.parametrize("path, statuses", [
    ("/shop/ten/xy", [402]), ("/shop/ten/x/../y", [400]), ("/shop/ten/x/%2e%2E/y", [400]), ("/shop/ten/x%2f..%2fy", [400]),
    ("/shop/ten/x%5c..%5cy", [400]), ("/shop/ten/x/%252e%252e/y", [200, 402]), ("/shop/ten/X", [402]),
    ("/shop/ten/x;/../y", [400]), ("/shop/ten/x;y", [402]), ("/shop/ten/x%00", [400]), ("/shop/ten/x%0d%0aA:%20b", [400]),
    ("/shop/ten/x%", [400]), ("/SHOP/ten/x", [404]), ("/shop/open/..%2fgold", [400]), ("/shop/any/x/..;/..%2fopen", [400]),
    ("/shop/gold/", [402]), ("//shop//./gold", [402]), ("/shop/%67old", [402]), ("/shop%2fgold", [402]),
])
def test_no_spelling_of_a_path_opens_another_one(shop, narrowed, path, statuses):
    head = f"GET {path} HTTP/1.1\nHost: x\nConnection: close\nAuthorization: {narrowed}\n\n"
    with Line(shop.api, head) as line:
        assert line.head()[0] in statuses


def test_an_upgrade_carries_a_balance_once(shop):
    url = shop.api + "/shop/ten/x"
    old = buy(shop.info, url)
    assert use(url, old).status_code == 200
    fresh = []
    for _ in range(3):
        offer = requests.post(shop.api + "/l402/upgrade", json={"sats": 3}, headers={"Authorization": old}, timeout=10)
        token, invoice = read_challenge(offer)
        fresh.append(f"L402 {token}:{pay(shop.info, invoice)}")
    assert requests.post(
        shop.api + "/l402/upgrade", json={}, headers={"Authorization": narrow(old, "n_uses=1")}, timeout=10
    ).status_code == 403
    # 27 sat are left of the old one; with the three of each there is enough for 9 + 3.
    assert race(60, lambda n: use(url, (fresh + [old])[n % 4]).status_code)[200] <= 12
    assert audit(shop)["isConsistent"]


def test_refunds_race_with_spending_and_the_books_agree(shop):
    url = shop.api + "/shop/ten/x"
    token = buy(shop.info, url)
    hash = requests.get(shop.api + "/l402/token", headers={"Authorization": token}, timeout=10).json()["paymentHash"]

    def attempt(n):
        if n % 3:
            return "use", use(url, token).status_code
        order = {"paymentHash": hash, "amountMsat": 3000, "reason": "race"}
        answer = requests.post(
            shop.api + "/api/admin/refunds", json=order, headers={**admin(shop), "Idempotency-Key": f"r{n % 15}"}, timeout=30
        )
        return "refund", answer.status_code == 200 and not answer.json()["data"]["isRepetition"]

    done = race(60, attempt)
    spent = 3000 * (done["use", 200] - done["refund", True])
    assert remaining(shop, token) == 30_000 - spent
    assert audit(shop)["isConsistent"]


def test_free_requests_are_not_multiplied_by_claims_about_the_client(shop):
    def attempt(n):
        claims = {name: f"9.{n}.1.1" for name in ["X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP"]}
        return requests.get(shop.api + "/shop/some", headers=claims, timeout=10).status_code

    assert race(20, attempt) == {200: 3, 402: 17}


# HTTP


def test_an_answer_to_head_has_no_body(shop):
    # What followed would be taken for the answer to the next request.
    for path in ["/api/nowhere", "/shop/nowhere", "/shop/any/x", "/shop/open/%2e%2e/x", "/shop/open/x", shop.profile[len(shop.api):]]:
        with Line(shop.api, f"HEAD {path} HTTP/1.1\nHost: x\n\nGET /api/version HTTP/1.1\nHost: x\n\n") as line:
            line.head()
            assert line.head()[0] == 200, path


def test_a_request_with_two_hosts_is_refused(shop):
    for second in ["x", "y"]:
        with Line(shop.api, f"GET /api/version HTTP/1.1\nHost: x\nHost: {second}\n\n") as line:
            assert line.head()[0] == 400


@pytest.mark.parametrize("fields", [
    "Content-Length: 5\nTransfer-Encoding: chunked", "Content-Length: 5\nContent-Length: 6", "Content-Length: 5, 5",
    "Content-Length: +5", "Content-Length: -1", "Content-Length: 99999999999999999999", "Transfer-Encoding : chunked",
    "Transfer-Encoding: xchunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, identity", "Transfer-Encoding: chunked\x0b",
    "Transfer-Encoding: chunked\nTransfer-Encoding: identity", "X-A: b\n folded: c", "X-A: b\rX-B: c", "X-A: b\0c", "X A: b",
])
def test_no_second_request_is_smuggled(shop, fields):
    inner = "GET /shop/open/smuggled HTTP/1.1\nHost: x\n\n"
    with Line(shop.api, f"POST /shop/open/x HTTP/1.1\nHost: x\n{fields}\n\n0\n\n{inner}") as line:
        assert line.head()[0] == 400
        assert b"HTTP/1.1" not in line.file.read()
    assert not any("smuggled" in path for _, path, _ in shop.backend.requests)


@pytest.mark.parametrize("value, status", [
    ("L402 " + "a" * 9000 + ":" + "0" * 64, 431), ("L402 \u00e9:" + "0" * 64, 401), ("L402 :", 401), ("L402 a:b:c", 401),
    ("Basic x, L402 AA==:" + "0" * 64, 401), ("Payment " + "a" * 9000, 401), ("Payment e30", 401),
])
def test_nonsense_in_place_of_a_credential_costs_nothing_and_breaks_nothing(shop, value, status):
    for url in [shop.profile, shop.api + "/shop/any/x"]:
        answer = requests.get(url, headers={"Authorization": value.encode()}, timeout=10)
        assert answer.status_code == status, answer.text
        assert 'invoice="' not in answer.headers.get("WWW-Authenticate", "")


@pytest.mark.parametrize("body, statuses", [
    ("[" * 5000, [400]), ('{"a":' * 1500, [400]), ('{"amount":1e999999999}', [400]), ('{"amount":-21}', [400]),
    ('{"amount":9223372036854775808}', [400]), ('{"amount":NaN}', [400]), ('{"amount":21}\0', [400]), ('[' * 200_000, [413]),
    ('{"paymentHash":"\\ud800","preimage":"x"}', [400]),
])
def test_hostile_json_is_refused(shop, body, statuses):
    answer = requests.post(shop.api + "/api/deposit", data=body, headers={"Content-Type": "application/json"}, timeout=10)
    assert answer.status_code in statuses, answer.text


def test_operators_texts_cannot_hide_what_was_done(shop):
    for reason in ["x\0y", "x\ny", "", "x" * 501]:
        order = {"sats": 1, "reason": reason}
        answer = requests.post(shop.api + "/api/admin/tokens", json=order, headers=admin(shop), timeout=10)
        assert answer.status_code == 400, reason
    answer = requests.get(shop.api + "/api/admin/credits", params={"service": "\0"}, headers=admin(shop), timeout=10)
    assert answer.status_code == 400


# Backends


@pytest.mark.parametrize("path", ["/lengths", "/both", "/noise", "/split", "/headers", "/hangup"])
def test_a_backend_that_speaks_nonsense_is_not_paid(shop, wild_token, path):
    before = remaining(shop, wild_token)
    assert use(shop.api + "/wild" + path, wild_token).status_code == 502
    assert remaining(shop, wild_token) == before


@pytest.fixture(scope="module")
def wild_token(shop):
    return buy(shop.info, shop.api + "/wild/x")


def test_a_backend_cannot_forge_what_the_gate_says(shop, wild_token):
    answer = use(shop.api + "/wild/forged", wild_token)
    assert (answer.status_code, answer.headers["L402-Payment"]) == (200, "charged")
    assert "forged" not in str(answer.headers) and "999" not in answer.headers["L402-Balance"]


# Limits and leaks


def test_what_is_refused_with_429_has_no_invoice(program, tmp_path):
    run = Run(program, tmp_path / "data", {"RATE_LIMIT_MAX": "40"}).start()
    rows = requests.get(run.api + "/api/agents/top", params={"limit": 1}, timeout=10).json()["data"]
    url = f"{run.api}/api/profile/{rows[0]['publicKeyHash']}"
    statuses = [requests.get(url, timeout=10).status_code for _ in range(60)]
    assert 0 < statuses.count(402) <= 41 and statuses[-1] == 429
    metrics = requests.get(run.api + "/metrics", timeout=10).text
    made = sum(float(n) for n in re.findall(r"^assay_l402_challenges_total\{.*\} (\S+)$", metrics, re.M))
    assert made == statuses.count(402)
    assert run.stop() == 0


def test_nothing_that_is_killed_takes_money_with_it(shop):
    url = shop.api + "/shop/ten/x"
    token = buy(shop.info, url)
    served = collections.Counter()

    def spend(n):
        try:
            return use(url, token).status_code
        except requests.RequestException:
            return "cut"

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        attempts = [pool.submit(spend, n) for n in range(30)]
        os.kill(shop.refresh()["pids"]["serve"], signal.SIGKILL)
        served.update(attempt.result() for attempt in attempts)
    deadline = time.monotonic() + 40
    # What was held goes back when its time is over.
    while True:
        try:
            report = audit(shop)
            if report["heldMsat"] == 0:
                break
        except requests.RequestException:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert report["isConsistent"], report
    assert remaining(shop, token) <= 30_000 - 3000 * served[200]


def test_no_secret_is_in_logs_and_metrics(shop):
    credential = buy(shop.info, shop.profile)
    assert use(shop.profile, credential).status_code == 200
    use(shop.profile, credential[:-1] + "x")
    token, preimage = credential.removeprefix("L402 ").split(":")
    texts = [path.read_text() for path in (shop.data / "logs").glob("*.log")]
    texts.append(requests.get(shop.api + "/metrics", timeout=10).text)
    for text in texts:
        for secret in [token[-40:], preimage, admin(shop)["X-API-Key"]]:
            assert secret not in text
