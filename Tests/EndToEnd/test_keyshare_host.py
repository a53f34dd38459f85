"""The shipped nginx vhost and compose file of a key share node; nginx is a real one in front of a tiny backend."""

import json
import os
import pathlib
import secrets
import shutil
import ssl
import subprocess
import tempfile

import psycopg
import pytest
import vhost
import yaml

from free_ports import free_port
from keyshare import Issuer, OwnNode, Wallet, expect
from vhost import values

HOST = vhost.ROOT / "infra" / "keyshare"


class Node(vhost.Backend):
    fields = {"Access-Control-Allow-Origin": "*", "Strict-Transport-Security": "max-age=1"}


def in_front_of(home, port):
    return vhost.VirtualHost(home, "keyshare/nginx.conf", "node.example", [("127.0.0.1:4201", f"127.0.0.1:{port}")])


@pytest.fixture
def proxy(tmp_path):
    yield from vhost.before_a_backend(lambda port: in_front_of(tmp_path, port), Node)


def refusal(answer, status, code):
    got, headers, body = answer
    told = json.loads(body)
    assert (got, told["success"], told["code"]) == (status, False, code) and told["msg"]
    assert values(headers, "Content-Type") == ["application/json"]
    assert values(headers, "Access-Control-Allow-Origin") == ["*"]
    assert values(headers, "Strict-Transport-Security") == ["max-age=63072000"]


def test_a_request_reaches_the_node_with_the_client_s_own_address(proxy):
    status, headers, body = proxy.ask("POST", "/keyshare/v2/", b"{}", {
        "Authorization": "Bearer t", "X-Forwarded-For": "198.51.100.1", "X-Real-IP": "198.51.100.2",
        "Forwarded": "for=198.51.100.3", "X-Forwarded-Host": "elsewhere.example"})
    sent = json.loads(body)["headers"]
    assert status == 200 and sent["Authorization"] == "Bearer t"
    assert sent["X-Forwarded-For"] == sent["X-Real-IP"] == "127.0.0.1" and sent["X-Forwarded-Proto"] == "https"
    assert "Forwarded" not in sent and "X-Forwarded-Host" not in sent
    assert values(headers, "Strict-Transport-Security") == ["max-age=63072000"]
    assert values(headers, "Access-Control-Allow-Origin") == ["*"]


@pytest.mark.parametrize("path", [
    "/admin/v1/backup", "/admin", "/ADMIN/v1/unseal", "//admin/v1/seal", "/x/../admin/v1/seal", "/%61dmin/v1/seal",
    "/metrics", "/metrics/", "/pg_dump/v1/backup", "/pg_dump/v1/get_backup_history", "/ks/admin/v1/seal", "/ks/metrics",
    "/admin/v1/offsite/node/file.akb",
])
@pytest.mark.parametrize("method", ["POST", "GET", "PUT"])
def test_administration_and_metrics_are_not_there(proxy, method, path):
    refusal(proxy.ask(method, path, b"{}"), 404, "NOT_FOUND")
    assert Node.seen == []


@pytest.mark.parametrize("path", ["/status?ready=1", "/", "/administrators", "/keyshare/v1/", "/api_docs/openapi.json"])
def test_everything_else_is_passed_on(proxy, path):
    assert proxy.ask("GET", path)[0] == 200
    assert Node.seen == [("GET", path)]


def test_a_body_of_64_kib_passes_and_a_larger_one_does_not(proxy):
    assert json.loads(proxy.ask("POST", "/keyshare/v1/", b"a" * 65536)[2])["size"] == 65536
    Node.seen.clear()
    refusal(proxy.ask("POST", "/keyshare/v1/", b"a" * 65537), 413, "PAYLOAD_TOO_LARGE")
    assert Node.seen == []


def test_tls_older_than_1_3_is_refused(proxy):
    with pytest.raises(ssl.SSLError):
        proxy.ask("GET", "/status", highest=ssl.TLSVersion.TLSv1_2)
    assert proxy.ask("GET", "/status", highest=ssl.TLSVersion.TLSv1_3)[0] == 200


def test_a_flood_from_one_address_is_told_to_wait(proxy):
    answers = [proxy.ask("POST", "/keyshare/v1/check", b"{}") for _ in range(250)]
    refused = [answer for answer in answers if answer[0] != 200]
    assert refused and len(answers) - len(refused) >= 101
    refusal(refused[0], 429, "RATE_LIMIT_EXCEEDED")
    assert values(refused[0][1], "Retry-After") == ["10"]


def test_a_node_that_is_down_is_told_in_its_own_shape(tmp_path):
    proxy = in_front_of(tmp_path, free_port())
    try:
        refusal(proxy.ask("POST", "/keyshare/v1/", b"{}"), 503, "UNKNOWN_ERROR")
    finally:
        proxy.stop()


def test_logs_hold_no_tokens(proxy):
    proxy.ask("POST", "/keyshare/v1/?token=c2VjcmV0", b"{}", {"Authorization": "Bearer c2VjcmV0"})
    proxy.stop()
    log = (proxy.home / "keyshare.access.log").read_text()
    assert "/keyshare/v1/" in log and "c2VjcmV0" not in log


