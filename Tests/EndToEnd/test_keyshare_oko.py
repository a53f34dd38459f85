"""Oko's protocol, version 1 and 2 and commit-reveal, every answer: the client is written from the protocol alone."""

import json
import secrets
import threading
import uuid

import pytest
import requests

from keyshare import Issuer, OwnNode, Session, Wallet, expect


@pytest.fixture(scope="module")
def issuer(run):
    return Issuer(run)


@pytest.fixture(scope="module")
def node(program, run, tmp_path_factory):
    node = OwnNode(program, run, tmp_path_factory.mktemp("ks"))
    node.start()
    yield node
    node.drop()


@pytest.fixture
def token(issuer):
    return issuer.token()


@pytest.fixture
def both():
    return Wallet("secp256k1"), Wallet("ed25519")


# Every route alike.

LOGGED_IN = [
    "/keyshare/v1/register", "/keyshare/v1/", "/keyshare/v1/reshare", "/keyshare/v2/", "/keyshare/v2/register",
    "/keyshare/v2/register/ed25519", "/keyshare/v2/reshare", "/keyshare/v2/reshare/register",
]
OPEN = ["/keyshare/v1/check", "/keyshare/v2/check", "/keyshare/v2/commit"]


def body_for(path):
    """A body that lacks nothing, for a user who is not there."""
    one, other = Wallet("secp256k1"), Wallet("ed25519")
    share = {"public_key": one.public_key, "share": one.share()}
    if path == "/keyshare/v2/register/ed25519":
        return {"auth_type": "google", "public_key": other.public_key, "share": other.share()}
    if path.startswith("/keyshare/v1"):
        return {"auth_type": "google", "curve_type": "secp256k1", "user_auth_id": "google_nobody", **share}
    if path in ("/keyshare/v2/", "/keyshare/v2/check"):
        return {"auth_type": "google", "user_auth_id": "google_nobody", "wallets": {"secp256k1": one.public_key}}
    if path == "/keyshare/v2/commit":
        return Session("token", "sign_in").commitment()
    return {"auth_type": "google", "wallets": {
        "secp256k1": share, "ed25519": {"public_key": other.public_key, "share": other.share()},
    }}


@pytest.mark.parametrize("path", LOGGED_IN)
def test_a_call_without_a_token_is_refused(node, path):
    message = "Authorization header with Bearer token required"
    expect(node.post(path, body_for(path)), 401, "UNAUTHORIZED", message)
    basic = node.post(path, body_for(path), headers={"Authorization": "Basic abc"})
    expect(basic, 401, "UNAUTHORIZED", message)


@pytest.mark.parametrize("path", LOGGED_IN)
@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b"{", b'{"wallets":{}}', b'{"wallets":1,"public_key":[]}'])
def test_who_has_no_token_learns_that_before_anything_of_the_body(node, path, body):
    expect(node.post(path, body), 401, "UNAUTHORIZED", "Authorization header with Bearer token required")


@pytest.mark.parametrize("path", LOGGED_IN)
@pytest.mark.parametrize("name", ["fax", "not-a-provider", "foo.bar", 'ü"<b>'])
def test_an_unknown_kind_of_login_is_refused(node, path, name):
    answer = node.post(path, {**body_for(path), "auth_type": name}, "token")
    assert expect(answer, 401, "UNAUTHORIZED")["msg"] == f"Invalid auth_type: {name}"


@pytest.mark.parametrize("path", LOGGED_IN + OPEN)
def test_more_nesting_than_a_route_has_is_refused_and_stores_nothing(node, issuer, path):
    token, body = issuer.token(), body_for(path)
    places = [body] + list(body["wallets"].values()) if isinstance(body.get("wallets"), dict) else [body]
    depth = 3 if path in ("/keyshare/v2/register", "/keyshare/v2/reshare", "/keyshare/v2/reshare/register") else \
        2 if path in ("/keyshare/v2/", "/keyshare/v2/check") else 1
    extra = {}
    for _ in range(depth - 1):
        extra = {"more": extra}
    places[0]["extra"] = extra
    expect(node.post(path, body, token), 400, "INVALID_REQUEST", "deep")
    del places[0]["extra"]
    for place in places[1:]:
        if isinstance(place, dict):
            place["extra"] = {}
            expect(node.post(path, body, token), 400, "INVALID_REQUEST", "deep")
            del place["extra"]
    if "register" in path and not path.endswith("ed25519"):
        expect(node.post(path, body, token), 200)


