"""From a short code to a strong key: SPAKE2 (RFC 9382, by the package ``spake2``), and what is sealed under that key.

Whoever listens learns nothing of the code, not even by trying all of them afterwards. Whoever takes part learns whether one guess was
right, and no more. The names and certificate fingerprints of both nodes go into the key *as each side sees them*: a man in the middle,
who shows a certificate of his own, makes two different keys and is found at the proof, as if the code had been wrong.

The package computes in Python and not in constant time. Three tries with new random numbers each are too few to measure anything by.
"""

import hashlib
import hmac
from typing import Any, Literal

import msgspec

from appliance.ground.ids import random_bytes
from appliance.pair.meeting.errors import PairingRefused
from appliance.pair.meeting.words import Sealed, Told
from appliance.records.base import Record

Side = Literal["joiner", "offerer"]

_KEY = 32
_LABELS = ("joiner proves", "offerer proves", "joiner seals", "offerer seals")
_decoder: msgspec.msgpack.Decoder[Told] = msgspec.msgpack.Decoder(Told)


class Party(Record):
    """One of the two, as one of the two sees it."""

    node: str
    fingerprint: str


class Exchange:
    """One side of one try. Made for one conversation and never used again: twice the same share would betray the code."""

    def __init__(self, side: Side, password: bytes, joiner: Party, offerer: Party) -> None:
        import spake2  # type: ignore[import-untyped, unused-ignore]  # late: only whoever pairs needs it

        self._side = side
        self._who = tuple(
            msgspec.msgpack.encode(("tandem pairing 1", role, party.node, party.fingerprint))
            for role, party in (("joiner", joiner), ("offerer", offerer))
        )
        kind = spake2.SPAKE2_A if side == "joiner" else spake2.SPAKE2_B
        self._spake: Any = kind(password, idA=self._who[0], idB=self._who[1], entropy_f=random_bytes)
        self.share: bytes = self._spake.start()

    def agree(self, share: bytes) -> "Channel":
        """The key that both have if both knew the code. Raises ``PairingRefused`` for what is no share of the other side."""
        from spake2.spake2 import SPAKEError  # type: ignore[import-untyped, unused-ignore]

        try:
            key = self._spake.finish(share)
        except (SPAKEError, ValueError, AssertionError) as error:  # the package says by assert what is no point of its group
            raise PairingRefused("bad_message") from error
        first, second = (self.share, share) if self._side == "joiner" else (share, self.share)
        return Channel(self._side, key, msgspec.msgpack.encode((*self._who, first, second)))


class Channel:
    """What the two say under their common key. Each direction and each purpose has a key of its own (HKDF, RFC 5869)."""

    def __init__(self, side: Side, key: bytes, transcript: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        made = HKDF(SHA256(), len(_LABELS) * _KEY, salt=None, info=b"tandem pairing 1 keys").derive(key)
        keys = {label: made[number * _KEY : (number + 1) * _KEY] for number, label in enumerate(_LABELS)}
        other = "offerer" if side == "joiner" else "joiner"
        self._transcript = transcript
        self._my_proof, self._their_proof = keys[f"{side} proves"], keys[f"{other} proves"]
        self._mine, self._theirs = AESGCM(keys[f"{side} seals"]), AESGCM(keys[f"{other} seals"])
        self._sent = self._received = 0

    def proof(self) -> bytes:
        """What only a holder of this key can say."""
        return hmac.digest(self._my_proof, self._transcript, hashlib.sha256)

    def proves(self, mac: bytes) -> bool:
        """Whether the other side has the same key."""
        return hmac.compare_digest(mac, hmac.digest(self._their_proof, self._transcript, hashlib.sha256))

    def seal(self, told: Told) -> Sealed:
        nonce, self._sent = self._sent.to_bytes(12), self._sent + 1
        return Sealed(box=self._mine.encrypt(nonce, msgspec.msgpack.encode(told), self._transcript))

    def open(self, sealed: Sealed) -> Told:
        """What was sealed, in the order in which it was. Raises ``PairingRefused`` for anything else."""
        from cryptography.exceptions import InvalidTag

        nonce, self._received = self._received.to_bytes(12), self._received + 1
        try:
            return _decoder.decode(self._theirs.decrypt(nonce, sealed.box, self._transcript))
        except (InvalidTag, msgspec.MsgspecError, ValueError) as error:
            raise PairingRefused("bad_message") from error
