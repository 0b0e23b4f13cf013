"""Collects what goes into the diagnostics file: each piece says only what ``care/redaction.py`` lets through."""

import getpass
import importlib.metadata
import os
import platform
import shutil
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from appliance.care import preflight
from appliance.care.diagnostics import Diagnostics, Piece, assemble
from appliance.care.redaction import Hider, entry_shown, log_line, personal_words, settings_shown, signs
from appliance.channels.mail.accounts import ImapAccount
from appliance.ground.clock import Clock
from appliance.ground.errors import TandemError
from appliance.node import days
from appliance.node.accounts import imap_account, needs_of, smtp_account
from appliance.settings.model import MailboxSettings, Settings
from appliance.settings.secret import read_secret
from appliance.store.sqlite import version as sqlite_version

if TYPE_CHECKING:
    from appliance.node.node import Node

DAY_SECONDS = 86_400.0
LOG_BYTES_MOST = 8_000_000
ENTRIES_MOST = 2_000
FILES_MOST = 500
PACKAGES_MOST = 500
CAPABILITIES = ("CONDSTORE", "ENABLE", "IDLE", "LITERAL+", "MOVE", "QRESYNC", "SPECIAL-USE", "UIDPLUS", "AUTH=PLAIN", "AUTH=XOAUTH2")

# What the appliance itself puts into its home; a file of any other name may be called after a customer.
OWN_FILES = frozenset({
    "anchor", "keyring", "node", "policy-in-force", "policy.toml", "tandem.toml", "tandem.db", "tandem.db-shm", "tandem.db-wal",
    "macros.toml", "run", "run/control.sock", "run/store.lock", "logs", "logs/tandem.log", "logs/errors.log", "secrets", "sign-in",
    "knowledge-state", "staged", "playbook.toml", "brief.toml", "prices.csv", "contacts.csv", "contacts.xlsx", "reference",
    "reference/index", "reference/meta.json",
})  # fmt: skip


def of_node(node: "Node", with_hosts: bool) -> Diagnostics:
    """The diagnostics of an opened node; signs in to its mailboxes and mail servers once, to say what they can do."""
    settings = node.settings
    hide = Hider([*_of_the_machine(settings.home, with_hosts), *personal_words(settings, with_hosts), *_secrets(settings), *_people(node)])
    pieces = [*_of_a_home(settings.home, node.clock), *_of_the_node(node, with_hosts)]
    return assemble(pieces, hide, node.clock.now(), with_hosts=with_hosts)


def of_home(home: Path, clock: Clock, trouble: TandemError) -> Diagnostics:
    """The diagnostics of an appliance that cannot even be opened, with the code of what stands in the way."""
    pieces = [("trouble.json", lambda: _trouble(trouble)), *_of_a_home(home, clock)]
    return assemble(pieces, Hider(_of_the_machine(home, False)), clock.now())


# What is to be hidden wherever it turns up


def _of_the_machine(home: Path, with_hosts: bool) -> Iterator[str]:
    yield from (str(home), str(Path.home()), getpass.getuser())
    if not with_hosts:
        yield socket.gethostname()


def _secrets(settings: Settings) -> Iterator[str]:
    files = [box.imap.password_file for box in settings.mailbox] + [box.smtp.password_file for box in settings.mailbox]
    files += [box.imap.client_secret_file for box in settings.mailbox] + [source.password_file for source in settings.knowledge.source]
    files += [settings.writer.key_file]
    for file in dict.fromkeys(files):
        try:
            yield read_secret(file) if file is not None else ""
        except TandemError:  # a secret that cannot be read is in nobody's mouth either
            continue


def _people(node: "Node") -> Iterator[str]:
    for known in node.store.people.all():
        yield from (known.profile.name, known.profile.email)
    yield from (team.address for team in node.policy().teams.values())


# Pieces that need no opened node


