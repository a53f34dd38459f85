"""`assay time` against `assay roughtime serve` in every version, and against a server of another kind."""

import base64
import hashlib
import http.server
import json
import os
import pathlib
import socket
import subprocess
import threading
import time

import pytest

from responder import Responder
from free_ports import free_port
from roughtime_server import FRAME, RoughtimeServer, encode, first_half

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSIONS = ["google", *(f"draft-{number:02}" for number in range(1, 13)), "1"]


@pytest.fixture(scope="module")
def responder(program, tmp_path_factory):
    """A responder that spoils one of four answers; its address and the file of its public key."""
    with Responder(program, tmp_path_factory.mktemp("responder"), grease=4) as responder:
        yield responder.address, responder.public_key_file


@pytest.fixture
def assay(program, tmp_path):
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}

    def call(*arguments, code=0, input=None):
        done = subprocess.run([program, "time", *map(str, arguments)], input=input, capture_output=True, text=True,
                              timeout=120, env=environment)
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        return done

    return call


@pytest.fixture
def servers():
    """Makes servers on addresses of their own, so that they count as different operators."""
    made = []

    def make(**options):
        made.append(RoughtimeServer(host=f"127.0.0.{len(made) + 2}", **options))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture
def server_list(tmp_path):
    def write(*entries, reports=None):
        path = tmp_path / f"list-{len(list(tmp_path.iterdir()))}.json"
        path.write_text(json.dumps({"servers": list(entries), **({"reports": reports} if reports else {})}))
        return path

    return write


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_every_version_is_answered_over_every_transport(assay, responder, version, transport):
    address, key = responder
    arguments = ["query", address, "--key", key, "--versions", version, "--transport", transport, "--json",
                 "--timeout", "30"]
    if (version, transport) == ("google", "tcp"):
        assay(*arguments, code=69)
        return
    before = time.time()
    answer = json.loads(assay(*arguments).stdout)["answers"][0]
    after = time.time()
    assert (answer["version"], answer["transport"], answer["downgraded"]) == (version, transport, False)
    radius = answer["radiusMicroseconds"] / 1e6
    assert before - radius <= answer["midpointMicroseconds"] / 1e6 <= after + radius
    assert answer["offsetLowMicroseconds"] <= 0 <= answer["offsetHighMicroseconds"]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_is_answered_over_http_by_a_whole_run(assay, run, version):
    where = run.info["roughtime"]
    answer = json.loads(assay("query", f"http://{where['http']}", "--key", where["publicKey"], "--versions", version,
                              "--json", "--timeout", "30").stdout)["answers"][0]
    assert (answer["version"], answer["transport"]) == (version, "http")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_whole_run_answers_where_its_run_file_says(assay, run, transport):
    where = run.info["roughtime"]
    answer = json.loads(assay("query", where[transport], "--key", where["publicKey"], "--transport", transport, "--json",
                              "--timeout", "30").stdout)["answers"][0]
    assert (answer["version"], answer["transport"]) == ("1", transport)


@pytest.fixture(scope="module")
def nginx(responder, tmp_path_factory):
    """nginx with the shipped example in front of the responder; its port for UDP and TCP."""
    home = tmp_path_factory.mktemp("nginx")
    port = free_port()
    example = (ROOT / "infra" / "nginx" / "roughtime-stream.conf").read_text()
    lines = [line for line in example.splitlines() if "listen [::]" not in line and "listen 2002" not in line]
    stream = "\n".join(lines).replace("127.0.0.1:12002", responder[0])
    stream = stream.replace("listen 5319", f"listen 127.0.0.1:{port}")
    assert stream.count(str(port)) == 2 and stream.count(responder[0]) >= 1
    module = next(pathlib.Path("/usr/lib/nginx/modules").glob("ngx_stream_module.so"))
    (home / "nginx.conf").write_text(
        f"load_module {module};\npid {home}/pid;\nerror_log {home}/error.log;\nworker_processes 1;\n"
        f"events {{}}\n{stream}\n"
    )
    process = subprocess.Popen(["nginx", "-c", str(home / "nginx.conf"), "-g", "daemon off;"],
                               env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})
    deadline = time.monotonic() + 30
    while socket.socket().connect_ex(("127.0.0.1", port)):
        assert process.poll() is None and time.monotonic() < deadline, (home / "error.log").read_text()
        time.sleep(0.05)
    yield f"127.0.0.1:{port}"
    process.terminate()
    process.wait(timeout=30)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_the_shipped_nginx_example_passes_both_transports_on(assay, responder, nginx, transport):
    answers = json.loads(assay("query", nginx, "--key", responder[1], "--transport", transport, "--json", "--count", "5",
                               "--timeout", "60").stdout)["answers"]
    assert [answer["transport"] for answer in answers] == [transport] * 5


def test_spoiled_answers_are_passed_over_however_often_they_come(assay, responder):
    address, key = responder
    done = assay("query", address, "--key", key, "--count", "6", "--timeout", "60", "--json")
    assert [answer["version"] for answer in json.loads(done.stdout)["answers"]] == ["1"] * 6


def test_a_table_shows_who_answered_and_the_reasons_of_the_others(assay, responder, servers, server_list):
    other, silent = servers(), servers(silent=True)
    path = server_list(other.entry("good"), silent.entry("silent"))
    done = assay("query", "--list", path, "--timeout", "1")
    assert "good" in done.stdout and "silent: no answer in time" in done.stdout
    assert assay("query", "GOOD", "--list", path, "--timeout", "10").stdout.count("udp") == 1
    # The responder names no key that it does not have.
    address, _ = responder
    assert "public key" in assay("query", address, "--key", other.public_key, "--timeout", "1", code=69).stdout
    assay("query", "nobody", "--list", path, code=64)


