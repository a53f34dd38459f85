# Assay: a Lightning trust oracle with a native L402 gateway.
# SPDX-License-Identifier: Apache-2.0
"""'assay signer serve' as other signers' test programs start it, driven by a client of its own."""

import concurrent.futures
import http.client
import json
import os
import re
import secrets
import signal
import subprocess
import time

import pytest
from argon2.low_level import Type, hash_secret_raw

from free_ports import free_port
from pomade import Account, Key, call, header, post


class Signer:
    """One signer with a private database."""

    def __init__(self, program, directory, database=None, **environment):
        self.program, self.directory = program, directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "POMADE_SECRET": secrets.token_hex(32),
            "POMADE_URL": self.url,
            "POMADE_PORT": str(self.port),
            "POMADE_DATABASE": database or str(directory / "signer.db"),
            "TEST_MODE": "1",
            **environment,
        }
        self.out, self.err = directory / "out", directory / "err"

    def start(self):
        begin = time.monotonic()
        with self.out.open("a") as out, self.err.open("a") as err:
            self.process = subprocess.Popen(
                [self.program, "signer", "serve"], stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=self.environment
            )
        while True:
            assert self.process.poll() is None, self.err.read_text()
            assert time.monotonic() - begin < 20, self.err.read_text()
            try:
                post(self.url, "/register", {}, timeout=5)
                return self
            except OSError:
                time.sleep(0.05)

    def stop(self):
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=10)
        return code, time.monotonic() - begin

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=10)

    def command(self, *arguments, **environment):
        return subprocess.run(
            [self.program, "signer", *arguments], capture_output=True, text=True, timeout=60,
            env={**self.environment, **environment},
        )

    def code(self, email):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            found = re.findall(rf"^\[challenge\] otp=(\d+) to={re.escape(email)}$", self.out.read_text(), re.MULTILINE)
            if found:
                return found[-1]
            time.sleep(0.05)
        raise AssertionError("no code came")


def argon2(text, url):
    return hash_secret_raw(
        text.encode(), url.encode(), time_cost=3, memory_cost=1024, parallelism=2, hash_len=32, type=Type.ID
    ).hex()


@pytest.fixture(scope="module")
def signers(program, tmp_path_factory):
    """Three signers, as a user would choose them."""
    made = []
    for number in range(3):
        directory = tmp_path_factory.mktemp(f"signer{number}")
        directory.chmod(0o755)
        made.append(Signer(program, directory))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(Signer.start, made))
    yield made
    for signer in made:
        if signer.process.poll() is None:
            signer.stop()


@pytest.fixture()
def account(signers):
    account = Account([signer.url for signer in signers], 2)
    account.register()
    return account


def test_any_quorum_signs(account):
    for members in ([1, 2], [3, 1], [2, 3], [3, 1, 2]):
        account.sign(secrets.token_bytes(32), members)


def test_the_envelope(signers):
    url = signers[0].url
    status, answer, headers = post(url, "/register", b"")
    assert (status, answer["ok"], answer["code"]) == (200, False, "auth_failed")
    assert headers["Access-Control-Allow-Origin"] == "*"
    for body in (b"[", b"{", b'{"a":NaN}', b"\xff", b'{"a":' * 50 + b"1" + b"}" * 50):
        assert post(url, "/register", body)[:1] == (400,)
    assert post(url, "/register", b" " * 70_000)[0] == 413
    key = Key()
    answer = call(url, "/sign", key, {})
    assert (answer["ok"], answer["code"]) == (False, "not_found")
    # Who is not signed for does not learn which paths there are.
    assert post(url, "/sign", {})[1]["code"] == "auth_failed"
    for body in ([], {}, {"members": "1"}, {"members": [1e400]}, {"members": [2**70]}, {"members": [[]]}, {"members": [0] * 6}):
        data = b"[]" if body == [] else repr(body).replace("'", '"').replace("inf", "1e400").encode()
        status, answer, _ = post(url, "/sign/commit", data, header(key.event(url + "/sign/commit", data)))
        assert status in (200, 400) and answer["ok"] is False, (body, answer)


