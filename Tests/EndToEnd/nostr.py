"""Signs requests to a signer, written from BIP 340, NIP-01 and NIP-98 and slow on purpose: no code is shared with ours."""

import base64
import ctypes
import ctypes.util
import hashlib
import json
import secrets
import time

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    slope = (3 * a[0] ** 2 * pow(2 * a[1], -1, P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P)) % P
    x = (slope**2 - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(scalar, point=G):
    total = None
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point, scalar = add(point, point), scalar >> 1
    return total


def compressed(point):
    return bytes([2 + point[1] % 2]) + point[0].to_bytes(32, "big")


def tagged(tag, data):
    name = hashlib.sha256(tag.encode()).digest()
    return int.from_bytes(hashlib.sha256(name + name + data).digest(), "big")


class Key:
    def __init__(self):
        secret = secrets.randbelow(N - 1) + 1
        point = times(secret)
        self.secret = secret if point[1] % 2 == 0 else N - secret
        self.public = point[0].to_bytes(32, "big")

    def sign(self, message):
        """BIP 340."""
        masked = self.secret ^ tagged("BIP0340/aux", secrets.token_bytes(32))
        k = tagged("BIP0340/nonce", masked.to_bytes(32, "big") + self.public + message) % N
        point = times(k)
        k = k if point[1] % 2 == 0 else N - k
        r = point[0].to_bytes(32, "big")
        e = tagged("BIP0340/challenge", r + self.public + message) % N
        return r + ((k + e * self.secret) % N).to_bytes(32, "big")

    def authorization(self, url, body, work=0):
        """The header for a POST (NIP-98), with work committed to (NIP-13)."""
        tags = [["u", url], ["method", "POST"], ["payload", hashlib.sha256(body).hexdigest()]]
        event = {"pubkey": self.public.hex(), "created_at": int(time.time()), "kind": 27235, "content": ""}
        for nonce in range(2**32):
            event["tags"] = tags + ([["nonce", str(nonce), str(work)]] if work else [])
            text = json.dumps([0, event["pubkey"], event["created_at"], event["kind"], event["tags"], ""],
                              separators=(",", ":"))
            digest = hashlib.sha256(text.encode()).digest()
            if int.from_bytes(digest, "big") >> (256 - work) == 0:
                break
        event |= {"id": digest.hex(), "sig": self.sign(digest).hex()}
        return "Nostr " + base64.b64encode(json.dumps(event).encode()).decode()


def argon2id(text, url, memory=65536):
    """The hash of an address or of an address and a password, hexadecimal."""
    library = ctypes.CDLL(ctypes.util.find_library("argon2"))
    out, data, salt = ctypes.create_string_buffer(32), text.encode(), url.encode()
    status = library.argon2id_hash_raw(3, memory, 2, data, ctypes.c_size_t(len(data)), salt, ctypes.c_size_t(len(salt)),
                                       out, ctypes.c_size_t(32))
    assert status == 0
    return out.raw.hex()