def test_the_example_of_settings_is_taken_as_it_is(program, tmp_path):
    for name, text in [("root", "ab" * 32), ("password", "pw-of-a-test-only")]:
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    told = subprocess.run(
        [program, "keyshare", "check-config", "--env-file", str(HOST / "env.example")], capture_output=True, text=True,
        timeout=60, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DUMP_DIR": str(tmp_path),
                         "KS_ROOT_SECRET_FILE": str(tmp_path / "root"), "DB_PASSWORD_FILE": str(tmp_path / "password")})
    assert told.returncode == 0, told.stderr
    assert "KS_BACKUP_WEEKLY" in told.stdout and "pw-of-a-test-only" not in told.stdout


def services():
    return yaml.safe_load((HOST / "compose.yaml").read_text())["services"]


def test_compose_publishes_the_node_on_the_loopback_only_and_the_database_nowhere():
    found = services()
    assert "ports" not in found["key_share_node_pg"] and "network_mode" not in found["key_share_node_pg"]
    assert found["key_share_node"]["ports"] == ["127.0.0.1:${SERVER_PORT:-4201}:${SERVER_PORT:-4201}"]


def test_compose_holds_no_secret_and_runs_the_node_without_privileges():
    found = services()
    node = found["key_share_node"]
    assert node["read_only"] is True and node["cap_drop"] == ["ALL"] and node["user"] == "1000:1000"
    assert node["security_opt"] == ["no-new-privileges:true"] and "privileged" not in node
    for service in found.values():
        secret = [name for name in service["environment"] if "PASSWORD" in name or "SECRET" in name]
        assert secret and all(name.endswith("_FILE") for name in secret)


@pytest.fixture
def cluster():
    """A cluster as PostgreSQL's image makes it: whoever is in its container is trusted, others need a password."""
    account = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    programs = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        if account:
            shutil.chown(home, "postgres", "postgres")
        control = [*account, programs / "pg_ctl", "--silent", "--pgdata", f"{home}/data"]
        subprocess.run([*account, programs / "initdb", "--pgdata", f"{home}/data", "--username", "postgres", "--no-sync",
                        "--auth-local=trust", "--auth-host=scram-sha-256"], check=True, capture_output=True, cwd="/")
        options = f"-k {home} -p {port} -c listen_addresses=127.0.0.1 -c fsync=off"
        subprocess.run([*control, "--options", options, "--log", f"{home}/log", "start"], check=True, timeout=60, cwd="/")
        yield home, port
        subprocess.run([*control, "--mode", "immediate", "stop"], check=True, timeout=60, cwd="/")


def test_the_database_s_first_start_makes_a_role_with_which_a_node_serves_and_restores(program, run, cluster, tmp_path):
    home, port = cluster
    password = tmp_path / "password"
    password.write_text(secrets.token_hex(24) + "\n")
    password.chmod(0o600)
    place = {"host": home, "port": port, "user": "postgres", "dbname": "postgres", "autocommit": True}
    with psycopg.connect(**place) as connection:
        connection.execute("ALTER ROLE postgres PASSWORD 'the same as the image sets'")
    told = {"PATH": os.environ["PATH"], "PGHOST": home, "PGPORT": str(port), "POSTGRES_USER": "postgres",
            "KEYSHARE_ROLE": "keyshare", "KEYSHARE_DATABASE": "shares"}

    def make(**more):
        return subprocess.run([HOST / "database.sh"], capture_output=True, text=True, timeout=60, env={**told, **more})

    # A role without a password would let nobody in, and a script that fails stops the image's start.
    assert make().returncode != 0 and make(POSTGRES_PASSWORD_FILE="/dev/null").returncode != 0
    # As the image does: it reads the file, takes its name out of the environment and puts the password in.
    made = make(POSTGRES_PASSWORD=password.read_text().strip())
    assert made.returncode == 0, made.stderr
    with psycopg.connect(**place) as connection:
        roles = connection.execute("SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, left(rolpassword, 13) FROM pg_authid "
                                   "WHERE rolname IN ('postgres', 'keyshare') ORDER BY rolname").fetchall()
    assert roles == [("keyshare", False, False, True, "SCRAM-SHA-256"), ("postgres", True, True, True, None)]
    node = OwnNode(program, run, tmp_path / "node", database="shares", DB_HOST="127.0.0.1", DB_PORT=str(port),
                   DB_USER="keyshare", DB_PASSWORD="", DB_PASSWORD_FILE=str(password))
    try:
        node.start()
        token, wallet = Issuer(run).token(), Wallet()
        expect(node.register_one(token, wallet), 200)
        copy = expect(node.post("/pg_dump/v1/backup", {"password": node.PASSWORD}), 200)
        with psycopg.connect(**{**place, "dbname": "shares"}) as connection:
            connection.execute('DELETE FROM "2_key_shares"')
        expect(node.post("/pg_dump/v1/restore", {"password": node.PASSWORD, "dump_path": copy["dump_path"]}), 200)
        assert expect(node.read_one(token, wallet), 200)["share"] == wallet.share()
    finally:
        node.stop()