def test_what_other_readers_refuse_or_take_in_another_way_is_no_json_here_either(signers):
    url, key = signers[0].url + "/sign/commit", Key()
    for body in (b'{"members":[1,2],}', b'{"members":[1,2,]}', b'{"members":[1,2],"members":[1,3]}',
                 b'{"members":[1,2],"a":"\xff"}', b"\xff\xfe{\x00}\x00", b"\x00\x00\x00{\x00\x00\x00}"):
        status, answer, _ = post(url, "", body, header(key.event(url, body)))
        assert (status, answer["code"]) == (400, "bad_json"), (body, answer)


def test_a_body_of_nothing_is_an_empty_object_and_signed_for_as_nothing(signers):
    url, key = signers[0].url + "/session/list", Key()
    status, answer, _ = post(url, "", b"", header(key.event(url, b"")))
    assert (status, answer["ok"], answer["items"]) == (200, True, [])
    assert post(url, "", b"", header(key.event(url, b"{}")))[1]["code"] == "auth_failed"


def test_a_request_counts_once_and_with_its_body_only(signers):
    url, key = signers[0].url, Key()
    data = b"{}"
    authorization = header(key.event(url + "/session/list", data))
    assert post(url, "/session/list", data, authorization)[1]["ok"]
    assert post(url, "/session/list", data, authorization)[1]["code"] == "auth_failed"
    for event in (
        key.event(url + "/session/list", b'{"a":1}'),
        key.event(url + "/session/delete", data),
        key.event(url + "/session/list", data, created_at=int(time.time()) - 70),
        key.event(url + "/session/list", data, kind=1),
        {**key.event(url + "/session/list", data), "content": "x"},
    ):
        assert post(url, "/session/list", data, header(event))[1]["code"] == "auth_failed"


def test_recovering_with_the_codes_of_two_signers(signers, account):
    email = f"{secrets.token_hex(4)}@example.org"
    for number, signer in enumerate(signers, 1):
        answer = call(
            signer.url, "/recovery/setup", account.clients[number],
            {"email": email, "password_hash": argon2(email + "password", signer.url)},
        )
        assert answer["ok"], answer
    shares = {}
    for number in (1, 3):
        signer, key = signers[number - 1], Key()
        hashed = argon2(email, signer.url)
        assert call(signer.url, "/challenge", key, {"prefix": f"0{number}", "email_hash": hashed})["ok"]
        code = signer.code(email)
        assert code.startswith(f"0{number}") and len(code) == 12
        answer = call(signer.url, "/recovery/start", key, {"auth": {"email_hash": hashed, "otp": code}})
        assert [item["client"] for item in answer["items"]] == [account.clients[number].hex], answer
        answer = call(signer.url, "/recovery/select", key, {"client": account.clients[number].hex})
        shares[number] = int(answer["share"]["seckey"], 16)
    from pomade import N, lagrange

    found = sum(lagrange(i, [1, 3]) * share for i, share in shares.items()) % N
    assert found == account.user.secret


def test_logging_in_by_password_and_ending_the_old_session(signers, account):
    email = f"{secrets.token_hex(4)}@example.org"
    new = {}
    for number, signer in enumerate(signers, 1):
        password = argon2(email + "password", signer.url)
        call(signer.url, "/recovery/setup", account.clients[number], {"email": email, "password_hash": password})
        key = new[number] = Key()
        auth = {"email_hash": argon2(email, signer.url), "password_hash": password}
        assert call(signer.url, "/login/start", key, {"auth": auth})["items"]
        answer = call(signer.url, "/login/select", key, {"client": account.clients[number].hex})
        assert answer["group"] == account.group
        assert call(signer.url, "/session/deactivate", account.user, {"client": account.clients[number].hex})["ok"]
        assert account.commit(number, [1, 2])["code"] == "deactivated" if number < 3 else True
    account.clients = new
    account.sign(secrets.token_bytes(32))


def test_a_key_shared_by_two_signers_learns_nothing_from_an_unknown_address(signers):
    signer = signers[0]
    answers = set()
    for _ in range(3):
        answer = call(signer.url, "/challenge", Key(), {"prefix": "11", "email_hash": secrets.token_hex(32)})
        answers.add((answer["ok"], answer["message"]))
    assert len(answers) == 1


