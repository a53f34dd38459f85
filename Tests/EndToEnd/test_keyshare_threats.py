"""What attackers of a key share node try: one test for each answer that can be seen from outside."""

import base64
import json
import os
import re
import secrets
import subprocess
import threading
import time

import psycopg
import pytest
import requests

from keyshare import Issuer, OwnNode, Session, Wallet, database, expect
from keyshare_records import Envelopes


@pytest.fixture(scope="module")
def issuer(run):
    return Issuer(run)


@pytest.fixture(scope="module")
def node(program, run, tmp_path_factory):
    node = OwnNode(program, run, tmp_path_factory.mktemp("ks"), KS_TRUSTED_PROXIES="127.0.0.0/8")
    node.start()
    yield node
    node.drop()


def admin(node, path, body=None, password=OwnNode.PASSWORD, **options):
    return node.post(path, {"password": password, **(body or {})} if password else (body or {}), **options)


def from_anywhere(node, path, body=None):
    """From another address each time: so often nobody may call from one."""
    return admin(node, path, body, headers={"X-Forwarded-For": f"198.51.{secrets.randbelow(256)}.{secrets.randbelow(256)}"})


def test_rows_that_were_exchanged_in_the_database_are_not_given(node, issuer):
    users = [(issuer.token(), Wallet()) for _ in range(2)]
    for token, wallet in users:
        expect(node.register_one(token, wallet), 200)
    select = ('SELECT s.share_id, s.enc_share FROM "2_key_shares" s JOIN "2_wallets" w USING (wallet_id) '
              "WHERE w.public_key = %s")
    (one, first), (two, second) = [node.sql(select, bytes.fromhex(w.public_key))[0] for _, w in users]
    change = 'UPDATE "2_key_shares" SET enc_share = %s WHERE share_id = %s'
    node.sql(change, second, one)
    node.sql(change, first, two)
    before = audit_count(node)
    for token, wallet in users:
        answer = node.read_one(token, wallet)
        assert answer.status_code == 500 and wallet.share()[64:] not in answer.text
    assert audit_count(node) > before
    node.sql(change, first, one)
    node.sql(change, second, two)
    for token, wallet in users:
        assert expect(node.read_one(token, wallet), 200)["share"] == wallet.share()


def audit_count(node):
    return node.sql('SELECT count(*) FROM "2_audit"')[0][0]


def test_a_key_that_somebody_registered_first_is_still_its_owners(node, issuer):
    thief, owner, wallet = issuer.token(), issuer.token(), Wallet()
    expect(node.post("/keyshare/v1/register", {
        "curve_type": "secp256k1", "public_key": wallet.public_key, "share": Wallet().share(),
    }, thief), 200)
    expect(node.register_one(owner, wallet), 200)
    assert expect(node.read_one(owner, wallet), 200)["share"] == wallet.share()
    assert expect(node.read_one(thief, wallet), 200)["share"] != wallet.share()


def test_a_changed_audit_is_found(node, issuer):
    expect(node.register_one(issuer.token(), Wallet()), 200)
    good = node.command("audit-verify")
    assert good.returncode == 0, good.stdout + good.stderr
    columns = {row[0] for row in node.sql(
        "SELECT column_name FROM information_schema.columns WHERE table_name = '2_audit'")}
    assert "outcome" in columns
    before = node.sql('SELECT seq, outcome FROM "2_audit" ORDER BY seq OFFSET 1 LIMIT 1')[0]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        node.sql('UPDATE "2_audit" SET outcome = %s WHERE seq = %s', before[1] + "x", before[0])
    # Whoever owns the database gets around the trigger; the chain of hashes tells.
    change(node, before[0], before[1] + "x")
    bad = node.command("audit-verify")
    assert bad.returncode != 0, "a changed entry passed"
    change(node, *before)
    assert node.command("audit-verify").returncode == 0


def change(node, seq, outcome):
    with database(node.run, node.database) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute('UPDATE "2_audit" SET outcome = %s WHERE seq = %s', (outcome, seq))


# Administration.

