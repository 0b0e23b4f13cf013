"""Passwords: argon2id with the parameters of RFC 9106 for machines without much memory (64 MiB, three passes, four lanes).

One at a time, whoever asks: ten sign-ins at once would otherwise take 640 MiB. Whoever has waited too long is sent away.
"""

import threading
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from appliance.ground.errors import Refused

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LENGTH_LEAST = 12
LENGTH_MOST = 256
WAIT_SECONDS = 10.0

#: What is verified for a name that nobody has: the same work, and no password that fits.
NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$" + "A" * 22 + "$" + "A" * 43

_one_at_a_time = threading.Lock()


class PasswordRefused(Refused):
    """The password cannot be used: too short, too long, or easily guessed."""

    code = "password_weak"


class SignInBusy(Refused):
    """Too many people sign in at this moment."""

    code = "sign_in_busy"


class WrongPassword(Refused):
    """The name or the password is wrong; which of them is not said."""

    code = "wrong_password"


class TooManyTries(Refused):
    """Wrong passwords came for this account or from this address. ``wait_seconds`` until the next one is looked at."""

    code = "too_many"
    wait_seconds = 0


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher, profiles  # late: few commands need it

    return PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)


def check(password: str, *known: str) -> None:
    """Raises ``PasswordRefused`` for a password that is no good; ``known`` is what others know of the person."""
    if not LENGTH_LEAST <= len(password) <= LENGTH_MOST:
        raise PasswordRefused(
            f"A password has {LENGTH_LEAST} to {LENGTH_MOST} characters.", "Three or four words that do not belong together are good."
        )
    plain = password.casefold()
    if len(set(plain)) < 5 or any(word and plain.replace(word.casefold(), "").strip("0123456789 .,!?-_") == "" for word in known):
        raise PasswordRefused("This password is easily guessed.", "Choose one without your own name and with more different letters.")


def hash_of(password: str) -> str:
    """The encoded hash: parameters, salt and digest."""
    with _Turn():
        return _hasher().hash(_normal(password))


def fits(encoded: str, password: str) -> bool:
    """Whether it is the password. For an empty hash the work is done all the same, and the answer is no."""
    from argon2.exceptions import InvalidHashError, VerificationError

    with _Turn():
        try:
            return _hasher().verify(encoded or NOBODYS, _normal(password[:LENGTH_MOST])) and bool(encoded)
        except (VerificationError, InvalidHashError):
            return False


def _normal(password: str) -> bytes:
    """The same letters however the keyboard composed them (RFC 8265 asks for NFC)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


class _Turn:
    """Waits for the one place; raises ``SignInBusy`` when it does not become free."""

    def __enter__(self) -> None:
        if not _one_at_a_time.acquire(timeout=WAIT_SECONDS):
            raise SignInBusy("Too many people sign in at this moment.", "Wait a little and try again.")

    def __exit__(self, *_: object) -> None:
        _one_at_a_time.release()
