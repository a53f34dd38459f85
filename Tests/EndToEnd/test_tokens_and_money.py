"""What holders and operators do with tokens and money, from outside."""

import base64
import concurrent.futures
import hashlib
import json
import pathlib
import re
import secrets
import time

import pymacaroons
import pytest
import requests

from payer import buy, pay, read_challenge


@pytest.fixture(scope="module")
def profile(run, node):
    return f"{run.api}/api/profile/{node}"


@pytest.fixture(scope="module")
def admin(run):
    return {"X-API-Key": pathlib.Path(run.info["apiKeyFile"]).read_text().strip()}


def use(url, credential, **headers):
    return requests.get(url, headers={"Authorization": credential, **headers}, timeout=30)


def deposit(run, sats):
    """Makes a deposit; returns the credential, without the second step."""
    offer = requests.post(run.api + "/api/deposit", json={"amount": sats}, timeout=10)
    assert offer.status_code == 402, offer.text
    token, invoice = read_challenge(offer)
    assert offer.json()["data"]["invoice"] == invoice and "error" not in offer.json()
    return f"L402 {token}:{pay(run.info, invoice)}"


def narrow(credential, *caveats):
    """Narrows a token as any holder can, offline, with another library."""
    token, preimage = credential.removeprefix("L402 ").split(":")
    macaroon = pymacaroons.Macaroon.deserialize(token.translate(str.maketrans("+/", "-_")).rstrip("="))
    for caveat in caveats:
        macaroon.add_first_party_caveat(caveat)
    return f"L402 {macaroon.serialize()}:{preimage}"


def balance(run, credential):
    answer = use(run.api + "/api/l402/balance", credential)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


# Deposits


def test_a_deposit_is_redeemed_once_and_spent_at_its_rate(run, profile):
    offer = requests.post(run.api + "/api/deposit", json={"amount": 1000}, timeout=10)
    data = offer.json()["data"]
    assert (data["tierId"], data["rateSatsPerRequest"], data["quotaGranted"]) == (2, 0.5, 1000)
    preimage = pay(run.info, data["invoice"])
    body = {"paymentHash": data["paymentHash"], "preimage": preimage}
    first = requests.post(run.api + "/api/deposit", json=body, timeout=10)
    assert first.status_code == 201, first.text
    assert first.json()["data"]["balanceCredits"] == 2000
    again = requests.post(run.api + "/api/deposit", json=body, timeout=10)
    assert again.status_code == 200 and again.json()["data"]["alreadyRedeemed"] is True
    token = first.json()["data"]["token"]
    assert again.json()["data"]["token"] == token
    answer = use(profile, token)
    assert answer.status_code == 200 and answer.headers["X-Assay-Price-Msat"] == "500"
    assert answer.headers["X-Assay-Balance-Msat"] == "999500"
    live = use(run.api + "/api/deposit/balance", token).json()["data"]
    assert live["balanceMsat"] == 999_500 and live["spentMsat"] == 500


def test_a_deposit_works_without_the_second_step_and_on_every_route(run, profile, node):
    credential = deposit(run, 21)
    unused = use(run.api + "/api/deposit/balance", credential)
    assert unused.status_code == 200 and unused.json()["data"]["balanceMsat"] == 21_000
    assert use(profile, credential).status_code == 200
    verdicts = requests.post(
        run.api + "/api/verdicts", json={"hashes": [node]}, headers={"Authorization": credential}, timeout=10
    )
    assert verdicts.status_code == 200, verdicts.text
    assert balance(run, credential)["remainingMsat"] == 19_000


def test_a_client_that_pays_any_challenge_makes_a_deposit_with_it(run):
    answer = run.command(
        "get", run.api + "/api/deposit", "--data", '{"amount": 25}', "--wallet", str(run.data / "run.json"),
        "--max-sats", "30",
    )
    assert answer.returncode == 0, answer.stderr
    made = json.loads(answer.stdout)["data"]
    assert made["balanceMsat"] == 25_000 and made["token"].startswith("L402 ")


def test_twenty_redemptions_at_once_make_one_balance(run):
    data = requests.post(run.api + "/api/deposit", json={"amount": 50}, timeout=10).json()["data"]
    body = {"paymentHash": data["paymentHash"], "preimage": pay(run.info, data["invoice"])}
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: requests.post(run.api + "/api/deposit", json=body, timeout=30), range(20)))
    assert sorted({a.status_code for a in answers}) in ([200, 201], [201])
    assert sum(a.status_code == 201 for a in answers) == 1
    assert {a.json()["data"]["balanceMsat"] for a in answers} == {50_000}


