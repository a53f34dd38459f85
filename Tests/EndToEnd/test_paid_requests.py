"""From an unpaid 402 to a paid 200, with real clients, and what must not be had for nothing."""

import concurrent.futures
import hashlib
import hmac
import base64
import pathlib
import re

import pymacaroons
import pytest
import requests

from payer import buy, pay, read_challenge


@pytest.fixture
def profile(run, node):
    return f"{run.api}/api/profile/{node}"


def test_l402sdk_pays_from_an_unpaid_402_to_a_paid_200(run, profile):
    import l402

    macaroon = pathlib.Path(run.info["payer"]["macaroon"]).read_bytes().hex()
    client = l402.L402Client.with_lnd_rest(run.info["payer"]["restUrl"], macaroon, l402.Budget(total_max=100))
    response = client.get(profile)
    assert response.status == 200
    assert response.paid
    assert client.total_spent() == 1


def test_a_paid_profile_has_both_scores_of_a_real_node(run, profile, node):
    answer = requests.get(profile, headers={"Authorization": buy(run.info, profile)}, timeout=10)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert data["agent"]["publicKeyHash"] == node
    assert hashlib.sha256(data["agent"]["publicKey"].encode()).hexdigest() == node
    assert 0 < data["score"] <= 100
    assert 0 < data["scores"]["compat"]["score"] <= 100
    assert answer.headers["L402-Payment"] == "charged"
    assert answer.headers["L402-Balance"] == "0;unit=sats"


def test_verdicts_are_answered_in_the_order_asked_for(run, node):
    url = run.api + "/api/verdicts"
    unknown = "0" * 64
    body = {"hashes": [node, unknown, node]}
    token = buy(run.info, url, method="POST", json=body)
    answer = requests.post(url, json=body, headers={"Authorization": token}, timeout=10)
    assert answer.status_code == 200, answer.text
    rows = answer.json()["data"]
    assert [row["publicKeyHash"] for row in rows] == body["hashes"]
    assert rows[1]["verdict"] == "INSUFFICIENT"


def test_of_fifty_racing_uses_of_a_one_use_token_one_is_served(run, profile):
    token = buy(run.info, profile)

    def use(_):
        return requests.get(profile, headers={"Authorization": token}, timeout=30).status_code

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(use, range(50)))
    assert statuses.count(200) == 1, statuses
    assert statuses.count(402) == 49, statuses
    assert requests.get(profile, headers={"Authorization": token}, timeout=10).status_code == 402


def test_a_token_bought_for_one_route_does_not_open_another(run, profile, node):
    token = buy(run.info, profile)
    answer = requests.post(
        run.api + "/api/verdicts", json={"hashes": [node]}, headers={"Authorization": token}, timeout=10
    )
    assert answer.status_code == 402
    assert answer.json()["code"] in ("capability_denied", "method_denied", "path_denied")
    assert requests.get(profile, headers={"Authorization": token}, timeout=10).status_code == 200


def test_an_unpaid_invoice_and_a_wrong_preimage_open_nothing(run, profile):
    token, _ = read_challenge(requests.get(profile, timeout=10))
    guess = requests.get(profile, headers={"Authorization": f"L402 {token}:{'00' * 32}"}, timeout=10)
    assert guess.status_code == 402
    assert guess.json()["code"] == "preimage_mismatch"
    read_challenge(guess)


@pytest.mark.parametrize(
    "credential, status",
    [
        ("L402 deposit:x", 401), ("l402 deposit:" + "0" * 64, 401), ("L402\tdeposit:" + "0" * 64, 401),
        ("L402", 401), ("L402 a:b:c", 401), ("Bearer abc", 402), ("Basic dXNlcjpwdw==", 402), ("", 402),
        ("L402 " + "A" * 9000 + ":" + "0" * 64, 431),
    ],
)
def test_what_cannot_be_read_is_never_served(run, profile, credential, status):
    answer = requests.get(profile, headers={"Authorization": credential}, timeout=10)
    assert answer.status_code == status, answer.text


def test_every_challenge_has_an_invoice_of_its_own(run, profile):
    invoices = {read_challenge(requests.get(profile, timeout=10))[1] for _ in range(5)}
    assert len(invoices) == 5


def test_a_request_that_is_not_valid_is_refused_before_it_is_priced(run):
    assert requests.get(run.api + "/api/profile/nonsense", timeout=10).status_code == 400
    assert requests.get(run.api + "/api/profile/" + "0" * 64, timeout=10).status_code == 404
    for body in ({}, {"hashes": []}, {"hashes": ["x"]}, {"hashes": ["0" * 64] * 101}):
        answer = requests.post(run.api + "/api/verdicts", json=body, timeout=10)
        assert answer.status_code == 400, (body, answer.text)
        assert "WWW-Authenticate" not in answer.headers