def test_the_operator_guides_lines_work_as_written(node):
    """curl, JSON, the node's own port: status, backup, history, restore."""
    def curl(path, body=None):
        data = ["-H", "Content-Type: application/json", "-d", json.dumps(body)] if body is not None else []
        return json.loads(subprocess.run(["curl", "-sS", "-X", "POST" if body is not None else "GET", *data,
                                          node.url + path], capture_output=True, text=True, check=True).stdout)

    assert curl("/status")["is_db_connected"] is True
    made = curl("/pg_dump/v1/backup", {"password": node.PASSWORD})
    assert made["success"] is True, made
    data = made["data"]
    assert {"dumpId", "dumpPath", "dumpSize", "dumpDuration", "dump_id", "dump_path", "dump_size", "dump_duration"} \
        <= set(data)
    assert data["dumpPath"] == data["dump_path"] and "/" not in data["dumpPath"]
    history = curl("/pg_dump/v1/get_backup_history", {"password": node.PASSWORD, "days": 7})["data"]
    newest = history[0]
    assert newest["dump_id"] == data["dumpId"] and newest["status"] == "COMPLETED"
    assert set(newest) >= {"dump_id", "status", "dump_path", "meta", "created_at", "updated_at"}
    assert newest["meta"]["dump_size"] == data["dumpSize"] > 0
    done = curl("/pg_dump/v1/restore", {"password": node.PASSWORD, "dump_path": data["dumpPath"]})
    assert done["success"] is True and done["data"]["dump_path"] == data["dumpPath"], done
    status = curl("/status")
    assert status["is_db_backup_checked"] is True and status["latest_backup_time"]


def test_a_backup_is_closed_to_whoever_has_not_its_key(node, issuer):
    token, wallet = issuer.token("backup-owner"), Wallet()
    expect(node.register_one(token, wallet), 200)
    name = expect(from_anywhere(node, "/pg_dump/v1/backup"), 200)["dumpPath"]
    raw = (node.home / "dumps" / name).read_bytes()
    assert raw[:6] == b"AKB1\x01\x01"
    for text in (b"backup-owner", bytes.fromhex(wallet.public_key), bytes.fromhex(wallet.share()[64:])):
        assert text not in raw
    assert oct((node.home / "dumps" / name).stat().st_mode & 0o777) == "0o600"


def test_a_restore_brings_back_what_was_and_keeps_nothing_newer(node, issuer):
    token, early, late = issuer.token(), Wallet(), Wallet()
    expect(node.register_one(token, early), 200)
    name = expect(from_anywhere(node, "/pg_dump/v1/backup"), 200)["dumpPath"]
    expect(node.register_one(token, late), 200)
    expect(from_anywhere(node, "/pg_dump/v1/restore", {"dump_path": str(node.home / "dumps" / name)}), 200)
    assert expect(node.read_one(issuer.token(), early), 404, "USER_NOT_FOUND")
    assert expect(node.read_one(token, early), 200)["share"] == early.share()
    expect(node.read_one(token, late), 404, "WALLET_NOT_FOUND")


@pytest.fixture(scope="module")
def hostile_files(node):
    """Beside the node's own backups."""
    dumps = node.home / "dumps"
    (dumps / "folder.akb").mkdir()
    (dumps / "link.akb").symlink_to("/etc/passwd")
    os.mkfifo(dumps / "pipe.akb")
    (dumps / "noise.akb").write_bytes(os.urandom(5000))
    whole = expect(from_anywhere(node, "/admin/v1/backup"), 200)["dumpPath"]
    (dumps / "half.akb").write_bytes((dumps / whole).read_bytes()[:-1000])


