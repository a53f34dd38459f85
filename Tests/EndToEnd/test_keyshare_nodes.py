"""Three key share nodes and the whole life of a wallet, by version 3: what nobody in between can read or replay."""

import http.server
import json
import secrets
import threading

import pytest
import requests

from keyshare import Issuer, Node, OwnNode, Session, Wallet, expect

NAMES = ("node-a", "node-b", "node-c")


@pytest.fixture(scope="module")
def issuer(run):
    return Issuer(run)


@pytest.fixture(scope="module")
def nodes(program, run, tmp_path_factory):
    nodes = [OwnNode(program, run, tmp_path_factory.mktemp(name), name) for name in NAMES]
    for node in nodes:
        node.start()
    yield nodes
    for node in nodes:
        node.drop()


@pytest.fixture
def user():
    return secrets.token_hex(8)


def begin(issuer, user, operation, nodes):
    session = Session(issuer.token(user), operation, version=3)
    for node in nodes:
        data = expect(session.commit(node), 200)
        assert set(data) == {"node_pubkey", "node_signature", "expires_at"}
    return session


def register(session, node, wallets, name, api="register", path="register", shares=None):
    return session.call(node, path, api, {"wallets": {
        w.name: {
            "public_key": w.public_key, "commitments": w.commitments,
            "share": session.seal_share(node, api, w.name, (shares or {}).get(w.name) or w.share(name)),
        } for w in wallets
    }})


def read(session, node, wallets):
    """The shares that a node gives, with their epochs."""
    data = expect(session.call(node, "get", "get_key_shares", {
        "wallets": {w.name: w.public_key for w in wallets},
    }), 200)
    assert set(data) == {w.name for w in wallets}
    return {
        name: (entry["epoch"], session.open_share(node, "get_key_shares", name, entry["share"]))
        for name, entry in data.items()
    }


def sign_up(issuer, user, nodes, wallets):
    session = begin(issuer, user, "sign_up", nodes)
    for node in nodes:
        expect(register(session, node, wallets, node.name), 200)


def prepare(session, node, wallet, epoch, deltas):
    """Hands a node its part of a polynomial that is zero at zero."""
    x = wallet.place(node.name)
    delta = sum(c * pow(x, k + 1, wallet.curve.order) for k, c in enumerate(deltas)) % wallet.curve.order
    api = "refresh_prepare"
    return session.call(node, "refresh/prepare", api, {"wallets": {wallet.name: {
        "public_key": wallet.public_key, "epoch": epoch,
        "delta": session.seal_share(node, api, wallet.name, wallet.encode(delta)),
        "commitments": [wallet.curve.point(c) for c in deltas],
    }}})


