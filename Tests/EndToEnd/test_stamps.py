"""Proofs of when documents and scores existed, verified here anew, and the guard of the clock."""

import base64
import email.utils
import hashlib
import json
import os
import pathlib
import signal
import time

import nostr_sdk
import pytest
import requests

from conftest import Run
from description import Description
from payer import buy, pay, read_challenge
from roughtime_server import RoughtimeServer
from time_proofs import request, verify_answer, verify_proof

DOCUMENT = b"This existed."


def server_list(path, servers):
    path.write_text(json.dumps({"servers": [server.entry(server.address) for server in servers]}))
    return str(path)


@pytest.fixture(scope="module")
def stamps(program, tmp_path_factory):
    """A run of its own: stamps scores every few seconds, and has one witness of stamps."""
    place = tmp_path_factory.mktemp("stamps")
    witness = RoughtimeServer("127.0.0.1")
    run = Run(program, place / "data", {
        "ASSAY_TIME_STAMP_SCORES_SECONDS": "2",
        "ASSAY_TIME_STAMP_SERVERS": server_list(place / "witnesses.json", [witness]),
    })
    run.witness = witness
    run.start()
    run.keys = {base64.b64decode(run.info["roughtime"]["publicKey"]), bytes(witness.key.verify_key)}
    yield run
    witness.close()
    assert run.stop() == 0


def metric(run, name):
    lines = requests.get(run.api + "/metrics", timeout=10).text.splitlines()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name)}


def stamp(run, digest, token=None):
    headers = {"Authorization": token} if token else {}
    return requests.post(run.api + "/v1/time/stamp", json={"digest": digest}, headers=headers, timeout=30)


def test_a_bought_stamp_is_a_proof_that_anybody_can_verify(stamps):
    digest = hashlib.sha256(DOCUMENT).hexdigest()
    begin = time.time()
    token, invoice = read_challenge(stamp(stamps, digest))
    answer = stamp(stamps, digest, f"L402 {token}:{pay(stamps.info, invoice)}")
    assert answer.status_code == 200, answer.text
    proof = Description(stamps.api).check("/v1/time/stamp", answer, "post")
    assert proof["digest"] == digest
    assert len(proof["chain"]["responses"]) == 2
    before = verify_proof(proof, stamps.keys)
    assert begin - 1 <= before <= time.time() + 40

    other = {**proof, "digest": hashlib.sha256(b"another document").hexdigest()}
    with pytest.raises(AssertionError):
        verify_proof(other, stamps.keys)


def test_the_program_verifies_the_same_proof_offline(stamps, tmp_path):
    digest = hashlib.sha256(DOCUMENT).hexdigest()
    token = buy(stamps.info, stamps.api + "/v1/time/stamp", method="POST", json={"digest": digest})
    file = tmp_path / "proof.json"
    file.write_bytes(stamp(stamps, digest, token).content)
    assert stamps.command("time", "verify", str(file)).returncode == 0
    spoilt = json.loads(file.read_text())
    spoilt["salt"] = "00" * 32
    file.write_text(json.dumps(spoilt))
    assert stamps.command("time", "verify", str(file)).returncode != 0


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"digest": 5}', b'{"digest": "ab"}', b'{"digest": "' + b"g" * 64 + b'"}']
)
def test_what_is_no_digest_costs_nothing(stamps, body):
    answer = requests.post(
        stamps.api + "/v1/time/stamp", data=body, headers={"Content-Type": "application/json"}, timeout=10
    )
    assert answer.status_code == 400, answer.text
    assert "WWW-Authenticate" not in answer.headers


def test_a_witness_that_is_away_or_lies_spoils_no_stamp(stamps):
    digest = hashlib.sha256(DOCUMENT).hexdigest()
    stamps.witness.ahead = -3600
    try:
        token = buy(stamps.info, stamps.api + "/v1/time/stamp", method="POST", json={"digest": digest})
        proof = stamp(stamps, digest, token).json()
    finally:
        stamps.witness.ahead = 0
    assert len(proof["chain"]["responses"]) == 1
    verify_proof(proof, stamps.keys)