def test_each_token_of_the_development_issuer_is_another(issuer):
    assert len({issuer.token("same") for _ in range(20)}) == 20


@pytest.mark.parametrize("path", LOGGED_IN)
@pytest.mark.parametrize("claims", [
    {"aud": "somebody-else"}, {"iss": "https://evil.example"}, {"exp": 1}, {"email_verified": False},
    {"iat": 1}, {"nbf": 4102444800}, {"alg": "none"}, {"alg": "HS256"},
])
def test_a_token_that_is_not_for_this_node_is_refused(node, issuer, path, claims):
    try:
        token = issuer.token(**claims)
    except AssertionError:
        pytest.fail(f"the issuer does not mint {claims}")
    expect(node.post(path, body_for(path), token), 401, "UNAUTHORIZED")


@pytest.mark.parametrize("path", LOGGED_IN + OPEN)
@pytest.mark.parametrize("body", [
    b"{}", b"[]", b"null", b"", b"{", b'"text"', b"1", b'{"wallets":null}', b'{"wallets":{}}', b'{"wallets":[]}',
    b'{"wallets":{"secp256k1":null}}', b'{"wallets":{"p256":"00"}}', b'{"wallets":{"secp256k1":{"a":{"b":{"c":{}}}}}}',
    b'{"auth_type":"google","auth_type":"google","wallets":{}}', b'{"auth_type":1}', b"\xff\xfe", b"[" * 50000,
])
def test_a_hostile_body_is_refused_and_nothing_stops(node, issuer, path, body):
    answer = node.post(path, body, "token")
    assert answer.status_code in (400, 401), (answer.status_code, answer.text)
    assert answer.json()["success"] is False
    assert node.get("/").text == "Ok"


def test_what_is_no_call_has_its_answer_in_the_envelope(node):
    expect(node.get("/keyshare/v1/check"), 405, "METHOD_NOT_ALLOWED")
    expect(node.post("/keyshare/v9/", {}), 404, "NOT_FOUND")
    expect(node.post("/keyshare/v1/check", b"a=1", headers={"Content-Type": "application/x-www-form-urlencoded"}),
           415, "UNSUPPORTED_MEDIA_TYPE")
    expect(node.post("/keyshare/v1/check", b'{"a":"' + b"x" * 200_000 + b'"}'), 413, "PAYLOAD_TOO_LARGE")
    assert node.get("/").headers["Content-Type"].startswith("text/plain")


def test_browsers_of_any_origin_may_call(node):
    answer = requests.options(node.url + "/keyshare/v2/", timeout=30, headers={
        "Origin": "https://wallet.example", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    })
    assert answer.status_code in (200, 204)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "authorization" in answer.headers["Access-Control-Allow-Headers"].lower() or \
        answer.headers["Access-Control-Allow-Headers"] == "*"
    assert node.get("/").headers["X-Content-Type-Options"] == "nosniff"


def test_the_status_says_what_oko_says_and_more(node):
    answer = node.get("/status")
    status = answer.json()
    assert list(status)[:7] == [
        "is_db_connected", "is_db_backup_checked", "latest_backup_time", "ks_node_public_key", "launch_time", "git_hash",
        "version",
    ]
    assert status["is_db_connected"] is True and status["sealed"] is False
    assert len(bytes.fromhex(status["ks_node_public_key"])) == 32
    assert {"schema_version", "kek_epoch", "rows_v1_left", "backup", "audit_head", "time"} <= set(status)
    assert {"last_ok", "last_drill", "offsite"} <= set(status["backup"])


def test_the_description_names_every_route(node):
    document = node.get("/api_docs/openapi.json").json()
    assert document["openapi"] == "3.0.0"
    assert document["info"]["title"] == "Key Share Node API documentation"
    paths = {path.rstrip("/") for path in document["paths"]}
    assert {path.rstrip("/") for path in LOGGED_IN + OPEN} <= paths
    assert "/status" in paths
    page = node.get("/api_docs")
    assert page.status_code == 200 and "text/html" in page.headers["Content-Type"]
    assert "http://" not in page.text and "https://" not in page.text.replace("https://www.w3.org", "")


