"""pyroughtime: asks our responder, or answers our client; draft 07 over UDP."""

import os
import socket
import struct
import sys
import threading
import time

# It states the local time.
os.environ["TZ"] = "UTC"
time.tzset()
# Its name is this file's, and this file is the main module.
from pyroughtime.pyroughtime import RoughtimeClient, RoughtimeServer  # noqa: E402

from clients.driver import Task, report  # noqa: E402


def ask(task):
    client = RoughtimeClient()
    host, port = task["address"].split(":")
    answers = [client.query(host, int(port), task["publicKey"], timeout=10) for _ in range(task["count"])]
    report(
        answers=[{"version": a["ver"], "time": a["datetime"].timestamp(), "radius": a["radi"] / 1e6} for a in answers],
        inconsistent=client.verify_replies(),
    )


def serve():
    """Its server between two sockets: it takes framed requests, and what it answers is framed on the way back."""
    key, public = RoughtimeServer.create_key()
    server = RoughtimeServer(*RoughtimeServer.create_delegate_key(key))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        inner = free.getsockname()
    threading.Thread(target=server.start, args=inner, daemon=True).start()
    outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    outside.bind(("127.0.0.1", 0))
    report(address="%s:%d" % outside.getsockname(), publicKey=public.decode())
    sys.stdout.flush()
    while True:
        request, client = outside.recvfrom(4096)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inside:
            inside.settimeout(10)
            inside.sendto(request, inner)
            answer = inside.recv(4096)
        outside.sendto(b"ROUGHTIM" + struct.pack("<I", len(answer)) + answer, client)


task = Task.read()
ask(task) if "address" in task else serve()