@pytest.mark.parametrize(("path", "code"), [
    (None, "INVALID_DUMP_PATH"), ("", "INVALID_DUMP_PATH"), (7, "INVALID_DUMP_PATH"),
    ("../../etc/passwd", "INVALID_DUMP_PATH"), ("/etc/passwd", "INVALID_DUMP_PATH"),
    ("/etc/../etc/x.dump", "INVALID_DUMP_PATH"), ("x.dump\u0000.akb", "INVALID_DUMP_PATH"), ("a b.akb", "INVALID_DUMP_PATH"),
    ("gone.akb", "DUMP_FILE_NOT_FOUND"), ("folder.akb", "INVALID_DUMP_FILE"), ("link.akb", "INVALID_DUMP_PATH"),
    ("pipe.akb", "INVALID_DUMP_PATH"), ("noise.akb", None), ("half.akb", None),
])
def test_a_restore_takes_nothing_but_the_nodes_own_backups(node, issuer, hostile_files, path, code):
    dumps = node.home / "dumps"
    token, wallet = issuer.token(), Wallet()
    expect(node.register_one(token, wallet), 200)
    answer = from_anywhere(node, "/pg_dump/v1/restore", {"dump_path": path})
    assert answer.status_code in (400, 500) and answer.json()["success"] is False, answer.text
    if code:
        assert answer.json()["code"] == code, answer.text
    assert str(dumps) not in answer.text
    assert expect(node.read_one(token, wallet), 200)["share"] == wallet.share()


@pytest.mark.parametrize("days", [0, -1, 1001, 1.5, "7", True])
def test_the_history_wants_a_number_of_days(node, days):
    expect(from_anywhere(node, "/pg_dump/v1/get_backup_history", {"days": days}), 400, "INVALID_DAYS")


@pytest.mark.parametrize("path", [
    "/pg_dump/v1/backup", "/pg_dump/v1/restore", "/pg_dump/v1/get_backup_history", "/admin/v1/backup", "/admin/v1/restore",
    "/admin/v1/history", "/admin/v1/rotate-keypair", "/admin/v1/rotate-kek", "/admin/v1/seal", "/admin/v1/audit",
])
def test_administration_wants_the_password(node, path):
    there = {"X-Forwarded-For": f"203.0.113.{secrets.randbelow(256)}"}
    expect(node.post(path, {}, headers=there), 401, "UNAUTHORIZED", "Admin password is required")
    expect(admin(node, path, password="wrong", headers=there), 401, "UNAUTHORIZED", "Invalid admin password")
    assert node.get("/status").json()["sealed"] is False


def test_the_sixth_guess_is_locked_out_even_when_it_is_right(program, run, tmp_path):
    node = OwnNode(program, run, tmp_path).start()
    try:
        for attempt in range(5):
            expect(admin(node, "/admin/v1/history", password=f"guess {attempt}"), 401, "UNAUTHORIZED")
        answer = admin(node, "/admin/v1/history")
        expect(answer, 429, "RATE_LIMIT_EXCEEDED")
        assert node.PASSWORD not in node.texts()
    finally:
        node.drop()


def test_a_proxy_cannot_reach_administration_on_the_main_port(program, run, tmp_path):
    node = OwnNode(program, run, tmp_path, KS_ADMIN_LISTEN="127.0.0.1:0").start()
    try:
        expect(admin(node, "/pg_dump/v1/get_backup_history"), 200)
        for name in ("X-Forwarded-For", "Forwarded", "Via"):
            answer = admin(node, "/pg_dump/v1/get_backup_history", headers={name: "203.0.113.9"})
            expect(answer, 404, "NOT_FOUND")
        expect(admin(node, "/admin/v1/history"), 404, "NOT_FOUND")
        assert node.get("/metrics").status_code == 404
    finally:
        node.drop()


@pytest.mark.parametrize("password", ["short", "your_admin_password", "changeme"])
def test_a_weak_password_does_not_start(program, run, tmp_path, password):
    node = OwnNode(program, run, tmp_path, ADMIN_PASSWORD=password)
    try:
        done = subprocess.run([program, "keyshare", "serve"], env=node.environment, capture_output=True, text=True,
                              timeout=60)
        assert done.returncode > 0 and "ADMIN_PASSWORD" in done.stderr
        assert password == "short" or password not in done.stdout + done.stderr
    finally:
        node.drop()


# Limits.

