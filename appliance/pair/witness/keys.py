"""The key that a witness process shares with one pair, as a line that a person carries from a node to the witness.

Why a person carries it, rather than the witness believing whoever comes first: the nodes must know the witness as surely as it
knows them, for a forged "granted" makes two leaders. Believing the first who comes would have to be right three times, at the
witness and at both nodes, unseen. One line, pasted once, is right for all of them, for good.

The key is derived from the pair's secret, and nothing else can be learned from it: whoever steals the witness can disturb this
pair's take-overs, but can join neither node nor read anything.
"""

import base64
import binascii
import hashlib
import re

from appliance.ground.errors import Refused
from appliance.pair.witness.words import derived
from appliance.records.base import Record

PREFIX = "tandem-witness"
PAIR = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_PURPOSE = b"tandem-witness-1"
_KEY_BYTES, _CHECK_BYTES = 32, 3


class WitnessKey(Record):
    """``pair`` is the pair's id. The key shows itself nowhere but in ``line``."""

    pair: str
    key: bytes

    def __repr__(self) -> str:
        return f"WitnessKey({self.pair})"


def witness_key(pair: str, secret: bytes) -> WitnessKey:
    """What the nodes of a pair use, and what their witness must be given."""
    return WitnessKey(pair=pair, key=derived(secret, _PURPOSE, pair))


def line(key: WitnessKey) -> str:
    """The key as a person copies it: with a check, so that a slip is told rather than kept."""
    words = base64.b32encode(key.key + _check(key)).decode("ascii").lower().rstrip("=")
    return f"{PREFIX}:{key.pair}:{words}"


def read_line(text: str) -> WitnessKey:
    """The key of a pasted line. Raises ``Refused``."""
    prefix, _, rest = text.strip().partition(":")
    pair, _, words = rest.partition(":")
    try:
        raw = base64.b32decode(words.strip().upper() + "=" * (-len(words.strip()) % 8))
    except (binascii.Error, ValueError):
        raw = b""
    key = WitnessKey(pair=pair, key=raw[:_KEY_BYTES])
    if prefix != PREFIX or not PAIR.fullmatch(pair) or len(raw) != _KEY_BYTES + _CHECK_BYTES or raw[_KEY_BYTES:] != _check(key):
        raise Refused(
            "This is not a witness key, or a piece of it is missing.",
            f"Copy the whole line that begins with {PREFIX}: from a node of the pair.",
            code="no_witness_key",
        )
    return key


def _check(key: WitnessKey) -> bytes:
    return hashlib.blake2b(key.pair.encode() + key.key, digest_size=_CHECK_BYTES).digest()
