"""A signer outside its test mode: registration with proof of work, and mails by a real mail server."""

import email
import email.policy
import json
import os
import pathlib
import re
import secrets
import signal
import socket
import subprocess
import time

import nostr
import pytest
import requests

from free_ports import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]


class MailServer:
    """Python's aiosmtpd, by Debian's Python."""

    def __init__(self):
        script = ROOT / "Tests" / "MailTests" / "Fixtures" / "smtp_server.py"
        self.process = subprocess.Popen(["/usr/bin/python3", str(script), "plain", "-", "-"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.port = json.loads(self.process.stdout.readline())["port"]

    def next(self):
        """The next mail: its recipients, and the message."""
        mail = json.loads(self.process.stdout.readline())
        return mail["to"], email.message_from_string(mail["message"], policy=email.policy.default)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)


class Signer:
    def __init__(self, program, home, mail_port):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = home / "log"
        settings = {
            "POMADE_SECRET": secrets.token_hex(32), "POMADE_URL": self.url, "POMADE_PORT": str(port),
            "POMADE_DATABASE": str(home / "database"), "MAIL_PROVIDER": "smtp", "MAIL_FROM_EMAIL": "signer@example.com",
            "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(mail_port), "ASSAY_SMTP_PLAIN_TEXT": "1",
        }
        self.process = subprocess.Popen([program, "signer", "serve"], env={"PATH": os.environ["PATH"], **settings},
                                        stdout=subprocess.DEVNULL, stderr=self.log.open("w"))
        deadline = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def ask(self, key, path, request, work=0):
        body = json.dumps(request).encode()
        headers = {"Authorization": key.authorization(self.url + path, body, work), "Content-Type": "application/json"}
        answer = requests.post(self.url + path, body, headers=headers, timeout=60)
        assert answer.status_code == 200
        return answer.json()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


@pytest.fixture
def servers(program, tmp_path):
    mails = MailServer()
    signer = Signer(program, tmp_path, mails.port)
    yield signer, mails
    if signer.process.poll() is None:
        signer.stop()
    mails.stop()


def registration():
    """A key whose every share is the key itself: one of one."""
    secret = secrets.randbelow(nostr.N - 1) + 1
    point = nostr.compressed(nostr.times(secret)).hex()
    commit = {"idx": 1, "pubkey": point, "hidden_pn": point, "binder_pn": point}
    return {"share": {"idx": 1, "seckey": secret.to_bytes(32, "big").hex()},
            "group": {"commits": [commit], "group_pk": point, "threshold": 1}, "recovery": True}


def test_an_account_is_recovered_by_codes_that_arrive_by_mail(servers):
    signer, mails = servers
    address = "user+nostr@example.org"
    key = nostr.Key()
    request = registration()
    assert signer.ask(key, "/register", request)["code"] == "pow_required"
    assert signer.ask(key, "/register", request, work=16)["ok"]
    password = nostr.argon2id(address + "correct horse", signer.url)
    assert signer.ask(key, "/recovery/setup", {"email": address, "password_hash": password})["ok"]

    to, mail = mails.next()
    assert to == [address] and mail["From"] == "Pomade Signer <signer@example.com>"
    text = mail.get_body(("plain",)).get_content()
    link = re.search(r"http://\S+/x/email/confirm\?token=[0-9a-f]{64}", text).group()
    assert link.startswith(signer.url) and link in mail.get_body(("html",)).get_content()
    # A mail scanner that follows links changes nothing; the button does.
    assert requests.get(link, timeout=30).status_code == 200
    assert "Confirmed" in requests.post(link, timeout=30).text

    hashed = nostr.argon2id(address, signer.url)
    assert signer.ask(nostr.Key(), "/challenge", {"prefix": "42", "email_hash": hashed})["ok"]
    to, mail = mails.next()
    code = re.search(r"\b42[0-9]{10}\b", mail.get_body(("plain",)).get_content()).group()
    assert to == [address] and code in mail["Subject"] and code in mail.get_body(("html",)).get_content()

    login = nostr.Key()
    wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
    assert signer.ask(login, "/recovery/start", {"auth": {"email_hash": hashed, "otp": wrong}})["code"] == "no_sessions"
    items = signer.ask(login, "/recovery/start", {"auth": {"email_hash": hashed, "otp": code}})["items"]
    assert [item["client"] for item in items] == [key.public.hex()]
    recovered = signer.ask(login, "/recovery/select", {"client": key.public.hex()})
    assert recovered["share"] == request["share"]
    to, mail = mails.next()
    assert to == [address] and mail["Subject"] == "Your key was recovered"

    # Nobody hears of addresses that nobody has.
    assert signer.ask(nostr.Key(), "/challenge", {"prefix": "42", "email_hash": "ab" * 32})["ok"]
    assert signer.stop() == 0
    log = signer.log.read_text()
    for secret in [address, code, hashed, password, request["share"]["seckey"]]:
        assert secret not in log