def test_killing_a_signer_between_the_rounds(signers, account):
    members = [1, 2]
    message = secrets.token_bytes(32)
    commits = {number: account.commit(number, members) for number in members}
    signers[0].kill()
    signers[0].start()
    nonces = [{"idx": i, "hidden_pn": commits[i]["hidden_pn"], "binder_pn": commits[i]["binder_pn"]} for i in members]
    answer = account.complete(1, commits[1], account.request(members, message), nonces)
    assert answer["code"] == "commit_gone"
    account.sign(message)


def test_two_processes_on_one_database_agree_at_once(program, tmp_path, signers):
    first = signers[1]
    socket_directory = re.search(r"db\.socket=(\S+)/\.s\.PGSQL", first.err.read_text()).group(1)
    database = f"host={socket_directory} user=assay dbname=assay options='-c role=assay_signer'"
    second = Signer(
        program, tmp_path, database=database, POMADE_SECRET=first.environment["POMADE_SECRET"], POMADE_URL=first.url
    )
    second.start()
    try:
        account = Account([first.url], 1)
        account.register()

        def commit(base):
            data = b'{"members":[1]}'
            event = account.clients[1].event(first.url + "/sign/commit", data)
            return post(base, "/sign/commit", data, header(event))[1]

        for _ in range(5):
            assert commit(first.url)["ok"] and commit(second.url)["ok"]
        assert call(first.url, "/session/deactivate", account.user, {"client": account.clients[1].hex})["ok"]
        assert commit(second.url)["code"] == "deactivated"
        assert call(first.url, "/session/delete", account.user, {"client": account.clients[1].hex})["ok"]
        assert commit(second.url)["code"] == commit(first.url)["code"] == "no_session"
    finally:
        second.stop()


def test_a_thousand_codes_of_strangers_lock_nobody_out(signers, account):
    signer = signers[0]
    email = f"{secrets.token_hex(4)}@example.org"
    password = argon2(email + "password", signer.url)
    call(signer.url, "/recovery/setup", account.clients[1], {"email": email, "password_hash": password})
    hashed = argon2(email, signer.url)
    call(signer.url, "/challenge", Key(), {"prefix": "11", "email_hash": hashed})
    signer.code(email)

    def guess(number):
        data = ('{"auth":{"email_hash":"%s","otp":"11%010d"}}' % (hashed, number)).encode()
        event = Key().event(signer.url + "/login/start", data)
        import urllib.request

        # The proxy on this machine is believed.
        request = urllib.request.Request(signer.url + "/login/start", data=data, method="POST", headers={
            "Authorization": header(event), "X-Forwarded-For": f"10.{number // 250}.{number % 250}.1",
        })
        with urllib.request.urlopen(request, timeout=15) as answer:
            return json.loads(answer.read())["code"]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert set(pool.map(guess, range(100))) == {"no_sessions"}
    auth = {"email_hash": hashed, "password_hash": password}
    assert call(signer.url, "/login/start", Key(), {"auth": auth})["items"]


def test_the_secret_changes_and_everything_stays(program, tmp_path):
    tmp_path.chmod(0o755)
    signer = Signer(program, tmp_path).start()
    account = Account([signer.url], 1)
    account.register()
    account.sign(secrets.token_bytes(32))
    identity = call(signer.url, "/x/info", Key(), {})["pubkey"]
    signer.stop()
    old = signer.environment["POMADE_SECRET"]
    signer.environment["POMADE_SECRET"] = secrets.token_hex(32)
    refused = signer.command("rotate-secret")
    assert refused.returncode == 78 and "POMADE_SECRET_PREVIOUS" in refused.stderr
    done = signer.command("rotate-secret", POMADE_SECRET_PREVIOUS=old)
    if "mark is that of an earlier one" in done.stderr:  # one secret in 256
        signer.environment["POMADE_SECRET"] = secrets.token_hex(32)
        done = signer.command("rotate-secret", POMADE_SECRET_PREVIOUS=old)
    assert done.returncode == 0 and "1 shares, 1 sessions" in done.stdout, done.stderr
    assert signer.command("rotate-secret").stdout.startswith("written anew: 0 shares")
    checked = signer.command("audit", "verify")
    assert checked.returncode == 0 and "every chain holds" in checked.stdout, checked.stderr
    signer.start()
    account.sign(secrets.token_bytes(32))
    assert call(signer.url, "/x/info", Key(), {})["pubkey"] == identity
    signer.stop()


