"""One virtual environment per client, because their dependencies contradict each other; made once and kept."""

import concurrent.futures
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
CACHE = HERE.parents[1] / ".build" / "interop"


def python_for(client):
    """The interpreter that has the client installed, in the versions of requirements/<client>.txt."""
    requirements = HERE / "requirements" / f"{client}.txt"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    environment = CACHE / client
    python = environment / "bin" / "python"
    stamp = environment / "requirements.sha256"
    if not (stamp.exists() and stamp.read_text() == wanted):
        shutil.rmtree(environment, ignore_errors=True)
        make([sys.executable, "-m", "venv", str(environment)])
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # A first line says so where a client's own dependencies do not install any more.
        alone = ["--no-deps"] if requirements.read_text().startswith("# --no-deps") else []
        make([*pip, *alone, "--requirement", str(requirements)])
        stamp.write_text(wanted)
    return str(python)


def make(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"


class Environments:
    """Makes the environments of several clients at a time, in the background."""

    def __init__(self, clients):
        self.pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
        self.made = {client: self.pool.submit(python_for, client) for client in clients}

    def python(self, client):
        return self.made[client].result()

    def close(self):
        self.pool.shutdown(cancel_futures=True)
