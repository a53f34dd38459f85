"""Backups of the key share node of a run: the operator guide's curl lines, the commands, and copies at another node."""

import json
import os
import pathlib
import socket
import subprocess
import time

import pytest
import requests

from free_ports import free_port
from keyshare import database


@pytest.fixture(scope="module")
def node(run):
    return run.info["keyshare"]


@pytest.fixture(scope="module")
def password(node):
    return pathlib.Path(node["adminPasswordFile"]).read_text().strip()


@pytest.fixture(scope="module")
def settings(run):
    """What the run's node was told, for commands beside it."""
    told = pathlib.Path(f"/proc/{run.refresh()['pids']['keyshare']}/environ").read_bytes().decode().split("\0")
    return dict(line.split("=", 1) for line in told if "=" in line)


def curl(node, route, body):
    """As the operator guide writes it."""
    told = subprocess.run(
        ["curl", "-s", "-X", "POST", f"{node['url'].replace('127.0.0.1', 'localhost')}/pg_dump/v1/{route}",
         "-H", "Content-Type: application/json", "-d", json.dumps(body)],
        check=True, capture_output=True, text=True, timeout=120)
    return json.loads(told.stdout)


def register(node, name):
    token = requests.post(node["testIssuer"]["mintTokenUrl"], json={"sub": name, "email": f"{name}@example.org"},
                          timeout=30).json()["id_token"]
    share = (3).to_bytes(32, "big").hex() + (7).to_bytes(32, "big").hex()
    point = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    body = {"auth_type": "google", "curve_type": "secp256k1", "public_key": point}
    answer = requests.post(f"{node['url']}/keyshare/v1/register", json={**body, "share": share}, timeout=30,
                           headers={"Authorization": f"Bearer {token}"})
    assert answer.json() == {"success": True, "data": None}, answer.text
    return lambda: requests.post(f"{node['url']}/keyshare/v1/", json=body, timeout=30,
                                 headers={"Authorization": f"Bearer {token}"})


def when(condition, what):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_the_operator_guide_s_lines_make_list_and_restore_backups(node, password):
    early = register(node, "early")
    made = curl(node, "backup", {"password": password})
    assert made["success"] is True, made
    name = made["data"]["dumpPath"]
    assert name == made["data"]["dump_path"] and name.endswith(".akb") and made["data"]["dumpSize"] > 1000
    late = register(node, "late")
    assert late().status_code == 200
    history = curl(node, "get_backup_history", {"password": password, "days": 7})["data"]
    assert history[0]["dump_path"] == name and history[0]["status"] == "COMPLETED"
    assert history[0]["meta"]["dump_size"] == made["data"]["dumpSize"]
    restored = curl(node, "restore", {"password": password, "dump_path": name})
    assert restored.get("data") == {"dump_path": name}, restored
    when(lambda: early().status_code == 200, "the restored node does not serve")
    assert early().json()["data"]["share"].endswith("07")
    assert late().json()["code"] in ["USER_NOT_FOUND", "WALLET_NOT_FOUND"]
    # The node goes on: what is registered now is kept, and backed up.
    register(node, "later")
    assert curl(node, "backup", {"password": password})["success"] is True
    status = requests.get(f"{node['url']}/status", timeout=30).json()
    assert status["backup"]["last_ok"] and status["latest_backup_time"] and status["is_db_connected"] is True


def test_other_paths_are_not_restored(node, password):
    # Three restores a minute are taken: more paths are tried by the command.
    answer = curl(node, "restore", {"password": password, "dump_path": "../secrets/keyshare-root"})
    assert (answer["success"], answer["code"]) == (False, "INVALID_DUMP_PATH")
    assert "/" not in answer["msg"]


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/passwd.akb", "../x.akb", "", "a\u202eb.akb", "/dev/zero.dump", "nothing.akb"])
def test_the_command_restores_no_other_paths_either(program, settings, path):
    assert command(program, settings, "restore", "--yes", "--", path, check=False).returncode == 64


def test_nobody_without_the_password_gets_anything(node):
    for route in ["backup", "restore", "get_backup_history"]:
        assert curl(node, route, {"dump_path": "x.akb"})["code"] == "UNAUTHORIZED"


def command(program, settings, *words, check=True, **more):
    told = subprocess.run([program, "keyshare", *words], capture_output=True, text=True, timeout=180,
                          stdin=subprocess.DEVNULL, env={**settings, **more})
    assert not check or told.returncode == 0, told.stderr
    return told


def test_the_commands_make_try_out_verify_and_restore_backups(program, settings, node, tmp_path):
    name = command(program, settings, "backup").stdout.strip()
    folder = settings["DUMP_DIR"]
    assert (pathlib.Path(folder) / name).stat().st_mode & 0o777 == 0o600
    drill = command(program, settings, "backup", "drill").stdout
    assert "public.2_key_shares" in drill and "the backup restores" in drill and name in drill
    assert "the backup is whole" in command(program, settings, "verify-backup", f"{folder}/{name}").stdout
    rows = json.loads(command(program, settings, "history", "--json", "--days", "1").stdout)
    assert rows[0]["dump_path"] == name and rows[0]["status"] == "COMPLETED"
    refused = command(program, settings, "restore", name, check=False)
    assert refused.returncode == 64 and "--yes" in refused.stderr
    assert "is live" in command(program, settings, "restore", name, "--yes").stdout
    when(lambda: requests.get(f"{node['url']}/status?ready=1", timeout=30).status_code == 200, "not ready again")
    damaged = bytearray((pathlib.Path(folder) / name).read_bytes())
    damaged[-20] ^= 1
    (tmp_path / "damaged.akb").write_bytes(damaged)
    assert command(program, settings, "verify-backup", tmp_path / "damaged.akb", check=False).returncode == 65