def test_the_whole_life_of_a_wallet(program, run, tmp_path_factory, issuer, nodes, user):
    """Sign up, lose a node, sign in from the others, add a fourth, refresh, delete."""
    wallets = [Wallet("secp256k1"), Wallet("ed25519")]
    sign_up(issuer, user, nodes, wallets)

    # One node is lost: two of three are enough.
    nodes[0].kill()
    session = begin(issuer, user, "sign_in", nodes[1:])
    found = [read(session, node, wallets) for node in nodes[1:]]
    for w in wallets:
        assert w.combine([shares[w.name][1] for shares in found]) == w.secret
        assert [shares[w.name][0] for shares in found] == [1, 1]
    nodes[0].start()

    # A fourth joins by what the others hold.
    fourth = OwnNode(program, run, tmp_path_factory.mktemp("node-d"), "node-d").start()
    try:
        session = begin(issuer, user, "register_reshare", [*nodes[1:], fourth])
        found = [read(session, node, wallets) for node in nodes[1:]]
        new = {w.name: w.extended([shares[w.name][1] for shares in found], "node-d") for w in wallets}
        assert all(new[w.name] == w.share("node-d") for w in wallets)
        expect(register(session, fourth, wallets, "node-d", "reshare_register", "reshare_register", new), 200)
        session = begin(issuer, user, "sign_in", [nodes[0], fourth])
        found = [read(session, node, wallets) for node in (nodes[0], fourth)]
        for w in wallets:
            assert w.combine([shares[w.name][1] for shares in found]) == w.secret
    finally:
        fourth.drop()

    # New shares of the same key: what leaked before is worth nothing.
    old = {node.name: {w.name: w.share(node.name) for w in wallets} for node in nodes}
    for w in wallets:
        session = begin(issuer, user, "refresh", nodes)
        deltas = [1 + secrets.randbelow(w.curve.order - 1)]
        ids = []
        for node in nodes:
            data = expect(prepare(session, node, w, 1, deltas), 200)
            assert data["epoch"] == 2
            ids.append(data["refresh_id"])
        for node, refresh in zip(nodes, ids):
            expect(session.call(node, "refresh/commit", "refresh_commit", {"refresh_id": refresh}), 200)
    session = begin(issuer, user, "sign_in", nodes)
    found = {node.name: read(session, node, wallets) for node in nodes}
    for w in wallets:
        new = {name: shares[w.name][1] for name, shares in found.items()}
        assert {shares[w.name][0] for shares in found.values()} == {2}
        assert all(new[name] != old[name][w.name] for name in NAMES)
        assert w.combine([new["node-a"], new["node-c"]]) == w.secret
        assert w.combine([new["node-a"], old["node-b"][w.name]]) != w.secret

    # Its owner's list, and the end.
    session = begin(issuer, user, "list", nodes[:1])
    listed = expect(session.call(nodes[0], "list", "list"), 200)
    listed = listed["wallets"] if isinstance(listed, dict) else listed
    assert {(row["curve_type"], row["public_key"], row["epoch"]) for row in listed} == {
        (w.name, w.public_key, 2) for w in wallets
    }
    session = begin(issuer, user, "delete", nodes)
    keys = {"wallets": {w.name: w.public_key for w in wallets}}
    for node in nodes:
        expect(session.call(node, "delete", "delete", keys), 200)
        assert node.sql('SELECT count(*) FROM "2_wallets" WHERE public_key = %s',
                        bytes.fromhex(wallets[0].public_key))[0][0] == 0
    session = begin(issuer, user, "sign_in", nodes[:1])
    answer = session.call(nodes[0], "get", "get_key_shares", keys)
    assert answer.status_code == 404, answer.text


def test_a_refresh_of_the_wrong_epoch_or_with_a_wrong_delta_changes_nothing(issuer, nodes, user):
    wallet, node = Wallet(), nodes[0]
    sign_up(issuer, user, [node], [wallet])
    session = begin(issuer, user, "refresh", [node])
    expect(prepare(session, node, wallet, 7, [5]), 409, "EPOCH_CONFLICT")
    # A delta that the commitments do not say.
    api = "refresh_prepare"
    body = {"wallets": {"secp256k1": {
        "public_key": wallet.public_key, "epoch": 1, "commitments": [wallet.curve.point(5)],
        "delta": session.seal_share(node, api, "secp256k1", wallet.encode(6)),
    }}}
    session = begin(issuer, user, "refresh", [node])
    body["wallets"]["secp256k1"]["delta"] = session.seal_share(node, api, "secp256k1", wallet.encode(6))
    expect(session.call(node, "refresh/prepare", api, body), 400, "SHARE_INVALID")
    session = begin(issuer, user, "sign_in", [node])
    assert read(session, node, [wallet])["secp256k1"] == (1, wallet.share())


def test_a_refresh_is_taken_back_until_every_node_has_it(issuer, nodes, user):
    wallet = Wallet()
    sign_up(issuer, user, nodes, [wallet])
    session = begin(issuer, user, "refresh", nodes)
    ids = [expect(prepare(session, node, wallet, 1, [7]), 200)["refresh_id"] for node in nodes]
    expect(session.call(nodes[0], "refresh/commit", "refresh_commit", {"refresh_id": ids[0]}), 200)
    # The others were lost before their commit: the first goes back.
    back = begin(issuer, user, "refresh", nodes)
    expect(back.call(nodes[0], "refresh/abort", "refresh_abort", {"refresh_id": ids[0]}), 200)
    for node, refresh in zip(nodes[1:], ids[1:]):
        expect(back.call(node, "refresh/abort", "refresh_abort", {"refresh_id": refresh}), 200)
    session = begin(issuer, user, "sign_in", nodes)
    found = [read(session, node, [wallet])["secp256k1"] for node in nodes]
    assert [epoch for epoch, _ in found] == [1, 1, 1]
    assert wallet.combine([share for _, share in found[:2]]) == wallet.secret


def test_a_share_that_is_not_what_was_committed_is_refused(issuer, nodes, user):
    wallet, node = Wallet(), nodes[0]
    session = begin(issuer, user, "sign_up", [node])
    expect(register(session, node, [wallet], "node-a", shares={"secp256k1": Wallet().share()}), 400, "SHARE_INVALID")


