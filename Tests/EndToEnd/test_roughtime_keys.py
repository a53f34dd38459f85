"""`assay roughtime keygen`, `delegate`, `recover`, `verify-secrets`: the long-term key's whole life on the command line."""

import ctypes
import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import time

import pytest

UNITS = pathlib.Path(__file__).resolve().parents[2] / "infra" / "systemd"
FORMS = ["google", "drafts-01-06", "draft-07", "drafts-08-11", "draft-12", "rfc10049"]


@pytest.fixture
def assay(program):
    """Calls `assay roughtime`, by default with any clock: test machines are often not synchronised."""

    def call(*arguments, code=0, input=None, preexec=None, **environment):
        result = subprocess.run(
            [program, "roughtime", *map(str, arguments)], input=input, capture_output=True, timeout=120,
            env={"PATH": os.environ["PATH"], "ASSAY_ROUGHTIME_UNSYNC": "wide", **environment}, preexec_fn=preexec,
        )
        assert result.returncode == code, (arguments, result.returncode, result.stdout, result.stderr)
        return (result.stdout + result.stderr).decode()

    return call


def request(path, key=None, created=None):
    content = {
        "created": int(time.time()) if created is None else created, "profiles": FORMS,
        "publicKey": key or secrets.token_hex(32), "type": "assay-roughtime-request", "v": 1,
    }
    text = json.dumps(content, indent=2, sort_keys=True, separators=(",", " : "))
    path.write_text(text + "\n")
    return content["publicKey"]


@pytest.fixture
def plain(assay, tmp_path):
    """A key directory without sealing, with a backup key and a paper form."""
    directory = tmp_path / "keys"
    output = assay("keygen", "--directory", directory, "--plain", "--backup-key-out", tmp_path / "backup.key", "--paper")
    lines = [line for line in output.splitlines() if len(line) > 20 and all(len(g) == 5 for g in line.split(" "))]
    return directory, "\n".join(lines)


def delegate(assay, tmp_path, directory, *more, **options):
    return assay(
        "delegate", "--csr", tmp_path / "request.json", "--out", tmp_path / "certificates.json",
        "--audit-log", tmp_path / "mintings.jsonl", "--seed-file", directory / "longterm.seed", *more, **options,
    )


def test_a_key_is_made_backed_up_and_never_overwritten(assay, plain, tmp_path):
    directory, paper = plain
    modes = {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()}
    assert modes == {"longterm.seed": 0o400, "longterm.pub": 0o644, "longterm.seed.backup": 0o600}
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "backup.key").stat().st_mode & 0o777 == 0o400
    seed = (directory / "longterm.seed").read_bytes()
    assert len(seed) == 32 and seed.hex() not in (directory / "longterm.seed.backup").read_text()
    assert "exists already" in assay("keygen", "--directory", directory, "--plain", "--no-backup", code=77)
    assert (directory / "longterm.seed").read_bytes() == seed
    output = assay("verify-secrets", "--directory", directory, "--private-key", tmp_path / "backup.key", "--paper",
                   input=paper.encode())
    assert "No check failed." in output and "FAIL" not in output and seed.hex() not in output


def test_a_key_without_a_backup_is_made_only_on_demand(assay, tmp_path):
    assert "--no-backup" in assay("keygen", "--directory", tmp_path / "keys", "--plain", code=64)
    assert not (tmp_path / "keys").exists()


def test_a_delegate_signs_what_was_asked_writes_it_down_and_ends_at_once(assay, plain, tmp_path):
    directory, _ = plain
    key = request(tmp_path / "request.json")
    begin = time.time()
    delegate(assay, tmp_path, directory, "--public-key", directory / "longterm.pub")
    now = int(time.time())
    certificates = json.loads((tmp_path / "certificates.json").read_text())
    assert certificates["publicKey"] == key and sorted(certificates["certificates"]) == sorted(FORMS)
    assert certificates["notAfter"] - certificates["notBefore"] == 172_800 + 600
    assert int(begin) - 600 <= certificates["notBefore"] <= now - 600
    assert (tmp_path / "certificates.json").stat().st_mode & 0o777 == 0o640
    (line,) = (tmp_path / "mintings.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "notAfter": certificates["notAfter"], "notBefore": certificates["notBefore"], "publicKey": key,
        "time": certificates["notBefore"] + 600,
    }
    # The same request again costs no signature.
    assert "answered already" in delegate(assay, tmp_path, directory)
    assert len((tmp_path / "mintings.jsonl").read_text().splitlines()) == 1
    checked = assay("verify-secrets", "--directory", directory, "--certificates", tmp_path / "certificates.json")
    assert "6 forms" in checked


