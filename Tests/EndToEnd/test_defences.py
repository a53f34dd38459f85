"""A gate with the limits of production, under attack and with its node gone."""

import concurrent.futures
import hashlib
import random
import os
import pathlib
import re
import signal
import socket
import time

import pytest
import requests

from conftest import Run
from payer import buy, pay, read_challenge


@pytest.fixture(scope="module")
def guarded(program, tmp_path_factory):
    directory = tmp_path_factory.mktemp("guarded")
    blocked = directory / "blocked"
    blocked.write_text("192.0.2.0/24 # documentation\n")
    environment = {
        "ASSAY_CHALLENGES_PER_SECOND": "1", "ASSAY_CHALLENGE_BURST": "4", "ASSAY_POW_BITS": "12",
        "ASSAY_BLOCKLIST_FILE": str(blocked), "ASSAY_TRUSTED_PROXIES": "127.0.0.1/32",
        "ASSAY_COMPAT_BARE_DEPOSIT": "true",
        "ASSAY_REQUEST_TIMEOUT_MS": "5000", "ASSAY_HOLD_LIFETIME_SECONDS": "10",
    }
    run = Run(program, directory / "data", environment)
    run.start()
    run.blocked = blocked
    rows = requests.get(run.api + "/api/agents/top", params={"limit": 1}, timeout=10).json()["data"]
    run.profile = f"{run.api}/api/profile/{rows[0]['publicKeyHash']}"
    yield run
    assert run.stop() == 0


def as_client(address, **headers):
    return {"X-Forwarded-For": address, **headers}


def flood(run, address):
    """Asks for challenges until there are no more; returns the refusal."""
    for _ in range(60):
        answer = requests.get(run.profile, headers=as_client(address), timeout=10)
        if answer.status_code == 429:
            return answer
    raise AssertionError("nothing was refused")


def test_a_flood_is_answered_with_429_before_an_invoice_exists(guarded):
    refused = flood(guarded, "198.51.100.7")
    assert int(refused.headers["Retry-After"]) >= 1
    assert "WWW-Authenticate" not in refused.headers
    assert refused.json()["error"]["details"]["code"] == "rate_limited"
    # The whole /24 is one client; others are not touched.
    assert requests.get(guarded.profile, headers=as_client("198.51.100.8"), timeout=10).status_code in (402, 429)
    assert requests.get(guarded.profile, headers=as_client("203.0.113.1"), timeout=10).status_code == 402


def test_a_solved_puzzle_gets_a_challenge_at_once_and_only_once(guarded):
    puzzle = flood(guarded, "198.51.101.7").headers["L402-PoW"]
    salt, bits = puzzle.split(";")
    nonce = next(
        n.to_bytes(8, "big") for n in range(1 << 40)
        if int.from_bytes(hashlib.sha256(bytes.fromhex(salt) + n.to_bytes(8, "big")).digest(), "big") >> (256 - int(bits)) == 0
    )
    solution = {"L402-PoW": f"{salt};{nonce.hex()}"}
    flood(guarded, "198.51.101.7")
    assert requests.get(guarded.profile, headers=as_client("198.51.101.7", **solution), timeout=10).status_code == 402
    flood(guarded, "198.51.101.7")
    assert requests.get(guarded.profile, headers=as_client("198.51.101.7", **solution), timeout=10).status_code == 429


def test_what_fails_validation_gets_no_challenge(guarded):
    assert requests.get(guarded.api + "/api/profile/nonsense", timeout=10).status_code == 400
    assert requests.get(guarded.api + "/api/profile/" + "0" * 64, timeout=10).status_code == 404
    assert requests.post(guarded.api + "/api/verdicts", json={}, timeout=10).status_code == 400


def test_blocked_networks_are_not_served_and_the_list_is_read_again(guarded):
    url = guarded.api + "/api/stats"
    assert requests.get(url, headers=as_client("192.0.2.9"), timeout=10).status_code == 403
    assert requests.get(url, headers=as_client("203.0.113.9"), timeout=10).status_code == 200
    guarded.blocked.write_text("203.0.113.0/24\n")
    deadline = time.monotonic() + 30
    while requests.get(url, headers=as_client("203.0.113.9"), timeout=10).status_code != 403:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert requests.get(url, headers=as_client("192.0.2.9"), timeout=10).status_code == 200
    guarded.blocked.write_text("\n# nobody\n")


def test_a_paid_token_works_while_the_node_is_gone(guarded):
    credential = buy(guarded.info, guarded.profile, headers=as_client("203.0.114.1"))
    unpaid = requests.get(guarded.profile, headers=as_client("203.0.114.2"), timeout=10)
    assert unpaid.status_code == 402
    # The settlement is written down as soon as the node tells it.
    time.sleep(1)
    sandbox = guarded.refresh()["pids"]["sandbox"]
    os.kill(sandbox, signal.SIGSTOP)
    try:
        served = requests.get(guarded.profile, headers={"Authorization": credential}, timeout=30)
        assert served.status_code == 200, served.text
    finally:
        os.kill(sandbox, signal.SIGCONT)