def test_one_address_has_its_share_and_is_told(program, run, tmp_path):
    node = OwnNode(program, run, tmp_path, KS_REQUESTS_PER_MINUTE="30", KS_TRUSTED_PROXIES="127.0.0.0/8").start()
    try:
        def ask(address):
            return node.get("/", headers={"X-Forwarded-For": address})

        first = ask("198.51.100.1")
        assert first.headers["RateLimit-Policy"] == "30;w=60" and first.headers["RateLimit-Limit"] == "30"
        assert int(first.headers["RateLimit-Remaining"]) == 29 and 0 <= int(first.headers["RateLimit-Reset"]) <= 60
        assert not any(name.lower().startswith("x-ratelimit") for name in first.headers)
        answers = [ask("198.51.100.1") for _ in range(30)]
        assert answers[28].status_code == 200 and answers[29].status_code == 429
        assert answers[29].json() == {"success": False, "code": "RATE_LIMIT_EXCEEDED",
                                      "msg": "Too many requests, please try again after 60 seconds"}
        assert ask("198.51.100.2").status_code == 200
        # Only the hop that the proxy saw counts; what a client writes before it does not.
        assert ask("198.51.100.77, 198.51.100.1").status_code == 429
    finally:
        node.drop()


def test_one_identity_reads_and_writes_so_often_wherever_it_calls_from(program, run, tmp_path):
    issuer, sub = Issuer(run), secrets.token_hex(6)
    node = OwnNode(program, run, tmp_path, KS_READS_PER_HOUR="4", KS_WRITES_PER_HOUR="2",
                   KS_TRUSTED_PROXIES="127.0.0.0/8").start()
    other = OwnNode(program, run, tmp_path / "second", database=node.database, KS_READS_PER_HOUR="4",
                    KS_WRITES_PER_HOUR="2", KS_ROOT_SECRET_FILE=str(node.secret)).start()
    try:
        wallets = [Wallet() for _ in range(3)]
        for wallet in wallets[:2]:
            expect(node.register_one(issuer.token(sub), wallet), 200)
        expect(other.register_one(issuer.token(sub), wallets[2]), 429, "RATE_LIMIT_EXCEEDED")
        for number in range(4):
            place = (node, other)[number % 2]
            expect(place.read_one(issuer.token(sub), wallets[0]), 200)
        expect(node.read_one(issuer.token(sub), wallets[0]), 429, "RATE_LIMIT_EXCEEDED")
        expect(other.read_one(issuer.token(sub), wallets[0]), 429, "RATE_LIMIT_EXCEEDED")
        expect(node.register_one(issuer.token(), Wallet()), 200)
    finally:
        other.stop()
        node.drop()


def test_asking_whether_shares_exist_may_be_kept_for_the_wallets_server(program, run, tmp_path):
    import hashlib
    import hmac

    key = secrets.token_hex(16)
    node = OwnNode(program, run, tmp_path, KS_CHECK_AUTH="service", KS_CHECK_KEY=key).start()
    try:
        body = json.dumps({"user_auth_id": "google_1", "auth_type": "google",
                           "wallets": {"secp256k1": Wallet().public_key}}).encode()
        expect(node.post("/keyshare/v2/check", body), 401, "UNAUTHORIZED")
        mac = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        expect(node.post("/keyshare/v2/check", body, headers={"X-KS-Check": mac}), 200)
        expect(node.post("/keyshare/v2/check", body + b" ", headers={"X-KS-Check": mac}), 401, "UNAUTHORIZED")
    finally:
        node.drop()


# Secrets.

def test_a_sealed_node_gives_nothing_until_enough_pieces_came(program, run, tmp_path):
    issuer = Issuer(run)
    node = OwnNode(program, run, tmp_path)
    node.environment.pop("KS_ROOT_SECRET_FILE")
    made = node.command("init", "--pieces", "5", "--threshold", "3")
    assert made.returncode == 0, made.stdout + made.stderr
    pieces = re.findall(r"akspiece1[0-9a-z]+", made.stdout)
    assert len(pieces) == 5
    node.environment["KS_SEALED"] = "1"
    try:
        node.start(ready=False)
        status = node.get("/status")
        assert status.status_code == 200 and status.json()["sealed"] is True
        assert node.get("/status", params={"ready": "1"}).status_code == 503
        wallet = Wallet()
        expect(node.register_one(issuer.token(), wallet), 503, "NODE_SEALED")
        for number, piece in enumerate(pieces[1:4]):
            data = expect(admin(node, "/admin/v1/unseal", {"piece": piece}), 200)
            assert data["sealed"] is (number < 2), data
        token = issuer.token()
        expect(node.register_one(token, wallet), 200)
        expect(admin(node, "/admin/v1/seal"), 200)
        expect(node.read_one(token, wallet), 503, "NODE_SEALED")
        assert not any(piece in node.texts() for piece in pieces)
    finally:
        node.drop()