def test_version_3_has_no_calls_outside_a_session(issuer, nodes, user):
    node = nodes[0]
    body = {"auth_type": "google", "wallets": {"secp256k1": Wallet().public_key}}
    for path in ("get", "check", "register", "reshare_register", "delete", "list", "refresh/prepare"):
        answer = node.post(f"/keyshare/v3/{path}", body, issuer.token(user))
        assert answer.status_code == 400, (path, answer.text)


def test_a_signed_call_is_good_for_its_body_its_node_and_once(issuer, nodes, user):
    wallet = Wallet()
    sign_up(issuer, user, nodes, [wallet])
    keys = {"wallets": {"secp256k1": wallet.public_key}}
    session = begin(issuer, user, "sign_in", nodes[:2])
    expect(session.call(nodes[0], "get", "get_key_shares", keys, **{"X-KS-Signature": "00" * 64}),
           400, "INVALID_SIGNATURE")
    # What one node received is nothing to another.
    text = json.dumps({"auth_type": "google", "enc_token": session.seal(nodes[0], session.token.encode()), **keys})
    sent = {}

    def capture(url, data, headers, timeout):
        sent.update(data=data, headers=headers)
        return original(url, data=data, headers=headers, timeout=timeout)

    original, requests.post = requests.post, capture
    try:
        expect(session.call(nodes[0], "get", "get_key_shares", keys), 200)
    finally:
        requests.post = original
    replay = requests.post(nodes[1].url + "/keyshare/v3/get", data=sent["data"], headers=sent["headers"], timeout=30)
    expect(replay, 400, "INVALID_SIGNATURE")
    again = requests.post(nodes[0].url + "/keyshare/v3/get", data=sent["data"], headers=sent["headers"], timeout=30)
    assert again.status_code in (400, 409), again.text
    changed = requests.post(nodes[1].url + "/keyshare/v3/get", data=text, headers=sent["headers"], timeout=30)
    expect(changed, 400, "INVALID_SIGNATURE")


class Eavesdropper(http.server.BaseHTTPRequestHandler):
    """A proxy that ends TLS and keeps all it sees."""

    backend, seen = None, None

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name: value for name, value in self.headers.items() if name != "Host"}
        answer = requests.post(self.backend + self.path, data=body, headers=headers, timeout=30)
        self.seen.append(str(self.headers).encode() + body + str(answer.headers).encode() + answer.content)
        self.send_response(answer.status_code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_):
        pass


def test_what_passes_a_proxy_holds_neither_token_nor_share(issuer, nodes, user):
    seen = []
    handler = type("Handler", (Eavesdropper,), {"backend": nodes[0].url, "seen": seen})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        front = Node(f"http://127.0.0.1:{server.server_port}")
        front.name = "node-a"
        wallet = Wallet()
        session = begin(issuer, user, "sign_up", [front])
        expect(register(session, front, [wallet], "node-a"), 200)
        tokens = [session.token]
        session = begin(issuer, user, "sign_in", [front])
        assert read(session, front, [wallet])["secp256k1"] == (1, wallet.share())
        tokens.append(session.token)
        server.shutdown()
    heard = b"".join(seen)
    assert wallet.public_key.encode() in heard
    value = wallet.share()[64:]
    for secret in (*tokens, value, value.upper()):
        assert secret.encode() not in heard and bytes(secret, "ascii")[:40] not in heard
    assert bytes.fromhex(value) not in heard


def test_what_nodes_write_down_holds_no_share_token_or_name(issuer, nodes, user):
    wallet = Wallet()
    session = begin(issuer, user, "sign_up", nodes)
    for node in nodes:
        expect(register(session, node, [wallet], node.name), 200)
    expect(nodes[0].register_one("broken." + session.token, wallet), 401, "UNAUTHORIZED")
    for node in nodes:
        text = node.texts()
        assert text, "the node wrote nothing"
        for secret in (session.token, wallet.share(node.name)[64:], user, f"{user}@example.com", node.PASSWORD):
            assert secret not in text
        stored = node.sql('SELECT string_agg(encode(enc_share, \'hex\'), \',\') FROM "2_key_shares"')[0][0]
        assert wallet.share(node.name)[64:] not in stored
        audit = str(node.sql('SELECT * FROM "2_audit"'))
        assert user not in audit
