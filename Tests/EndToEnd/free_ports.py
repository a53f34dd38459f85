"""Ports that nobody listens on, each given once in a test run."""

import pathlib
import random
import socket

_given = set()


def free_port():
    """Below the range of outgoing connections, so that none of those takes it before its server listens."""
    text = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
    highest = min(int(text.split()[0]), 32768)
    for _ in range(200):
        port = random.randrange(20000, highest) if highest > 20000 else 0
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            port = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port
    raise RuntimeError("no free TCP port on the loopback")
