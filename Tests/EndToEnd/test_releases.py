"""`assay release`: packed and signed here, installed, switched and rolled back on a host made of directories."""

import hashlib
import io
import json
import os
import pathlib
import subprocess
import tarfile
import time

import pytest

BUILD_TIME = 1790000000


class Host:
    """A host's directories, and the place where its releases are packed."""

    def __init__(self, program, directory):
        self.program = program
        self.directory = directory
        self.root = directory / "opt"
        self.keys = directory / "etc" / "release-keys"
        self.keys.parent.mkdir(mode=0o755)
        self.environment = {k: v for k, v in os.environ.items() if k != "ASSAY_RELEASE_KEY"}
        self.public = {}
        self.keygen("key")
        self.trust("key")

    def start(self, *arguments, **options):
        return subprocess.Popen(
            [self.program, "release", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=self.environment, **options,
        )

    def run(self, *arguments, code=0, environment=None, input=None):
        result = subprocess.run(
            [self.program, "release", *map(str, arguments)], capture_output=True, text=True, timeout=120,
            env={**self.environment, **(environment or {})}, input=input,
        )
        assert result.returncode == code, (arguments, result.returncode, result.stdout, result.stderr)
        return result

    def keygen(self, name):
        self.public[name] = self.run("keygen", "--out", self.directory / name, "--name", name).stdout

    def trust(self, *names, threshold=1):
        self.keys.write_text(f"threshold {threshold}\n" + "".join(self.public[name] for name in names))
        self.keys.chmod(0o644)

    def pack(self, version, *options, key="key", content=None, size=0):
        tree = self.directory / f"tree-{version}"
        (tree / "bin").mkdir(parents=True, exist_ok=True)
        program = tree / "bin" / "assay"
        program.write_text(content or f"#!/bin/sh\necho {version}\n")
        program.chmod(0o755)
        (tree / "data").write_bytes(b"\0" * size)
        arguments = ["pack", tree, "--release", version, "--commit", "abc", "--build-time", BUILD_TIME]
        if key:
            arguments += ["--key-file", self.directory / key]
        return pathlib.Path(self.run(*arguments, "--out", self.directory, *options).stdout.strip())

    @property
    def place(self):
        return ["--root", self.root, "--trusted-keys", self.keys]

    def switch(self, command, *arguments, health="true", restart=None, code=0):
        restart = restart or f"{self.root}/current/bin/assay >> {self.directory}/started"
        return self.run(
            command, *arguments, *self.place, "--restart-command", restart, "--health-command", health,
            "--health-seconds", 2, code=code,
        )

    def install(self, version, **options):
        return self.switch("install", self.pack(version), **options)

    @property
    def current(self):
        link = self.root / "current"
        return os.readlink(link).removeprefix("releases/") if link.is_symlink() else None

    @property
    def started(self):
        return (self.directory / "started").read_text().split()

    def listing(self):
        return json.loads(self.run("releases", "--json", *self.place).stdout)

    def assert_whole(self):
        """What is current is whole, and so is everything else that has a release's name."""
        if self.current:
            self.run("verify", *self.place)
            assert all(row["verified"] for row in self.listing())


@pytest.fixture
def host(program, tmp_path):
    return Host(program, tmp_path)


def test_two_releases_are_installed_and_rolled_back(host):
    assert "Release 1.0.0 is active." in host.install("1.0.0").stdout
    assert "Release 1.1.0 is active, before it 1.0.0." in host.install("1.1.0").stdout
    assert subprocess.check_output([host.root / "current" / "bin" / "assay"], text=True) == "1.1.0\n"
    assert "is as signed by key." in host.run("verify", *host.place).stdout

    rows = host.listing()
    assert [(row["index"], row["version"], row["current"], row["previous"]) for row in rows] == [
        (1, "1.1.0", True, False), (2, "1.0.0", False, True)
    ]
    assert all(row["verified"] and row["built"] == "2026-09-21T14:13:20Z" for row in rows)
    table = host.run("list", *host.place).stdout
    assert "VERIFIED" in table and "current" in table and "previous" in table

    host.switch("rollback")
    assert host.current == "1.0.0"
    host.switch("rollback", 1)
    assert host.current == "1.1.0"
    assert "active already" in host.install("1.1.0").stdout
    assert host.started == ["1.0.0", "1.1.0", "1.0.0", "1.1.0"]
    host.switch("rollback", 3, code=69)
    history = json.loads((host.root / "history.json").read_text())["switches"]
    assert [(entry["version"], entry["reason"], entry["outcome"]) for entry in history] == [
        ("1.0.0", "install", "active"), ("1.1.0", "install", "active"), ("1.0.0", "rollback", "active"),
        ("1.1.0", "rollback", "active"),
    ]


def test_a_release_that_is_not_healthy_switches_back_by_itself(host):
    host.install("1.0.0")
    failure = host.install("1.1.0", health=f"[ $({host.root}/current/bin/assay) = 1.0.0 ]", code=70)
    assert "1.1.0 did not become healthy" in failure.stderr
    assert "Release 1.0.0 is active again and healthy." in failure.stderr
    assert host.current == "1.0.0" and host.started == ["1.0.0", "1.1.0", "1.0.0"]
    # A slow start is waited for.
    marker = host.directory / "tried"
    host.install("1.2.0", health=f"[ -e {marker} ] || {{ touch {marker}; exit 1; }}")
    assert host.current == "1.2.0"
    host.switch("rollback")
    assert host.current == "1.0.0"


def test_what_others_could_have_changed_is_refused(host):
    archive = host.pack("1.0.0")
    good = archive.read_bytes()
    for offset in (0, 600, 1600, len(good) - 1600):
        archive.write_bytes(good[:offset] + bytes([good[offset] ^ 1]) + good[offset + 1:])
        result = host.start("install", archive, *host.place, "--no-restart")
        assert result.wait(60) in (65, 77), result.stderr.read()
    archive.write_bytes(good)
    host.keys.chmod(0o666)
    host.switch("install", archive, code=77)
    host.keys.chmod(0o644)
    host.keygen("stranger")
    host.switch("install", host.pack("1.0.0", key="stranger"), code=77)
    host.switch("install", host.pack("1.0.0", key=None), code=77)
    assert host.current is None and list((host.root / "releases").iterdir()) == []

    archive.write_bytes(good)
    host.switch("install", archive)
    host.switch("install", host.pack("0.9.0"), code=77)
    host.switch("install", host.pack("2.0.0", "--minimum-predecessor", "1.5.0"), code=77)
    host.switch("install", host.pack("2.0.0", "--arch", "vax"), code=77)
    host.switch("install", host.pack("0.9.0"), "--allow-downgrade")
    assert host.current == "0.9.0"
    (host.root / "releases" / "1.0.0" / "bin" / "assay").write_text("evil")
    assert not host.listing()[0]["verified"]
    host.switch("rollback", code=65)
    assert host.current == "0.9.0"


def test_an_archive_is_what_gnu_tar_makes_and_other_archives_are_refused(host):
    archive = host.pack("1.0.0", size=700)
    tree = host.directory / "unpacked"
    tree.mkdir()
    subprocess.run(["tar", "-xf", archive, "-C", tree], check=True)
    names = tarfile.open(archive).getnames()
    assert names == ["MANIFEST.json", "MANIFEST.sig", "bin/assay", "data"]
    rebuilt = host.directory / "rebuilt.tar"
    subprocess.run(
        ["tar", "--format=ustar", "-b1", "--mtime=@0", "--owner=root:0", "--group=root:0", "-C", tree, "-cf", rebuilt,
         *names], check=True,
    )
    assert rebuilt.read_bytes() == archive.read_bytes()
    manifest = json.loads((tree / "MANIFEST.json").read_text())
    assert {file["path"]: file["sha256"] for file in manifest["files"]} == {
        name: hashlib.sha256((tree / name).read_bytes()).hexdigest() for name in names[2:]
    }
    host.run("verify", archive, "--trusted-keys", host.keys)

    def entry(name, kind=tarfile.REGTYPE, target=""):
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        return info

    for odd in (entry("../x"), entry("/x"), entry("link", tarfile.SYMTYPE, "/etc/passwd"), entry("data"),
                entry("hard", tarfile.LNKTYPE, "data"), entry("directory", tarfile.DIRTYPE), entry("pipe", tarfile.FIFOTYPE)):
        altered = io.BytesIO(archive.read_bytes())
        with tarfile.open(fileobj=altered, mode="a", format=tarfile.USTAR_FORMAT) as file:
            file.addfile(odd)
        bad = host.directory / "bad.tar"
        bad.write_bytes(altered.getvalue())
        host.switch("install", bad, code=65)
    assert not (host.directory / "x").exists() and list((host.root / "releases").iterdir()) == []


def test_the_default_package_is_the_program_and_reproducible(host, tmp_path):
    source = pathlib.Path(__file__).resolve().parents[2]
    archives = []
    for name in ("first", "second"):
        out = tmp_path / name
        out.mkdir()
        made = host.run(
            "pack", "--release", "3.1.4", "--commit", "0123abc", "--source", source, "--out", out,
            "--key-file", tmp_path / "key", environment={"SOURCE_DATE_EPOCH": str(BUILD_TIME)},
        )
        archives.append(pathlib.Path(made.stdout.strip()))
    digests = {hashlib.sha256(archive.read_bytes()).hexdigest() for archive in archives}
    assert len(digests) == 1
    names = set(tarfile.open(archives[0]).getnames())
    assert {"bin/assay", "bin/build-info.json", "infra/systemd/assay-serve.service", "DEPLOY.md", "LICENSE"} <= names
    migrations = [path for path in (source / "migrations").rglob("*") if path.is_file()]
    assert {str(path.relative_to(source)) for path in migrations} <= names
    host.run("install", archives[0], *host.place, "--no-restart")
    # The installed program knows its release, and checks itself as its unit will have it do.
    installed = host.root / "current" / "bin" / "assay"
    assert "assay 3.1.4 (commit 0123abc, built 2026-09-21T14:13:20Z)" in subprocess.check_output(
        [installed, "--version"], text=True
    )
    check = [installed, "release", "verify", *host.place, "--if-keys-exist"]
    assert subprocess.run(check, capture_output=True).returncode == 0
    deploy = host.root / "current" / "DEPLOY.md"
    deploy.write_text(deploy.read_text() + "x")
    assert subprocess.run(check, capture_output=True).returncode == 65
    # A host without trusted keys has nothing to check against.
    host.keys.unlink()
    assert subprocess.run(check, capture_output=True).returncode == 0
    assert subprocess.run(check[:-1], capture_output=True).returncode == 69


def test_the_first_archive_can_be_checked_without_the_program(host):
    """The steps of DEPLOY.md for a host that has no release yet."""
    archive = host.pack("1.0.0")
    guide = (pathlib.Path(__file__).resolve().parents[2] / "DEPLOY.md").read_text()
    steps = guide.split("<!-- first archive -->")[1].split("```")[1]
    script = steps.replace("/etc/assay/release-keys", str(host.keys)).replace("assay-1.2.0-x86_64.tar", str(archive))

    def check():
        work = host.directory / "first"
        work.mkdir(exist_ok=True)
        return subprocess.run(["bash", "-e", "-o", "pipefail", "-c", script], cwd=work, capture_output=True, text=True)

    good = check()
    assert good.returncode == 0 and "Verified Successfully" in good.stdout, good
    archive.write_bytes(archive.read_bytes().replace(b"echo 1.0.0", b"echo 6.6.6"))
    assert check().returncode != 0
    host.keygen("other")
    host.trust("other")
    archive = host.pack("1.0.0")
    assert check().returncode != 0


def test_two_of_three_sign_and_one_of_them_without_a_network(host):
    for name in ("alice", "bob", "carol"):
        host.keygen(name)
    host.trust("alice", "bob", "carol", threshold=2)
    archive = host.pack("1.0.0", key="alice")
    host.switch("install", archive, code=77)
    # Only the manifest travels; its signature comes back.
    manifest = archive.with_name("assay-1.0.0-" + os.uname().machine + ".MANIFEST.json")
    away = host.directory / "away"
    away.mkdir()
    carried = away / manifest.name
    carried.write_bytes(manifest.read_bytes())
    secret = (host.directory / "bob").read_text()
    signature = host.run("sign", carried, "--key-file", "-", input=secret).stdout.strip()
    host.run("sign", archive, "--add", signature)
    host.switch("install", archive)
    assert "as signed by alice, bob." in host.run("verify", *host.place).stdout
    # The environment serves as well, and a key that others can read does not.
    again = host.pack("1.0.1", key=None)
    host.run("sign", again, code=64)
    host.run("sign", again, environment={"ASSAY_RELEASE_KEY": (host.directory / "carol").read_text()})
    (host.directory / "bob").chmod(0o644)
    host.run("sign", again, "--key-file", host.directory / "bob", code=77)
    (host.directory / "bob").chmod(0o600)
    host.run("sign", again, "--key-file", host.directory / "bob")
    host.switch("install", again)
    assert host.current == "1.0.1"


def test_a_kill_during_the_restart_or_the_check_is_recovered_from(host):
    host.install("1.0.0")
    second = host.pack("2.0.0")
    kill = "kill -9 $PPID"
    # Killed after the link was switched, before anything was restarted.
    assert host.switch("install", second, restart=kill, code=-9)
    assert host.current == "2.0.0"
    host.assert_whole()
    # Installing it again finishes what was begun.
    host.switch("install", second)
    assert host.started == ["1.0.0", "2.0.0"]

    third = host.pack("3.0.0")
    host.switch("install", third, health=kill, code=-9)
    host.assert_whole()
    # It was never seen healthy: going back means the last one that was.
    host.switch("rollback")
    assert host.current == "2.0.0"
    # And when it turns out to be unwell, that one is returned to as well.
    host.switch("install", third, health=kill, code=-9)
    host.switch("install", third, health=f"[ $({host.root}/current/bin/assay) = 2.0.0 ]", code=70)
    assert host.current == "2.0.0"


def test_a_kill_at_any_moment_leaves_the_old_or_the_new_release_whole(host):
    host.install("1.0.0")
    # Large enough that there are moments to be killed in.
    second = host.pack("2.0.0", size=24 << 20)
    began = time.monotonic()
    host.switch("install", second)
    whole = time.monotonic() - began
    host.switch("rollback")
    states = set()
    for step in range(1, 25):
        subprocess.run(["rm", "-rf", host.root / "releases" / "2.0.0"], check=True)
        process = host.start(
            "install", second, *host.place, "--restart-command", "true", "--health-command", "true",
            start_new_session=True,
        )
        try:
            process.wait(whole * step / 20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)
        process.communicate()
        names = {path.name for path in (host.root / "releases").iterdir()}
        states.add((host.current, ".incoming" in names, "2.0.0" in names))
        assert host.current in ("1.0.0", "2.0.0")
        host.assert_whole()
        # The next command is not in the way of what is left, and the host is where it began.
        host.switch("install", second)
        assert host.current == "2.0.0" and not (host.root / "releases" / ".incoming").exists()
        host.switch("rollback", 2)
    assert len(states) >= 2, states


def test_two_installations_do_not_overlap(host):
    host.install("1.0.0")
    second = host.pack("2.0.0")
    marker = host.directory / "waiting"
    first = host.start(
        "install", second, *host.place, "--health-command", "true",
        "--restart-command", f"touch {marker}; while [ -e {marker} ]; do sleep 0.05; done",
    )
    while not marker.exists():
        assert first.poll() is None, first.stderr.read()
        time.sleep(0.02)
    assert "under way" in host.switch("rollback", code=75).stderr
    marker.unlink()
    assert first.wait(60) == 0 and host.current == "2.0.0"


def test_the_make_targets_call_the_program(host):
    host.install("1.0.0")
    infra = pathlib.Path(__file__).resolve().parents[2] / "infra"
    secrets = host.directory / "secrets"

    def make(*arguments, code=0):
        result = subprocess.run(
            ["make", "--no-print-directory", "-C", infra, f"SECRETS={secrets}", f"ASSAY={host.program}",
             f"ROUGHTIME_KEYS={host.directory}/none", *arguments],
            capture_output=True, text=True,
        )
        # make has an exit code of its own for a command that fails.
        assert result.returncode == (2 if code else 0), (arguments, result.stdout, result.stderr)
        return result

    assert all(name in make("help").stdout for name in ("server-logs", "rollback-n", "overwrite-secrets"))
    make("secrets")
    ring = (secrets / "l402-key-ring").read_text()
    assert ring.startswith("0 mint ") and secrets.stat().st_mode & 0o777 == 0o700
    assert "database-url is missing" in make("verify-secrets", code=1).stderr
    (secrets / "database-url").write_text("postgresql://")
    assert "can be read by others" in make("verify-secrets", code=1).stderr
    (secrets / "database-url").chmod(0o600)
    make("verify-secrets")
    make("secrets")
    assert (secrets / "l402-key-ring").read_text() == ring
    make("overwrite-secrets", code=1)
    make("overwrite-secrets", "FORCE=1")
    assert (secrets / "l402-key-ring").read_text() != ring == (secrets / "l402-key-ring.old").read_text()
    make("rollback-n", code=64)
    make("install", code=64)
    options = f"RELEASE_OPTIONS=--trusted-keys {host.keys} --restart-command true --health-command true"
    make("install", f"ROOT={host.root}", options, f"ARCHIVE={host.pack('2.0.0')}")
    make("rollback", f"ROOT={host.root}", options)
    assert host.current == "1.0.0"
    make("rollback-n", f"ROOT={host.root}", options, "N=1")
    assert host.current == "2.0.0"