def test_a_settlement_survives_a_restart_without_the_node(guarded):
    credential = buy(guarded.info, guarded.profile, headers=as_client("203.0.115.1"))
    time.sleep(1)
    kill_serve(guarded)
    sandbox = guarded.info["pids"]["sandbox"]
    os.kill(sandbox, signal.SIGSTOP)
    deadline = time.monotonic() + 60
    try:
        while True:
            try:
                served = requests.get(guarded.profile, headers={"Authorization": credential}, timeout=30)
                if served.status_code != 503:
                    break
            except requests.ConnectionError:
                pass
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert served.status_code == 200, served.text
    finally:
        os.kill(sandbox, signal.SIGCONT)


def offer_deposit(run, sats, client):
    """Asks for a deposit until the node, which may have been stopped by a test, takes payments again."""
    deadline = time.monotonic() + 60
    while True:
        offer = requests.post(run.api + "/api/deposit", json={"amount": sats}, headers=as_client(client), timeout=10)
        if offer.status_code == 402 or time.monotonic() > deadline:
            return offer
        time.sleep(0.5)


def kill_serve(run):
    """kill -9 of the API; returns when the supervisor has started another one."""
    pid = run.refresh()["pids"]["serve"]
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while run.refresh()["pids"]["serve"] == pid:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_bare_deposit_is_accepted_when_the_operator_says_so_and_only_for_a_deposit(guarded):
    offer = offer_deposit(guarded, 50, "203.0.116.1")
    preimage = pay(guarded.info, offer.json()["data"]["invoice"])
    served = requests.get(guarded.profile, headers={"Authorization": f"L402 deposit:{preimage}"}, timeout=10)
    assert served.status_code == 200 and served.headers["X-Assay-Deprecated"] == "bare-deposit"
    # Of a large deposit the preimage alone is not enough: every hop of the payment knows it.
    large = offer_deposit(guarded, 1001, "203.0.116.3").json()["data"]
    secret = pay(guarded.info, large["invoice"])
    assert requests.get(guarded.profile, headers={"Authorization": f"L402 deposit:{secret}"}, timeout=10).status_code == 401
    # The preimage of a call is no deposit.
    call = buy(guarded.info, guarded.profile, headers=as_client("203.0.116.2")).split(":")[1]
    assert requests.get(guarded.profile, headers={"Authorization": f"L402 deposit:{call}"}, timeout=10).status_code == 401


def test_slow_heads_and_bodies_are_cut_off(guarded):
    host, port = re.match(r"http://([^:]+):(\d+)", guarded.api).groups()
    begin = time.monotonic()
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        try:
            for byte in b"GET /api/stats HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"a" * 200:
                connection.sendall(bytes([byte]))
                time.sleep(0.2)
            closed = False
        except (BrokenPipeError, ConnectionResetError):
            closed = True
    assert closed and 8 < time.monotonic() - begin < 25
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            b"POST /api/deposit HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        answer = connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 408"), answer[:100]


def test_whatever_is_killed_and_repeated_each_request_is_charged_once(guarded):
    challenge = read_challenge(offer_deposit(guarded, 500, "203.0.117.1"))
    credential = f"L402 {challenge[0]}:{pay(guarded.info, challenge[1])}"
    before = requests.get(guarded.profile, headers={"Authorization": credential}, timeout=10)
    assert before.status_code == 200, before.text
    answers = {}

    def insist(number):
        """Repeats one request, as a client does that gets no answer, until it is served."""
        deadline = time.monotonic() + 90
        headers = {"Authorization": credential, "Idempotency-Key": f"insist-{number}"}
        while time.monotonic() < deadline:
            try:
                answer = requests.get(guarded.profile, headers=headers, timeout=5)
                assert answer.status_code in (200, 409, 429, 503), answer.text
                if answer.status_code == 200:
                    answers.setdefault(number, set()).add(answer.content)
                    if random.random() < 0.7:
                        return True
                    continue
            except requests.RequestException:
                pass
            time.sleep(random.uniform(0.01, 0.1))
        return False

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        work = [pool.submit(insist, number) for number in range(400)]
        for _ in range(3):
            time.sleep(0.2)
            kill_serve(guarded)
        assert all(future.result() for future in work)
    assert all(len(kept) == 1 for kept in answers.values())
    key = {"X-API-Key": pathlib.Path(guarded.info["apiKeyFile"]).read_text().strip()}
    deadline = time.monotonic() + 60
    while True:
        try:
            audit = requests.get(guarded.api + "/api/admin/audit", headers=key, timeout=10).json()["data"]
            if audit["heldMsat"] == 0:
                break
        except requests.ConnectionError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert audit["isConsistent"] and audit["heldMsat"] == 0
    account = requests.get(guarded.api + "/api/l402/balance", headers={"Authorization": credential}, timeout=10).json()
    assert account["data"]["spentMsat"] == 401_000, account