def test_what_is_refused_at_start(program, tmp_path):
    signer = Signer(program, tmp_path)
    for change, word in [
        ({"POMADE_SECRET": "short"}, "64 hexadecimal"),
        ({"POMADE_SECRET": ""}, "POMADE_SECRET is missing"),
        ({"POMADE_URL": signer.url + "/"}, "slash"),
        ({"POMADE_URL": ""}, "POMADE_URL is missing"),
        ({"POMADE_BIND": "0.0.0.0"}, "TEST_MODE"),
        ({"TEST_MODE": ""}, "MAIL_FROM_EMAIL"),
        ({"POMADE_PORT": "ninety"}, "POMADE_PORT"),
        ({"POMADE_TRUSTED_PROXY": "everyone"}, "POMADE_TRUSTED_PROXY"),
    ]:
        result = signer.command("serve", **change)
        assert result.returncode == 78 and word in result.stderr, (change, result.stderr)


def test_metrics_tell_nothing_of_anybody(signers, account):
    account.sign(secrets.token_bytes(32))
    import urllib.request

    text = urllib.request.urlopen(signers[0].url + "/metrics", timeout=5).read().decode()
    assert 'assay_signer_requests_total{code="ok",route="/sign/complete"}' in text
    for key in account.clients.values():
        assert key.hex not in text
    assert account.user.hex not in text


def test_no_secret_in_any_log(signers, account):
    """Runs last: what all tests above did must not have left a share, a code, an address or a hash in a log."""
    for number, signer in enumerate(signers, 1):
        log = signer.err.read_text()
        assert account.shares[number].to_bytes(32, "big").hex() not in log
        assert signer.environment["POMADE_SECRET"] not in log
        assert "@example.org" not in log
        for code in re.findall(r"otp=(\d+)", signer.out.read_text()):
            assert code not in log
        assert not re.search(r"[0-9a-f]{64}", log), "keys and hashes are not logged"


def test_a_signer_stops_within_three_seconds(signers):
    for signer in signers:
        code, took = signer.stop()
        assert code == 0 and took < 3, (code, took)


def test_a_signer_on_the_gateways_port(program, run, tmp_path):
    """By host name and path; everything else stays the gateway's."""
    tmp_path.chmod(0o755)
    port = free_port()
    url = f"http://signer.localhost:{port}/pomade"
    environment = {
        "PATH": os.environ["PATH"],
        "ASSAY_MODULES": "oracle,signer",
        "PORT": str(port),
        "DATABASE_URL": run.info["database"],
        "LND_REST_URL": run.info["lnd"]["restUrl"],
        "LND_TLS_CERT_PATH": run.info["lnd"]["tlsCert"],
        "LND_INVOICE_MACAROON_PATH": run.info["lnd"]["invoiceMacaroon"],
        "ASSAY_L402_KEY_RING_FILE": str(run.data / "secrets" / "l402-key-ring"),
        "POMADE_MOUNT": "gateway",
        "POMADE_SECRET": secrets.token_hex(32),
        "POMADE_URL": url,
        "POMADE_DATABASE": str(tmp_path / "signer"),
        "MAIL_PROVIDER": "smtp",
        "SMTP_HOST": "127.0.0.1",
        "MAIL_FROM_EMAIL": "signer@example.org",
    }
    log = tmp_path / "log"
    with log.open("w") as file:
        process = subprocess.Popen([program, "serve"], stdout=file, stderr=subprocess.STDOUT, env=environment)
    try:
        deadline = time.monotonic() + 60
        while "listening" not in log.read_text():
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)

        def ask(host, path):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            data, key = b"{}", Key()
            connection.request("POST", path, data, {
                "Host": host, "Content-Type": "application/json",
                "Authorization": header(key.event(url + path.removeprefix("/pomade"), data)),
            })
            return json.loads(connection.getresponse().read())

        assert ask(f"signer.localhost:{port}", "/pomade/session/list") == {
            "ok": True, "items": [], "message": "Your sessions."
        }
        # Another host or path is none of the signer's.
        assert "error" in ask("127.0.0.1", "/pomade/session/list")
        assert "error" in ask(f"signer.localhost:{port}", "/session/list")
    finally:
        process.terminate()
        process.wait(timeout=20)