# Version 1.

@pytest.mark.parametrize("curve", ["secp256k1", "ed25519"])
def test_a_share_is_stored_and_given_back_to_its_owner(node, token, curve):
    wallet = Wallet(curve)
    assert expect(node.register_one(token, wallet), 200) is None
    data = expect(node.read_one(token, wallet), 200)
    assert set(data) == {"share_id", "share"}
    assert data["share"] == wallet.share() and str(uuid.UUID(data["share_id"])) == data["share_id"]


def test_upper_case_is_taken_and_lower_case_given(node, token):
    wallet = Wallet()
    body = {"curve_type": "secp256k1", "public_key": wallet.public_key.upper(), "share": wallet.share().upper()}
    expect(node.post("/keyshare/v1/register", body, token), 200)
    assert expect(node.read_one(token, wallet), 200)["share"] == wallet.share()


@pytest.mark.parametrize(("changes", "code"), [
    ({"public_key": "02" + "11" * 31}, "PUBLIC_KEY_INVALID"),
    ({"public_key": "0x" + "11" * 32}, "PUBLIC_KEY_INVALID"),
    ({"public_key": "zz" * 33}, "PUBLIC_KEY_INVALID"),
    ({"public_key": "05" + "11" * 32}, "PUBLIC_KEY_INVALID"),
    ({"share": "11" * 63}, "SHARE_INVALID"),
    ({"share": "zz" * 64}, "SHARE_INVALID"),
    ({"share": "00" * 32 + "11" * 32}, "SHARE_INVALID"),
    ({"share": "11" * 32 + "00" * 32}, "SHARE_INVALID"),
    ({"share": "ff" * 64}, "SHARE_INVALID"),
    ({"curve_type": "p256"}, "CURVE_TYPE_NOT_SUPPORTED"),
])
@pytest.mark.parametrize("path", ["/keyshare/v1/register", "/keyshare/v1/reshare"])
def test_a_share_out_of_form_is_refused(node, token, path, changes, code):
    wallet = Wallet()
    body = {"auth_type": "google", "curve_type": "secp256k1", "public_key": wallet.public_key,
            "share": wallet.share(), **changes}
    expect(node.post(path, body, token), 400, code)


@pytest.mark.parametrize("path", ["/keyshare/v1/", "/keyshare/v1/check"])
def test_an_unknown_curve_is_refused_in_every_route(node, token, path):
    body = {"user_auth_id": "google_1", "curve_type": "p256", "public_key": Wallet().public_key}
    expect(node.post(path, body, token), 400, "CURVE_TYPE_NOT_SUPPORTED")


def test_the_login_is_checked_before_the_share(node):
    body = {"curve_type": "p256", "public_key": "00", "share": "00"}
    expect(node.post("/keyshare/v1/register", body, "not a token"), 401, "UNAUTHORIZED")


def test_the_same_key_twice_is_refused(node, token):
    wallet = Wallet()
    expect(node.register_one(token, wallet), 200)
    expect(node.register_one(token, wallet, node="node-b"), 409, "DUPLICATE_PUBLIC_KEY")
    assert expect(node.read_one(token, wallet), 200)["share"] == wallet.share("node-a")


def test_reading_names_what_is_missing(node, issuer):
    token, other, wallet = issuer.token(), issuer.token(), Wallet()
    expect(node.read_one(token, wallet), 404, "USER_NOT_FOUND")
    expect(node.register_one(token, Wallet()), 200)
    expect(node.read_one(token, wallet), 404, "WALLET_NOT_FOUND")
    expect(node.register_one(other, wallet), 200)
    expect(node.read_one(token, wallet), 401, "UNAUTHORIZED")
    key = bytes.fromhex(wallet.public_key)
    node.sql('DELETE FROM "2_key_shares" WHERE wallet_id IN (SELECT wallet_id FROM "2_wallets" WHERE public_key = %s)',
             key)
    expect(node.read_one(other, wallet), 404, "KEY_SHARE_NOT_FOUND")


