"""Changes of ``tandem.toml`` by key. A person's comments, order and spelling stay; what would not be good is never put in place.

The changed text is written beside the file and read as the daemon would read it, then tried by whoever asked, and only then takes
the file's place. What stood there before is kept beside it, by the time of the change.
"""

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from appliance.ground.clock import Clock, SystemClock
from appliance.ground.errors import SettingsError
from appliance.ground.files import exclusive_lock, flush_directory, write_atomically
from appliance.records.base import Record
from appliance.settings.layers import FILE_NAME, TABLES_MAX
from appliance.settings.model import Settings
from appliance.settings.problems import SettingsInvalid
from appliance.settings.read import load
from appliance.settings.secret import SECRET_BYTES_MAX

SECRETS = "secrets"
BACKUPS_MOST = 20
_CANDIDATE = ".tandem.toml.new"
_UNTRIED = ".untried"  # ends the name of a secret that is not yet the one in use

Values = Mapping[str, Any]
Check = Callable[[Settings], None]


class Changed(Record):
    """What a change came to. ``backup`` is the file as it was before (None: there was none, or nothing changed)."""

    file: Path
    backup: Path | None = None
    changed: bool = True


def accept(_settings: Settings) -> None:
    """The check that has no objections."""


def set_values(
    home: Path,
    values: Values,
    secrets: Mapping[str, str] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    check: Check = accept,
    clock: Clock | None = None,
) -> Changed:
    """Set these keys (``company.name``, ``mailbox.0.imap.host``) in the ``tandem.toml`` of this home; None takes a key out.

    ``secrets`` maps keys that name a file (``mailbox.0.imap.password_file``) to what that file is to hold: it is written with mode
    0600 below ``secrets``. ``check`` tries the settings as they would be, and may raise whatever it likes: then nothing has changed.
    Raises ``SettingsInvalid`` with every problem, or ``SettingsError`` when the file cannot be changed by a program.
    """
    file, secrets = home / FILE_NAME, dict(secrets or {})
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(home), _laid_down(home, secrets):
        text = _text(file)
        tried = changed_text(text, {**values, **{key: f"{place_of(key)}{_UNTRIED}" for key in secrets}}, file)
        check(_read(home, tried, environment))
        final = changed_text(text, {**values, **{key: place_of(key) for key in secrets}}, file)
        return _put_in_place(file, text, final, secrets, clock or SystemClock())


def place_of(key: str) -> str:
    """Where the secret of a key lies, from the home: ``secrets/mailbox-0-imap-password``."""
    return f"{SECRETS}/{key.removesuffix('_file').replace('.', '-').replace('_', '-')}"


def changed_text(text: str, values: Values, file: Path = Path(FILE_NAME)) -> str:
    """The TOML text with these keys set. Raises ``SettingsError`` where that cannot be done without touching anything else."""
    import tomlkit  # late: only a change needs it
    from tomlkit.exceptions import TOMLKitError

    try:
        document, wanted = tomlkit.parse(text), tomllib.loads(text)
        for key, value in values.items():
            _set(document, key.split("."), value)
            _set(wanted, key.split("."), value)
        written = tomlkit.dumps(document)
        if tomllib.loads(written) == wanted:
            return written
    except (TOMLKitError, tomllib.TOMLDecodeError, KeyError, IndexError, TypeError, ValueError, AttributeError):
        pass
    raise SettingsError(f"{file} cannot be changed by a program as it stands.", "Write the keys by hand, then run: tandem config check")


def _set(tree: Any, parts: list[str], value: Any) -> None:
    """Set one key of a tree, plain or with comments; tables on the way are made. None takes the key out."""
    inner = tree
    for part, following in pairwise(parts):
        inner = _entry(inner, int(part)) if part.isdecimal() else _table(inner, part, following.isdecimal(), value is None)
        if inner is None:
            return
    if value is None:
        inner.pop(parts[-1], None)
    else:
        inner[parts[-1]] = list(value) if isinstance(value, tuple) else value


