"""Signing a webhook as Standard Webhooks has it (https://www.standardwebhooks.com), and checking one.

Three headers: ``webhook-id``, the same for each try of one push; ``webhook-timestamp``, the moment of the try in Unix seconds;
``webhook-signature``, one or more of ``v1,BASE64`` with a space between. What is signed are the id, the timestamp and the body as they
are sent, with a full stop between, by HMAC-SHA256. A secret is written ``whsec_`` and base64; while it is changed, each push carries
a signature by the new one and one by the old, so that the receiver may change its own at any time.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence

from appliance.channels.crm.errors import BadSecret
from appliance.ground.ids import random_bytes

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
PREFIX = "whsec_"
SECRET_BYTES = (24, 64)
TOLERANCE_SECONDS = 300.0  # between the sender's clock and the receiver's
SIGNATURES_MOST = 10  # of one webhook that are looked at


def new_secret() -> str:
    """A secret to sign with, as it stands in its file."""
    return PREFIX + base64.b64encode(random_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """The key in a written secret. Raises ``BadSecret``, which tells nothing of it."""
    try:
        key = base64.b64decode(secret.strip().removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not SECRET_BYTES[0] <= len(key) <= SECRET_BYTES[1]:
        raise BadSecret(
            "The secret that pushes to the CRM are signed with cannot be used.",
            "It is written whsec_ and the base64 of 24 to 64 bytes; tandem crm secret makes one.",
        )
    return key


def sign(keys: Sequence[bytes], push: str, at: int, body: bytes) -> dict[str, str]:
    """The three headers, with a signature by each key."""
    return {ID: push, TIMESTAMP: str(at), SIGNATURE: " ".join(f"v1,{_signature(key, push, at, body)}" for key in keys)}


def holds(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether one of the keys signed this body, and not long ago. ``headers`` by their names in lower case."""
    push, written = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not push or not written.isascii() or not written.isdecimal() or len(written) > 12 or abs(now - int(written)) > TOLERANCE_SECONDS:
        return False
    given = [part[3:] for part in headers.get(SIGNATURE, "").split(" ")[:SIGNATURES_MOST] if part.startswith("v1,")]
    expected = [_signature(key, push, int(written), body) for key in keys]
    return any(hmac.compare_digest(one.encode(), other.encode()) for one in given for other in expected)


def _signature(key: bytes, push: str, at: int, body: bytes) -> str:
    signed = b".".join((push.encode(), str(at).encode(), body))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