def test_whether_a_share_exists(node, issuer):
    token, wallet = issuer.token("somebody"), Wallet()
    body = {"user_auth_id": "google_somebody", "curve_type": "secp256k1", "public_key": wallet.public_key}
    assert expect(node.post("/keyshare/v1/check", body), 200) == {"exists": False}
    expect(node.register_one(token, wallet), 200)
    assert expect(node.post("/keyshare/v1/check", body), 200) == {"exists": True}
    assert expect(node.post("/keyshare/v1/check", {**body, "auth_type": "google"}), 200) == {"exists": True}
    assert expect(node.post("/keyshare/v1/check", {**body, "auth_type": "discord"}), 200) == {"exists": False}
    # Another user's wallet looks as one that is not there.
    expect(node.register_one(issuer.token("somebody-else"), Wallet()), 200)
    other = {**body, "user_auth_id": "google_somebody-else"}
    assert expect(node.post("/keyshare/v1/check", other), 200) == {"exists": False}


def test_a_share_is_confirmed_and_never_replaced(node, issuer):
    token, wallet = issuer.token(), Wallet()

    def reshare(share, who=token, key=wallet):
        return node.post("/keyshare/v1/reshare", {
            "auth_type": "google", "curve_type": "secp256k1", "public_key": key.public_key, "share": share,
        }, who)

    expect(node.register_one(token, wallet), 200)
    key = bytes.fromhex(wallet.public_key)
    stamp = ('SELECT s.reshared_at, s.status FROM "2_key_shares" s JOIN "2_wallets" w USING (wallet_id) '
             "WHERE w.public_key = %s")
    before = node.sql(stamp, key)[0][0]
    assert expect(reshare(wallet.share().upper()), 200) is None
    after, status = node.sql(stamp, key)[0]
    assert after > before and status == "active"
    expect(reshare(wallet.share("node-b")), 409, "RESHARE_FAILED")
    assert node.sql(stamp, key)[0][0] == after
    assert expect(node.read_one(token, wallet), 200)["share"] == wallet.share()
    expect(reshare(wallet.share(), key=Wallet()), 404, "WALLET_NOT_FOUND")
    expect(reshare(wallet.share(), who=issuer.token()), 404, "USER_NOT_FOUND")
    stranger = issuer.token()
    expect(node.register_one(stranger, Wallet()), 200)
    expect(reshare(wallet.share(), who=stranger), 401, "UNAUTHORIZED")


# Version 2.

def test_both_curves_in_one_call(node, issuer, both):
    token = issuer.token("double")
    assert expect(node.register(token, *both), 200) is None
    data = expect(node.read(token, *both), 200)
    assert set(data) == {"secp256k1", "ed25519"}
    assert all(data[w.name]["share"] == w.share() and set(data[w.name]) == {"share_id", "share"} for w in both)
    assert set(expect(node.read(token, both[1]), 200)) == {"ed25519"}
    check = {"user_auth_id": "google_double", "auth_type": "google",
             "wallets": {"secp256k1": both[0].public_key, "ed25519": Wallet("ed25519").public_key}}
    assert expect(node.post("/keyshare/v2/check", check), 200) == {
        "secp256k1": {"exists": True}, "ed25519": {"exists": False},
    }
    # What version 2 stored version 1 reads.
    assert expect(node.read_one(token, both[0]), 200)["share"] == both[0].share()


def test_one_missing_wallet_fails_the_whole_call(node, token, both):
    expect(node.read(token, *both), 404, "USER_NOT_FOUND")
    expect(node.register(token, *both), 200)
    expect(node.read(token, Wallet(), both[1]), 404, "WALLET_NOT_FOUND", "curve_type: secp256k1")
    expect(node.read(token, both[0], Wallet("ed25519")), 404, "WALLET_NOT_FOUND", "curve_type: ed25519")
    expect(node.read(token, Wallet(), Wallet("ed25519")), 404, "WALLET_NOT_FOUND", "secp256k1")


def test_registering_needs_both_curves_and_is_all_or_nothing(node, issuer, both):
    token = issuer.token()
    expect(node.register(token, both[0]), 400, "INVALID_REQUEST")
    expect(node.register(token, both[1]), 400, "INVALID_REQUEST")
    other = Wallet("ed25519")
    expect(node.register(token, *both), 200)
    expect(node.register(token, Wallet(), both[1]), 409, "DUPLICATE_PUBLIC_KEY")
    expect(node.register(token, both[0], other), 409, "DUPLICATE_PUBLIC_KEY")
    expect(node.read(token, other), 404, "WALLET_NOT_FOUND")