def _table(inner: Any, name: str, repeated: bool, only_look: bool) -> Any:
    if name not in inner:
        if only_look:
            return None
        inner[name] = _new(inner, repeated)
    return inner[name]


def _entry(entries: Any, position: int) -> Any:
    if position == len(entries) < TABLES_MAX:
        entries.append(_new(entries, repeated=False))
    return entries[position]


def _new(beside: Any, repeated: bool) -> Any:
    """An empty table, or list of tables, of the sort that the tree beside it is made of."""
    import tomlkit
    from tomlkit.items import Array, InlineTable

    if type(beside) in (dict, list):
        return [] if repeated else {}
    if isinstance(beside, Array | InlineTable):
        return tomlkit.array() if repeated else tomlkit.inline_table()
    return tomlkit.aot() if repeated else tomlkit.table()


# The files


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    with exclusive_lock(home / f".{FILE_NAME}.lock") as held:
        if held is None:
            raise SettingsError(f"Somebody else is changing {home / FILE_NAME} now.", "Try again in a moment.")
        yield


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8") if file.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{file} cannot be read ({type(error).__name__}).", "It must be a UTF-8 file that this user may read."
        ) from error


@contextmanager
def _laid_down(home: Path, secrets: Mapping[str, str]) -> Iterator[None]:
    """The secrets beside those in use, under other names; what was not put in place meanwhile is removed at the end."""
    untried = {home / f"{place_of(key)}{_UNTRIED}": secret for key, secret in secrets.items()}
    if untried:
        (home / SECRETS).mkdir(mode=0o700, exist_ok=True)
    try:
        for path, secret in untried.items():
            write_atomically(path, _line(secret), 0o600)
        yield
    finally:
        for path in untried:
            path.unlink(missing_ok=True)


def _line(secret: str) -> bytes:
    line = secret.encode("utf-8")
    if not secret.strip() or "\n" in secret or "\r" in secret or len(line) >= SECRET_BYTES_MAX:
        raise SettingsError("A password is one line, and not empty.", "Type it again.")
    return line + b"\n"


def _read(home: Path, text: str, environment: Mapping[str, str] | None) -> Settings:
    """The settings that this text would make. Problems are told as if it were the file already."""
    candidate = home / _CANDIDATE
    write_atomically(candidate, text.encode("utf-8"))
    try:
        return load(candidate, environment, home)
    except SettingsInvalid as error:
        named = {candidate.name: FILE_NAME}
        raise SettingsInvalid(msgspec.structs.replace(one, where=named.get(one.where, one.where)) for one in error.problems) from None
    finally:
        candidate.unlink(missing_ok=True)


def _put_in_place(file: Path, before: str, after: str, secrets: Mapping[str, str], clock: Clock) -> Changed:
    """The secrets first: a file that names them finds them."""
    for key in secrets:
        os.replace(file.parent / f"{place_of(key)}{_UNTRIED}", file.parent / place_of(key))
    if secrets:
        flush_directory(file.parent / SECRETS)
    if after == before:
        return Changed(file=file, changed=False)
    backup = _backup(file, clock) if file.exists() else None
    write_atomically(file, after.encode("utf-8"))
    return Changed(file=file, backup=backup)


def _backup(file: Path, clock: Clock) -> Path:
    """The file as it is, kept beside it under the time of now (UTC); of many only the newest stay."""
    at = datetime.fromtimestamp(clock.now(), UTC)
    backup = file.with_name(f"{file.name}.{at:%Y%m%dT%H%M%S%f}Z")
    write_atomically(backup, file.read_bytes())
    for old in backups(file.parent)[BACKUPS_MOST:]:
        old.unlink(missing_ok=True)
    return backup


def backups(home: Path) -> list[Path]:
    """What ``tandem.toml`` said before each change, the newest first."""
    return sorted(home.glob(f"{FILE_NAME}.[0-9]*Z"), reverse=True)