def test_the_nodes_key_changes_while_it_serves(node, issuer):
    before = node.get("/status").json()["ks_node_public_key"]
    session = Session(issuer.token(), "sign_in")
    expect(session.commit(node), 200)
    expect(admin(node, "/admin/v1/rotate-keypair"), 200)
    deadline = time.monotonic() + 10
    while (after := node.get("/status").json()["ks_node_public_key"]) == before:
        assert time.monotonic() < deadline, "the status keeps the old key"
    body = {"auth_type": "google", "wallets": {"secp256k1": Wallet().public_key},
            **session.reveal(node, "get_key_shares")}
    expect(node.post("/keyshare/v2/", body, session.token), 404, "USER_NOT_FOUND")
    keys = node.get("/node/v1/keys").json()
    text = json.dumps(keys)
    assert before in text and after in text


def test_fifty_thousand_shares_are_rotated_and_backed_up_under_traffic(program, run, tmp_path):
    """Loaded as sealed rows made here; read, rotated, backed up and restored with traffic all the while."""
    issuer, count = Issuer(run), 50_000
    node = OwnNode(program, run, tmp_path).start()
    try:
        records = Envelopes(bytes.fromhex(node.secret.read_text()))
        loaded = records.load(node, count)
        failures, stop, written = [], threading.Event(), []

        def traffic():
            try:
                with requests.Session() as session:
                    while not stop.wait(0.02):
                        user, wallet = loaded[secrets.randbelow(count)]
                        token = issuer.token(user)
                        answer = session.post(node.url + "/keyshare/v1/", timeout=60, json={
                            "curve_type": "secp256k1", "public_key": wallet[0].hex(),
                        }, headers={"Authorization": f"Bearer {token}"})
                        if answer.status_code != 200 or answer.json()["data"]["share"] != wallet[1].hex():
                            failures.append(answer.text)
                        sub, fresh = secrets.token_hex(8), Wallet()
                        made = node.register_one(issuer.token(sub), fresh)
                        if made.status_code != 200:
                            failures.append(made.text)
                        written.append((sub, fresh))
            except Exception as error:
                failures.append(repr(error))

        threads = [threading.Thread(target=traffic) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            rotated = node.command("rotate-kek")
            assert rotated.returncode == 0, rotated.stdout + rotated.stderr
            sure = len(written)
            name = expect(admin(node, "/admin/v1/backup"), 200)["dumpPath"]
            drill = node.command("backup", "drill")
            assert drill.returncode == 0, drill.stdout + drill.stderr
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert not failures, failures[:3]
        assert len(written) > 10
        total = count + len(written)
        assert node.sql('SELECT count(*), min(kek_epoch), max(kek_epoch) FROM "2_key_shares"') == [(total, 2, 2)]
        assert records.verify(node, epoch=2) == total, "every row opens with the new key, by hand"
        # The backup, restored: nothing that was there when it began is missing.
        expect(admin(node, "/admin/v1/restore", {"dump_path": name}), 200)
        assert node.sql('SELECT count(*) FROM "2_key_shares"')[0][0] >= count + sure
        for user, wallet in [loaded[0], loaded[count // 2], loaded[-1]]:
            answer = node.post("/keyshare/v1/", {"curve_type": "secp256k1", "public_key": wallet[0].hex()},
                               issuer.token(user))
            assert expect(answer, 200)["share"] == wallet[1].hex()
    finally:
        node.drop()


def test_basic_authentication_and_no_echo(node):
    basic = base64.b64encode(f"admin:{node.PASSWORD}".encode()).decode()
    answer = node.post("/admin/v1/history", {}, headers={"Authorization": f"Basic {basic}"})
    assert isinstance(expect(answer, 200), list)
    assert node.PASSWORD not in answer.text