def test_ed25519_is_added_to_who_has_secp256k1(node, issuer, both):
    token, late = issuer.token(), Wallet("ed25519")
    body = {"auth_type": "google", "public_key": late.public_key, "share": late.share()}

    def add(who):
        return node.post("/keyshare/v2/register/ed25519", body, who)

    expect(add(token), 404, "USER_NOT_FOUND")
    only = issuer.token()
    expect(node.register_one(only, Wallet("ed25519")), 200)
    expect(add(only), 404, "WALLET_NOT_FOUND")
    expect(node.register_one(token, both[0]), 200)
    assert expect(add(token), 200) is None
    expect(add(token), 409, "DUPLICATE_PUBLIC_KEY")
    assert expect(node.read(token, late), 200)["ed25519"]["share"] == late.share()


def test_resharing_confirms_all_or_nothing(node, token, both):
    expect(node.register(token, *both), 200)

    def reshare(second):
        return node.post("/keyshare/v2/reshare", {"auth_type": "google", "wallets": {
            "secp256k1": {"public_key": both[0].public_key, "share": both[0].share()},
            "ed25519": {"public_key": both[1].public_key, "share": second},
        }}, token)

    stamps = 'SELECT reshared_at FROM "2_key_shares" s JOIN "2_wallets" w USING (wallet_id) WHERE public_key = %s'
    before = node.sql(stamps, bytes.fromhex(both[0].public_key))
    expect(reshare(both[1].share("node-b")), 409, "RESHARE_FAILED")
    assert node.sql(stamps, bytes.fromhex(both[0].public_key)) == before
    assert expect(reshare(both[1].share()), 200) is None
    assert node.sql(stamps, bytes.fromhex(both[0].public_key)) > before


def test_a_node_that_joins_takes_shares_of_some_curves(node, token, both):
    path = "/keyshare/v2/reshare/register"
    assert expect(node.register(token, both[1], path=path), 200) is None
    expect(node.register(token, both[1], path=path), 409, "DUPLICATE_PUBLIC_KEY")
    assert expect(node.register(token, both[0], path=path), 200) is None
    assert len(expect(node.read(token, *both), 200)) == 2


# Commit and reveal.

def reveal_body(session, node, api, *wallets, shares=False):
    if shares:
        content = {w.name: {"public_key": w.public_key, "share": w.share()} for w in wallets}
    else:
        content = {w.name: w.public_key for w in wallets}
    return {"auth_type": session.auth_type, "wallets": content, **session.reveal(node, api)}


def test_a_commitment_is_answered_with_the_nodes_signed_key(node, token):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    import hashlib

    session = Session(token, "sign_in")
    data = expect(session.commit(node), 200)
    assert set(data) == {"node_pubkey", "node_signature"}
    assert data["node_pubkey"] == node.get("/status").json()["ks_node_public_key"]
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(data["node_pubkey"]))
    key.verify(bytes.fromhex(data["node_signature"]), hashlib.sha256(data["node_pubkey"].encode()).digest())


def test_nothing_of_a_commitment_is_taken_twice(node, token, issuer):
    session = Session(token, "sign_in")
    expect(session.commit(node), 200)
    fresh = Session(issuer.token(), "sign_in").commitment()
    for name in ("session_id", "client_ephemeral_pubkey", "id_token_hash"):
        again = {**fresh, name: session.commitment()[name]}
        expect(node.post("/keyshare/v2/commit", again), 409, "SESSION_ALREADY_EXISTS")
    expect(node.post("/keyshare/v2/commit", fresh), 200)


@pytest.mark.parametrize("changes", [
    {"session_id": "1"}, {"operation_type": "fly"}, {"client_ephemeral_pubkey": "00"}, {"id_token_hash": "00" * 31},
    {"id_token_hash": 1}, {"session_id": None},
])
def test_a_commitment_out_of_form_is_refused(node, changes):
    body = {**Session("token", "sign_in").commitment(), **changes}
    expect(node.post("/keyshare/v2/commit", body), 400, "INVALID_REQUEST")


