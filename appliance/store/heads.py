"""Heads that both nodes signed: neither can rewrite the past alone.

A node signs its journal's end with its own Ed25519 key (RFC 8032). The other one, which has the same entry, signs that signature.
Whoever wanted to pass off another past would need both signing keys, and these never leave their nodes.
"""

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.store.books import Books, head_bytes
from appliance.store.errors import BadShipment
from appliance.store.shipment import SignedHead
from appliance.store.sqlite import Connection

_KEPT = 10_000  # the newest; each vouches for everything before it
_INSERT = """INSERT INTO countersigned (position, hash, node_key, signature, peer_key, peer_signature, at) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET hash = excluded.hash, node_key = excluded.node_key, signature = excluded.signature,
    peer_key = excluded.peer_key, peer_signature = excluded.peer_signature, at = excluded.at"""
_TRIM = "DELETE FROM countersigned WHERE position < (SELECT position FROM countersigned ORDER BY position DESC LIMIT 1 OFFSET ?)"
_ROWS = "SELECT position, hash, node_key, signature, peer_key, peer_signature FROM countersigned ORDER BY position"


class Countersigned(msgspec.Struct, frozen=True):
    """A head with both signatures; keys, digests and signatures in hexadecimal."""

    position: int
    hash: str
    node_key: str
    signature: str
    peer_key: str
    peer_signature: str

    def holds(self) -> bool:
        """Whether both signatures are what they say."""
        try:
            head = SignedHead(
                position=self.position, hash=bytes.fromhex(self.hash), signature=bytes.fromhex(self.signature), key=self.node_key
            )
            peer_signature = bytes.fromhex(self.peer_signature)
        except ValueError:
            return False
        return is_signed(head) and verifies(self.peer_key, peer_signature, countersigned_bytes(head))


def countersigned_bytes(head: SignedHead) -> bytes:
    """What the other node signs: that it saw this head, by this node, of the journal that it has itself."""
    return b"tandem-countersigned" + head_bytes(head.position, head.hash) + bytes.fromhex(head.key) + head.signature


def verifies(key: str, signature: bytes, what: bytes) -> bool:
    """Whether whoever has this public key (hexadecimal) signed that. A key that is none has signed nothing."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, what)
    except (InvalidSignature, ValueError):
        return False
    return True


def is_signed(head: SignedHead) -> bool:
    """Whether the head carries the signature of the key that it names."""
    return 0 < head.position < 1 << 63 and verifies(head.key, head.signature, head_bytes(head.position, head.hash))


def newest_signed(connection: Connection, key: str) -> SignedHead | None:
    """The newest head that this node, whose public key this is, has signed."""
    row = connection.execute("SELECT position, hash, signature FROM heads ORDER BY position DESC LIMIT 1").fetchone()
    return None if row is None else SignedHead(position=row[0], hash=row[1], signature=row[2], key=key)


def note(books: Books, head: SignedHead, peer_key: str, peer_signature: bytes, at: float) -> None:
    """Keep a head with the other node's signature, in a transaction of its own."""
    if not verifies(peer_key, peer_signature, countersigned_bytes(head)):
        raise BadShipment(f"The other node's signature of the head at entry {head.position} does not hold.", "Ask it again.")
    row = (head.position, head.hash, head.key, head.signature, peer_key, peer_signature, at)
    books.connection.execute("BEGIN IMMEDIATE")
    try:
        books.connection.execute(_INSERT, row)
        books.connection.execute(_TRIM, (_KEPT,))
        books.connection.execute("COMMIT")
    except BaseException:
        if books.connection.in_transaction:
            books.connection.execute("ROLLBACK")
        raise


def countersigned(connection: Connection, newest: bool = False) -> list[Countersigned]:
    """Every kept head with both signatures in order, or the newest alone."""
    rows = connection.execute(f"{_ROWS} DESC LIMIT 1" if newest else _ROWS).fetchall()
    return [
        Countersigned(
            position=position,
            hash=digest.hex(),
            node_key=node_key,
            signature=signature.hex(),
            peer_key=peer_key,
            peer_signature=peer_signature.hex(),
        )
        for position, digest, node_key, signature, peer_key, peer_signature in rows
    ]
