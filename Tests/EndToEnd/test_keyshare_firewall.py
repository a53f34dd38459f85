"""The firewall of a key share node's host, tried with real packets between network namespaces.

Four namespaces: the host, one client whose address the rules name, one whose address they do not, and a container behind
the host to which ports 4201 and 5432 are translated as Docker does it. A second bridge of the host leads to another
container.
"""

import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "infra" / "keyshare" / "firewall.sh"
NFT = ROOT / "infra" / "keyshare" / "firewall.nft"
ENVIRONMENT = {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
LINKS = {"known": 1, "other": 2, "inside": 3, "beside": 4}
PORTS = [22, 443, 4201, 5432, 9999]
FAMILIES = [4, 6]

LISTEN = """
import selectors, socket, sys
selector = selectors.DefaultSelector()
for port in map(int, sys.argv[1:]):
    server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
    selector.register(server, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in selector.select():
        key.fileobj.accept()[0].close()
"""
CONNECT = """
import concurrent.futures, json, socket, sys
def reaches(target):
    try:
        socket.create_connection(tuple(target), timeout=float(sys.argv[2])).close()
        return True
    except OSError:
        return False
targets = json.loads(sys.argv[1])
with concurrent.futures.ThreadPoolExecutor(32) as pool:
    print(json.dumps(list(pool.map(reaches, targets))))
"""
# A connection that stays, and says after each line it is given whether bytes still pass.
HOLD = """
import socket, sys
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20)
print("ready", flush=True)
for line in sys.stdin:
    connection.sendall(b"x")
    print(connection.recv(1).decode(), flush=True)
"""
ECHO = """
import socket, sys, threading
server = socket.create_server(("::", int(sys.argv[1])), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
def serve(connection):
    while data := connection.recv(64):
        connection.sendall(data)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""


def address(link, end, family):
    return f"10.71.{LINKS[link]}.{end}" if family == 4 else f"fd71:{LINKS[link]}::{end}"


class World:
    numbers = itertools.count()

    def __init__(self):
        # The kernel allows 15 characters for the name of an interface, and three are for the link's own.
        self.prefix = f"k{os.getpid() % 10_000_000}{next(self.numbers):03}"
        self.children = []

    def build(self):
        missing = [name for name in ["ip", "iptables", "ip6tables", "nft", "sysctl"]
                   if shutil.which(name, path=ENVIRONMENT["PATH"]) is None]
        assert not missing, f"this test needs {missing}: apt-get install iproute2 iptables nftables procps"
        try:
            self.namespace("host")
        except subprocess.CalledProcessError as error:
            pytest.fail("this test makes network namespaces, which takes root and a kernel that allows them "
                        f"(in a container: --privileged). ip said: {error.stderr}")
        for key in ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"]:
            self.run("host", "sysctl", "-qw", f"{key}=1")
        for link in LINKS:
            self.namespace(link)
            bridge = {"inside": "br-keyshare", "beside": "br-beside"}.get(link)
            end = f"{self.prefix}{link[:3]}"
            self.run("host", "ip", "link", "add", end, "type", "veth", "peer", "name", "eth0", "netns",
                     self.name(link))
            if bridge:
                self.run("host", "ip", "link", "add", bridge, "type", "bridge")
                self.run("host", "ip", "link", "set", end, "master", bridge)
                self.run("host", "ip", "link", "set", bridge, "up")
            for family, length in [(4, 24), (6, 64)]:
                nodad = ["nodad"] if family == 6 else []
                self.run("host", "ip", "address", "add", f"{address(link, 1, family)}/{length}", "dev", bridge or end,
                         *nodad)
                self.run(link, "ip", "address", "add", f"{address(link, 2, family)}/{length}", "dev", "eth0", *nodad)
            self.run("host", "ip", "link", "set", end, "up")
            self.run(link, "ip", "link", "set", "eth0", "up")
            for family in FAMILIES:
                self.run(link, "ip", f"-{family}", "route", "add", "default", "via", address(link, 1, family))
        self.listen("host", *PORTS)
        for link in LINKS:
            self.listen(link, *PORTS)

    def name(self, role):
        return f"{self.prefix}-{role}"

    def namespace(self, role):
        subprocess.run(["ip", "netns", "add", self.name(role)], check=True, capture_output=True, text=True, env=ENVIRONMENT)
        self.run(role, "ip", "link", "set", "lo", "up")

    def run(self, role, *command, check=True, **variables):
        result = subprocess.run(["ip", "netns", "exec", self.name(role), *map(str, command)], capture_output=True,
                                text=True, env={**ENVIRONMENT, **variables}, timeout=120)
        assert not check or result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
        return result

    def start(self, role, program, *arguments):
        child = subprocess.Popen(["ip", "netns", "exec", self.name(role), sys.executable, "-c", program, *map(str, arguments)],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
        self.children.append(child)
        assert child.stdout.readline() == "ready\n"
        return child

    def listen(self, role, *ports):
        self.start(role, LISTEN, *ports)

    def docker(self, ends_with_return):
        """What Docker makes for two published ports, as far as it matters here."""
        for family, tables in [(4, "iptables"), (6, "ip6tables")]:
            inside = address("inside", 2, family)
            target = inside if family == 4 else f"[{inside}]"
            lines = ["-N DOCKER-USER", "-P FORWARD DROP", "-A FORWARD -j DOCKER-USER",
                     "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
                     "-A FORWARD -i br-+ -j ACCEPT", "-A FORWARD -o br-keyshare -p tcp -j ACCEPT"]
            if ends_with_return:
                lines.append("-A DOCKER-USER -j RETURN")
            for port in [4201, 5432]:
                lines.append(f"-t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport {port}"
                             f" -j DNAT --to-destination {target}:{port}")
            for line in lines:
                self.run("host", tables, *line.split())

    def reach(self, role, targets, timeout=1.0):
        """Which of the pairs of address and port can be connected to."""
        told = self.run(role, sys.executable, "-c", CONNECT, json.dumps(targets), timeout)
        return json.loads(told.stdout)

    def open_ports(self, role, family, timeout=1.0):
        """Which ports of the host's address a client can connect to."""
        reached = self.reach(role, [[address(role, 1, family), port] for port in PORTS], timeout)
        return {port for port, good in zip(PORTS, reached) if good}

    def firewall(self, *options, check=True, **variables):
        return self.run("host", SCRIPT, *options, check=check, **variables)

    def rules(self):
        return [self.run("host", tables, "-S").stdout for tables in ["iptables", "ip6tables"]]

    def stop(self):
        for child in self.children:
            child.kill()
            child.wait()
            child.stdin.close()
            child.stdout.close()
        for role in ["host", *LINKS]:
            subprocess.run(["ip", "netns", "delete", self.name(role)], capture_output=True, env=ENVIRONMENT)


def a_world():
    world = World()
    try:
        world.build()
        yield world
    finally:
        world.stop()


world = pytest.fixture(a_world)
# For tests that change nothing.
untouched_world = pytest.fixture(a_world, scope="module")


def assert_local_traffic_works(world):
    """The proxy reaches the node on the loopback, the host and containers reach the world, containers each other."""
    assert world.reach("host", [["127.0.0.1", 4201], ["::1", 4201], ["127.0.0.1", 5432]], 20) == [True] * 3
    outside = [[address("other", 2, family), 9999] for family in FAMILIES]
    assert world.reach("host", outside, 20) == [True, True], "the host cannot reach the world"
    assert world.reach("inside", outside, 20) == [True, True], "a container cannot reach the world"
    database = [[address("inside", 2, family), 5432] for family in FAMILIES]
    assert world.reach("beside", database, 20) == [True, True], "a container cannot reach another one's database"


@pytest.mark.parametrize("ends_with_return", [True, False])
def test_only_ssh_and_https_are_open_and_what_docker_publishes_is_closed(world, ends_with_return):
    world.docker(ends_with_return)
    assert all(world.open_ports(role, family, 20) == set(PORTS) for role in ["known", "other"] for family in FAMILIES)
    for _ in range(2):
        world.firewall()
        for role in ["known", "other"]:
            for family in FAMILIES:
                assert world.open_ports(role, family) == {22, 443}
        assert_local_traffic_works(world)


@pytest.mark.parametrize("ends_with_return", [True, False])
def test_named_addresses_reach_ssh_the_node_and_the_database_and_no_others(world, ends_with_return):
    world.docker(ends_with_return)
    known = f"{address('known', 2, 4)}, {address('known', 0, 6)}/64"
    for _ in range(2):
        world.firewall(SSH_FROM=known, PG_FROM=known, PROXY_FROM=known)
        for family in FAMILIES:
            assert world.open_ports("known", family) == {22, 443, 4201, 5432}
            assert world.open_ports("other", family) == {443}
        assert_local_traffic_works(world)
    world.firewall(PROXY_FROM=known)
    for family in FAMILIES:
        assert world.open_ports("known", family) == {22, 443, 4201}
    told = world.firewall("--check", PROXY_FROM=known).stdout
    assert f"IPv4: port 4201, published by Docker, is open to {address('known', 2, 4)}/32\n" in told
    assert "IPv6: port 5432, published by Docker, is open to nobody\n" in told
    assert "IPv4: port 443 of this host is open to everybody\n" in told


def test_a_container_s_own_address_is_no_way_around(world):
    world.docker(True)
    direct = [[address("inside", 2, family), port] for family in FAMILIES for port in [4201, 5432]]
    assert world.reach("other", direct, 20) == [True] * 4
    world.firewall()
    assert world.reach("other", direct) == [False] * 4


def test_a_second_application_changes_nothing_and_an_undo_takes_everything_out(world):
    world.docker(True)
    before = world.rules()
    assert world.firewall("--check", check=False).returncode == 1
    world.firewall()
    once = world.rules()
    world.firewall()
    assert world.rules() == once != before
    assert world.firewall("--check").returncode == 0
    for _ in range(2):
        world.firewall("--undo")
        assert world.rules() == before
    assert world.open_ports("other", 4, 20) == set(PORTS)


def test_a_port_that_is_closed_again_is_closed_at_once(world):
    world.docker(False)
    world.firewall(SERVER_PORT="9999")
    assert world.open_ports("other", 4) == {22, 443, 4201}
    world.firewall()
    assert world.open_ports("other", 4) == {22, 443}


def test_a_running_session_survives_every_change(world):
    world.start("host", ECHO, 2222)
    sessions = [world.start("known", HOLD, address("known", 1, family), 2222) for family in FAMILIES]

    def lives():
        for session in sessions:
            session.stdin.write("\n")
            session.stdin.flush()
            assert session.stdout.readline() == "x\n"

    lives()
    for options in [{}, {"SSH_FROM": address("other", 2, 4)}, {}]:
        world.firewall(SSH_PORT="2222", **options)
        lives()
    world.firewall("--undo")
    lives()


@pytest.mark.parametrize("name, value", [
    ("PG_FROM", "192.0.2.1 -j ACCEPT"), ("PG_FROM", "$(touch pwned)"), ("PG_FROM", "192.0.2.1;id"), ("PG_FROM", "*"),
    ("PG_FROM", "0.0.0.0/0"), ("PG_FROM", "::/0"), ("PROXY_FROM", "256.0.0.1"), ("PROXY_FROM", "1.2.3"),
    ("PROXY_FROM", "1.2.3.4/33"), ("PROXY_FROM", "fe80:::1"), ("PROXY_FROM", "1::2::3"), ("PROXY_FROM", "::1/129"),
    ("SSH_FROM", "example.org"), ("SSH_FROM", "192.0.2.1\nCOMMIT"), ("SSH_FROM", "010.0.0.1"), ("SSH_FROM", "-s"),
    ("SERVER_PORT", "0"), ("SERVER_PORT", "65536"), ("SERVER_PORT", "22 -j ACCEPT"), ("SERVER_PORT", "a[$(id>pwned)]"),
    ("SSH_PORT", ""), ("OPEN_TCP", "443 5432"), ("OPEN_TCP", "4201"), ("OPEN_TCP", "443:65535"),
])
def test_values_that_are_no_addresses_or_ports_change_nothing(untouched_world, tmp_path, name, value):
    world = untouched_world
    before = world.rules()
    result = subprocess.run(["ip", "netns", "exec", world.name("host"), str(SCRIPT)], cwd=tmp_path, capture_output=True,
                            text=True, env={**ENVIRONMENT, name: value}, timeout=60)
    assert result.returncode == 64 and name in result.stderr, result.stderr
    assert world.rules() == before and list(tmp_path.iterdir()) == []


def test_an_unknown_option_is_refused(untouched_world):
    world = untouched_world
    before = world.rules()
    assert world.firewall("--chekc", check=False).returncode == 64
    assert world.rules() == before


def test_the_rules_for_nftables_do_the_same(world, tmp_path):
    world.docker(True)
    for _ in range(2):
        world.run("host", "nft", "-f", NFT)
        for role in ["known", "other"]:
            for family in FAMILIES:
                assert world.open_ports(role, family) == {22, 443}
        assert_local_traffic_works(world)
    text = NFT.read_text()
    for name, nobody, known in [("PG_FROM_4", "192.0.2.0/32", address("known", 2, 4)),
                                ("PROXY_FROM_4", "192.0.2.0/32", address("known", 2, 4)),
                                ("SSH_FROM_4", "0.0.0.0/0", address("known", 2, 4)),
                                ("PG_FROM_6", "2001:db8::/128", address("known", 2, 6)),
                                ("PROXY_FROM_6", "2001:db8::/128", address("known", 2, 6)),
                                ("SSH_FROM_6", "::/0", address("known", 2, 6))]:
        line = f"define {name} = {{ {nobody} }}"
        assert line in text
        text = text.replace(line, f"define {name} = {{ {known} }}")
    (tmp_path / "narrow.nft").write_text(text)
    world.run("host", "nft", "-f", tmp_path / "narrow.nft")
    for family in FAMILIES:
        assert world.open_ports("known", family) == {22, 443, 4201, 5432}
        assert world.open_ports("other", family) == {443}
    world.run("host", "nft", "delete", "table", "inet", "assay_keyshare")
    assert world.open_ports("other", 6, 20) == set(PORTS)
