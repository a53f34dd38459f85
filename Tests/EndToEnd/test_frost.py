"""A key split among real signers, used by way of 'assay frost' and judged by other people's Nostr library."""

import http.client
import http.server
import json
import os
import secrets
import subprocess
import threading
import time

import nostr_sdk
import pytest

from free_ports import free_port


class Signer:
    """One 'assay signer serve' with a database cluster of its own."""

    def __init__(self, program, directory, url=None):
        self.port = free_port()
        self.url = url or f"http://127.0.0.1:{self.port}"
        self.log = directory / "signer.out"
        self.environment = {
            **os.environ, "POMADE_SECRET": secrets.token_hex(32), "POMADE_URL": self.url,
            "POMADE_PORT": str(self.port), "POMADE_DATABASE": str(directory / "db"), "TEST_MODE": "1",
        }
        self.program = program
        self.process = None

    def start(self):
        with self.log.open("a") as file:
            self.process = subprocess.Popen(
                [self.program, "signer", "serve"], stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                env=self.environment,
            )
        return self

    def wait(self, timeout=60):
        deadline = time.monotonic() + timeout
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("POST", "/register", "{}")
                assert connection.getresponse().status == 200
                return self
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.1)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=30)

    def codes(self):
        """The codes that a signer in test mode prints in place of mailing them."""
        return [line.split("otp=")[1].split()[0] for line in self.log.read_text().splitlines() if "otp=" in line]


class Liar(http.server.ThreadingHTTPServer):
    """Stands before a signer and, when told to, changes its parts of signatures."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), LiarHandler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.backend = None
        self.lies = False
        threading.Thread(target=self.serve_forever, daemon=True).start()


class LiarHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        connection = http.client.HTTPConnection("127.0.0.1", self.server.backend, timeout=15)
        passed = {name: self.headers[name] for name in ("Content-Type", "Authorization") if name in self.headers}
        connection.request("POST", self.path, body, passed)
        answer = connection.getresponse()
        content = json.loads(answer.read())
        if self.server.lies and self.path == "/sign/complete":
            content["result"]["psig"][1] = "00" * 31 + "07"
        text = json.dumps(content).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def program(request):
    return os.path.abspath(request.config.getoption("--program"))


@pytest.fixture(scope="module")
def liar():
    server = Liar()
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def signers(program, liar, tmp_path_factory):
    """Three signers; the first is asked by way of the liar, who is honest unless a test says otherwise."""
    started = []
    try:
        for number in range(3):
            directory = tmp_path_factory.mktemp(f"signer{number}")
            started.append(Signer(program, directory, url=liar.url if number == 0 else None).start())
        liar.backend = started[0].port
        for signer in started:
            signer.wait()
        yield started
    finally:
        for signer in started:
            signer.stop()


@pytest.fixture
def frost(program, tmp_path):
    """Runs 'assay frost' in a directory of the test's own."""

    def run(*arguments, input=None, code=0):
        done = subprocess.run(
            [program, "frost", *map(str, arguments)], input=input, capture_output=True, text=True, timeout=120,
            cwd=tmp_path,
        )
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        return done

    return run


def dealt(frost, signers, *options, input=None):
    urls = [word for signer in signers for word in ("--signer", signer.url)]
    return json.loads(frost("deal", "--json", "--threshold", 2, *options, *urls, input=input).stdout)


def verified(text):
    event = nostr_sdk.Event.from_json(text)
    assert event.verify()
    return event


@pytest.mark.parametrize("parity", [2, 3])
def test_two_of_three_sign_events_for_keys_of_either_parity(frost, signers, tmp_path, parity):
    while True:
        keys = nostr_sdk.Keys.generate()
        (tmp_path / "key.hex").write_text(keys.secret_key().to_hex())
        account = dealt(frost, signers, "--key-file", "key.hex")
        assert account["pubkey"] == keys.public_key().to_hex() and account["npub"] == keys.public_key().to_bech32()
        state = json.loads((tmp_path / "frost.json").read_text())
        if int(state["group"]["group_pk"][:2]) == parity:
            break
        (tmp_path / "frost.json").unlink()
    assert os.stat(tmp_path / "frost.json").st_mode & 0o777 == 0o600
    assert keys.secret_key().to_hex() not in json.dumps(state)
    template = {"kind": 1, "content": "zwei von drei \"schrieben\" dies\n", "tags": [["t", "frost"]]}
    done = frost("sign", "--event", "-", input=json.dumps(template))
    event = verified(done.stdout)
    assert event.author() == keys.public_key() and event.content() == template["content"]
    assert signers[1].url in done.stderr and " ms" in done.stderr