def test_only_deposits_made_here_are_redeemed(run, profile):
    # A paid invoice of the same node that was not a deposit.
    token, preimage = buy(run.info, profile).removeprefix("L402 ").split(":")
    body = {"paymentHash": hashlib.sha256(bytes.fromhex(preimage)).hexdigest(), "preimage": preimage}
    assert requests.post(run.api + "/api/deposit", json=body, timeout=10).status_code == 404
    wrong = {"paymentHash": "0" * 64, "preimage": preimage}
    assert requests.post(run.api + "/api/deposit", json=wrong, timeout=10).status_code == 400
    for amount in (0, 20, 1.5, -1, 1_000_001, "x", None):
        assert requests.post(run.api + "/api/deposit", json={"amount": amount}, timeout=10).status_code == 400


def test_bare_deposits_and_forged_ones_open_nothing(profile):
    for credential in ("L402 deposit:x", "l402 deposit:" + "0" * 64, "L402\tdeposit:" + secrets.token_hex(32)):
        assert use(profile, credential).status_code in (401, 402)


def test_tiers_are_listed_ascending(run):
    tiers = requests.get(run.api + "/api/deposit/tiers", timeout=10).json()["data"]["tiers"]
    assert [t["minDepositSats"] for t in tiers] == [21, 1000, 10_000, 100_000, 1_000_000]
    assert [t["requestsPerDeposit"] for t in tiers] == [21, 2000, 50_000, 1_000_000, 20_000_000]


# Narrowed tokens


def test_uses_of_a_narrowed_token_are_counted_and_no_further_caveat_begins_a_new_count(run, profile):
    whole = deposit(run, 100)
    twice = narrow(whole, "n_uses = 2")
    assert balance(run, twice)["usesLeft"] == 2
    assert use(profile, twice).status_code == 200
    # The same token narrowed further shares the count.
    assert use(profile, narrow(twice, "method=GET")).status_code == 200
    refused = use(profile, twice)
    assert refused.status_code == 402 and refused.json()["code"] == "exhausted"
    assert use(profile, narrow(twice, "method=GET", "path_prefix=/api")).status_code == 402
    assert balance(run, twice)["usesLeft"] == 0
    # Another delegation has a count of its own, and the whole token has none.
    assert use(profile, narrow(whole, "n_uses=1")).status_code == 200
    assert use(profile, whole).status_code == 200
    assert balance(run, whole)["remainingMsat"] == 96_000


def test_racing_uses_of_a_narrowed_token_are_not_more_than_it_says(run, profile):
    credential = narrow(deposit(run, 100), "n_uses=5")
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        codes = list(pool.map(lambda _: use(profile, credential).status_code, range(20)))
    assert codes.count(200) == 5 and codes.count(402) == 15


def test_what_a_narrowed_token_may_spend_is_kept_to(run, profile):
    credential = narrow(deposit(run, 100), "max_sats=2")
    assert [use(profile, credential).status_code for _ in range(3)] == [200, 200, 402]


@pytest.mark.parametrize(
    "caveats,code",
    [
        (["method=POST"], "method_denied"),
        (["path_prefix=/api/verdicts"], "path_denied"),
        (["ip=192.0.2.0/24"], "ip_denied"),
        (["valid_until=1000"], "expired"),
        (["n_uses=1", "n_uses=2"], "widened"),
        (["services=assay:0", "services=assay:1"], "widened"),
        (["for my friend only"], "bad_caveat"),
        (["assay_secret=1"], "unknown_own_caveat"),
        (["services=other:0"], "widened"),
    ],
)
def test_a_restriction_holds(run, profile, caveats, code):
    answer = use(profile, narrow(deposit(run, 21), *caveats))
    assert answer.status_code == 402 and answer.json()["code"] == code


def test_what_a_holder_adds_gives_no_rights_of_the_minter(run, profile):
    """Nobody makes a call a deposit, or takes over another one's balance, with a caveat."""
    credential = buy(run.info, profile)
    assert use(profile, narrow(credential, "assay_purpose=deposit")).status_code == 402
    assert use(profile, narrow(credential, "assay_carries=" + "0" * 64)).status_code == 402
    answer = requests.post(
        run.api + "/l402/upgrade", json={"sats": 1}, headers={"Authorization": narrow(credential, "n_uses=1")}, timeout=10
    )
    assert answer.status_code == 403


# Upgrade


