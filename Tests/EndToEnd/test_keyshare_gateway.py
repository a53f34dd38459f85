"""The key share node on the gateway's port: the same answers below /ks, priced calls through the gate, and the watch over nodes."""

import json
import urllib.parse

import pytest
import requests

from conftest import Run
from payer import buy

KEY = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
POINT = "5866666666666666666666666666666666666666666666666666666666666666"
SHARES = {
    "secp256k1": {"public_key": KEY, "share": "00" + "11" * 31 + "22" * 32},
    "ed25519": {"public_key": POINT, "share": "11" * 31 + "00" + "22" * 31 + "00"},
}
SECRET = "a secret of node one"


@pytest.fixture(scope="module")
def mounted(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("mounted")
    run = Run(program, folder / "data").start()
    # The cluster's socket is where the first start has put it, and the node stays where it was.
    socket = urllib.parse.parse_qs(urllib.parse.urlparse(run.info["database"]).query)["host"][0]
    node = run.info["keyshare"]["url"]
    assert run.stop() == 0
    nodes = folder / "nodes.json"
    nodes.write_text(json.dumps([{"name": "one", "secret": SECRET, "url": node}, {"name": "two", "secret": SECRET + " two"}]))
    nodes.chmod(0o600)
    run.environment.update({
        "ASSAY_MODULES": "oracle,roughtime,keyshare", "KS_NODES": str(nodes), "DB_HOST": socket,
        "DB_USER": "assay_keyshare", "DB_NAME": "keyshare", "KS_ADMIN_LISTEN": "127.0.0.1:0",
        "KS_ROOT_SECRET_FILE": str(run.data / "secrets" / "keyshare-root"),
        "KS_PROVIDERS": str(run.data / "keyshare" / "providers.json"),
        "KS_PRICES": '{"POST /keyshare/v2/register":1000}',
    })
    yield run.start()
    assert run.stop() == 0


def token(run, subject):
    answer = requests.post(
        run.info["keyshare"]["testIssuer"]["mintTokenUrl"], json={"sub": subject, "email": "ada@example.org"}, timeout=10
    )
    return answer.json()["id_token"]


def test_the_same_paths_answer_below_the_prefix_with_the_nodes_own_fields(mounted):
    answer = requests.get(mounted.api + "/ks/status", timeout=10)
    assert answer.json()["is_db_connected"] is True and "is_db_backup_checked" in answer.json()
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN" and "RateLimit-Policy" in answer.headers
    refused = requests.post(mounted.api + "/ks/keyshare/v2/check", json={}, timeout=10)
    assert refused.status_code == 400 and refused.json()["code"] == "INVALID_REQUEST"
    assert requests.get(mounted.api + "/ks/nowhere", timeout=10).json()["code"] == "NOT_FOUND"
    assert requests.post(mounted.api + "/ks/admin/v1/backup", json={}, timeout=10).status_code == 404


def test_a_priced_call_is_paid_before_its_body_is_read_and_the_login_still_counts(mounted):
    url = mounted.api + "/ks/keyshare/v2/register"
    login = {"Authorization": "Bearer " + token(mounted, "paid")}
    body = {"auth_type": "google", "wallets": SHARES}
    # Not even a body that is no JSON is looked at.
    assert requests.post(url, data="{", headers={"Content-Type": "application/json", **login}, timeout=10).status_code == 402
    bought = buy(mounted.info, url, method="POST", json=body, headers=login)
    answer = requests.post(url, json=body, headers={**login, "X-L402": bought}, timeout=10)
    assert answer.status_code == 200 and answer.json() == {"success": True, "data": None}
    assert answer.headers["L402-Payment"] == "charged"
    question = {"user_auth_id": "google_paid", "auth_type": "google", "wallets": {"secp256k1": KEY, "ed25519": POINT}}
    # Checks stay free, and the node of its own sees what the gateway has stored.
    for base in (mounted.api + "/ks", mounted.info["keyshare"]["url"]):
        found = requests.post(base + "/keyshare/v2/check", json=question, timeout=10).json()["data"]
        assert found == {"secp256k1": {"exists": True}, "ed25519": {"exists": True}}
    again = requests.post(url, json=body, headers={**login, "X-L402": bought}, timeout=10)
    assert again.status_code == 402


def test_a_paid_call_that_is_refused_is_not_charged(mounted):
    url = mounted.api + "/ks/keyshare/v2/register"
    body = {"auth_type": "google", "wallets": SHARES}
    bought = buy(mounted.info, url, method="POST", json=body)
    refused = requests.post(url, json=body, headers={"X-L402": bought}, timeout=10)
    assert refused.status_code == 401 and refused.json()["code"] == "UNAUTHORIZED"
    assert refused.headers["L402-Payment"] == "not_charged"
    login = {"Authorization": "Bearer " + token(mounted, "refused first")}
    assert requests.post(url, json=body, headers={**login, "X-L402": bought}, timeout=10).status_code == 200


def test_reports_are_taken_with_the_nodes_own_password_and_nodes_are_watched(mounted):
    report = {"public_key": "ab" * 32, "key_share_count": 7, "payload": {"db_status": "OK", "error_msg": None}}
    url = mounted.api + "/tss/v1/ks_node/telemetry"
    assert requests.post(url, json=report, timeout=10).status_code == 401
    assert requests.post(url, json=report, headers={"X-KS-NODE-PASSWORD": "wrong"}, timeout=10).status_code == 401
    password = {"X-KS-NODE-PASSWORD": SECRET + " two"}
    assert requests.post(url, json={}, headers=password, timeout=10).status_code == 400
    assert requests.post(url, json=report, headers=password, timeout=10).status_code == 200
    one, two = requests.get(mounted.api + "/ks/v1/nodes", timeout=10).json()["data"]
    assert two["alive"] and two["key_share_count"] == 7 and two["public_key"] == "ab" * 32
    assert one["name"] == "one" and one["uptime_30d"] is not None
