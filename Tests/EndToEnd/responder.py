"""`assay roughtime serve` on a free port of the loopback, with a key and a delegation made for it."""

import os
import pathlib
import re
import subprocess
import time


class Responder:
    def __init__(self, program, home, grease=0):
        self.program, self.home = program, pathlib.Path(home)
        self.log = self.home / "log"
        self.public_key_file = str(self.home / "keys" / "longterm.pub")
        self.environment = {
            **os.environ,
            "ASSAY_ROUGHTIME_LISTEN": "127.0.0.1:0", "ASSAY_ROUGHTIME_METRICS_PORT": "0",
            "ASSAY_ROUGHTIME_WORKERS": "1", "ASSAY_ROUGHTIME_PUBLIC_KEY_PATH": self.public_key_file,
            "ASSAY_ROUGHTIME_REQUEST_PATH": str(self.home / "request.json"),
            "ASSAY_ROUGHTIME_CERTIFICATES_PATH": str(self.home / "certificates.json"),
            # Machines that run tests seldom know how good their clocks are.
            "ASSAY_ROUGHTIME_UNSYNC": "wide", "ASSAY_ROUGHTIME_GREASE": str(grease),
        }

    @property
    def public_key(self):
        return pathlib.Path(self.public_key_file).read_text().strip()

    def roughtime(self, *arguments):
        done = subprocess.run(
            [self.program, "roughtime", *arguments], capture_output=True, text=True, env=self.environment, timeout=60
        )
        assert done.returncode == 0, done.stderr

    def wait_for(self, condition):
        deadline = time.monotonic() + 60
        while not (found := condition()):
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
        return found

    def __enter__(self):
        self.roughtime("keygen", "--directory", str(self.home / "keys"), "--plain", "--no-backup")
        with self.log.open("w") as file:
            self.process = subprocess.Popen(
                [self.program, "roughtime", "serve"], stdout=file, stderr=file, env=self.environment
            )
        try:
            port = self.wait_for(lambda: re.search(r"udp=\[(\d+)\]", self.log.read_text())).group(1)
            self.address = f"127.0.0.1:{port}"
            self.wait_for((self.home / "request.json").exists)
            self.roughtime(
                "delegate", "--csr", str(self.home / "request.json"), "--out", str(self.home / "certificates.json"),
                "--seed-file", str(self.home / "keys" / "longterm.seed"), "--audit-log", str(self.home / "audit.jsonl"),
            )
            self.wait_for(lambda: "delegated" in self.log.read_text())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)
