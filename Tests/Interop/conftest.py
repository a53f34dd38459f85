"""Drives a running server with other people's clients, each in a process and an environment of its own."""

import dataclasses
import importlib.util
import json
import pathlib
import subprocess
import sys

import pytest

import books
from backend import SERVICES, Backend
from environments import Environments
from wallet import Wallet

HERE = pathlib.Path(__file__).parent
END_TO_END = HERE.parent / "EndToEnd"
sys.path.insert(0, str(END_TO_END))

# The end-to-end tests' conftest under another name: 'conftest' is this file's.
_specification = importlib.util.spec_from_file_location("end_to_end", END_TO_END / "conftest.py")
end_to_end = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(end_to_end)

pytest_addoption = end_to_end.pytest_addoption
Run, program, run, node = end_to_end.Run, end_to_end.program, end_to_end.run, end_to_end.node


def pytest_configure(config):
    config.addinivalue_line("markers", "client(name): the client that the test drives")


def pytest_collection_finish(session):
    """Starts making the environments of all clients that will be driven."""
    if not session.config.option.collectonly:
        clients = {mark.args[0] for item in session.items for mark in item.iter_markers("client")}
        session.config.environments = Environments(sorted(clients))


def pytest_unconfigure(config):
    if environments := getattr(config, "environments", None):
        environments.close()


@pytest.fixture(scope="session")
def wallet(run):
    with Wallet(run.info["payer"]) as wallet:
        yield wallet


@pytest.fixture
def profile(run, node):
    return f"{run.api}/api/profile/{node}"


class Client:
    """One client's interpreter, in an environment that knows nothing but a new home directory."""

    def __init__(self, name, python, home):
        self.name, self.python, self.home = name, python, home

    def command(self, *arguments, **options):
        return subprocess.run(
            [self.python, *arguments], cwd=HERE, capture_output=True, text=True, timeout=240,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": "1"}, **options,
        )

    def drive(self, task):
        """Runs clients/<name>.py: a JSON task on its input, a JSON result on the last line of its output."""
        done = self.command("-m", f"clients.{self.name.replace('-', '_')}", input=json.dumps(task))
        if done.returncode != 0:
            pytest.fail(f"{self.name} ended with {done.returncode}\n{done.stdout}{done.stderr}", pytrace=False)
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def client(request, tmp_path):
    """The marked client, ready to be run."""
    name = request.node.get_closest_marker("client").args[0]
    return Client(name, request.config.environments.python(name), tmp_path)


@pytest.fixture
def drive(client, run, wallet, profile):
    """Runs the marked client's driver with everything it may need to buy."""
    task = {
        "api": run.api, "profile": profile, "wallet": wallet.url, "macaroon": wallet.macaroon,
        "node": run.info["payer"]["restUrl"], "nodeCertificate": run.info["payer"]["tlsCert"],
    }
    return lambda **more: client.drive(task | more)


@pytest.fixture
def dispatches(request, program, tmp_path_factory):
    """A run with a service behind its gate; parameters are settings."""
    directory = tmp_path_factory.mktemp("services")
    services = directory / "services.yaml"
    with Backend() as backend:
        services.write_text(SERVICES.format(backend=backend.url))
        settings = {"ASSAY_SERVICES_FILE": str(services)} | getattr(request, "param", {})
        run = Run(program, directory / "data", settings).start()
        yield run
        assert run.stop() == 0


@dataclasses.dataclass
class Ledger:
    """Compares what a client says it did with what the ledger says it did."""

    run: Run
    before: books.Totals

    def agrees(self, payments, served, msat=None):
        change = books.read(self.run).since(self.before)
        msat = payments * 1000 if msat is None else msat
        assert (change.payments, change.paid_msat) == (payments, msat), change
        assert (change.served, change.held) == (served, 0), change


@pytest.fixture
def ledger(run):
    return Ledger(run, books.read(run))