def test_an_upgraded_token_carries_the_balance_and_the_old_one_ends(run, profile, admin):
    minted = requests.post(run.api + "/api/admin/tokens", json={"sats": 10, "reason": "test"}, headers=admin, timeout=10)
    old = minted.json()["data"]["authorization"]
    assert use(profile, old).status_code == 200
    offer = requests.post(run.api + "/l402/upgrade", json={"sats": 5}, headers={"Authorization": old}, timeout=10)
    token, invoice = read_challenge(offer)
    assert use(profile, old).status_code == 200  # until it is paid
    new = f"L402 {token}:{pay(run.info, invoice)}"
    assert balance(run, new)["remainingMsat"] == 13_000
    assert use(profile, new).headers["X-Assay-Balance-Msat"] == "12000"
    refused = use(profile, old)
    assert refused.status_code == 402 and refused.json()["code"] == "revoked"
    assert requests.get(run.api + "/api/admin/audit", headers=admin, timeout=10).json()["data"]["isConsistent"]


# Retries


def test_a_retry_with_a_key_costs_nothing_and_answers_the_same(run, profile):
    credential = buy(run.info, profile)
    first = use(profile, credential, **{"Idempotency-Key": "call-1"})
    again = use(profile, credential, **{"Idempotency-Key": "call-1"})
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content and again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["L402-Payment"] == "not_charged"
    assert again.headers["L402-Receipt"] == first.headers["L402-Receipt"]
    assert use(profile + "?other=1", credential, **{"Idempotency-Key": "call-1"}).status_code == 409
    assert use(profile, credential).status_code == 402
    assert use(profile, credential, **{"Idempotency-Key": "x" * 65}).status_code == 400


def test_who_holds_a_narrowed_token_gets_no_answers_of_the_whole_one(run, profile):
    whole = deposit(run, 30)
    key = {"Idempotency-Key": "mine"}
    assert use(profile, whole, **key).status_code == 200
    other = use(profile, narrow(whole, "n_uses=1"), **key)
    assert other.status_code == 200 and "Idempotent-Replayed" not in other.headers
    assert balance(run, whole)["remainingMsat"] == 28_000


def test_racing_requests_with_one_key_are_charged_once(run, profile):
    credential = deposit(run, 50)
    key = {"Idempotency-Key": "race"}
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        codes = [a.status_code for a in pool.map(lambda _: use(profile, credential, **key), range(16))]
    assert set(codes) <= {200, 409} and 200 in codes
    assert balance(run, credential)["remainingMsat"] == 49_000


def test_a_repeated_key_gets_the_same_invoice_and_another_one_does_not(profile):
    challenges = [
        read_challenge(requests.get(profile, headers={"Idempotency-Key": key}, timeout=10)) for key in ("a", "a", "b")
    ]
    assert challenges[0] == challenges[1] != challenges[2]


# The second door


def payment_credential(answer, preimage):
    parameters = dict(re.findall(r'(\w+)="([^"]*)"', answer.headers["WWW-Authenticate"].split(", Payment ")[1]))
    text = json.dumps({"challenge": parameters, "payload": {"preimage": preimage}})
    return "Payment " + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_one_invoice_opens_either_door_once(run, profile, node):
    for first in ("payment", "l402"):
        answer = requests.get(profile, timeout=10)
        token, invoice = read_challenge(answer)
        preimage = pay(run.info, invoice)
        doors = {"payment": payment_credential(answer, preimage), "l402": f"L402 {token}:{preimage}"}
        served = use(profile, doors.pop(first))
        assert served.status_code == 200, served.text
        receipt = served.headers["Payment-Receipt"]
        fields = json.loads(base64.urlsafe_b64decode(receipt + "=" * (-len(receipt) % 4)))
        assert fields["status"] == "success" and fields["method"] == "lightning"
        assert fields["reference"] == hashlib.sha256(bytes.fromhex(preimage)).hexdigest()
        assert "private" in served.headers["Cache-Control"]
        other = use(profile, doors.popitem()[1])
        assert other.status_code == 402 and other.json()["code"] == "exhausted"


def test_a_charge_pays_for_its_own_route_and_body_only(run, profile, node):
    url = run.api + "/api/verdicts"
    answer = requests.post(url, json={"hashes": [node]}, timeout=10)
    credential = payment_credential(answer, pay(run.info, read_challenge(answer)[1]))
    assert use(profile, credential).status_code == 402
    other = requests.post(url, json={"hashes": [node, node]}, headers={"Authorization": credential}, timeout=10)
    assert other.status_code == 402
    own = requests.post(url, json={"hashes": [node]}, headers={"Authorization": credential}, timeout=10)
    assert own.status_code == 200, own.text
    assert use(profile, "Payment e30").status_code == 401


