"""A client of key share nodes, written from the protocol alone: wallets, tokens, sessions, and a node to run."""

import hashlib
import json
import os
import secrets
import signal
import subprocess
import time
import uuid

import nacl.bindings as sodium
import psycopg
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from free_ports import free_port

CURVES = ("secp256k1", "ed25519")


class Secp256k1:
    name = "secp256k1"
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    endian = "big"
    cleared = 0

    @staticmethod
    def point(number):
        key = ec.derive_private_key(number, ec.SECP256K1()).public_key()
        return key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint).hex()


class Ed25519:
    name = "ed25519"
    order = 2**252 + 27742317777372353535851937790883648493
    endian = "little"
    cleared = 31

    @staticmethod
    def point(number):
        return sodium.crypto_scalarmult_ed25519_base_noclamp(number.to_bytes(32, "little")).hex()


def curve(name):
    return {"secp256k1": Secp256k1, "ed25519": Ed25519}[name]


class Wallet:
    """A client's half of a key on one curve, split among nodes by name."""

    def __init__(self, name="secp256k1", threshold=2):
        self.curve = curve(name)
        self.coefficients = [1 + secrets.randbelow(self.curve.order - 1) for _ in range(threshold)]

    @property
    def name(self):
        return self.curve.name

    @property
    def secret(self):
        return self.coefficients[0]

    @property
    def public_key(self):
        return self.curve.point(self.secret)

    @property
    def commitments(self):
        return [self.curve.point(number) for number in self.coefficients]

    def place(self, node):
        digest = bytearray(hashlib.sha256(node.encode()).digest())
        digest[self.curve.cleared] = 0
        return int.from_bytes(digest, self.curve.endian)

    def value(self, x):
        return sum(c * pow(x, k, self.curve.order) for k, c in enumerate(self.coefficients)) % self.curve.order

    def share(self, node="node-a"):
        x = self.place(node)
        return self.encode(x) + self.encode(self.value(x))

    def encode(self, number):
        return number.to_bytes(32, self.curve.endian).hex()

    def point(self, share):
        raw = bytes.fromhex(share)
        return int.from_bytes(raw[:32], self.curve.endian), int.from_bytes(raw[32:], self.curve.endian)

    def combine(self, shares, at=0):
        """Lagrange at a place, the secret's by default."""
        points, total = [self.point(share) for share in shares], 0
        for x, y in points:
            above = below = 1
            for other, _ in points:
                if other != x:
                    above, below = above * (at - other), below * (x - other)
            total += y * above * pow(below, -1, self.curve.order)
        return total % self.curve.order

    def extended(self, shares, node):
        """The share of a node that joins, made from those of others."""
        x = self.place(node)
        return self.encode(x) + self.encode(self.combine(shares, at=x))


