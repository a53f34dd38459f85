"""The three signers of a run, and Assay's own keys held by them together: receipts and scores signed two of three."""

import json
import os
import pathlib
import re
import signal
import time

import nostr_sdk
import pytest
import requests

from conftest import Run
from payer import buy


def wait(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(what)


def answers(url):
    """Whether a signer is there: without a signed event it refuses, in its own words."""
    try:
        answer = requests.post(url + "/register", json={}, timeout=2)
    except requests.ConnectionError:
        return False
    return answer.status_code == 200 and answer.json()["code"] == "auth_failed"


@pytest.fixture(scope="module")
def joint(program, tmp_path_factory):
    """A run whose receipt key and oracle key are one key that its three signers hold, two of which are enough."""
    place = tmp_path_factory.mktemp("joint")
    run = Run(program, place / "data")
    run.start()
    dealt = run.command("frost", "deal", "--data", str(run.data), "--new-key-file", str(place / "key.nsec"),
                        "--state", str(place / "frost.json"), "--work", "0")
    assert dealt.returncode == 0, dealt.stderr
    key = nostr_sdk.Keys.parse((place / "key.nsec").read_text().strip()).public_key()
    (place / "key.nsec").unlink()
    urls = [signer["url"] for signer in run.info["signers"]]
    assert run.stop() == 0
    run.environment |= {
        "ASSAY_RECEIPT_GROUP": str(place / "frost.json"), "ASSAY_ORACLE_GROUP": str(place / "frost.json"),
        "ASSAY_ORACLE_PUBLIC_KEY": key.to_bech32(), "ASSAY_TIME_STAMP_SCORES_SECONDS": "2",
    }
    run.start()
    run.key, run.place = key, place
    # A signer's URL is its identity: it stays.
    assert [signer["url"] for signer in run.info["signers"]] == urls
    yield run
    assert run.stop() == 0


def receipt(run):
    node = requests.get(run.api + "/api/agents/top", params={"limit": 1}, timeout=10).json()["data"][0]
    url = f"{run.api}/api/profile/{node['publicKeyHash']}"
    served = requests.get(url, headers={"Authorization": buy(run.info, url)}, timeout=30)
    assert served.status_code == 200, served.text
    return served.headers.get("L402-Receipt")


def test_receipts_are_signed_by_two_of_three_signers(joint, tmp_path):
    manifest = requests.get(joint.api + "/.well-known/l402", timeout=10).json()
    assert manifest["receiptKey"] == manifest["oracleKey"] == joint.key.to_hex()
    assert joint.key.to_hex() in wait("no receipt", lambda: receipt(joint))
    # The program itself checks the signature over what was bought.
    file = tmp_path / "receipt.json"
    node = requests.get(joint.api + "/api/agents/top", params={"limit": 1}, timeout=10).json()["data"][0]
    got = joint.command("get", f"{joint.api}/api/profile/{node['publicKeyHash']}", "--wallet", str(joint.data / "run.json"),
                        "--max-sats", "10", "--save-receipt", str(file))
    assert got.returncode == 0, got.stderr
    checked = joint.command("receipt", "verify", str(file), "--key", joint.key.to_hex())
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_scores_are_signed_by_two_of_three_signers(joint):
    operator = {"X-Operator-Token": pathlib.Path(joint.info["operatorTokenFile"]).read_text().strip()}
    node = requests.get(joint.api + "/api/agents/top", params={"limit": 1}, timeout=10).json()["data"][0]
    url = f"{joint.api}/v1/time/scores/{node['publicKeyHash']}"

    def attested():
        answer = requests.get(url, headers=operator, timeout=10)
        return answer.json().get("attestation") if answer.status_code == 200 else None

    event = nostr_sdk.Event.from_json(json.dumps(wait("nobody signed", attested, 90)))
    assert event.verify() and event.author().to_hex() == joint.key.to_hex()
    metrics = requests.get(joint.info["crawlerMetrics"] + "/metrics", timeout=10).text
    assert float(re.search(r'assay_frost_signatures_total\{result="ok"\} (\S+)', metrics)[1]) >= 1


def test_a_signer_that_dies_is_replaced_at_its_url_and_missed_by_nobody(joint):
    url = joint.info["signers"][0]["url"]
    old = joint.refresh()["pids"]["signer-1"]
    os.kill(old, signal.SIGKILL)
    assert joint.key.to_hex() in wait("no receipt while a signer is away", lambda: receipt(joint))
    wait("the signer did not come back", lambda: joint.refresh()["pids"]["signer-1"] != old and answers(url))
    wait("the signer knows its share no more", lambda: json.loads(joint.command(
        "frost", "sessions", "--state", str(joint.place / "frost.json"), "--json").stdout or "{}"))


def test_without_enough_signers_what_was_paid_for_is_handed_over_without_a_receipt(joint):
    # Stopped, not killed: they take connections and do not answer, which is worse.
    pids = [joint.refresh()["pids"][f"signer-{number}"] for number in (1, 2)]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        # What was agreed on in advance may still serve a few.
        wait("a receipt that two signers cannot have made", lambda: receipt(joint) is None)
        metrics = requests.get(joint.api + "/metrics", timeout=10).text
        assert float(re.search(r"^assay_receipts_missing_total (\S+)", metrics, re.M)[1]) >= 1
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert wait("no receipts after the signers are back", lambda: receipt(joint))


def test_codes_are_written_to_the_signers_log_instead_of_being_mailed(joint, tmp_path):
    state = tmp_path / "frost.json"
    dealt = joint.command("frost", "deal", "--data", str(joint.data), "--new-key-file", str(tmp_path / "key"), "--state",
                          str(state), "--work", "0", "--email", "user@example.com", input="a password\n")
    assert dealt.returncode == 0, dealt.stderr
    # Asks for codes, and is told none.
    joint.command("frost", "recover", "--data", str(joint.data), "--email", "user@example.com", "--codes",
                  "--key-file", str(tmp_path / "again"), input="\n")
    logs = [joint.data / "logs" / f"signer-{number}.log" for number in (1, 2, 3)]
    for log in logs:
        wait("no code", lambda: re.search(r"^\[challenge\] otp=\d+ to=user@example\.com$", log.read_text(), re.M))