# Operators


def test_admin_routes_need_a_key_with_the_scope(run, admin):
    url = run.api + "/api/admin/credits"
    assert requests.get(url, timeout=10).status_code == 401
    assert requests.get(url, headers={"X-API-Key": "x" * 64}, timeout=10).status_code == 403
    made = requests.post(
        run.api + "/api/admin/operators", headers=admin, timeout=10,
        json={"name": "auditor-" + secrets.token_hex(4), "kind": "admin", "scopes": ["money:read"], "lifetimeSeconds": 600},
    )
    assert made.status_code == 201, made.text
    auditor = {"Authorization": "Bearer " + made.json()["data"]["secret"]}
    assert requests.get(run.api + "/api/admin/audit", headers=auditor, timeout=10).json()["data"]["isConsistent"]
    assert requests.get(url, headers=auditor, timeout=10).status_code == 403
    assert requests.get(url, headers=admin, params={"limit": 1}, timeout=10).status_code == 200


def test_a_bypass_credential_works_until_it_is_revoked_and_its_uses_are_counted(run, profile, admin):
    name = "ci-" + secrets.token_hex(4)
    body = {"name": name, "kind": "bypass", "lifetimeSeconds": 3600}
    secret = requests.post(run.api + "/api/admin/operators", json=body, headers=admin, timeout=10).json()["data"]["secret"]
    assert requests.post(run.api + "/api/admin/operators", json=body, headers=admin, timeout=10).status_code == 409
    token = {"X-Operator-Token": secret}
    assert requests.get(profile, headers=token, timeout=10).status_code == 200
    assert f'name="{name}"' in requests.get(run.api + "/metrics", timeout=10).text
    deadline = time.monotonic() + 30
    while True:
        rows = requests.get(run.api + "/api/admin/operators", headers=admin, timeout=10).json()["data"]
        uses = next(row["uses"] for row in rows if row["name"] == name)
        if uses == 1:
            break
        assert time.monotonic() < deadline, uses
        time.sleep(0.5)
    assert requests.delete(f"{run.api}/api/admin/operators/{name}", headers=admin, timeout=10).status_code == 200
    assert requests.get(profile, headers=token, timeout=10).status_code == 402
    log = (run.data / "logs" / "serve.log").read_text()
    assert name in log and secret not in log


def test_a_revoked_token_opens_nothing_and_a_restored_one_does(run, profile, admin):
    credential = deposit(run, 30)
    assert use(profile, credential).status_code == 200
    token_id = balance(run, credential)["tokenId"]
    url = run.api + "/api/admin/revocations"
    made = requests.post(url, json={"tokenId": token_id, "reason": "leaked"}, headers=admin, timeout=10)
    assert made.status_code == 201
    refused = use(profile, credential)
    assert refused.status_code == 402 and refused.json()["code"] == "revoked"
    assert any(row["subject"] == token_id for row in requests.get(url, headers=admin, timeout=10).json()["data"])
    assert requests.delete(f"{url}/{token_id}", headers=admin, timeout=10).status_code == 200
    assert use(profile, credential).status_code == 200


def test_a_refund_gives_back_what_was_earned_and_no_more(run, profile, admin):
    credential = deposit(run, 30)
    assert use(profile, credential).status_code == 200
    payment_hash = balance(run, credential)["paymentHash"]
    url = run.api + "/api/admin/refunds"
    body = {"paymentHash": payment_hash, "amountMsat": 1000, "reason": "wrong answer"}
    assert requests.post(url, json=body, headers=admin, timeout=10).status_code == 400
    key = {**admin, "Idempotency-Key": "refund-1"}
    for repetition in (False, True):
        answer = requests.post(url, json=body, headers=key, timeout=10)
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"]["isRepetition"] is repetition
    assert balance(run, credential)["remainingMsat"] == 30_000
    more = requests.post(url, json=body, headers={**admin, "Idempotency-Key": "refund-2"}, timeout=10)
    assert more.status_code == 409
    entries = requests.get(f"{run.api}/api/admin/credits/{payment_hash}", headers=admin, timeout=10).json()["data"]
    assert [e["kind"] for e in entries["entries"]] == ["deposit", "hold", "settle", "refund"]