def test_without_a_time_server_the_payment_is_kept_for_another_try(stamps):
    digest = hashlib.sha256(DOCUMENT).hexdigest()
    token = buy(stamps.info, stamps.api + "/v1/time/stamp", method="POST", json={"digest": digest})
    responder = stamps.refresh()["pids"]["roughtime"]
    os.kill(responder, signal.SIGSTOP)
    try:
        answer = stamp(stamps, digest, token)
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["Retry-After"]) >= 1
    finally:
        os.kill(responder, signal.SIGCONT)
    deadline = time.monotonic() + 30
    while (answer := stamp(stamps, digest, token)).status_code == 503:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert answer.status_code == 200, answer.text
    verify_proof(answer.json(), stamps.keys)
    assert stamp(stamps, digest, token).status_code == 402


def test_a_bought_score_is_younger_than_one_answer_and_older_than_another(stamps):
    rows = requests.get(stamps.api + "/api/agents/top", params={"limit": 3}, timeout=10).json()["data"]
    deadline = time.monotonic() + 60
    while not metric(stamps, "assay_time_stamped_scores"):
        assert time.monotonic() < deadline, stamps.logs()
        time.sleep(0.5)
    for row in rows:
        url = f"{stamps.api}/v1/time/scores/{row['publicKeyHash']}"
        answer = requests.get(url, headers={"Authorization": buy(stamps.info, url)}, timeout=10)
        assert answer.status_code == 200, answer.text
        data = Description(stamps.api).check("/v1/time/scores/{ident}", answer)
        assert hashlib.sha256(data["document"].encode()).hexdigest() == data["proof"]["digest"]
        document = json.loads(data["document"])
        assert document["publicKeyHash"] == row["publicKeyHash"] and document["score"] == row["score"]
        assert json.dumps(document, sort_keys=True, separators=(",", ":")).count('"') == data["document"].count('"')
        assert document["after"] == hashlib.sha256(base64.b64decode(data["after"])).hexdigest()
        assert verify_proof(data["proof"], stamps.keys) <= time.time() + 40
        assert "path" in data["proof"]
    assert requests.get(f"{stamps.api}/v1/time/scores/{'0' * 64}", timeout=10).status_code == 404
    assert requests.get(f"{stamps.api}/v1/time/scores/nonsense", timeout=10).status_code == 400
    assert metric(stamps, 'assay_time_stamps_total{kind="scores",result="ok"}')


def attested_score(run):
    """A stamped score for which the crawler has signed."""
    operator = pathlib.Path(run.info["operatorTokenFile"]).read_text().strip()
    node = requests.get(run.api + "/api/agents/top", params={"limit": 1}, timeout=10).json()["data"][0]
    end = time.time() + 90
    while time.time() < end:
        answer = requests.get(f"{run.api}/v1/time/scores/{node['publicKeyHash']}", timeout=10,
                              headers={"X-Operator-Token": operator})
        if answer.status_code == 200 and "attestation" in answer.json():
            Description(run.api).check("/v1/time/scores/{ident}", answer)
            return answer.json()
        time.sleep(0.5)
    raise AssertionError("nobody has signed for the score")


def test_a_stamped_score_carries_the_oracles_word_that_others_verify(stamps, tmp_path):
    score = attested_score(stamps)
    event = score["attestation"]
    assert nostr_sdk.Event.from_json(json.dumps(event)).verify()
    oracle = requests.get(stamps.api + "/.well-known/l402", timeout=10).json()["oracleKey"]
    assert event["pubkey"] == oracle and event["kind"] == 30078
    (tmp_path / "document").write_text(score["document"])
    for name in ("proof", "attestation"):
        (tmp_path / name).write_text(json.dumps(score[name]))

    def verify(*more):
        return stamps.command("time", "verify", str(tmp_path / "proof"), "--document", str(tmp_path / "document"),
                              "--attestation", str(tmp_path / "attestation"), *more)

    assert verify("--signer", nostr_sdk.PublicKey.parse(oracle).to_bech32()).returncode == 0
    assert verify("--signer", "11" * 32).returncode == 1
    event["tags"] = [["root", "00" * 32] if tag[0] == "root" else tag for tag in event["tags"]]
    (tmp_path / "attestation").write_text(json.dumps(event))
    assert verify().returncode == 1