def test_the_shared_secret_is_the_same_on_both_sides(frost, signers, tmp_path):
    account = dealt(frost, signers, "--new-key-file", "key.nsec")
    other = nostr_sdk.Keys.generate()
    ours = nostr_sdk.PublicKey.parse(account["npub"])
    payload = frost("ecdh", other.public_key().to_bech32(), "--encrypt", input="für dich\n").stdout.strip()
    assert nostr_sdk.nip44_decrypt(other.secret_key(), ours, payload) == "für dich"
    back = nostr_sdk.nip44_encrypt(other.secret_key(), ours, "and back", nostr_sdk.Nip44Version.V2)
    assert frost("ecdh", other.public_key().to_hex(), "--decrypt", input=back).stdout == "and back\n"
    frost("ecdh", other.public_key().to_hex(), "--key-file", "conversation.key")
    assert os.stat(tmp_path / "conversation.key").st_mode & 0o777 == 0o600


def test_a_lying_signer_is_named_and_the_others_sign(frost, signers, liar):
    dealt(frost, signers, "--new-key-file", "key.nsec")
    liar.lies = True
    try:
        report = json.loads(frost("sign", "--json", "--event", "-", input='{"kind":1,"content":"x"}').stdout)
        verified(json.dumps(report["event"]))
        assert [signer["idx"] for signer in report["signers"]] == [2, 3]
        signers[2].stop()
        failed = frost("sign", "--event", "-", input='{"kind":1,"content":"x"}', code=69)
        assert f"signer 1 at {liar.url} gave a wrong answer" in failed.stderr
        assert f"signer 3 at {signers[2].url} cannot be reached" in failed.stderr
        assert signers[1].url not in failed.stderr
    finally:
        liar.lies = False
        signers[2].start().wait()


def test_a_dead_signer_is_done_without_and_keeps_its_shares(frost, signers):
    dealt(frost, signers, "--new-key-file", "key.nsec")
    signers[1].stop()
    report = json.loads(frost("sign", "--json", "--event", "-", input='{"kind":1,"content":"x"}').stdout)
    verified(json.dumps(report["event"]))
    assert [signer["idx"] for signer in report["signers"]] == [1, 3]
    signers[1].start().wait()
    signers[2].stop()
    report = json.loads(frost("sign", "--json", "--event", "-", input='{"kind":1,"content":"x"}').stdout)
    verified(json.dumps(report["event"]))
    signers[2].start().wait()


