"""The shipped nginx vhost of a signer, as a real nginx in front of a tiny backend."""

import http.client
import json
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import time

import nostr
import pytest
import vhost

from free_ports import free_port

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, Authorization",
}


class Signer(vhost.Backend):
    fields = CORS


def in_front_of(home, port):
    plain = free_port()
    proxy = vhost.VirtualHost(home, "pomade/nginx/pomade.conf", "signer.example",
                              [("listen 80", f"listen 127.0.0.1:{plain}"), ("127.0.0.1:3000", f"127.0.0.1:{port}")])
    proxy.plain_port = plain
    return proxy


@pytest.fixture
def proxy(tmp_path):
    yield from vhost.before_a_backend(lambda port: in_front_of(tmp_path, port), Signer)


def is_for_browsers(headers):
    """Whether every header that a browser needs is there, once, and so are the others that every answer has."""
    wanted = {**CORS, "Access-Control-Max-Age": "86400", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
              "Referrer-Policy": "no-referrer", "Strict-Transport-Security": "max-age=63072000"}
    return all(vhost.values(headers, key) == [expected] for key, expected in wanted.items())


def refusal(answer, status, code):
    got, headers, body = answer
    named = dict(headers)
    assert got == status
    assert named["Content-Type"] == "application/json"
    assert is_for_browsers(headers)
    told = json.loads(body)
    assert told["ok"] is False and told["code"] == code and told["message"]
    return named


def test_a_signed_request_reaches_the_signer_with_the_client_s_own_address(proxy):
    status, headers, body = proxy.ask("POST", "/sign/commit", b'{"members":[1,2]}', {
        "Authorization": "Nostr abc", "X-Forwarded-For": "198.51.100.1, 198.51.100.2", "X-Real-IP": "198.51.100.3"})
    assert status == 200 and is_for_browsers(headers)
    told = json.loads(body)
    assert told["size"] == 17
    sent = told["headers"]
    assert sent["X-Forwarded-For"] == "127.0.0.1" and sent["X-Real-IP"] == "127.0.0.1"
    assert sent["X-Forwarded-Proto"] == "https" and sent["Authorization"] == "Nostr abc"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_other_methods_are_refused_before_the_signer(proxy, method):
    answer = proxy.ask(method, "/sign/commit")
    if method == "HEAD":
        assert answer[0] == 405 and is_for_browsers(answer[1])
    else:
        refusal(answer, 405, "method_not_allowed")
    assert Signer.seen == []


@pytest.mark.parametrize("path", ["/x/info", "/x/email/confirm?token=00", "/x/recovery/cancel?token=00"])
def test_what_a_browser_opens_reaches_the_signer(proxy, path):
    status, headers, _ = proxy.ask("GET", path)
    assert status == 200 and is_for_browsers(headers)
    assert Signer.seen == [("GET", path)]


@pytest.mark.parametrize("path", ["/x/information", "/x/audit", "/metrics", "/x/info/", "/x/%2e%2e/metrics"])
def test_nothing_else_can_be_got(proxy, path):
    refusal(proxy.ask("GET", path), 405, "method_not_allowed")
    assert Signer.seen == []


def test_preflights_are_answered_without_the_signer_and_without_limit(proxy):
    for _ in range(300):
        status, headers, body = proxy.ask("OPTIONS", "/challenge", headers={"Origin": "https://app.example"})
        assert (status, body) == (204, b"") and is_for_browsers(headers)
    assert Signer.seen == []


def test_a_body_of_64_kib_passes_and_a_larger_one_does_not(proxy):
    assert json.loads(proxy.ask("POST", "/register", b"a" * 65536)[2])["size"] == 65536
    Signer.seen.clear()
    refusal(proxy.ask("POST", "/register", b"a" * 65537), 413, "too_large")
    assert Signer.seen == []


def test_a_crowd_from_one_address_is_told_when_to_come_back(proxy):
    answers = [proxy.ask("POST", "/challenge", b"{}") for _ in range(80)]
    refused = [answer for answer in answers if answer[0] != 200]
    assert len(answers) - len(refused) >= 61 and refused
    for answer in refused:
        assert refusal(answer, 429, "throttled")["Retry-After"] == "5"
    # Signing has a limit of its own, which allows more.
    assert all(proxy.ask("POST", path, b"{}")[0] == 200
               for path in ["/sign/commit", "/sign/complete", "/ecdh"] for _ in range(50))
    filters = pathlib.Path("/etc/fail2ban/filter.d/nginx-limit-req.conf")
    if filters.exists():
        told = subprocess.run(["fail2ban-regex", str(proxy.home / "pomade.error.log"), str(filters)],
                              capture_output=True, text=True, check=True).stdout
        assert f", {len(refused)} matched, 0 missed" in told


def test_a_limit_of_the_signer_s_own_is_passed_on_as_json(proxy):
    status, headers, body = proxy.ask("POST", "/busy", b"{}")
    assert status == 429 and json.loads(body)["ok"] is True and is_for_browsers(headers)
    assert vhost.values(headers, "Retry-After") == ["77"]


def test_a_signer_that_is_down_is_told_in_json(tmp_path):
    proxy = in_front_of(tmp_path, free_port())
    try:
        refusal(proxy.ask("POST", "/sign/commit", b"{}"), 503, "internal")
    finally:
        proxy.stop()


def test_logs_hold_no_credentials(proxy):
    proxy.ask("POST", "/x/email/confirm?token=user@example.org", b"{}", {"Authorization": "Nostr c2VjcmV0"})
    proxy.stop()
    log = (proxy.home / "pomade.access.log").read_text()
    assert "/x/email/confirm" in log and "c2VjcmV0" not in log and "example.org" not in log


def test_plain_http_is_sent_to_https(proxy):
    connection = http.client.HTTPConnection("127.0.0.1", proxy.plain_port, timeout=30)
    connection.request("POST", "/challenge", b"{}", {"Host": "signer.example"})
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Location")) == (301, "https://signer.example/challenge")
    connection.close()


def test_the_signer_itself_behind_the_proxy(program, tmp_path):
    port = free_port()
    settings = {"POMADE_SECRET": secrets.token_hex(32), "POMADE_URL": "https://signer.example", "POMADE_PORT": str(port),
                "POMADE_DATABASE": str(tmp_path / "database"), "TEST_MODE": "1"}
    log = tmp_path / "log"
    signer = subprocess.Popen([program, "signer", "serve"], env={"PATH": os.environ["PATH"], **settings},
                              stdout=subprocess.DEVNULL, stderr=log.open("w"))
    deadline = time.monotonic() + 60
    while socket.socket().connect_ex(("127.0.0.1", port)):
        assert signer.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    proxy = in_front_of(tmp_path, port)
    try:
        header = nostr.Key().authorization("https://signer.example/session/list", b"{}")
        for authorization, expected in [("", "auth_failed"), (header, None), (header, "auth_failed")]:
            status, headers, body = proxy.ask("POST", "/session/list", b"{}", {"Authorization": authorization})
            told = json.loads(body)
            assert status == 200 and is_for_browsers(headers)
            assert told.get("code") == expected and (expected or told["items"] == [])
        assert json.loads(proxy.ask("GET", "/x/info")[2])["url"] == "https://signer.example"
        refusal(proxy.ask("GET", "/metrics"), 405, "method_not_allowed")
        signer.send_signal(signal.SIGTERM)
        assert signer.wait(timeout=30) == 0
        refusal(proxy.ask("POST", "/session/list", b"{}"), 503, "internal")
    finally:
        signer.kill()
        signer.wait()
        proxy.stop()
