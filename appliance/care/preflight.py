"""Preflight: everything this machine needs, looked at before work starts.

A check is a name and a function that returns what it found, or raises a ``TandemError`` with the reason and the remedy.
Checks do not lean on one another: each says its own piece, and all are said.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from appliance.care.power import file_vault_is_on
from appliance.channels.mail.accounts import ImapAccount, SmtpAccount
from appliance.ground.clock import Clock
from appliance.ground.errors import SettingsError, StoreError, TandemError

State = Literal["good", "warning", "failed"]

FREE_BYTES_LEAST = 1_000_000_000
OLDEST_PYTHON = (3, 11)


class Worth(TandemError):
    """Not wrong, but worth knowing before going live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found. ``seconds`` is how long it took."""

    name: str
    state: State
    detail: str
    remedy: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What the checks look at; the node fills it from the settings."""

    home: Path
    imap: tuple[ImapAccount, ...] = ()
    smtp: tuple[SmtpAccount, ...] = ()
    folders: tuple[Path, ...] = ()
    mailboxes: int = 0
    mailboxes_without_authserv_id: tuple[str, ...] = ()
    sources: tuple[tuple[str, Callable[[], int]], ...] = ()  # its name, and what reads it and counts its passages
    sqlite_version: Callable[[], str] | None = None
    ear: Callable[[], str] | None = None  # None where nobody wants to hear
    models: Callable[[], str] | None = None  # None where no setting names one


Check = tuple[str, Callable[[], str]]


def run(needs: Needs, clock: Clock) -> Iterator[Finding]:
    """One finding after another, as each check ends."""
    for name, check in checks(needs):
        started = clock.elapsed()
        try:
            finding = Finding(name=name, state="good", detail=check())
        except Worth as error:
            finding = Finding(name=name, state="warning", detail=error.message, remedy=error.remedy)
        except TandemError as error:
            finding = Finding(name=name, state="failed", detail=error.message, remedy=error.remedy)
        yield Finding(
            name=finding.name, state=finding.state, detail=finding.detail, remedy=finding.remedy, seconds=clock.elapsed() - started
        )


def checks(needs: Needs) -> list[Check]:
    """Every check that these needs ask for, cheapest first."""
    found: list[Check] = [("python", _python), ("disk", lambda: _disk(needs.home)), ("home", lambda: _home(needs.home))]
    if sys.platform == "darwin":
        found.append(("power", lambda: file_vault(file_vault_is_on())))
    if needs.sqlite_version is not None:
        found.append(("sqlite", needs.sqlite_version))
    found += [(f"folder {folder.name}", lambda folder=folder: _folder(folder)) for folder in needs.folders]  # type: ignore[misc]
    found.append(("knowledge", lambda: _knowledge(needs)))
    if needs.models is not None:
        found.append(("models", needs.models))
    if needs.ear is not None:
        found.append(("ear", needs.ear))
    found.append(("mailboxes", lambda: _mailboxes(needs)))
    found += [(f"imap {account.mailbox}", lambda account=account: _imap(account)) for account in needs.imap]  # type: ignore[misc]
    found += [(f"smtp {account.mailbox}", lambda account=account: _smtp(account)) for account in needs.smtp]  # type: ignore[misc]
    found += [(f"sender {name}", _no_authserv_id) for name in needs.mailboxes_without_authserv_id]
    return found


def _python() -> str:
    if sys.version_info < OLDEST_PYTHON:
        raise SettingsError(f"Python {sys.version.split()[0]} is too old.", "Install Python 3.11 or newer.")
    return f"Python {sys.version.split()[0]}"


def _disk(home: Path) -> str:
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if free < FREE_BYTES_LEAST:
        raise StoreError(f"Only {free // 1_000_000} MB are free where the home lies.", "Make room: at least 1 GB.")
    return f"{free // 1_000_000_000} GB free"


def _home(home: Path) -> str:
    if not home.exists():
        return f"{home} will be made at the first start"
    if not os.access(home, os.W_OK | os.X_OK):
        raise StoreError(f"This user cannot write to {home}.", f"Run: chown -R $(id -un) '{home}', or run tandem as its owner.")
    if home.stat().st_mode & 0o077:
        raise Worth(f"Others on this machine can look into {home}.", f"Run: chmod 700 '{home}'.")
    return str(home)


def file_vault(is_on: bool | None) -> str:
    """What a locked disk means for a machine that shall come back by itself after a loss of power."""
    if is_on:
        raise Worth(
            "FileVault is on: after a loss of power this Mac waits for a password before anything starts, the appliance included.",
            "Keep it on and have somebody near who can type it, while the other Mini leads; or turn it off where the room is locked. "
            "A planned restart without the wait: sudo fdesetup authrestart",
        )
    return "FileVault is off: the appliance is back by itself after a loss of power" if is_on is False else "FileVault could not be asked"


def _folder(folder: Path) -> str:
    if not folder.is_dir():
        raise Worth(f"{folder} is not there yet.", "It is made when the first mail needs it; check the spelling.")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise SettingsError(f"This user cannot read and write {folder}.", "Give this user the right to, or name another folder.")
    return str(folder)


def _knowledge(needs: Needs) -> str:
    if not needs.sources:
        raise Worth("There is no source of knowledge, so nothing can be answered.", "tandem knowledge add FILE --lang en")
    return ", ".join(f"{name}: {count()} passages" for name, count in needs.sources)


def _mailboxes(needs: Needs) -> str:
    if not needs.mailboxes:
        raise Worth("There is no mailbox, so no mail comes in.", "Fill in a [[mailbox]] in tandem.toml.")
    return f"{needs.mailboxes} configured" + (", signed in to below" if needs.imap else "")


def _imap(account: ImapAccount) -> str:
    from appliance.channels.mail.imap_session import Session

    session = Session(account)
    try:
        opened = session.open(account.folder)  # looks only; opened for writing, for only then the server says which flags it keeps
    finally:
        session.log_out()
    if not (opened.condstore and opened.keywords):
        missing = "keeps no keywords" if opened.condstore else "has no CONDSTORE"
        raise Worth(
            f"{account.host} {missing}: two nodes cannot claim mails through this mailbox.",
            "One node works as it is; a pair needs tandem witness on a third machine.",
        )
    return f"{account.host}: signed in, {account.folder} holds {opened.exists} mails, claims are possible"


def _smtp(account: SmtpAccount) -> str:
    from appliance.channels.mail.smtp import try_line

    return try_line(account)


def _no_authserv_id() -> str:
    raise Worth(
        "authserv_id is empty, so no sender counts as verified and no account data is ever sent.",
        "Look at Authentication-Results in a received mail and copy the name it begins with into mailbox.smtp.authserv_id.",
    )