def test_revenue_is_told_per_route_and_day(run, profile, admin):
    assert use(profile, buy(run.info, profile)).status_code == 200
    data = requests.get(run.api + "/api/admin/revenue", headers=admin, timeout=10).json()["data"]
    assert any(row["route"] == "profile" and row["earnedMsat"] >= 1000 for row in data["routes"])
    assert sum(row["earnedMsat"] for row in data["days"]) == data["totalMsat"]
    assert sum(row["earnedMsat"] for row in data["products"]) == data["totalMsat"]
    assert {row["purpose"] for row in data["products"]} >= {"call", "deposit"}
    assert requests.get(run.api + "/api/admin/revenue?from=x", headers=admin, timeout=10).status_code == 400


def test_what_an_operator_writes_is_taken_whole_or_refused(run, admin):
    url = run.api + "/api/admin/revocations"
    body = {"tokenId": secrets.token_hex(32), "reason": "with a \x00 in it"}
    assert requests.post(url, json=body, headers=admin, timeout=10).status_code == 400
    assert requests.get(run.api + "/api/admin/credits?service=%00", headers=admin, timeout=10).status_code == 400


def test_heads_have_no_body_and_requests_have_one_host(run, profile):
    import socket

    host, port = run.api.removeprefix("http://").split(":")
    path = "/" + profile.split("/", 3)[3]
    for lines, status in (
        (f"HEAD /api/profile/nonsense HTTP/1.1\r\nHost: {host}\r\n", b"402"),
        (f"HEAD {path} HTTP/1.1\r\nHost: {host}\r\n", b"402"),
        (f"GET {path} HTTP/1.1\r\nHost: {host}\r\nHost: other.example\r\n", b"400"),
    ):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall((lines + "Connection: close\r\n\r\n").encode())
            answer = b""
            while part := connection.recv(65536):
                answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.split()[1] == status, head
        assert not lines.startswith("HEAD") or body == b"", body


# Discovery, clients of gRPC


def test_the_manifest_names_every_price_and_the_key_of_receipts(run, profile):
    manifest = requests.get(run.api + "/.well-known/l402", timeout=10).json()
    assert manifest == requests.get(run.api + "/.well-known/l402-manifest.json", timeout=10).json()
    routes = {route["path"]: route for service in manifest["services"] for route in service["routes"]}
    assert routes["/api/profile/{ident}"]["priceMsat"] == 1000
    assert manifest["schemes"] == ["L402", "Payment"] and len(manifest["receiptKey"]) == 64
    served = use(profile, buy(run.info, profile))
    assert manifest["receiptKey"] in served.headers["L402-Receipt"]


def test_grpc_clients_get_their_form_of_the_challenge(run, node):
    answer = requests.post(
        run.api + "/api/verdicts", data=json.dumps({"hashes": [node]}), timeout=10,
        headers={"Content-Type": "application/grpc+json"},
    )
    assert answer.status_code == 200 and answer.headers["grpc-status"] == "13"
    assert answer.headers["www-authenticate"].startswith("L402 macaroon=")


def test_rotating_the_key_ring_keeps_old_tokens_and_retiring_ends_them(run, profile):
    ring = pathlib.Path(run.data / "secrets" / "l402-key-ring")
    before = ring.read_text()
    old = deposit(run, 30)
    assert use(profile, old).status_code == 200

    def replace(text, expect):
        ring.write_text(text)
        deadline = time.monotonic() + 30
        while use(profile, old).status_code != expect:
            assert time.monotonic() < deadline
            time.sleep(0.2)

    number = int(before.split()[0])
    secret = before.split()[2]
    fresh = secrets.token_hex(32)
    try:
        ring.write_text(f"{number} verify {secret}\n{number + 1} mint {fresh}\n")
        deadline = time.monotonic() + 30
        while base64.b64decode(read_challenge(requests.get(profile, timeout=10))[0])[44] != number + 1:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert use(profile, old).status_code == 200
        # A broken file changes nothing.
        ring.write_text("nonsense\n")
        time.sleep(3)
        assert use(profile, old).status_code == 200
        replace(f"{number} retired {secret}\n{number + 1} mint {fresh}\n", 402)
        assert use(profile, old).json()["code"] == "unknown_key"
        # The payment stays a payment: with the preimage its payer gets a token of the epoch in force.
        preimage = old.split(":")[1]
        body = {"paymentHash": hashlib.sha256(bytes.fromhex(preimage)).hexdigest(), "preimage": preimage}
        again = requests.post(run.api + "/api/deposit", json=body, timeout=10)
        assert again.status_code == 200, again.text
        assert use(profile, again.json()["data"]["token"]).status_code == 200
    finally:
        replace(before, 200)
