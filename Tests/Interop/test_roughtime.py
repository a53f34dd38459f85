"""Roughtime with somebody else's client and server."""

import json
import os
import subprocess
import time

import pytest

from conftest import HERE
from responder import Responder


@pytest.mark.client("pyroughtime")
def test_pyroughtime_accepts_what_our_responder_signs(client, program, tmp_path):
    with Responder(program, tmp_path) as responder:
        before = time.time()
        result = client.drive({"address": responder.address, "publicKey": responder.public_key, "count": 5})
    assert len(result["answers"]) == 5 and result["inconsistent"] == []
    for answer in result["answers"]:
        assert answer["version"] == "draft-07"
        assert before - answer["radius"] <= answer["time"] <= time.time() + answer["radius"]


@pytest.mark.client("pyroughtime")
def test_our_client_accepts_what_pyroughtime_signs(client, program):
    server = subprocess.Popen(
        [client.python, "-m", "clients.pyroughtime"], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(client.home), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    try:
        server.stdin.write("{}")
        server.stdin.close()
        where = json.loads(server.stdout.readline())
        done = subprocess.run(
            [program, "time", "query", where["address"], "--key", where["publicKey"], "--versions", "draft-07", "--json",
             "--timeout", "30", "--count", "3"],
            capture_output=True, text=True, timeout=120, env=dict(os.environ),
        )
    finally:
        server.kill()
        server.wait()
    assert done.returncode == 0, done.stdout + done.stderr
    for answer in json.loads(done.stdout)["answers"]:
        assert answer["version"] == "draft-07" and answer["radiusMicroseconds"] == 100_000
        assert abs(answer["midpointMicroseconds"] / 1e6 - time.time()) < 60
