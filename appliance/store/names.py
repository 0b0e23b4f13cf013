"""Names that carry a number, so that what they name is found without an index.

c-000000012ahq7x2k9d   a case: the position of the entry by which it came in, then eight digits at random
d-000000015hq7x2k9dk   a delivery: the position of the entry that queued it, then its case's random digits
w-000000015hq7x2k9dk   a push to the CRM: the same of the entry that queued it
<tandem.{case}.{n}@{domain}>   the Message-ID of a reply; n is 1, and more only when a person sends once more
[#q7x2k9]              the token in a subject: the thread's number, mixed so that the next one cannot be guessed
"""

import re
from hashlib import blake2b

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_TO_PYTHON = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
RANDOM_BYTES = 5
_CASE = re.compile(r"c-([0-9a-hjkmnp-tv-z]{10})([0-9a-hjkmnp-tv-z]{8})")
_DELIVERY = re.compile(r"d-([0-9a-hjkmnp-tv-z]{10})([0-9a-hjkmnp-tv-z]{8})")
_PUSH = re.compile(r"w-([0-9a-hjkmnp-tv-z]{10})([0-9a-hjkmnp-tv-z]{8})")
_OURS = re.compile(r"<?tandem\.(c-[0-9a-hjkmnp-tv-z]{18})\.(\d{1,6})@")
_TOKEN = re.compile(r"\[#([0-9a-hjkmnp-tv-z]{6})\]", re.IGNORECASE)
_HALF_BITS = 15
_HALF = (1 << _HALF_BITS) - 1
_ROUNDS = 4


def _ten(number: int) -> str:
    """A position in ten digits: enough for 50 bits. Written out, since every message that comes in is named by it."""
    pairs = _PAIRS
    return (
        f"{pairs[number >> 40 & 1023]}{pairs[number >> 30 & 1023]}{pairs[number >> 20 & 1023]}"
        f"{pairs[number >> 10 & 1023]}{pairs[number & 1023]}"
    )


def _number(digits: str) -> int:
    return int(digits.translate(_TO_PYTHON), 32)


def case_id(position: int, randomness: bytes) -> str:
    """The id of the case that comes in by the entry at ``position``; five random bytes."""
    return f"c-{_ten(position)}{_ten(int.from_bytes(randomness[:RANDOM_BYTES], 'big'))[2:]}"


def delivery_id(position: int, case: str) -> str:
    """The id of the delivery that the entry at ``position`` queues."""
    return f"d-{_ten(position)}{case[-8:]}"


def case_number(case: str) -> int | None:
    """The position in a case's id; None when it is no case id."""
    found = _CASE.fullmatch(case)
    return _number(found[1]) if found else None


def delivery_number(delivery: str) -> int | None:
    """The position in a delivery's id; None when it is no delivery id."""
    found = _DELIVERY.fullmatch(delivery)
    return _number(found[1]) if found else None


def push_id(position: int, case: str) -> str:
    """The id of the push that the entry at ``position`` queues."""
    return f"w-{_ten(position)}{case[-8:]}"


def push_number(push: str) -> int | None:
    """The position in a push's id; None when it is no push id."""
    found = _PUSH.fullmatch(push)
    return _number(found[1]) if found else None


def message_id(case: str, number: int, domain: str) -> str:
    """The Message-ID of a case's reply: the same however often it is tried."""
    return f"<tandem.{case}.{number}@{domain}>"


def our_case(message_id_seen: str) -> str:
    """The case whose reply has this Message-ID; "" when it is none of ours."""
    found = _OURS.match(message_id_seen.strip())
    return found[1] if found else ""


def subject_token(thread: int, key: bytes) -> str:
    """The token of a thread, six digits."""
    return _ten(_mix(thread, key, range(_ROUNDS)))[4:]


def thread_of_token(subject: str, key: bytes) -> int | None:
    """The thread whose token stands in the subject, or None. Whether there is such a thread is for the caller to see."""
    found = _TOKEN.search(subject)
    if found is None:
        return None
    return _swap(_mix(_swap(_number(found[1].lower())), key, range(_ROUNDS - 1, -1, -1)))


def has_token(subject: str) -> bool:
    """Whether some token stands in the subject."""
    return _TOKEN.search(subject) is not None


def _swap(number: int) -> int:
    return ((number & _HALF) << _HALF_BITS) | (number >> _HALF_BITS)


def _mix(number: int, key: bytes, rounds: range) -> int:
    """A Feistel network over 30 bits: run backwards with its halves exchanged, it undoes itself."""
    left, right = (number >> _HALF_BITS) & _HALF, number & _HALF
    for turn in rounds:
        mixed = blake2b(right.to_bytes(2, "big") + bytes((turn,)), key=key, digest_size=2, person=b"subject-token").digest()
        left, right = right, left ^ (int.from_bytes(mixed, "big") & _HALF)
    return (left << _HALF_BITS) | right