def test_strays_forgeries_and_another_port_do_not_matter(assay, servers):
    server = servers(strays=True)
    answer = json.loads(assay("query", server.address, "--key", server.public_key, "--json").stdout)["answers"][0]
    assert answer["tries"] == 1 and answer["version"] == "1"


def test_a_server_that_is_silent_by_udp_is_asked_by_tcp(assay, servers, server_list):
    silent = servers(silent=True)
    stream = servers(protocol="tcp")
    stream.key, stream.online = silent.key, silent.online
    path = server_list(silent.entry("both", stream))
    answer = json.loads(assay("query", "both", "--list", path, "--json", "--timeout", "60").stdout)["answers"][0]
    assert answer["transport"] == "tcp" and answer["tries"] >= 3


@pytest.mark.parametrize("ahead, code, verdict", [(0, 0, "in sync"), (3600, 3, "out of sync"), (-86400, 3, "out of sync")])
def test_a_quorum_judges_the_clock(assay, servers, server_list, ahead, code, verdict):
    path = server_list(*(servers(ahead=ahead).entry(name) for name in "abc"))
    result = json.loads(assay("check", "--list", path, "--json", code=code).stdout)
    assert result["verdict"] == verdict and result["chainLength"] == 6 and result["contradictions"] == 0
    assert abs(result["offsetMicroseconds"] - ahead * 1_000_000) < 6_000_000
    assert {server["role"] for server in result["servers"]} == {"agrees"}
    # The chain is kept, and anybody can verify it.
    kept = json.loads(assay("verify", result["chain"], "--list", path, "--json").stdout)
    assert kept["holds"] and kept["contradictions"] == [] and len(kept["links"]) == 6


def test_two_operators_are_no_quorum(assay, servers, server_list):
    path = server_list(servers().entry("a"), servers().entry("b"))
    assert "cannot be judged" in assay("check", "--list", path, code=4).stdout
    assay("check", "--list", path, "--operators", "2")


def test_a_liar_is_found_reported_and_the_report_is_taken(assay, servers, server_list, tmp_path):
    taken = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            taken.append((self.headers["content-type"], self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_):
            pass

    liar = servers(ahead=7200)
    path = server_list(liar.entry("liar"), *(servers().entry(name) for name in "abc"))
    result = json.loads(assay("check", "--list", path, "--json", code=5).stdout)
    assert (result["verdict"], result["suspect"]) == ("in sync", "liar") and result["contradictions"] > 0

    verified = assay("verify", result["report"], "--list", path)
    assert "that server stated a wrong time" in verified.stdout and "liar" in verified.stdout
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{receiver.server_port}/reports"
        assay("report", result["report"], "--to", url)
        honest = json.loads(open(result["report"]).read())
        honest["responses"] = honest["responses"][:1]
        (tmp_path / "one.json").write_text(json.dumps(honest))
        assert "nothing to report" in assay("report", tmp_path / "one.json", "--to", url, code=65).stderr
        honest["responses"][0]["response"] = base64.b64encode(bytes(464)).decode()
        (tmp_path / "none.json").write_text(json.dumps(honest))
        assay("report", tmp_path / "none.json", "--to", url, code=65)
        receiver.shutdown()
    assert taken == [("application/roughtime-malfeasance+json", open(result["report"], "rb").read())]
    assay("report", result["report"], "--to", "http://example.com/reports", code=64)
    assay("report", result["report"], code=64)


def test_a_stamped_document_is_proved_between_two_answers(assay, servers, server_list, tmp_path):
    stamping = [servers() for _ in range(3)]
    path = server_list(*(server.entry(f"server {n}") for n, server in enumerate(stamping)))
    earlier = servers(ahead=-60)
    before = earlier.answer(request_for(earlier))
    (tmp_path / "response").write_bytes(before)
    document = tmp_path / "score.json"
    document.write_text(json.dumps({"score": 7, "after": hashlib.sha256(before).hexdigest()}))
    proof = tmp_path / "proof.json"
    proof.write_text(assay("stamp", document, "--list", path, "--needed", "3").stdout)

    done = assay("verify", proof, "--document", document, "--list", path)
    assert "The document existed before" in done.stdout and "server 1" in done.stdout and not done.stderr
    both = assay("verify", proof, "--document", document, "--list", path, "--key", earlier.public_key,
                 "--after", tmp_path / "response", "--json")
    both = json.loads(both.stdout)
    assert both["holds"] and both["notBeforeMicroseconds"] < both["existedBeforeMicroseconds"]
    assert abs(both["existedBeforeMicroseconds"] / 1e6 - time.time()) < 60

    unvouched = assay("verify", proof)
    for server in stamping:
        assert f"signed by {server.public_key}, which is in no list you gave" in unvouched.stderr
    for arguments in (
        ["--key", earlier.public_key],
        ["--document", path],
        ["--document", document, "--list", path, "--after", tmp_path / "response"],
        ["--document", document, "--after", proof],
    ):
        assert "does NOT hold" in assay("verify", proof, *arguments, code=1).stdout
    changed = json.loads(proof.read_text())
    changed["salt"] = "00" * 32
    proof.write_text(json.dumps(changed))
    assay("verify", proof, "--document", document, code=1)
    assay("verify", document, code=65)
    assay("verify", tmp_path / "missing", code=65)


def request_for(server):
    """A request as a client makes it."""
    values = {
        "VER": b"\x01\0\0\0", "NONC": os.urandom(32), "TYPE": bytes(4),
        "SRV": first_half(b"\xff" + base64.b64decode(server.public_key)),
    }
    message = encode({**values, "ZZZZ": bytes(1024 - len(encode(values)) - 8)})
    return FRAME + len(message).to_bytes(4, "little") + message