def _of_a_home(home: Path, clock: Clock) -> list[Piece]:
    return [
        ("versions.json", _versions),
        ("log.jsonl", lambda: list(_log(home / "logs" / "tandem.log", clock.now() - DAY_SECONDS))),
        ("files.json", lambda: _files(home)),
    ]


def _trouble(error: TandemError) -> dict[str, Any]:
    return {"kind": type(error).__name__, "code": error.code, "signs": signs(error.message)}


def _versions() -> dict[str, Any]:
    packages = {found.name.lower(): found.version for found in importlib.metadata.distributions()}
    return {
        "program": importlib.metadata.version("tandem-appliance") if "tandem-appliance" in packages else "",
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "sqlite": sqlite_version(),
        "packages": dict(sorted(packages.items())[:PACKAGES_MOST]),
    }


def _log(file: Path, since: float) -> Iterator[dict[str, Any]]:
    """Lines of the log and of the one before it, oldest first, at most so many bytes of each."""
    for one in (file.with_name(f"{file.name}.1"), file):
        for line in _last_lines(one):
            shown = log_line(line)
            if shown is not None and _at(shown["time"]) >= since:
                yield shown


def _last_lines(file: Path) -> list[str]:
    if not file.exists():
        return []
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - LOG_BYTES_MOST))
        return stream.read(LOG_BYTES_MOST).decode("utf-8", "replace").splitlines()


def _at(time: str) -> float:
    try:
        return datetime.fromisoformat(time).timestamp()
    except ValueError:
        return 0.0


def _files(home: Path) -> list[dict[str, Any]]:
    found = sorted(path for path in (home, *home.glob("*"), *home.glob("*/*")) if path == home or not path.parent.is_symlink())
    return [_file(path, home) for path in found[:FILES_MOST]]


def _file(path: Path, home: Path) -> dict[str, Any]:
    told, name = path.lstat(), path.relative_to(home).as_posix()
    return {
        "name": name if name in OWN_FILES or path == home else f"[other]{path.suffix if len(path.suffix) <= len('.sqlite') else ''}",
        "mode": stat.filemode(told.st_mode),
        "bytes": told.st_size,
        "owned": told.st_uid == os.getuid(),
    }


# Pieces of an opened node


def _of_the_node(node: "Node", with_hosts: bool) -> list[Piece]:
    return [
        ("settings.json", lambda: settings_shown(node.settings, with_hosts)),
        ("policy.json", lambda: _policy(node)),
        ("status.json", node.commands.status),
        ("health.json", lambda: [_health(row) for row in node.commands.health()["dependencies"]]),
        ("numbers.json", lambda: _numbers(node)),
        ("journal.jsonl", lambda: [entry_shown(e.position, e.kind, e.at, e.payload) for e in node.store.last_entries(ENTRIES_MOST)]),
        ("machine.json", lambda: machine(node)),
        ("mailboxes.json", lambda: [_mailbox(box, node) for box in node.settings.mailbox]),
        ("knowledge.json", lambda: _knowledge(node)),
        ("preflight.json", lambda: [_finding(found) for found in preflight.run(needs_of(node.settings, False), node.clock)]),
    ]


def _policy(node: "Node") -> dict[str, Any]:
    policy = node.policy()
    return {
        "version": policy.version,
        "rules": msgspec.to_builtins(policy.rules),
        "teams": {team: {"address": bool(held.address)} for team, held in policy.teams.items()},
        "templates": {name: {"languages": sorted(held.text), "account": held.needs_account} for name, held in policy.templates.items()},
        "thresholds": msgspec.to_builtins(policy.thresholds),
        "weights": policy.weights,
        "limits": msgspec.to_builtins(policy.limits),
        "levers": {name: role.name.lower() for name, role in policy.levers.items()},
        "default_team": policy.default_team,
        "escalation": msgspec.to_builtins(policy.escalation),
    }


def _health(row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if isinstance(value, (bool, int, float))}
    return {"name": row["name"], **kept, "code": row["code"], "signs": signs(row["reason"])}


