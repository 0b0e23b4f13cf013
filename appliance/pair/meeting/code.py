"""What a person carries from one node to the other: a code of eight digits, or a secret in a file where there is no person."""

import re
from pathlib import Path

from appliance.ground.errors import SettingsError
from appliance.ground.ids import random_bytes
from appliance.pair.meeting.errors import PairingRefused
from appliance.records.base import Record

DIGITS = 8
SECRET_CHARACTERS_LEAST = 16
_SECRET_BYTES_MOST = 4096


class Secret(Record):
    """The words of a secret file, for set-ups without anybody there."""

    words: str

    def __repr__(self) -> str:
        return "Secret()"


def new_code() -> str:
    """A code as it is shown: ``1234 5678``. Each of the 10^8 is as likely as any other (the 2^64 behind them round off below 10^-11)."""
    digits = f"{int.from_bytes(random_bytes(8)) % 10**DIGITS:0{DIGITS}d}"
    return f"{digits[:4]} {digits[4:]}"


def password(code: "str | Secret") -> bytes:
    """What both sides put into SPAKE2. A code may be typed with blanks and dashes. Raises ``PairingRefused("malformed_code")``."""
    if isinstance(code, Secret):
        return b"secret:" + code.words.encode("utf-8")
    digits = re.sub(r"[\s-]", "", code)
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        raise PairingRefused("malformed_code")
    return b"code:" + digits.encode("ascii")


def read_secret(path: Path) -> Secret:
    """The secret in this file, without blanks around it. Raises ``SettingsError`` when it is missing or too short to be one."""
    try:
        with path.open("rb") as file:
            words = file.read(_SECRET_BYTES_MOST).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", "") or "it is no text"
        raise SettingsError(
            f"The pairing secret {path} cannot be read ({why}).", "Write the same long random text into it on both nodes."
        ) from error
    if len(words) < SECRET_CHARACTERS_LEAST:
        raise SettingsError(
            f"The pairing secret {path} is shorter than {SECRET_CHARACTERS_LEAST} characters.",
            "It never expires, so it must be long and random: openssl rand -hex 32 makes one.",
        )
    return Secret(words=words)
