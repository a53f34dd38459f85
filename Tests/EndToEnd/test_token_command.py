"""`assay token` and `assay receipt`: what holders and operators do with tokens and receipts at hand."""

import base64
import hashlib
import http.server
import json
import os
import pathlib
import secrets
import subprocess
import threading

import pytest
import requests

from payer import buy

RECEIPT = pathlib.Path(__file__).resolve().parents[1] / "PurchaseReceiptsTests" / "Vectors" / "receipt-file.json"


@pytest.fixture
def assay(program, tmp_path):
    """The program with a key ring of its own; nothing else of it is needed, and no service runs."""
    ring = tmp_path / "ring"
    ring.write_text(f"7 mint {secrets.token_hex(32)}\n")
    ring.chmod(0o600)
    environment = {**os.environ, "ASSAY_L402_KEY_RING_FILE": str(ring)}

    def call(*arguments, input=None, code=0, environment=environment):
        result = subprocess.run(
            [program, *map(str, arguments)], input=input, capture_output=True, text=True, timeout=60, env=environment
        )
        assert result.returncode == code, (arguments, result.stdout, result.stderr)
        return result

    return call


def test_a_token_is_minted_narrowed_and_verified(assay, tmp_path):
    preimage = secrets.token_bytes(32)
    payment_hash = hashlib.sha256(preimage).hexdigest()
    minted = assay(
        "token", "mint", "--payment-hash", payment_hash, "--capability", "profile", "--valid-for", "30d", "--uses", "9"
    ).stdout.strip()
    file = tmp_path / "token.txt"
    file.write_text(f"{minted}:{preimage.hex()}\n")

    narrowed = assay(
        "token", "narrow", f"@{file}", "--uses", "3", "--path-prefix", "/api/profile", "--method", "get",
        "--valid-until", "1d", "--with-preimage",
    ).stdout.strip()
    assert narrowed.endswith(":" + preimage.hex()) and not narrowed.startswith(minted)

    asked = ["--method", "GET", "--path", "/api/profile/02ab", "--capability", "profile"]
    assert "No check failed." in assay("token", "verify", "-", *asked, input=narrowed).stdout
    report = json.loads(
        assay("token", "verify", "-", "--method", "POST", "--path", "/api/top", "--json", input=narrowed, code=1).stdout
    )
    assert not report["valid"] and report["code"] == "method_denied"
    failed = {check["check"] for check in report["checks"] if check["outcome"] == "failed"}
    assert failed == {"method", "path_prefix"}

    # Wider is refused, and another ring does not know the token.
    assert "wider" in assay("token", "narrow", f"@{file}", "--uses", "10", code=1).stderr
    other = tmp_path / "other-ring"
    other.write_text(f"7 mint {secrets.token_hex(32)}\n")
    other.chmod(0o600)
    environment = {**os.environ, "ASSAY_L402_KEY_RING_FILE": str(other)}
    answer = assay("token", "verify", f"@{file}", code=1, environment=environment).stdout
    assert "Refused: bad_signature." in answer
    assay("token", "mint", "--payment-hash", payment_hash, "--valid-for", "1h", "--tier", "256", code=64)


def test_inspect_explains_a_bought_token_without_its_preimage(run, node, assay, tmp_path):
    token, preimage = buy(run.info, f"{run.api}/api/profile/{node}").removeprefix("L402 ").split(":")
    result = assay("token", "inspect", "-", input=f"L402 {token}:{preimage}")
    assert hashlib.sha256(bytes.fromhex(preimage)).hexdigest() in result.stdout
    assert "only for assay up to tier 0" in result.stdout and "it is the payment's" in result.stdout
    assert preimage not in result.stdout + result.stderr
    summary = json.loads(assay("token", "inspect", token, "--json").stdout)
    assert summary["version"] == 2 and summary["caveats"][0]["caveat"] == "services=assay:0"
    assay("token", "inspect", "nonsense", code=65)
    assay("token", "inspect", f"@{tmp_path}/absent", code=65)


def test_a_receipt_file_is_checked_offline(assay, tmp_path):
    file = json.loads(RECEIPT.read_text())
    key = file["server"]["key"]
    assert "The receipt is valid." in assay("receipt", "verify", RECEIPT, "--key", key).stdout
    report = json.loads(assay("receipt", "verify", RECEIPT, "--json").stdout)
    assert report["valid"] and report["checks"][0] == {**report["checks"][0], "check": "key", "outcome": "skipped"}
    file["response"]["body"] = ""
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(file))
    answer = assay("receipt", "verify", forged, "--key", key, code=1).stdout
    assert "FAIL  response" in answer and "NOT valid" in answer
    assay("receipt", "verify", RECEIPT, "--key", "ff" * 32, code=64)
    forged.write_text("{}")
    assay("receipt", "verify", forged, code=65)
    assay("receipt", "verify", tmp_path / "absent.json", code=65)


def test_get_saves_the_receipt_and_says_when_it_is_about_something_else(assay, tmp_path):
    vector = json.loads(RECEIPT.read_text())

    class Service(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            if self.path != "/none":
                self.send_header("L402-Receipt", vector["receipt"])
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        kept = tmp_path / "receipt.json"
        assert "no receipt" in assay("get", url + "/none", "--save-receipt", kept, code=7).stderr
        assert not kept.exists()
        answer = assay("get", url + "/a%20b?c=d", "--save-receipt", kept, code=7)
        assert answer.stdout.startswith("hello") and "request:" in answer.stderr
        server.shutdown()
    saved = json.loads(kept.read_text())
    assert saved["request"] == {"body": "", "method": "GET", "target": "/a%20b?c=d"}
    assert saved["receipt"] == vector["receipt"] and kept.stat().st_mode & 0o777 == 0o600
    assay("receipt", "verify", kept, code=1)


def test_a_bought_answer_leaves_a_receipt_that_verifies_with_the_published_key(run, node, assay, tmp_path):
    kept = tmp_path / "receipt.json"
    url = f"{run.api}/api/profile/{node}"
    wallet = ["--wallet", run.data / "run.json", "--max-sats", "10"]
    answer = assay("get", url, *wallet, "--save-receipt", kept)
    key = requests.get(run.api + "/.well-known/l402", timeout=10).json()["receiptKey"]
    report = json.loads(assay("receipt", "verify", kept, "--key", key, "--json").stdout)
    assert {check["outcome"] for check in report["checks"]} == {"passed"}, report
    saved = json.loads(kept.read_text())
    assert base64.b64decode(saved["response"]["body"]).decode() == answer.stdout.rstrip("\n")