def test_a_lost_client_has_its_key_back_by_password_and_by_codes(frost, signers, tmp_path):
    address = f"{secrets.token_hex(4)}@example.com"
    account = dealt(
        frost, signers, "--new-key-file", "key.nsec", "--email", address, input="correct horse\n"
    )
    (tmp_path / "frost.json").unlink()
    urls = [word for signer in signers for word in ("--signer", signer.url)]
    common = ["recover", "--email", address, *urls]
    done = frost(*common, "--key-file", "again.nsec", input="correct horse\n")
    assert done.stdout.strip() == account["npub"]
    assert (tmp_path / "again.nsec").read_text() == (tmp_path / "key.nsec").read_text()
    assert os.stat(tmp_path / "again.nsec").st_mode & 0o777 == 0o600
    frost(*common, "--key-file", "wrong.nsec", input="wrong horse\n", code=69)
    assert not (tmp_path / "wrong.nsec").exists()

    before = [set(signer.codes()) for signer in signers]
    process = subprocess.Popen(
        [frost_program(frost), "frost", *common, "--codes", "--key-file", "coded.nsec"], cwd=tmp_path, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 30
    while not all(set(signer.codes()) - old for signer, old in zip(signers, before)):
        assert time.monotonic() < deadline, [signer.log.read_text()[-500:] for signer in signers]
        time.sleep(0.05)
    codes = [(set(signer.codes()) - old).pop() for signer, old in zip(signers, before)]
    out, errors = process.communicate(" ".join(codes) + "\n\n", timeout=60)
    assert process.returncode == 0, errors
    assert out.strip() == account["npub"]
    assert (tmp_path / "coded.nsec").read_text() == (tmp_path / "key.nsec").read_text()


def frost_program(frost):
    return frost.__closure__[0].cell_contents


def test_sessions_are_held_to_a_policy_and_ended(frost, signers, tmp_path):
    account = dealt(frost, signers, "--new-key-file", "key.nsec")
    rows = json.loads(frost("sessions", "--json").stdout)
    assert [row["signer"] for row in rows] == [1, 2, 3]
    assert all(row["isOwn"] and row["session"]["client"] == account["session"] for row in rows)
    assert all(row["session"]["verified"] for row in rows)
    (tmp_path / "policy.json").write_text(json.dumps({"kinds": [1, 27235]}))
    frost("sessions", "--policy", "policy.json")
    verified(frost("sign", "--event", "-", input='{"kind":1,"content":"allowed"}').stdout)
    denied = frost("sign", "--event", "-", input='{"kind":5,"content":"forbidden"}', code=69)
    assert "policy_denied" in denied.stderr
    frost("sessions", "--deactivate", account["session"])
    ended = frost("sign", "--event", "-", input='{"kind":1,"content":"late"}', code=69)
    assert "deactivated" in ended.stderr


def test_signers_make_a_key_that_nobody_holds(frost, signers):
    urls = [word for signer in signers for word in ("--signer", signer.url)]
    account = json.loads(frost("generate", "--json", "--threshold", 2, *urls, "--work", 0).stdout)
    event = verified(frost("sign", "--event", "-", input='{"kind":1,"content":"ours"}').stdout)
    assert event.author().to_hex() == account["pubkey"]
    frost("generate", "--threshold", 2, *urls, code=64)
    frost("generate", "--threshold", 1, "--state", "other.json", *urls, code=64)


def test_a_lost_share_is_made_again_at_a_signer_that_all_know(frost, program, tmp_path_factory, tmp_path):
    known = [Signer(program, tmp_path_factory.mktemp(f"peer{number}")) for number in range(4)]
    try:
        for signer in known:
            signer.start()
        infos = []
        for signer in known:
            connection = http.client.HTTPConnection("127.0.0.1", signer.wait().port, timeout=5)
            connection.request("GET", "/x/info")
            infos.append(json.loads(connection.getresponse().read())["pubkey"])
        dealt(frost, known[:3], "--new-key-file", "key", "--work", 0)
        # As installed, no signer helps anybody.
        refused = frost("repair", 3, "--at", known[3].url, "--work", 0, code=69)
        assert "policy_denied" in refused.stderr
        known[2].stop()
        for signer in (known[0], known[1], known[3]):
            signer.stop()
            signer.environment["POMADE_PEERS"] = ",".join(infos)
            signer.start().wait()
        frost("repair", 3, "--at", known[3].url, "--work", 0)
        # The new one signs in place of the first.
        known[0].stop()
        verified(frost("sign", "--event", "-", input='{"kind":1,"content":"repaired"}').stdout)
        state = json.loads((tmp_path / "frost.json").read_text())
        assert [signer["url"] for signer in state["signers"]] == [known[0].url, known[1].url, known[3].url]
        assert os.stat(tmp_path / "frost.json").st_mode & 0o777 == 0o600
    finally:
        for signer in known:
            signer.stop()


def test_new_shares_sign_and_old_devices_log_in_again(frost, signers, tmp_path):
    urls = [word for signer in signers for word in ("--signer", signer.url)]
    address = f"{secrets.token_hex(6)}@example.com"
    dealt(frost, signers, "--new-key-file", "key", "--email", address, "--work", 0, input="correct horse\n")
    frost("login", "--email", address, "--state", "second.json", *urls, input="correct horse\n")
    verified(frost("sign", "--state", "second.json", "--event", "-", input='{"kind":1,"content":"second"}').stdout)
    frost("refresh")
    verified(frost("sign", "--event", "-", input='{"kind":1,"content":"refreshed"}').stdout)
    # The second device has the group of before.
    frost("sign", "--state", "second.json", "--event", "-", input='{"kind":1,"content":"old"}', code=69)
    (tmp_path / "second.json").unlink()
    frost("login", "--email", address, "--state", "second.json", *urls, input="correct horse\n")
    verified(frost("sign", "--state", "second.json", "--event", "-", input='{"kind":1,"content":"again"}').stdout)
    frost("login", "--email", address, "--state", "third.json", *urls, input="wrong\n", code=69)


def test_nothing_is_dealt_that_could_not_be_used(frost, signers, tmp_path):
    """Shares that are registered and then useless would stay with the signers."""
    urls = [word for signer in signers for word in ("--signer", signer.url)]
    nowhere = frost("deal", "--new-key-file", "key.nsec", "--state", "nowhere/frost.json", *urls, code=65)
    assert "nowhere/frost.json cannot be written" in nowhere.stderr
    address = frost("deal", "--new-key-file", "key.nsec", "--email", "nobody", *urls, input="secret\n", code=64)
    assert "nobody is no e-mail address" in address.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_deal_that_a_signer_missed_says_how_to_go_on(frost, signers, tmp_path):
    urls = [word for signer in signers[:1] for word in ("--signer", signer.url)]
    missed = frost("deal", "--new-key-file", "key.nsec", *urls, "--signer", f"http://127.0.0.1:{free_port()}", code=69)
    assert "run it again with --key-file key.nsec" in missed.stderr
    assert "cannot be reached" in missed.stderr and not (tmp_path / "frost.json").exists()
    assert (tmp_path / "key.nsec").exists()
    dealt(frost, signers, "--key-file", "key.nsec")


def test_a_policy_with_a_misspelt_limit_is_not_taken_for_none(frost, signers, tmp_path):
    dealt(frost, signers, "--new-key-file", "key.nsec")
    (tmp_path / "policy.json").write_text('{"kindz": [1]}')
    refused = frost("sessions", "--policy", "policy.json", code=65)
    assert "a policy has no 'kindz', but kinds, require_event" in refused.stderr
    frost("sessions", "--session", "00" * 32, code=64)
    strange = frost("sessions", "--delete", "00" * 32, code=69)
    assert "no signer has this session" in strange.stderr and "again" not in strange.stderr


def test_a_state_that_others_can_read_is_not_used(frost, signers, tmp_path):
    dealt(frost, signers, "--new-key-file", "key.nsec")
    (tmp_path / "frost.json").chmod(0o644)
    refused = frost("sign", "--digest", "00" * 32, code=65)
    assert "run: chmod 600 frost.json" in refused.stderr
