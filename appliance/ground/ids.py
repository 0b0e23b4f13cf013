"""Identifiers and randomness: the only room that asks for either."""

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case: no i, l, o, u to misread


def _base32(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def new_id(prefix: str) -> str:
    """A fresh identifier such as ``c-01jx2k7m9qv4t8zr``: sorts by the millisecond it was made in, then at random."""
    return f"{prefix}-{_base32(time.time_ns() // 1_000_000, 10)}{_base32(secrets.randbits(40), 8)}"


def random_bytes(length: int) -> bytes:
    """Bytes fit for keys."""
    return secrets.token_bytes(length)


def new_token() -> str:
    """A secret of 256 bits that may stand in a URL or a header."""
    return secrets.token_urlsafe(32)