def test_every_operation_makes_its_calls_and_ends(node, issuer, both):
    """All eight calls of the table, with the session completed by the last."""
    user = secrets.token_hex(6)

    def begin(operation):
        session = Session(issuer.token(user), operation)
        expect(session.commit(node), 200)
        return session

    def state(session):
        return node.sql('SELECT state FROM "2_commit_reveal_sessions" WHERE session_id = %s', session.id)[0][0]

    up = begin("sign_up")
    path = "/keyshare/v2/register"
    expect(node.post(path, reveal_body(up, node, "register", *both, shares=True), up.token), 200)
    assert state(up) == "COMPLETED"

    sign_in = begin("sign_in")
    body = reveal_body(sign_in, node, "get_key_shares", *both)
    assert len(expect(node.post("/keyshare/v2/", body, sign_in.token), 200)) == 2
    assert state(sign_in) == "COMPLETED"
    expect(node.post("/keyshare/v2/", body, sign_in.token), 400, "INVALID_REQUEST", "not in COMMITTED state")

    reshare = begin("sign_in_reshare")
    body = reveal_body(reshare, node, "get_key_shares", *both)
    expect(node.post("/keyshare/v2/", body, reshare.token), 200)
    assert state(reshare) == "COMMITTED"
    expect(node.post("/keyshare/v2/", body, reshare.token), 409, "SESSION_ALREADY_EXISTS")
    body = reveal_body(reshare, node, "reshare", *both, shares=True)
    expect(node.post("/keyshare/v2/reshare", body, reshare.token), 200)
    assert state(reshare) == "COMPLETED"

    joined = begin("register_reshare")
    body = reveal_body(joined, node, "get_key_shares", *both)
    expect(node.post("/keyshare/v2/", body, joined.token), 200)
    body = reveal_body(joined, node, "reshare_register", Wallet(), shares=True)
    expect(node.post("/keyshare/v2/reshare/register", body, joined.token), 200)
    assert state(joined) == "COMPLETED"

    more, late = begin("add_ed25519"), Wallet("ed25519")
    body = {"auth_type": "google", "public_key": late.public_key, "share": late.share(),
            **more.reveal(node, "register_ed25519")}
    expect(node.post("/keyshare/v2/register/ed25519", body, more.token), 200)
    expect(node.post("/keyshare/v2/", reveal_body(more, node, "get_key_shares", late), more.token), 200)
    assert state(more) == "COMPLETED"


def test_a_call_outside_its_session_is_refused_by_the_first_check_that_fails(node, issuer, both):
    token = issuer.token()
    session = Session(token, "sign_in")
    expect(session.commit(node), 200)
    good = reveal_body(session, node, "get_key_shares", *both)

    def read(changes, who=token):
        body = {name: value for name, value in {**good, **changes}.items() if value is not None}
        return node.post("/keyshare/v2/", body, who)

    expect(read({"cr_signature": None}), 400, "INVALID_REQUEST")
    expect(read({"cr_session_id": None}), 400, "INVALID_REQUEST")
    expect(read({"cr_session_id": str(uuid.uuid4())}), 404, "SESSION_NOT_FOUND")
    expect(node.post("/keyshare/v2/register", reveal_body(session, node, "register", *both, shares=True), token),
           400, "INVALID_REQUEST", "not allowed")
    expect(read({"cr_signature": "00"}), 400, "INVALID_SIGNATURE")
    expect(read({}, who=None), 401, "UNAUTHORIZED")
    expect(read({}, who=issuer.token()), 400, "INVALID_REQUEST", "id_token_hash mismatch")
    expect(read({"cr_signature": "00" * 64}), 400, "INVALID_SIGNATURE")
    # None of them used the session up.
    expect(read({}), 404, "USER_NOT_FOUND")


def test_a_call_that_fails_may_be_made_again(node, issuer, both):
    """The record of a call is taken back with its work: a refused call is not a used one."""
    user = secrets.token_hex(6)
    session = Session(issuer.token(user), "sign_in")
    expect(session.commit(node), 200)
    body = reveal_body(session, node, "get_key_shares", *both)
    expect(node.post("/keyshare/v2/", body, session.token), 404, "USER_NOT_FOUND")
    expect(node.register(issuer.token(user), *both), 200)
    expect(node.post("/keyshare/v2/", body, session.token), 200)
    calls = 'SELECT count(*) FROM "2_commit_reveal_api_calls" WHERE session_id = %s'
    assert node.sql(calls, session.id)[0][0] == 1


