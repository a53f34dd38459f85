"""Sealed rows of a key share node, made and opened without it: AES-256-GCM of Python's cryptography."""

import hashlib
import hmac
import secrets
import struct
import uuid

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keyshare import database

HEAD = b"AKS2\x02\x01"


class Envelopes:
    def __init__(self, root):
        self.root = root

    def key(self, epoch):
        """HKDF-SHA256 (RFC 5869), one block."""
        extracted = hmac.new(b"assay/keyshare/v2", self.root, hashlib.sha256).digest()
        return hmac.new(extracted, b"kek" + struct.pack(">I", epoch) + b"\x01", hashlib.sha256).digest()

    @staticmethod
    def bindings(epoch, share_id, wallet_id, public_key):
        wrap = HEAD + b"wrap" + struct.pack(">I", epoch) + share_id
        return wrap, HEAD + b"data" + share_id + wallet_id + b"\x01" + struct.pack(">H", len(public_key)) + public_key

    def seal(self, epoch, share_id, wallet_id, public_key, share):
        wrap, data = self.bindings(epoch, share_id, wallet_id, public_key)
        own, first, second = secrets.token_bytes(32), secrets.token_bytes(12), secrets.token_bytes(12)
        wrapped = AESGCM(self.key(epoch)).encrypt(first, own, wrap)
        return HEAD + struct.pack(">I", epoch) + first + wrapped + second + AESGCM(own).encrypt(second, share, data)

    def open(self, epoch, share_id, wallet_id, public_key, record, owner=None, share_epoch=1):
        """With the owner's type of login and name, where the node has made the record."""
        assert record[:6] == HEAD and struct.unpack(">I", record[6:10])[0] == epoch
        if owner:
            name = b"assay/keyshare/owner/v1\n" + struct.pack(">I", share_epoch) + "\n".join(owner).encode()
            public_key += hashlib.sha256(name).digest()
        wrap, data = self.bindings(epoch, share_id, wallet_id, public_key)
        own = AESGCM(self.key(epoch)).decrypt(record[10:22], record[22:70], wrap)
        return AESGCM(own).decrypt(record[70:82], record[82:], data)

    def load(self, node, count):
        """Fills a node's tables with users of one secp256k1 wallet each; gives (sub, (key, share)) of each."""
        made = []
        base = int.from_bytes(secrets.token_bytes(16), "big")
        x = bytes([0]) + secrets.token_bytes(31)
        with database(node.run, node.database) as connection, connection.cursor() as cursor, connection.transaction():
            rows = []
            for number in range(count):
                point = ec.derive_private_key(base + number, ec.SECP256K1()).public_key()
                key = point.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
                share = x + bytes([0]) + secrets.token_bytes(31)
                user_id, wallet_id, share_id = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
                rows.append((user_id, wallet_id, share_id, f"load{number}", key,
                             self.seal(1, share_id.bytes, wallet_id.bytes, key, share)))
                made.append((f"load{number}", (key, share)))
            with cursor.copy('COPY "2_users" (user_id, auth_type, user_auth_id) FROM STDIN') as copy:
                for user_id, _, _, name, _, _ in rows:
                    copy.write_row((user_id, "google", f"google_{name}"))
            with cursor.copy('COPY "2_wallets" (wallet_id, user_id, curve_type, public_key) FROM STDIN') as copy:
                for user_id, wallet_id, _, _, key, _ in rows:
                    copy.write_row((wallet_id, user_id, "secp256k1", key))
            with cursor.copy('COPY "2_key_shares" (share_id, wallet_id, enc_share, format, kek_epoch) FROM STDIN') as copy:
                for _, wallet_id, share_id, _, _, record in rows:
                    copy.write_row((share_id, wallet_id, record, 2, 1))
        return made

    def verify(self, node, epoch):
        """Opens every row of a node's table; gives how many there are."""
        rows = node.sql('SELECT s.share_id, w.wallet_id, w.curve_type, w.public_key, s.enc_share, u.auth_type, '
                        'u.user_auth_id FROM "2_key_shares" s JOIN "2_wallets" w USING (wallet_id) '
                        'JOIN "2_users" u USING (user_id)')
        for share_id, wallet_id, curve, key, record, *owner in rows:
            assert curve == "secp256k1"
            place = (epoch, share_id.bytes, wallet_id.bytes, bytes(key), bytes(record))
            # What load() wrote is bound to nobody.
            loaded = owner[1].startswith("google_load")
            assert len(self.open(*place, owner=None if loaded else owner)) == 64
        return len(rows)
