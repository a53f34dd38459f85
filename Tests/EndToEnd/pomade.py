# Assay: a Lightning trust oracle with a native L402 gateway.
# SPDX-License-Identifier: Apache-2.0
"""A Pomade client written from the protocol's description, independent of the program: plain integers, hashlib, no FROST library."""

import base64
import hashlib
import json
import secrets
import time
import urllib.error
import urllib.request

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def add(a, b):
    if a is None:
        return b
    if b is None:
        return a
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply(point, scalar):
    result = None
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def compressed(point):
    return bytes([2 + (point[1] & 1)]) + point[0].to_bytes(32, "big")


def parsed(data):
    x = int.from_bytes(data[1:], "big")
    y = pow(x**3 + 7, (P + 1) // 4, P)
    return x, y if y & 1 == data[0] & 1 else P - y


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def tagged(tag, *parts):
    name = sha256(tag.encode())
    return sha256(name, name, *parts)


def schnorr_sign(secret, message):
    point = multiply(G, secret)
    d = secret if point[1] % 2 == 0 else N - secret
    mask = int.from_bytes(tagged("BIP0340/aux", secrets.token_bytes(32)), "big")
    k = int.from_bytes(
        tagged("BIP0340/nonce", (d ^ mask).to_bytes(32, "big"), point[0].to_bytes(32, "big"), message), "big"
    ) % N
    r = multiply(G, k)
    if r[1] % 2:
        k = N - k
    challenge = bip340_challenge(r[0], point[0], message)
    return r[0].to_bytes(32, "big") + ((k + challenge * d) % N).to_bytes(32, "big")


def bip340_challenge(r, key, message):
    return int.from_bytes(tagged("BIP0340/challenge", r.to_bytes(32, "big"), key.to_bytes(32, "big"), message), "big") % N


def schnorr_verifies(key, message, signature):
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    point = parsed(b"\2" + key)
    challenge = bip340_challenge(r, point[0], message)
    found = add(multiply(G, s), multiply(point, N - challenge))
    return found is not None and found[1] % 2 == 0 and found[0] == r


def hash_to_scalar(message, tag):
    suffix = ("FROST-secp256k1-SHA256-v1" + tag).encode()
    suffix += bytes([len(suffix)])
    first = sha256(bytes(64), message, b"\0\x30\0", suffix)
    one = sha256(first, b"\1", suffix)
    two = sha256(bytes(a ^ b for a, b in zip(first, one)), b"\2", suffix)
    return int.from_bytes((one + two)[:48], "big") % N


def lagrange(own, members, at=0):
    top = bottom = 1
    for other in members:
        if other != own:
            top = top * (at - other) % N
            bottom = bottom * (own - other) % N
    return top * pow(bottom, -1, N) % N


class Key:
    """A Nostr key that signs its requests."""

    def __init__(self, secret=None):
        self.secret = secret or secrets.randbelow(N - 1) + 1
        self.point = multiply(G, self.secret)
        self.hex = self.point[0].to_bytes(32, "big").hex()

    def event(self, url, body, **changes):
        event = {
            "pubkey": self.hex,
            "created_at": int(time.time()),
            "kind": 27235,
            "tags": [["u", url], ["method", "POST"], ["payload", sha256(body).hex()]],
            "content": "",
        }
        event.update(changes)
        canonical = json.dumps(
            [0, event["pubkey"], event["created_at"], event["kind"], event["tags"], event["content"]],
            separators=(",", ":"),
            ensure_ascii=False,
        )
        digest = sha256(canonical.encode())
        event["id"] = digest.hex()
        event["sig"] = schnorr_sign(self.secret, digest).hex()
        return event


def header(event):
    return "Nostr " + base64.b64encode(json.dumps(event).encode()).decode()


def post(base, path, body, authorization=None, timeout=15):
    """Returns status, answer and headers, whatever they are."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data=data, method="POST", headers={"Content-Type": "application/json"})
    if authorization:
        request.add_header("Authorization", authorization)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, json.loads(answer.read()), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read()), error.headers


def call(base, path, key, body):
    data = json.dumps(body).encode()
    status, answer, _ = post(base, path, data, header(key.event(base + path, data)))
    assert status == 200, (status, answer)
    return answer


class Account:
    """A key that is split among signers."""

    def __init__(self, bases, threshold):
        self.bases, self.threshold = bases, threshold
        self.user = Key()
        coefficients = [self.user.secret] + [secrets.randbelow(N - 1) + 1 for _ in range(threshold - 1)]
        numbers = range(1, len(bases) + 1)
        self.shares = {i: sum(c * pow(i, j, N) for j, c in enumerate(coefficients)) % N for i in numbers}
        nonces = {i: [multiply(G, secrets.randbelow(N - 1) + 1) for _ in range(2)] for i in numbers}
        self.group = {
            "commits": [
                {
                    "idx": i,
                    "pubkey": compressed(multiply(G, self.shares[i])).hex(),
                    "hidden_pn": compressed(nonces[i][0]).hex(),
                    "binder_pn": compressed(nonces[i][1]).hex(),
                }
                for i in numbers
            ],
            "group_pk": compressed(self.user.point).hex(),
            "threshold": threshold,
        }
        self.clients = {i: Key() for i in numbers}

    def base(self, number):
        return self.bases[number - 1]

    def registration(self, number, recovery=True):
        share = {
            "idx": number,
            "seckey": self.shares[number].to_bytes(32, "big").hex(),
            # What clients of the protocol send beside it.
            "binder_sn": secrets.token_hex(32),
            "hidden_sn": secrets.token_hex(32),
        }
        return {"share": share, "group": self.group, "recovery": recovery}

    def register(self, **options):
        for number in self.shares:
            answer = call(self.base(number), "/register", self.clients[number], self.registration(number, **options))
            assert answer["ok"], answer

    def group_id(self):
        parts = []
        for commit in sorted(self.group["commits"], key=lambda commit: commit["idx"]):
            parts += [commit["idx"].to_bytes(32, "big"), bytes.fromhex(commit["hidden_pn"] + commit["binder_pn"])]
        return sha256(*parts, bytes.fromhex(self.group["group_pk"]))

    def commit(self, number, members):
        answer = call(self.base(number), "/sign/commit", self.clients[number], {"members": members})
        return answer["result"] if answer["ok"] else answer

    def request(self, members, message):
        stamp, kind = int(time.time()), "message"
        gid = self.group_id()
        sid = sha256(gid, bytes(members), message, b"\0", kind.encode(), stamp.to_bytes(4, "big"))
        return {
            "content": None, "hash": [message.hex()], "members": members, "stamp": stamp, "type": kind,
            "gid": gid.hex(), "sid": sid.hex(),
        }

    def complete(self, number, commit, request, nonces):
        return call(
            self.base(number),
            "/sign/complete",
            self.clients[number],
            {"commit_id": commit["commit_id"], "request": request, "pnonces": nonces},
        )

    def sign(self, message, members=None, commits=None):
        """Signs with these members and returns a signature that verifies."""
        members = members or sorted(self.shares)[: self.threshold]
        commits = commits or {number: self.commit(number, members) for number in members}
        nonces = [
            {"idx": i, "hidden_pn": commits[i]["hidden_pn"], "binder_pn": commits[i]["binder_pn"]} for i in members
        ]
        request = self.request(members, message)
        parts = {}
        for number in members:
            answer = self.complete(number, commits[number], request, nonces)
            assert answer["ok"], answer
            assert answer["result"]["psig"][0] == message.hex()
            parts[number] = int(answer["result"]["psig"][1], 16)
        signature = self.aggregate(request, nonces, parts)
        assert schnorr_verifies(self.user.point[0].to_bytes(32, "big"), message, signature)
        return signature

    def aggregate(self, request, nonces, parts):
        sid, message = bytes.fromhex(request["sid"]), bytes.fromhex(request["hash"][0])
        points = {}
        for nonce in nonces:
            tweak = int.from_bytes(sha256(sid, nonce["idx"].to_bytes(4, "big"), message), "big")
            points[nonce["idx"]] = [
                add(parsed(bytes.fromhex(nonce[name])), multiply(G, tweak)) for name in ("hidden_pn", "binder_pn")
            ]
        context = b"FROST-secp256k1-SHA256-v1"
        listed = b"".join(
            i.to_bytes(32, "big") + compressed(points[i][0]) + compressed(points[i][1]) for i in sorted(points)
        )
        prefix = compressed(self.user.point) + sha256(context, b"msg", message) + sha256(context, b"com", listed)
        nonce = None
        for i in sorted(points):
            rho = hash_to_scalar(prefix + i.to_bytes(32, "big"), "rho")
            nonce = add(nonce, add(points[i][0], multiply(points[i][1], rho)))
        return nonce[0].to_bytes(32, "big") + (sum(parts.values()) % N).to_bytes(32, "big")