def test_every_answer_has_one_date_by_the_clock_that_signs(stamps):
    key = base64.b64decode(stamps.info["roughtime"]["publicKey"])
    for _ in range(5):
        asked = request(os.urandom(32), key)
        answer = requests.post(
            stamps.api + "/roughtime", data=asked, headers={"Content-Type": "application/octet-stream"}, timeout=10
        )
        midpoint, radius = verify_answer(answer.content, asked, key)
        date = email.utils.parsedate_to_datetime(answer.headers["Date"]).timestamp()
        # Date has whole seconds, and is written a moment after the signature.
        assert midpoint - radius - 1 <= date <= midpoint + radius + 1
    for path, status in (("/api/profile/x", 400), ("/nowhere", 404), (f"/v1/time/scores/{'0' * 64}", 404)):
        answer = requests.get(stamps.api + path, timeout=10)
        assert answer.status_code == status
        assert len(answer.raw.headers.getlist("Date")) == 1
    answer = stamp(stamps, "00" * 32)
    assert answer.status_code == 402 and len(answer.raw.headers.getlist("Date")) == 1
    assert abs(email.utils.parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()) < 5


def test_while_three_servers_find_the_clock_wrong_nothing_is_sold(program, tmp_path):
    servers = [RoughtimeServer(f"127.0.0.{number}", ahead=3600) for number in (2, 3, 4)]
    run = Run(program, tmp_path / "data", {"ASSAY_CLOCK_GUARD_LIST": server_list(tmp_path / "list.json", servers)})
    run.start()
    try:
        node = requests.get(run.api + "/api/agents/top", params={"limit": 1}, timeout=10).json()["data"][0]
        for method, path, body in (
            ("GET", f"/api/profile/{node['publicKeyHash']}", None), ("POST", "/api/deposit", {"amount": 1000}),
            ("POST", "/v1/time/stamp", {"digest": "00" * 32}),
        ):
            answer = requests.request(method, run.api + path, json=body, timeout=10)
            assert answer.status_code == 503, (path, answer.text)
            assert answer.json()["error"]["details"]["code"] == "unsynchronised"
            assert int(answer.headers["Retry-After"]) > 0
            assert "WWW-Authenticate" not in answer.headers
        assert metric(run, "assay_clock_ok") == {"assay_clock_ok": 0}
        assert metric(run, "assay_clock_checks_total") == {'assay_clock_checks_total{result="wrong"}': 1}
        assert all(server.requests for server in servers)
        # The operator's gifts expire by the same clock.
        key = pathlib.Path(run.info["apiKeyFile"]).read_text().strip()
        gift = requests.post(
            run.api + "/api/admin/tokens", json={"sats": 5, "reason": "a gift"}, headers={"X-API-Key": key}, timeout=10
        )
        assert gift.status_code == 503, gift.text
        # What is free goes on.
        assert requests.get(run.api + "/api/stats", timeout=10).status_code == 200
    finally:
        assert run.stop() == 0
        for server in servers:
            server.close()


def test_a_right_clock_and_one_that_nobody_judges_sell(program, tmp_path):
    servers = [RoughtimeServer(f"127.0.0.{number}") for number in (2, 3, 4)]
    run = Run(program, tmp_path / "data", {"ASSAY_CLOCK_GUARD_LIST": server_list(tmp_path / "list.json", servers)})
    run.start()
    try:
        assert metric(run, "assay_clock_ok") == {"assay_clock_ok": 1}
        assert metric(run, "assay_clock_checks_total") == {'assay_clock_checks_total{result="right"}': 1}
        read_challenge(stamp(run, "00" * 32))
    finally:
        assert run.stop() == 0
        for server in servers:
            server.close()
    run.start()
    try:
        assert metric(run, "assay_clock_checks_total") == {'assay_clock_checks_total{result="no_quorum"}': 1}
        read_challenge(stamp(run, "00" * 32))
    finally:
        assert run.stop() == 0