def _numbers(node: "Node") -> dict[str, Any]:
    unseen = node.store.escalations.unseen()
    return {
        "cases": node.commands.counts(),
        "escalations_unseen": {level: {"count": count, "oldest_at": at} for level, (count, at) in unseen.items()},
        "today": node.store.tally(days.midnight(node.clock.now(), node.settings.panel.time_zone)),
        "accounts": {"rows": node.accounts.state().rows, "read_at": node.accounts.state().read_at},
        "people": len(node.store.people.all()),
        "keys": len(node.store.keys()),
    }


def machine(node: "Node") -> dict[str, Any]:
    """``started_at`` (Unix seconds; None: it does not run), the disk under the home, the clock, when the journal was verified here.

    ``clock_jumped_seconds``: how far the wall clock has moved against the steady one since the start. ``disk.state`` is ``good``,
    ``look`` or ``act``: preflight's own limit, and five times that.
    """
    usage = shutil.disk_usage(node.settings.home)
    return {
        "started_at": node.started.at if node.started else None,
        "disk": {"free_bytes": usage.free, "total_bytes": usage.total, "state": disk_state(usage.free)},
        "clock_jumped_seconds": round(node.started.jumped(node.clock), 3) if node.started else 0.0,
        "verified": node.verified,
    }


def disk_state(free_bytes: int) -> str:
    """Whether so much room is enough."""
    if free_bytes < preflight.FREE_BYTES_LEAST:
        return "act"
    return "look" if free_bytes < 5 * preflight.FREE_BYTES_LEAST else "good"


@dataclass(frozen=True)
class Started:
    """When the node began to run, by both of its clocks."""

    at: float
    elapsed: float

    def jumped(self, clock: Clock) -> float:
        """Seconds that the wall clock has gained since then; negative when it was put back."""
        return (clock.now() - self.at) - (clock.elapsed() - self.elapsed)


def _mailbox(box: MailboxSettings, node: "Node") -> dict[str, Any]:
    settings, clock = node.settings, node.clock
    imap = partial(_capabilities, imap_account(box, settings, clock)) if box.imap.host else None
    smtp = partial(_greeting, box, node) if box.smtp.host else None
    return {"id": box.id, "imap": _tried(imap), "smtp": _tried(smtp), "folder": box.folder.inbox is not None}


def _tried(attempt: "partial[dict[str, Any]] | None") -> dict[str, Any] | None:
    if attempt is None:
        return None
    try:
        return {"connected": True, **attempt()}
    except TandemError as error:
        return {"connected": False, **_trouble(error)}


def _capabilities(account: ImapAccount) -> dict[str, Any]:
    from appliance.channels.mail.imap_session import Session

    session = Session(account)
    try:
        opened = session.open(account.folder)
        return {
            "capabilities": [name for name in CAPABILITIES if session.has(name)],
            "mails": opened.exists,
            "condstore": opened.condstore,
            "keywords": opened.keywords,
            "writable": opened.writable,
        }
    finally:
        session.log_out()


def _greeting(box: MailboxSettings, node: "Node") -> dict[str, Any]:
    from appliance.channels.mail.smtp import try_line

    try_line(smtp_account(box, node.settings, node.clock))
    return {}


def _knowledge(node: "Node") -> list[dict[str, Any]]:
    return [
        {
            "name": source.name,
            "language": source.language,
            "passages": source.passages,
            "read_at": source.read_at,
            "code": source.code,
            "failures": source.failures,
            "fallback": source.fallback,
            "notes": len(source.notes),
        }
        for source in node.library.states()
    ]


def _finding(found: preflight.Finding) -> dict[str, Any]:
    """Without its words: they name folders and hosts."""
    name = found.name.partition(" ")[0] if found.name.startswith("folder ") else found.name
    return {"name": name, "state": found.state, "seconds": round(found.seconds, 3), "signs": signs(found.detail)}
