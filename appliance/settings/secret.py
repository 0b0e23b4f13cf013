"""Passwords: where they may lie, how they are read, and that they are never shown."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from appliance.ground.errors import SettingsError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
SECRET_BYTES_MAX = 65_536  # a refresh token of a large provider has a few thousand


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """Text that prints as stars and joins no other text by accident. ``reveal`` gives the words themselves."""

    _text: str

    def __repr__(self) -> str:
        return "***" if self._text else "''"

    def __bool__(self) -> bool:
        return bool(self._text)

    def reveal(self) -> str:
        """The words themselves."""
        return self._text


class Login(Protocol):
    """What ``ImapSettings`` and ``SmtpSettings`` have in common: where their password is."""

    @property
    def password(self) -> Secret: ...

    @property
    def password_file(self) -> Path | None: ...


def trouble(path: Path) -> tuple[str, str] | None:
    """Why this file is no place for a secret, and the remedy; None when it is a good one. Nothing of it is read."""
    try:
        found = os.stat(path)
    except OSError as error:
        # Without the path: somebody may have written the password where the name of its file belongs.
        return f"the file it names cannot be read ({error.strerror})", "Write the secret into a file, chmod 600, and name that file."
    if not stat.S_ISREG(found.st_mode):
        return "what it names is not a file", "Name a file that holds the secret alone."
    if stat.S_IMODE(found.st_mode) & _OTHERS:
        return f"{path} can be read by others (mode {stat.S_IMODE(found.st_mode):04o})", f"Run: chmod 600 '{path}'."
    return None


def read_secret(path: Path) -> str:
    """The secret in this file: its first line. Raises ``SettingsError`` when the file is missing, open to others or empty."""
    wrong = trouble(path)
    if wrong is not None:
        raise SettingsError(f"The secret in {path}: {wrong[0]}.", wrong[1])
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read(SECRET_BYTES_MAX).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        # Only the kind of error: the text of a decoding error holds bytes of the secret.
        raise SettingsError(f"{path} cannot be read ({type(error).__name__}).", "It must be a text file that this user may read.") from None
    if not lines or not lines[0].strip():
        raise SettingsError(f"{path} is empty.", "Write the secret on its first line.")
    return lines[0].strip()


def password_of(login: Login) -> str:
    """The password of a mailbox or SMTP server, read anew at each call so that a rotated one is taken up; "" when there is none."""
    if login.password_file is not None:
        return read_secret(login.password_file)
    return login.password.reveal()