def test_a_session_that_is_too_old_is_refused(node, issuer, both):
    session = Session(issuer.token(), "sign_in")
    expect(session.commit(node), 200)
    node.sql("""UPDATE "2_commit_reveal_sessions" SET created_at = created_at - interval '1 hour',
        expires_at = expires_at - interval '1 hour' WHERE session_id = %s""", session.id)
    expect(node.post("/keyshare/v2/", reveal_body(session, node, "get_key_shares", *both), session.token),
           410, "SESSION_EXPIRED")


def test_of_a_call_made_many_times_at_once_one_is_answered(node, issuer, both):
    user = secrets.token_hex(6)
    expect(node.register(issuer.token(user), *both), 200)
    session = Session(issuer.token(user), "sign_in")
    expect(session.commit(node), 200)
    body = reveal_body(session, node, "get_key_shares", *both)
    answers, barrier = [], threading.Barrier(12)

    def attempt():
        barrier.wait()
        answers.append(node.post("/keyshare/v2/", body, session.token))

    threads = [threading.Thread(target=attempt) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers)[0] == 200
    refused = [answer.json() for answer in answers if answer.status_code != 200]
    assert len(refused) == 11, [answer.status_code for answer in answers]
    assert {body["code"] for body in refused} <= {"SESSION_ALREADY_EXISTS", "INVALID_REQUEST"}


def test_many_first_registrations_of_one_user_at_once(node, issuer):
    """One user row, every wallet, and no error of the server's own."""
    user = secrets.token_hex(6)
    wallets = [Wallet() for _ in range(10)] + [Wallet()] * 1
    same = Wallet()
    answers, barrier = [], threading.Barrier(15)

    def attempt(wallet):
        token = issuer.token(user)
        barrier.wait()
        answers.append((wallet, node.register_one(token, wallet)))

    threads = [threading.Thread(target=attempt, args=(wallet,)) for wallet in wallets + [same] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(a.status_code for w, a in answers if w is same) == [200, 409, 409, 409]
    assert [a.status_code for w, a in answers if w is not same] == [200] * 11
    assert node.sql('SELECT count(*) FROM "2_users" WHERE user_auth_id = %s', f"google_{user}")[0][0] == 1


@pytest.fixture(scope="module")
def strict(program, run, tmp_path_factory):
    node = OwnNode(program, run, tmp_path_factory.mktemp("strict"), KS_COMMIT_REVEAL="required")
    node.start()
    yield node
    node.drop()


def test_a_node_may_require_sessions(strict, issuer, both):
    token = issuer.token()
    expect(strict.register(token, *both), 400, "INVALID_REQUEST", "cr_session_id and cr_signature are required")
    session = Session(issuer.token(), "sign_up")
    expect(session.commit(strict), 200)
    body = reveal_body(session, strict, "register", *both, shares=True)
    expect(strict.post("/keyshare/v2/register", body, session.token), 200)


def test_a_session_of_one_node_is_worth_nothing_at_another(node, strict, issuer, both):
    """A node that receives a token and signature cannot use them elsewhere: the other wants its own key signed."""
    user = secrets.token_hex(6)
    session = Session(issuer.token(user), "sign_in")
    expect(session.commit(node), 200)
    expect(session.commit(strict), 200)
    body = reveal_body(session, node, "get_key_shares", *both)
    expect(strict.post("/keyshare/v2/", body, session.token), 400, "INVALID_SIGNATURE")
    # And the token alone gets no session: its hash is taken.
    thief = Session(session.token, "sign_in")
    expect(thief.commit(strict), 409, "SESSION_ALREADY_EXISTS")


def test_answers_never_name_statements_or_files(node, issuer):
    for path in LOGGED_IN + OPEN:
        text = node.post(path, json.dumps(body_for(path)).replace("google_nobody", "x" * 300), "token").text
        assert not any(word in text for word in ("SELECT", "INSERT", "2_users", "/tmp", "psql", ".swift"))
