"""pymacaroons: verifies a token of ours with its root key, and mints the same token and a narrower one from that key."""

from pymacaroons import MACAROON_V2, Macaroon, Verifier

from clients.driver import Task, report


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def mint(key, identifier, caveats):
    macaroon = Macaroon(location="elsewhere", identifier=identifier, key=key, version=MACAROON_V2)
    for caveat in caveats:
        macaroon.add_first_party_caveat(caveat)
    return macaroon.serialize()


task = Task.read()
key = bytes.fromhex(task["rootKey"])
ours = Macaroon.deserialize(task["token"].replace("+", "-").replace("/", "_").rstrip("="))
caveats = [text(caveat.caveat_id) for caveat in ours.caveats]
verifier = Verifier()
verifier.satisfy_general(lambda caveat: text(caveat) in caveats)
report(
    verified=verifier.verify(ours, key), location=ours.location, caveats=caveats,
    same=mint(key, ours.identifier_bytes, caveats),
    narrower=mint(key, ours.identifier_bytes, [*caveats, "ip=192.0.2.1"]),
)