def test_the_policy_refuses(assay, plain, tmp_path):
    directory, _ = plain
    request(tmp_path / "request.json", created=int(time.time()) + 3600)
    assert "too far from now" in delegate(assay, tmp_path, directory, code=77)
    request(tmp_path / "request.json")
    assert "not allowed" in delegate(assay, tmp_path, directory, "--life", "4d", code=77)
    assert "not allowed" in delegate(assay, tmp_path, directory, "--life", "9d", "--offline", code=77)
    assert not (tmp_path / "certificates.json").exists()
    delegate(assay, tmp_path, directory, "--life", "8d", "--offline")
    for _ in range(7):
        request(tmp_path / "request.json")
        delegate(assay, tmp_path, directory, ASSAY_ROUGHTIME_DELEGATION_SECONDS="61")
    request(tmp_path / "request.json")
    kept = (tmp_path / "certificates.json").read_bytes()
    assert "8 mintings" in delegate(assay, tmp_path, directory, code=77)
    assert (tmp_path / "certificates.json").read_bytes() == kept
    # A clock that was turned back.
    log = tmp_path / "mintings.jsonl"
    line = {"notAfter": 1, "notBefore": 0, "publicKey": "00" * 32, "time": int(time.time()) + 100_000}
    log.write_text(json.dumps(line) + "\n")
    assert "behind the last minting" in delegate(assay, tmp_path, directory, code=77)


def test_without_a_credential_nothing_is_signed(assay, plain, tmp_path):
    directory, _ = plain
    request(tmp_path / "request.json")
    arguments = ["--csr", tmp_path / "request.json", "--out", tmp_path / "c.json", "--audit-log", tmp_path / "log"]
    for environment in [{}, {"CREDENTIALS_DIRECTORY": str(tmp_path)}]:
        assert "Nothing takes its place" in assay("delegate", *arguments, code=78, **environment)
    assert not (tmp_path / "c.json").exists()
    (directory / "longterm.seed").chmod(0o444)
    assert "can be read by others" in delegate(assay, tmp_path, directory, code=65)
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "longterm.seed").write_bytes((directory / "longterm.seed").read_bytes())
    (credentials / "longterm.seed").chmod(0o440)
    assay("delegate", *arguments, CREDENTIALS_DIRECTORY=str(credentials), STATE_DIRECTORY=str(tmp_path))
    # Another server's seed is noticed before it signs.
    other = tmp_path / "other"
    assay("keygen", "--directory", other, "--plain", "--no-backup")
    request(tmp_path / "request.json")
    assert "not of" in delegate(assay, tmp_path, other, "--public-key", directory / "longterm.pub", code=77)


def test_malformed_requests_and_strange_files_are_refused(assay, plain, tmp_path):
    directory, _ = plain
    path = tmp_path / "request.json"
    request(path)
    path.write_text(path.read_text() + "\n")
    delegate(assay, tmp_path, directory, code=65)
    path.unlink()
    delegate(assay, tmp_path, directory, code=78)
    os.mkfifo(path)
    delegate(assay, tmp_path, directory, code=65)
    path.unlink()
    path.symlink_to("/etc/shadow")
    delegate(assay, tmp_path, directory, code=65)
    assert not (tmp_path / "mintings.jsonl").exists()


def test_the_seed_comes_from_standard_input_for_a_machine_without_a_network(assay, plain, tmp_path):
    directory, _ = plain
    request(tmp_path / "request.json")
    assay(
        "delegate", "--offline", "--life", "8d", "--seed-file", "-", "--csr", tmp_path / "request.json", "--out",
        tmp_path / "c.json", "--audit-log", tmp_path / "log", input=(directory / "longterm.seed").read_bytes(),
    )
    certificates = json.loads((tmp_path / "c.json").read_text())
    assert certificates["notAfter"] - certificates["notBefore"] == 8 * 86_400 + 600


def test_the_page_for_the_seed_is_locked_before_the_seed_is_read(program, plain, tmp_path):
    directory, _ = plain
    request(tmp_path / "request.json")
    process = subprocess.Popen(
        [program, "roughtime", "delegate", "--seed-file", "-", "--csr", tmp_path / "request.json", "--out",
         tmp_path / "c.json", "--audit-log", tmp_path / "log"],
        stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, env={"ASSAY_ROUGHTIME_UNSYNC": "wide"},
    )
    deadline = time.monotonic() + 30
    while True:
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        locked = [line.split()[1] for line in status.splitlines() if line.startswith("VmLck:")]
        if locked and int(locked[0]) >= 4:
            break
        assert process.poll() is None and time.monotonic() < deadline, status
        time.sleep(0.02)
    process.communicate((directory / "longterm.seed").read_bytes(), timeout=30)
    assert process.returncode == 0