class Issuer:
    """The loopback issuer of tokens of an 'assay run'."""

    def __init__(self, run):
        self.url = run.info["keyshare"]["testIssuer"]["url"]
        self.mint_url = run.info["keyshare"]["testIssuer"]["mintTokenUrl"]

    def token(self, sub=None, **claims):
        sub = sub or secrets.token_hex(8)
        claims.setdefault("email", f"{sub}@example.com")
        # A number of its own makes every token another one, also within a second.
        body = {"sub": sub, "jti": secrets.token_hex(8), **claims}
        answer = requests.post(self.mint_url, json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["id_token"]


class Session:
    """A client's commit-reveal session, at as many nodes as it likes."""

    def __init__(self, token, operation, auth_type="google", version=2):
        self.id, self.operation, self.auth_type, self.version = str(uuid.uuid4()), operation, auth_type, version
        self.token = token
        self.seed = secrets.token_bytes(32)
        self.key = Ed25519PrivateKey.from_private_bytes(self.seed)
        self.public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.hash = hashlib.sha256((auth_type + token).encode()).hexdigest()
        self.nodes = {}

    def commitment(self):
        return {
            "session_id": self.id, "operation_type": self.operation,
            "client_ephemeral_pubkey": self.public.hex(), "id_token_hash": self.hash,
        }

    def commit(self, node):
        answer = node.post(f"/keyshare/v{self.version}/commit", self.commitment())
        if answer.status_code == 200:
            self.nodes[node.url] = answer.json()["data"]
        return answer

    def node_key(self, node):
        return self.nodes[node.url]["node_pubkey"]

    # Version 2.

    def reveal(self, node, api, token=None):
        message = self.node_key(node) + self.id + self.auth_type + (token or self.token) + self.operation + api
        signature = self.key.sign(hashlib.sha256(message.encode()).digest())
        return {"cr_session_id": self.id, "cr_signature": signature.hex()}

    # Version 3.

    def session_key(self, node):
        other = sodium.crypto_sign_ed25519_pk_to_curve25519(bytes.fromhex(self.node_key(node)))
        own = sodium.crypto_sign_ed25519_sk_to_curve25519(self.seed + self.public)
        return hashlib.sha256(b"oko-v1-_" + sodium.crypto_scalarmult(own, other)).digest()

    def seal(self, node, plain, binding=""):
        nonce = secrets.token_bytes(12)
        sealed = AESGCM(self.session_key(node)).encrypt(nonce, plain, binding.encode())
        return {"nonce": nonce.hex(), "ciphertext": sealed[:-16].hex(), "tag": sealed[-16:].hex()}

    def open(self, node, box, binding=""):
        sealed = bytes.fromhex(box["ciphertext"] + box["tag"])
        return AESGCM(self.session_key(node)).decrypt(bytes.fromhex(box["nonce"]), sealed, binding.encode())

    def binding(self, api, curve_name, direction):
        return self.id + api + curve_name + direction

    def seal_share(self, node, api, curve_name, share):
        return self.seal(node, bytes.fromhex(share), self.binding(api, curve_name, "req"))

    def open_share(self, node, api, curve_name, box):
        return self.open(node, box, self.binding(api, curve_name, "res")).hex()

    def call(self, node, path, api, body=None, **changes):
        """A call of version 3: the token sealed, the body signed."""
        text = json.dumps({
            "auth_type": self.auth_type, "enc_token": self.seal(node, self.token.encode()), **(body or {}),
        })
        lines = [
            "assay-ks-call-v3", self.node_key(node), self.id, self.auth_type, self.hash, self.operation, api,
            hashlib.sha256(text.encode()).hexdigest(),
        ]
        headers = {
            "Content-Type": "application/json", "X-KS-Session": self.id,
            "X-KS-Signature": self.key.sign("\n".join(lines).encode()).hex(), **changes,
        }
        return requests.post(f"{node.url}/keyshare/v3/{path}", data=text, headers=headers, timeout=60)


class Node:
    """A key share node under a URL."""

    def __init__(self, url):
        self.url = url

    def post(self, path, body=None, token=None, **options):
        headers = options.pop("headers", {})
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if isinstance(body, (bytes, str)):
            headers.setdefault("Content-Type", "application/json")
            return requests.post(self.url + path, data=body, headers=headers, timeout=60, **options)
        return requests.post(self.url + path, json=body, headers=headers, timeout=60, **options)

    def get(self, path, **options):
        return requests.get(self.url + path, timeout=60, **options)

    # The calls of Oko's clients.

    def register(self, token, *wallets, node="node-a", auth_type="google", path="/keyshare/v2/register", **extra):
        shares = {w.name: {"public_key": w.public_key, "share": w.share(node)} for w in wallets}
        return self.post(path, {"auth_type": auth_type, "wallets": shares, **extra}, token)

    def read(self, token, *wallets, auth_type="google", **extra):
        keys = {w.name: w.public_key for w in wallets}
        return self.post("/keyshare/v2/", {"auth_type": auth_type, "wallets": keys, **extra}, token)

    def register_one(self, token, wallet, node="node-a", auth_type="google"):
        return self.post("/keyshare/v1/register", {
            "auth_type": auth_type, "curve_type": wallet.name, "public_key": wallet.public_key,
            "share": wallet.share(node),
        }, token)

    def read_one(self, token, wallet, auth_type="google"):
        return self.post("/keyshare/v1/", {
            "auth_type": auth_type, "curve_type": wallet.name, "public_key": wallet.public_key,
        }, token)


class OwnNode(Node):
    """A node of a test's own: a process with settings, and a database in the run's cluster."""

    PASSWORD = "Lantern-quay-47-mill"

    def __init__(self, program, run, home, name="node-a", database=None, **settings):
        self.program, self.run, self.home, self.name = program, run, home, name
        self.port = free_port()
        super().__init__(f"http://127.0.0.1:{self.port}")
        self.database = database or f"ks_{secrets.token_hex(6)}"
        if database is None:
            with administrator(run) as connection:
                connection.execute(f"CREATE DATABASE {self.database}")
        home.mkdir(parents=True, exist_ok=True)
        (home / "dumps").mkdir(exist_ok=True)
        (home / "logs").mkdir(exist_ok=True)
        place = psycopg.conninfo.conninfo_to_dict(run.info["database"])
        self.providers = home / "providers.json"
        issuer = Issuer(run).url
        self.environment = {
            "PATH": os.environ["PATH"], "PORT": str(self.port), "KS_ADMIN_LISTEN": "",
            "DB_HOST": place["host"], "DB_PORT": str(place.get("port", 5432)), "DB_USER": place.get("user", "assay"),
            "DB_PASSWORD": place.get("password", ""), "DB_NAME": self.database,
            "ADMIN_PASSWORD": self.PASSWORD, "DUMP_DIR": str(home / "dumps"), "LOG_DIR": str(home / "logs"),
            "KS_REQUESTS_PER_MINUTE": "1000000", "KS_READS_PER_HOUR": "1000000", "KS_WRITES_PER_HOUR": "1000000",
            "KS_PROVIDERS": str(self.providers),
        }
        self.configure_providers(issuer)
        if "ENCRYPTION_SECRET_PATH" not in settings and "KS_ROOT_SECRET_FILE" not in settings:
            self.secret = home / "root"
            if not self.secret.exists():
                self.secret.write_text(secrets.token_hex(32))
                self.secret.chmod(0o600)
            settings["KS_ROOT_SECRET_FILE"] = str(self.secret)
        self.environment.update({name: value for name, value in settings.items() if value is not None})
        self.process = None

    def configure_providers(self, issuer, audiences=("assay-development",)):
        entry = {"type": "oidc", "issuers": [issuer], "keys_url": issuer + "/jwks", "audiences": list(audiences),
                 "prefix": "oidc_"}
        google = {"type": "google", "audiences": list(audiences), "issuers": [issuer], "keys_url": issuer + "/jwks"}
        self.providers.write_text(json.dumps({"google": google, "oidc": entry}))

    def start(self, ready=True):
        self.out = self.home / "out"
        with self.out.open("a") as file:
            self.process = subprocess.Popen(
                [self.program, "keyshare", "serve"], env=self.environment, stdin=subprocess.DEVNULL, stdout=file,
                stderr=subprocess.STDOUT, cwd=self.home,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                if requests.get(self.url + "/status", params={"ready": "1"} if ready else None, timeout=5).ok:
                    return self
            except requests.ConnectionError:
                pass
            assert self.process.poll() is None, self.out.read_text()[-4000:]
            assert time.monotonic() < deadline, self.out.read_text()[-4000:]
            time.sleep(0.05)

    def command(self, *arguments, **options):
        return subprocess.run([self.program, "keyshare", *arguments], env=self.environment, capture_output=True,
                              text=True, timeout=300, cwd=self.home, **options)

    def sql(self, statement, *values):
        with database(self.run, self.database) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else None

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=60)
        return self.process.returncode if self.process else None

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=30)

    def texts(self):
        """All that the node wrote: its output and its log files."""
        files = [self.out, *sorted((self.home / "logs").glob("*"))]
        return "\n".join(file.read_text(errors="replace") for file in files if file.is_file())

    def drop(self):
        self.stop()
        with administrator(self.run) as connection:
            for (name,) in connection.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE %s", (self.database + "%",)
            ).fetchall():
                connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def database(run, name):
    """A connection to a database of the run's cluster, as its owner."""
    return psycopg.connect(psycopg.conninfo.make_conninfo(run.info["database"], dbname=name), autocommit=True)


def administrator(run):
    return database(run, "postgres")


def expect(answer, status, code=None, message=None):
    """Checks a refusal's or a success's envelope, and gives its data."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    body = answer.json()
    if status == 200:
        assert body["success"] is True and set(body) == {"success", "data"}, body
        return body["data"]
    assert set(body) == {"success", "code", "msg"} and body["success"] is False, body
    assert body["code"] == code, body
    if message is not None:
        assert message in body["msg"], body
    assert answer.headers.get("X-Request-Id"), dict(answer.headers)
    return body