def test_a_stolen_node_cannot_read_backups_for_an_offline_key(program, settings, tmp_path):
    key = tmp_path / "backup-key"
    recipient = command(program, settings, "backup", "keygen", "--out", key).stdout.strip()
    assert len(recipient) == 64 and key.stat().st_mode & 0o777 == 0o600
    assert command(program, settings, "backup", "keygen", "--out", key, check=False).returncode == 64
    name = command(program, settings, "backup", KS_BACKUP_RECIPIENTS=recipient).stdout.strip()
    file = f"{settings['DUMP_DIR']}/{name}"
    stolen = command(program, settings, "verify-backup", file, check=False)
    assert stolen.returncode == 77 and "--key" in stolen.stderr
    assert "the backup is whole" in command(program, settings, "verify-backup", file, "--key", key).stdout
    drill = command(program, settings, "backup", "drill", name, "--key", key).stdout
    assert "the backup restores" in drill


def test_another_node_keeps_copies_and_takes_nothing_else(program, settings, tmp_path):
    port, token = free_port(), "t" * 40
    (tmp_path / "dumps").mkdir()
    environment = {**settings, "PORT": str(port), "KS_OFFSITE_PEERS": f"alpha:{token}", "KS_OFFSITE_QUOTA_MB": "5",
                   "DUMP_DIR": str(tmp_path / "dumps"), "LOG_DIR": str(tmp_path / "logs"), "KS_BACKUP_AT": "off"}
    peer = subprocess.Popen([program, "keyshare", "serve"], env=environment, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        when(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, "the peer does not listen")
        target = {"KS_OFFSITE": f"http://127.0.0.1:{port}", "KS_NODE_NAME": "alpha"}
        name = command(program, settings, "backup", KS_OFFSITE_TOKEN=token, **target).stdout.splitlines()[0]
        own = pathlib.Path(settings["DUMP_DIR"]) / name
        assert (tmp_path / "dumps" / "peers" / "alpha" / name).read_bytes() == own.read_bytes()
        refused = command(program, settings, "backup", check=False, KS_OFFSITE_TOKEN="u" * 40, **target)
        assert refused.returncode == 69 and "401" in refused.stderr
        url = f"http://127.0.0.1:{port}/admin/v1/offsite"
        bearer = {"Authorization": f"Bearer {token}"}
        for path, body in [("alpha/plain.akb", b"PGDMP rows"), ("alpha/..%2fx.akb", own.read_bytes()),
                           ("alpha/x.dump", own.read_bytes()), ("beta/x.akb", own.read_bytes())]:
            assert requests.put(f"{url}/{path}", data=body, headers=bearer, timeout=30).status_code >= 400, path
        assert os.listdir(tmp_path / "dumps" / "peers") == ["alpha"]
        assert os.listdir(tmp_path / "dumps" / "peers" / "alpha") == [name]
    finally:
        peer.terminate()
        peer.wait(timeout=60)


def test_commands_find_backups_by_name_leave_the_audit_alone_and_mind_no_closed_pipe(program, settings, run, tmp_path):
    name = command(program, settings, "backup").stdout.splitlines()[0]
    with database(run, settings["DB_NAME"]) as connection:
        starts = connection.execute("SELECT count(*) FROM \"2_audit\" WHERE action = 'node.start'").fetchone()
        told = subprocess.run([program, "keyshare", "verify-backup", name], env=settings, cwd=tmp_path, timeout=60,
                              capture_output=True, text=True)
        assert told.returncode == 0 and "the backup is whole" in told.stdout, told.stderr
        # The reader goes before the first line.
        reading, writing = os.pipe()
        os.close(reading)
        for arguments in [("history",), ("verify-backup", name)]:
            told = subprocess.run([program, "keyshare", *arguments], env=settings, cwd=tmp_path, timeout=60, stdout=writing,
                                  stderr=subprocess.PIPE, text=True)
            assert told.returncode == 0 and "Fatal" not in told.stderr, told.stderr
        os.close(writing)
        assert connection.execute("SELECT count(*) FROM \"2_audit\" WHERE action = 'node.start'").fetchone() == starts


def test_a_node_that_is_not_there_is_told_at_once(program, settings):
    begin = time.monotonic()
    told = subprocess.run([program, "keyshare", "status", "--url", f"http://127.0.0.1:{free_port()}"], env=settings,
                          capture_output=True, text=True, timeout=50)
    assert told.returncode == 69 and "does not answer" in told.stderr
    assert time.monotonic() - begin < 30
