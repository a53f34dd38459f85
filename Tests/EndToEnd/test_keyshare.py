"""The key share node of 'assay run': logins of the test issuer, Oko's calls, the operator's curl lines, and its files."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request

import pytest

KEY = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
SHARE = "00" + "11" * 31 + "22" * 32
ONE = {"auth_type": "google", "curve_type": "secp256k1", "public_key": KEY}


def call(url, body=None, token=None, method=None, headers=None):
    """Status, headers, and the text of an answer."""
    fields = dict(headers or {})
    data = None
    if body is not None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        fields.setdefault("Content-Type", "application/json")
    if token:
        fields["Authorization"] = "Bearer " + token
    request = urllib.request.Request(url, data=data, method=method or ("POST" if data is not None else "GET"), headers=fields)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def mint(node, **claims):
    claims.setdefault("email", "ada@example.org")
    status, _, text = call(node["testIssuer"]["mintTokenUrl"], claims)
    assert status == 200
    return json.loads(text)["id_token"]


@pytest.fixture(scope="module")
def share_node(run):
    return run.refresh()["keyshare"]


def password(share_node):
    return pathlib.Path(share_node["adminPasswordFile"]).read_text().strip()


def code(answer):
    return answer[0], json.loads(answer[2])["code"]


def test_a_share_is_stored_given_back_confirmed_and_found(share_node):
    token = mint(share_node, sub="life")
    url = share_node["url"]
    assert json.loads(call(url + "/keyshare/v1/register", {**ONE, "share": SHARE}, token)[2]) == {"success": True, "data": None}
    status, _, text = call(url + "/keyshare/v1/", ONE, token)
    assert status == 200 and json.loads(text)["data"]["share"] == SHARE
    assert call(url + "/keyshare/v1/reshare", {**ONE, "share": SHARE}, token)[0] == 200
    question = {"user_auth_id": "google_life", "auth_type": "google", "wallets": {"secp256k1": KEY}}
    assert json.loads(call(url + "/keyshare/v2/check", question)[2])["data"] == {"secp256k1": {"exists": True}}
    assert code(call(url + "/keyshare/v1/register", {**ONE, "share": SHARE}, token)) == (409, "DUPLICATE_PUBLIC_KEY")


def test_the_same_key_of_another_user_is_no_obstacle(share_node):
    token = mint(share_node, sub="squatted")
    assert call(share_node["url"] + "/keyshare/v1/register", {**ONE, "share": SHARE}, token)[0] == 200


@pytest.mark.parametrize("claims", [
    {"aud": "another"}, {"iss": "https://evil.example"}, {"exp": 1}, {"iat": 1}, {"nbf": 4102444800}, {"email_verified": False},
    {"alg": "none"}, {"alg": "HS256"}, {"kid": "unknown"}, {"sub": None},
])
def test_a_token_that_does_not_hold_is_refused(share_node, claims):
    token = mint(share_node, **{"sub": "refused", **claims})
    assert code(call(share_node["url"] + "/keyshare/v1/", ONE, token)) == (401, "UNAUTHORIZED")


def test_an_entry_for_any_provider_is_verified_the_same_way(share_node):
    token = mint(share_node, sub="other")
    body = {**ONE, "auth_type": "oidc", "share": SHARE}
    assert call(share_node["url"] + "/keyshare/v1/register", body, token)[0] == 200
    question = {"user_auth_id": "oidc_other", "auth_type": "oidc", "curve_type": "secp256k1", "public_key": KEY}
    assert json.loads(call(share_node["url"] + "/keyshare/v1/check", question)[2])["data"]["exists"] is True


def test_the_body_that_would_stop_others_is_refused(share_node):
    for body in ({}, [], None, {"user_auth_id": "x", "auth_type": "google"}):
        answer = call(share_node["url"] + "/keyshare/v2/check", json.dumps(body).encode())
        assert code(answer) == (400, "INVALID_REQUEST")
    assert call(share_node["url"] + "/status?ready=1")[0] == 200


def test_status_and_description(share_node):
    status, headers, text = call(share_node["url"] + "/status")
    assert status == 200 and headers["RateLimit-Policy"].endswith(";w=60") and headers["X-Request-Id"]
    names = list(json.loads(text))
    assert names[:7] == [
        "is_db_connected", "is_db_backup_checked", "latest_backup_time", "ks_node_public_key", "launch_time", "git_hash",
        "version",
    ]
    description = json.loads(call(share_node["url"] + "/api_docs/openapi.json")[2])
    assert description["openapi"] == "3.0.0" and "/keyshare/v2/reshare/register" in description["paths"]
    assert call(share_node["url"] + "/")[2] == "Ok"


def test_the_guides_curl_lines_back_up_and_restore(share_node):
    def curl(path, **body):
        line = ["curl", "-s", share_node["url"] + path, "-d", json.dumps({"password": password(share_node), **body})]
        return json.loads(subprocess.run(line, capture_output=True, check=True, timeout=120).stdout)

    token = mint(share_node, sub="restored")
    assert call(share_node["url"] + "/keyshare/v1/register", {**ONE, "share": SHARE}, token)[0] == 200
    made = curl("/pg_dump/v1/backup")
    assert made["success"], made
    rows = curl("/pg_dump/v1/get_backup_history", days=7)["data"]
    assert rows[0]["dump_path"] == made["data"]["dump_path"] and rows[0]["status"] == "COMPLETED"
    # Three restores a minute are allowed, and refused ones count.
    for path in ("/etc/passwd", "../x.akb"):
        assert curl("/pg_dump/v1/restore", dump_path=path)["code"] == "INVALID_DUMP_PATH"
    assert curl("/pg_dump/v1/restore", dump_path=made["data"]["dump_path"])["success"]
    status, _, text = call(share_node["url"] + "/keyshare/v1/", ONE, token)
    assert status == 200 and json.loads(text)["data"]["share"] == SHARE


def test_a_proxy_does_not_reach_the_operators_routes(share_node):
    headers = {"X-Forwarded-For": "127.0.0.1"}
    # The run's node serves them on its one port, so the password still decides; a wrong one is no way in.
    answer = call(share_node["url"] + "/pg_dump/v1/backup", {"password": "not the password"}, headers=headers)
    assert answer[0] in (401, 404, 429)


def test_its_logs_have_a_day_in_their_name_and_no_secrets(share_node, run):
    token = mint(share_node, sub="logged")
    call(share_node["url"] + "/keyshare/v1/", ONE, token)
    logs = list((run.data / "keyshare" / "logs").glob("ksnode-*.log"))
    assert logs and all(re.fullmatch(r"ksnode-\d{4}-\d\d-\d\d\.log", log.name) for log in logs)
    text = "".join(log.read_text() for log in logs)
    assert re.search(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info: request .*route=POST /keyshare/v1/ status=404", text, re.M)
    for hidden in (token, SHARE, password(share_node), "google_logged"):
        assert hidden not in text


def test_a_node_that_is_killed_comes_back_on_the_same_url(share_node, run):
    before = run.refresh()["pids"]["keyshare"]
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while True:
        try:
            if call(share_node["url"] + "/status?ready=1")[0] == 200 and run.refresh()["pids"]["keyshare"] != before:
                break
        except OSError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.1)
    status, _, text = call(share_node["url"] + "/keyshare/v1/", ONE, mint(share_node, sub="life"))
    assert status == 200 and json.loads(text)["data"]["share"] == SHARE


def test_a_moved_log_is_begun_anew_on_sighup(share_node, run):
    log = next((run.data / "keyshare" / "logs").glob("ksnode-*.log"))
    moved = log.with_suffix(".moved")
    log.rename(moved)
    os.kill(run.refresh()["pids"]["keyshare"], signal.SIGHUP)
    deadline = time.monotonic() + 30
    while not log.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    call(share_node["url"] + "/status")
    moved.unlink()


def test_what_is_missing_is_said_at_once(run):
    answer = subprocess.run(
        [run.program, "keyshare", "serve"], capture_output=True, text=True, timeout=30,
        env={"PATH": os.environ["PATH"], "HOME": str(run.data), "KS_TYPO": "1", "ADMIN_PASSWORD": "short"},
    )
    assert answer.returncode == 78
    for name in ("DB_HOST", "DB_USER", "DB_NAME", "DB_PASSWORD", "KS_ROOT_SECRET_FILE", "KS_TYPO"):
        assert name in answer.stderr