def test_the_price_can_be_asked_without_an_invoice(run, profile):
    head = requests.head(profile, timeout=10)
    assert head.status_code == 402
    assert head.headers["L402-Price"] == "1"
    assert "WWW-Authenticate" not in head.headers
    assert requests.options(profile, timeout=10).status_code == 200


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def root_key(run, identifier):
    epoch, state, secret = (run.data / "secrets" / "l402-key-ring").read_text().split()
    assert (epoch, state) == ("0", "mint")
    return hmac.new(bytes.fromhex(secret), b"assay/l402/root/1" + identifier, hashlib.sha256).digest()


def test_pymacaroons_reads_and_verifies_what_we_mint(run, profile):
    token, _ = read_challenge(requests.get(profile, timeout=10))
    macaroon = pymacaroons.Macaroon.deserialize(token.replace("+", "-").replace("/", "_").rstrip("="))
    assert macaroon.location == "assay"
    caveats = [text(caveat.caveat_id) for caveat in macaroon.caveats]
    assert caveats[0] == "services=assay:0"
    verifier = pymacaroons.Verifier()
    verifier.satisfy_general(lambda caveat: text(caveat) in caveats)
    assert verifier.verify(macaroon, root_key(run, macaroon.identifier_bytes))


def test_we_verify_what_pymacaroons_mints_and_narrows(run, profile):
    token, invoice = read_challenge(requests.get(profile, timeout=10))
    ours = pymacaroons.Macaroon.deserialize(token.replace("+", "-").replace("/", "_").rstrip("="))
    preimage = pay(run.info, invoice)
    theirs = pymacaroons.Macaroon(
        location="elsewhere", identifier=ours.identifier_bytes, key=root_key(run, ours.identifier_bytes),
        version=pymacaroons.MACAROON_V2,
    )
    for caveat in ours.caveats:
        theirs.add_first_party_caveat(caveat.caveat_id)
    theirs.add_first_party_caveat("ip=192.0.2.1")
    narrowed = requests.get(profile, headers={"Authorization": f"L402 {theirs.serialize()}:{preimage}"}, timeout=10)
    assert narrowed.status_code == 402
    assert narrowed.json()["code"] == "ip_denied"
    again = pymacaroons.Macaroon(
        location="elsewhere", identifier=ours.identifier_bytes, key=root_key(run, ours.identifier_bytes),
        version=pymacaroons.MACAROON_V2,
    )
    for caveat in ours.caveats:
        again.add_first_party_caveat(caveat.caveat_id)
    answer = requests.get(profile, headers={"Authorization": f"L402 {again.serialize()}:{preimage}"}, timeout=10)
    assert answer.status_code == 200, answer.text


def test_the_operator_token_serves_free_and_only_the_right_one(run, profile):
    token = pathlib.Path(run.info["operatorTokenFile"]).read_text().strip()
    answer = requests.get(profile, headers={"X-Operator-Token": token}, timeout=10)
    assert answer.status_code == 200
    assert answer.headers["L402-Payment"] == "not_charged"
    assert requests.get(profile, headers={"X-Operator-Token": token[:-1]}, timeout=10).status_code == 402
    assert requests.get(profile, headers={"X-Operator-Token": ""}, timeout=10).status_code == 402
    metrics = requests.get(run.api + "/metrics", timeout=10).text
    assert re.search(r'assay_operator_bypass_total\{[^}]*result="accepted"', metrics)
    assert token not in (run.data / "logs" / "serve.log").read_text()


def test_assay_get_shows_the_price_and_pays_only_what_is_allowed(run, profile):
    wallet = ["--wallet", str(run.data / "run.json")]
    refused = run.command("get", profile, *wallet, stdin=-3)
    assert refused.returncode == 3
    assert "1 sat" in refused.stderr
    paid = run.command("get", profile, *wallet, "--max-sats", "10", "--verbose")
    assert paid.returncode == 0, paid.stderr
    assert '"score"' in paid.stdout
    assert "402 Payment Required: 1 sat" in paid.stderr
    assert run.command("get", "http://127.0.0.1:1/x", *wallet).returncode == 2
    assert run.command("get", run.api + "/api/nothing", *wallet).returncode == 1
    assert run.command("get", "nonsense", *wallet).returncode == 64
