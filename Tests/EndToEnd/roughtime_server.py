"""A Roughtime server of version 1 (RFC 10049) whose clock and manners a test decides; for the loopback only."""

import base64
import hashlib
import socket
import struct
import threading
import time

from nacl.signing import SigningKey

FRAME = b"ROUGHTIM"
RESPONSE = b"Roughtime v1 response signature\0"
DELEGATION = b"Roughtime v1 delegation signature\0"


def tag(name):
    return name.encode().ljust(4, b"\0")


def encode(values):
    """A message; its values in the order of their tags as integers."""
    items = sorted(((tag(name), value) for name, value in values.items()), key=lambda item: struct.unpack("<I", item[0]))
    offsets, total = [], 0
    for _, value in items[:-1]:
        total += len(value)
        offsets.append(total)
    head = struct.pack(f"<{len(offsets) + 1}I", len(items), *offsets)
    return head + b"".join(name for name, _ in items) + b"".join(value for _, value in items)


def decode(message):
    count = struct.unpack_from("<I", message)[0]
    offsets = [0, *struct.unpack_from(f"<{count - 1}I", message, 4), len(message) - 8 * count]
    names = [message[4 * count + 4 * i:4 * count + 4 * i + 4].rstrip(b"\0").decode() for i in range(count)]
    values = message[8 * count:]
    return {name: values[offsets[i]:offsets[i + 1]] for i, name in enumerate(names)}


def first_half(data):
    return hashlib.sha512(data).digest()[:32]


class RoughtimeServer:
    """Answers one request at a time, by UDP or TCP."""

    def __init__(self, host="127.0.0.1", ahead=0, radius=5, protocol="udp", strays=False, silent=False):
        self.key, self.online = SigningKey.generate(), SigningKey.generate()
        self.ahead, self.radius, self.strays, self.silent = ahead, radius, strays, silent
        self.protocol, self.requests = protocol, []
        kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.bind((host, 0))
        self.address = "%s:%d" % self.socket.getsockname()
        self.thread = threading.Thread(target=self.datagrams if protocol == "udp" else self.streams, daemon=True)
        if protocol == "tcp":
            self.socket.listen()
        self.thread.start()

    @property
    def public_key(self):
        return base64.b64encode(bytes(self.key.verify_key)).decode()

    def entry(self, name, *others):
        return {
            "name": name, "version": 1, "publicKeyType": "ed25519", "publicKey": self.public_key,
            "addresses": [{"protocol": s.protocol, "address": s.address} for s in (self, *others)],
        }

    def answer(self, packet):
        self.requests.append(packet)
        request = decode(packet[12:])
        assert packet[:8] == FRAME and struct.unpack_from("<I", packet, 8)[0] == len(packet) - 12
        assert request["SRV"] == first_half(b"\xff" + bytes(self.key.verify_key))
        assert len(packet) >= 1024 and not any(request["ZZZZ"]) and request["TYPE"] == bytes(4)
        now = int(time.time()) + self.ahead
        delegation = encode({
            "PUBK": bytes(self.online.verify_key), "MINT": struct.pack("<Q", 0), "MAXT": struct.pack("<Q", 2**64 - 1),
        })
        signed = encode({
            "VER": struct.pack("<I", 1), "RADI": struct.pack("<I", self.radius), "MIDP": struct.pack("<Q", now),
            "VERS": struct.pack("<I", 1), "ROOT": first_half(b"\0" + packet),
        })
        message = encode({
            "SIG": self.online.sign(RESPONSE + signed).signature, "NONC": request["NONC"], "TYPE": struct.pack("<I", 1),
            "PATH": b"", "SREP": signed, "INDX": bytes(4),
            "CERT": encode({"SIG": self.key.sign(DELEGATION + delegation).signature, "DELE": delegation}),
        })
        return FRAME + struct.pack("<I", len(message)) + message

    def datagrams(self):
        while True:
            try:
                packet, client = self.socket.recvfrom(4096)
                if not packet:
                    return
            except OSError:
                return
            good = self.answer(packet)
            if self.silent:
                continue
            if self.strays:
                forged = bytearray(good)
                forged[200] ^= 1
                for stray in (b"stray", bytes(464), bytes(forged), good + bytes(1200)):
                    self.socket.sendto(stray, client)
                # The answer itself from another port.
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                    other.bind((self.socket.getsockname()[0], 0))
                    other.sendto(good, client)
            else:
                self.socket.sendto(good, client)

    def streams(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                data = b""
                while len(data) < 12 or len(data) < 12 + struct.unpack_from("<I", data, 8)[0]:
                    data += connection.recv(4096)
                good = self.answer(data)
                connection.sendall(good[:30])
                connection.sendall(good[30:])

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
