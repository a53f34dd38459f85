"""Verifies Roughtime answers of version 1 (RFC 10049) and time proofs, by their texts and with other people's Ed25519."""

import base64
import hashlib
import struct

from nacl.signing import VerifyKey

from roughtime_server import DELEGATION, FRAME, RESPONSE, decode, encode, first_half


def unframe(packet):
    assert packet[:8] == FRAME and struct.unpack_from("<I", packet, 8)[0] == len(packet) - 12
    return packet[12:]


def climb(leaf, index, path):
    """The root that a leaf's data and its siblings lead to."""
    node = first_half(b"\0" + leaf)
    for sibling in path:
        node = first_half(b"\1" + sibling + node) if index & 1 else first_half(b"\1" + node + sibling)
        index >>= 1
    assert index == 0
    return node


def request(nonce, public_key):
    values = {
        "VER": struct.pack("<I", 1), "SRV": first_half(b"\xff" + public_key), "NONC": nonce, "TYPE": bytes(4),
        "ZZZZ": b"",
    }
    values["ZZZZ"] = bytes(1024 - len(encode(values)))
    message = encode(values)
    return FRAME + struct.pack("<I", len(message)) + message


def verify_answer(packet, asked, public_key):
    """Midpoint and radius in seconds of an answer that holds; fails otherwise."""
    answer = decode(unframe(packet))
    cert, signed = decode(answer["CERT"]), decode(answer["SREP"])
    delegation = decode(cert["DELE"])
    VerifyKey(public_key).verify(DELEGATION + cert["DELE"], cert["SIG"])
    VerifyKey(delegation["PUBK"]).verify(RESPONSE + answer["SREP"], answer["SIG"])
    assert answer["NONC"] == decode(unframe(asked))["NONC"]
    path = [answer["PATH"][at:at + 32] for at in range(0, len(answer["PATH"]), 32)]
    assert climb(asked, struct.unpack("<I", answer["INDX"])[0], path) == signed["ROOT"]
    midpoint, radius = struct.unpack("<Q", signed["MIDP"])[0], struct.unpack("<I", signed["RADI"])[0]
    assert struct.unpack("<Q", delegation["MINT"])[0] <= midpoint <= struct.unpack("<Q", delegation["MAXT"])[0]
    assert struct.unpack("<I", signed["VER"])[0] == 1 and radius > 0
    return midpoint, radius


def verify_proof(proof, trusted):
    """Checks a time proof; returns the Unix seconds before which its document existed."""
    assert proof["type"] == "assay-time-proof" and proof["v"] == 1
    root, salt = bytes.fromhex(proof["digest"]), bytes.fromhex(proof["salt"])
    assert len(root) == len(salt) == 32
    if "path" in proof:
        root = climb(root, proof["index"], [bytes.fromhex(node) for node in proof["path"]])
    expected = first_half(b"assay-time-proof-v1\0" + root + salt)
    times = []
    for link in proof["chain"]["responses"]:
        asked, answered, key = (base64.b64decode(link[name]) for name in ("request", "response", "publicKey"))
        assert key in trusted
        if times:
            expected = first_half(previous + base64.b64decode(link["rand"]))
        assert decode(unframe(asked))["NONC"] == expected
        times.append(verify_answer(answered, asked, key))
        previous = answered
    for at, (midpoint, radius) in enumerate(times):
        assert all(midpoint - radius <= later + wide for later, wide in times[at + 1:])
    return min(midpoint + radius for midpoint, radius in times)