def test_a_key_comes_back_from_its_backup_and_from_paper(assay, plain, tmp_path):
    directory, paper = plain
    seed = (directory / "longterm.seed").read_bytes()
    public = (directory / "longterm.pub").read_text().strip()
    backup = ["--backup", directory / "longterm.seed.backup", "--private-key", tmp_path / "backup.key"]
    new = tmp_path / "new"
    assert "exists already" in assay("recover", "--directory", directory, "--plain", *backup, code=77)
    assert "--public-key is needed" in assay("recover", "--directory", new, "--plain", *backup, code=64)
    assay("recover", "--directory", new, "--plain", "--public-key", public, *backup)
    assert (new / "longterm.seed").read_bytes() == seed

    (directory / "longterm.seed").unlink()
    assay("recover", "--directory", directory, "--plain", "--paper", input=paper.lower().encode())
    assert (directory / "longterm.seed").read_bytes() == seed

    third = tmp_path / "third"
    groups = paper.split()
    wrong = groups[6][:2] + ("A" if groups[6][2] != "A" else "B") + groups[6][3:]
    typed = " ".join([*groups[:6], wrong, *groups[7:]]).encode()
    refused = assay("recover", "--directory", third, "--plain", "--paper", "--public-key", public, input=typed, code=65)
    assert "group 7 (line 2)" in refused and groups[6] not in refused
    other = "AW5uAoTSTDfG5NfY1bTh08GUnOqlRb+HVhbJ3ODJvsE="
    assay("recover", "--directory", third, "--plain", "--paper", "--public-key", other, input=paper.encode(), code=77)
    assay("recover", "--directory", third, "--plain", "--public-key", other, *backup, code=77)
    altered = tmp_path / "altered"
    content = json.loads((directory / "longterm.seed.backup").read_text())
    content["ciphertext"] = ("0" if content["ciphertext"][0] != "0" else "1") + content["ciphertext"][1:]
    altered.write_text(json.dumps(content, indent=2, sort_keys=True, separators=(",", " : ")) + "\n")
    key = ["--private-key", tmp_path / "backup.key", "--public-key", public]
    assert "altered" in assay("recover", "--directory", third, "--plain", "--backup", altered, *key, code=77)
    assert not (third / "longterm.seed").exists()


def kernel_is_synchronised():
    class Timex(ctypes.Structure):
        _fields_ = [("room", ctypes.c_long * 64)]

    return ctypes.CDLL(None).adjtimex(ctypes.byref(Timex())) != 5


def test_nothing_is_signed_by_a_clock_that_is_not_synchronised(assay, plain, tmp_path):
    directory, _ = plain
    request(tmp_path / "request.json")
    code = 0 if kernel_is_synchronised() else 77
    assay("clock", code=code, ASSAY_ROUGHTIME_UNSYNC="silent")
    delegate(assay, tmp_path, directory, code=code, ASSAY_ROUGHTIME_UNSYNC="silent")
    assert (tmp_path / "certificates.json").exists() == (code == 0)
    assay("clock", ASSAY_ROUGHTIME_UNSYNC="wide")


def sealing(*arguments):
    """Whether systemd-creds can seal here; the reason if not."""
    if not shutil.which("systemd-creds"):
        return "there is no systemd-creds"
    result = subprocess.run(
        ["systemd-creds", "encrypt", "--name=probe", *arguments, "-", "-"], input=b"probe", capture_output=True, timeout=60
    )
    return None if result.returncode == 0 else result.stderr.decode().strip()


def test_a_key_is_sealed_to_the_host(assay, tmp_path):
    if reason := sealing("--with-key=host"):
        pytest.skip(f"systemd-creds cannot seal with the host's key here: {reason}")
    keys = tmp_path / "keys"
    output = assay("keygen", "--directory", keys, "--with-key", "host", "--backup-key-out", tmp_path / "backup.key")
    assert "WARNING" in output
    assert sorted(path.name for path in keys.iterdir()) == [
        "longterm.pub", "longterm.seed.backup", "longterm.seed.cred",
    ]
    assert (keys / "longterm.seed.cred").stat().st_mode & 0o777 == 0o400
    assert "unseals" in assay("verify-secrets", "--directory", keys)
    # A sealed file of another name, or a damaged one, is not taken.
    sealed = (keys / "longterm.seed.cred").read_bytes()
    (keys / "longterm.seed.cred").chmod(0o600)
    (keys / "longterm.seed.cred").write_bytes(sealed[:-12] + (b"AAAA" if sealed[-12:-8] != b"AAAA" else b"BBBB") + sealed[-8:])
    assert "FAIL  seed" in assay("verify-secrets", "--directory", keys, code=1)


