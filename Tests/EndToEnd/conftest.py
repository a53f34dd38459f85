"""Starts one whole 'assay run' on the top-100 graph; every test drives it from outside, as a user would."""

import json
import os
import pathlib
import signal
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GRAPH = ROOT / "Examples" / "graph" / "mainnet-2026-02-03-top100.graph.json.gz"


def pytest_addoption(parser):
    parser.addoption("--program", required=True, help="the assay program under test")


class Run:
    """An 'assay run' in a data directory of its own."""

    def __init__(self, program, data, environment=None):
        self.program = program
        self.data = pathlib.Path(data)
        self.environment = {**os.environ, **(environment or {})}
        self.process = None

    def start(self, timeout=120):
        log = self.data.parent / f"{self.data.name}.out"
        with log.open("w") as file:
            self.process = subprocess.Popen(
                [self.program, "run", "--data", str(self.data), "--port", "0", "--graph", str(GRAPH)],
                stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=self.environment,
            )
        deadline = time.monotonic() + timeout
        while "Ctrl-C stops everything." not in log.read_text():
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text() + self.logs()
            time.sleep(0.1)
        self.info = json.loads((self.data / "run.json").read_text())
        return self

    def logs(self):
        return "\n".join(f"--- {p.name}\n{p.read_text()[-3000:]}" for p in sorted((self.data / "logs").glob("*.log")))

    @property
    def api(self):
        return self.info["api"]

    def refresh(self):
        self.info = json.loads((self.data / "run.json").read_text())
        return self.info

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=60)
        return self.process.returncode

    def kill(self):
        """kill -9 of the supervisor and all its children, the database server included."""
        pids = list(self.refresh()["pids"].values())
        server = self.data / "pg" / "data" / "postmaster.pid"
        if server.exists():
            pids.append(int(server.read_text().split()[0]))
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(timeout=30)

    def command(self, *arguments, **options):
        return subprocess.run(
            [self.program, *arguments], capture_output=True, text=True, timeout=120, env=self.environment, **options
        )


@pytest.fixture(scope="session")
def program(request):
    return str(pathlib.Path(request.config.getoption("--program")).resolve())


@pytest.fixture(scope="session")
def run(program, tmp_path_factory):
    run = Run(program, tmp_path_factory.mktemp("run"))
    run.start()
    yield run
    assert run.stop() == 0


@pytest.fixture(scope="session")
def node(run):
    """The hash of the best node of the graph."""
    import requests

    rows = requests.get(run.api + "/api/agents/top", params={"limit": 1}, timeout=10).json()["data"]
    return rows[0]["publicKeyHash"]