@pytest.fixture
def tpm(tmp_path):
    """A TPM in software. It cannot be /dev/tpmrm0 in a container, so systemd-creds is told where it is."""
    for program in ["swtpm", "systemd-creds"]:
        if not shutil.which(program):
            pytest.skip(f"there is no {program}")
    for _ in range(20):
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                two.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
        break
    state = tmp_path / "tpm"
    state.mkdir()
    process = subprocess.Popen([
        "swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}", "--server", f"type=tcp,port={port},bindaddr=127.0.0.1",
        "--ctrl", f"type=tcp,port={port + 1},bindaddr=127.0.0.1", "--flags", "not-need-init,startup-clear",
    ], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    device = f"swtpm:host=127.0.0.1,port={port}"
    deadline = time.monotonic() + 20
    while reason := sealing("--with-key=tpm2", f"--tpm2-device={device}", "--tpm2-pcrs=7"):
        if time.monotonic() > deadline:
            process.kill()
            pytest.skip(f"systemd-creds does not work with a TPM in software here: {reason}")
        time.sleep(0.2)
    yield device
    process.kill()
    process.wait()


def test_a_key_is_sealed_to_the_boot_chain_and_recovered_when_that_changes(assay, tpm, tmp_path):
    keys = tmp_path / "keys"
    backup_key = tmp_path / "backup.key"
    made = assay("keygen", "--directory", keys, "--tpm2-device", tpm, "--backup-key-out", backup_key)
    assert "sealed with host+tpm2" in made and "WARNING" not in made
    assert "unseals" in assay("verify-secrets", "--directory", keys, "--tpm2-device", tpm)
    if not shutil.which("tpm2_pcrextend"):
        pytest.skip("sealed and unsealed; there is no tpm2_pcrextend to change the boot chain with")
    subprocess.run(["tpm2_pcrextend", "-T", tpm, "7:sha256=" + "11" * 32], check=True, capture_output=True, timeout=60)
    assert "FAIL  seed" in assay("verify-secrets", "--directory", keys, "--tpm2-device", tpm, code=1)
    # A TPM without the kernel's resource manager keeps the sessions of those who failed.
    for kind in ["--loaded-session", "--transient-object"]:
        subprocess.run(["tpm2_flushcontext", "-T", tpm, kind], check=True, capture_output=True, timeout=60)
    (keys / "longterm.seed.cred").rename(tmp_path / "old.cred")
    assay("recover", "--directory", keys, "--tpm2-device", tpm, "--backup", keys / "longterm.seed.backup", "--private-key",
          backup_key)
    assert "No check failed." in assay("verify-secrets", "--directory", keys, "--tpm2-device", tpm)


def filtered(unit):
    """Puts a unit's system call filter on the process that is about to start."""
    groups = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True).stdout
    members, name = {}, None
    for line in groups.splitlines():
        if line.startswith("@"):
            name = line.strip()
            members[name] = []
        elif name and line.startswith("    ") and not line.strip().startswith("#"):
            members[name].append(line.strip())

    def expand(word):
        return set().union(*(expand(part) for part in members[word])) if word.startswith("@") else {word}

    allowed = set()
    lines = (UNITS / unit).read_text().splitlines()
    for value in [line.partition("=")[2] for line in lines if line.startswith("SystemCallFilter=")]:
        words = set().union(*(expand(word) for word in value.removeprefix("~").split()))
        allowed = allowed - words if value.startswith("~") else allowed | words
    # What ProtectClock= adds; and what starts a program is outside of a unit's filter.
    allowed -= expand("@clock") if "ProtectClock=yes" in lines else set()
    allowed |= {"execve"}
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    numbers = [library.seccomp_syscall_resolve_name(name.encode()) for name in sorted(allowed)]

    def install():
        context = ctypes.c_void_p(library.seccomp_init(0x00050000 | 1))  # SCMP_ACT_ERRNO(EPERM)
        for number in numbers:
            if number >= 0:
                library.seccomp_rule_add_array(context, 0x7FFF0000, number, 0, None)
        if library.seccomp_load(context) != 0:
            os._exit(99)

    return install


def test_the_delegate_works_under_the_system_call_filter_of_its_unit(assay, plain, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze to ask what the groups of system calls are")
    directory, _ = plain
    request(tmp_path / "request.json")
    install = filtered("assay-roughtime-delegate.service")
    # The filter is in force: the clock's state cannot be read, which is why the unit asks before.
    refused = delegate(assay, tmp_path, directory, preexec=install, code=69)
    assert "adjtimex" in refused
    delegate(assay, tmp_path, directory, "--clock-checked", preexec=install)
    assert (tmp_path / "certificates.json").exists()
    # The responder may read it.
    assay("clock", preexec=filtered("assay-roughtime.service"))
