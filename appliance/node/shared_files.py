"""Which files both nodes of a pair have alike: settings, policy, macros, knowledge, the account sheet, and the secrets they name.

The standby pulls them from the leader. A file that lies in the home has the same name there; one that lies elsewhere (a network share)
is each machine's own affair and is not touched. Of ``tandem.toml`` the tables that are about one machine stay: where its panel and
its peer's line listen, and what it logs.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from appliance.ground.errors import SettingsError
from appliance.ground.files import write_atomically
from appliance.ground.log import Log
from appliance.node.trials import FILE as TRIALS
from appliance.pair.copying.files import FilesDesk, Shared, pull
from appliance.pair.line.wire import Line, Open
from appliance.settings.layers import FILE_NAME
from appliance.settings.model import Settings
from appliance.settings.read import load

log = Log("pair")

SHARED_SETTINGS = "settings-of-the-pair.toml"
OWN = {
    "panel": ("host", "port", "chat_port", "public_url", "peers"),
    "pair": ("listen", "static_peer", "port"),
    "chat": ("host",),
    "models": ("path",),
}
OWN_TABLES = ("log",)
FOLDERS = ("secrets", "sign-in")
NOT_SHARED = ("pair", "run", "logs", "divergent", "keyring", "node", "anchor", "knowledge-state", "policy-in-force", FILE_NAME)


class SharedFiles:
    """Of one node: what it gives as leader, and what it takes as standby. ``settings_changed``: as of the last pull."""

    def __init__(self, settings: Settings, dial: Callable[[], Line]) -> None:
        self._settings = settings
        self._home = settings.home
        self._dial = dial
        self._shared = Shared(self._places)
        self._desk = FilesDesk(self._shared)
        self._seen = (-1, -1)
        self._stood = _stamp(self._home / FILE_NAME)
        self._tried: tuple[str, str] | None = None
        self.settings_changed = False

    @property
    def digest(self) -> str:
        """Of everything that this node would give as leader: when it changes, there is something to pull."""
        self._write_settings_of_the_pair()
        marks = sorted((name, mark.sha256, mark.mode) for name, mark in self._shared.manifest().files.items())
        return hashlib.sha256(repr(marks).encode()).hexdigest()[:32]

    def serve(self, line: Line, open_: Open) -> None:
        """The service ``files``."""
        self._write_settings_of_the_pair()
        self._desk.serve(line, open_)

    def pull(self) -> bool:
        """Fetch what differs; whether anything did. Raises what the line raises."""
        self.settings_changed = False
        self._seen = (-1, -1)  # what is pulled are the other node's settings, and these may not become this one's
        pulled = pull(self._dial, self._shared.manifest(), self._place)
        for name in pulled.removed:
            if name.split("/")[0] in (*FOLDERS, "prompts"):  # a secret or prompt that is gone there does nothing here either
                (self._home / name).unlink(missing_ok=True)
        self.settings_changed = self._take_settings()
        return bool(pulled.changed) or self.settings_changed

    # Which files

    def _places(self) -> Mapping[str, Path]:
        found = {name: path for path in self._paths() if (name := self._name(path))}
        return {**found, SHARED_SETTINGS: self._home / "pair" / SHARED_SETTINGS}

    def _paths(self) -> Iterator[Path]:
        settings = self._as_they_stand()
        yield settings.home / settings.policy.path
        yield settings.home / settings.macros.path
        call = settings.call
        yield from (settings.home / path for path in (call.contacts, call.playbook, call.brief, call.prices))
        yield from (settings.home / path for path in (call.contacts_password_file, call.contacts_authorities) if path)
        yield settings.home / settings.accounts.path
        yield from (settings.home / path for path in (settings.writer.key_file, settings.writer.authorities) if path)
        crm = settings.crm
        yield from (settings.home / path for path in (crm.secret_file, crm.old_secret_file, crm.authorities) if path)
        yield settings.home / TRIALS
        yield from (settings.home / path for path in (settings.models.hub_token_file,) if path)
        for source in settings.knowledge.source:
            yield from (settings.home / path for path in (source.path, source.fallback, source.password_file, source.authorities) if path)
        for box in settings.mailbox:
            for way in (box.imap, box.smtp):
                yield from (settings.home / path for path in (way.password_file, way.authorities) if path)
        for folder in FOLDERS:
            yield from sorted(path for path in (settings.home / folder).glob("*") if path.is_file())
        for folder in (settings.writer.prompts, *((settings.shadow.prompts,) if settings.shadow.prompts else ())):
            yield from sorted(path for path in (settings.home / folder).glob("*") if path.suffix in (".md", ".toml") and path.is_file())
        yield from sorted((settings.home / "models" / "cards").glob("*.toml"))

    def _as_they_stand(self) -> Settings:
        """The settings as ``tandem.toml`` says now: a source that was added since the start is shared too. What cannot be read is left."""
        stamp = _stamp(self._home / FILE_NAME)
        if stamp != self._stood:
            self._stood = stamp
            try:
                self._settings = load(home=self._home, environment=os.environ)
            except SettingsError as error:
                log.warning("settings_not_read", reason=error.message)
        return self._settings

    def _name(self, path: Path) -> str:
        """Its place in the home, "" for one outside it, and for what is this machine's own."""
        try:
            name = path.resolve().relative_to(self._home.resolve()).as_posix()
        except ValueError:
            return ""
        folded = name.casefold()  # some file systems take "Keyring" for "keyring"
        return "" if folded.split("/")[0] in NOT_SHARED or folded.startswith((".", "tandem.db")) else name

    def _place(self, name: str) -> Path | None:
        if name == SHARED_SETTINGS:
            return self._home / "pair" / SHARED_SETTINGS
        path = self._home / name
        return path if self._name(path) == name else None

    # tandem.toml

    def _write_settings_of_the_pair(self) -> None:
        """Anew where ``tandem.toml`` is another file than at the last look. One that cannot be read or is no TOML changes nothing."""
        path = self._home / "pair" / SHARED_SETTINGS
        seen = _stamp(self._home / FILE_NAME)
        if seen == self._seen and path.exists():
            return
        own = _read(self._home / FILE_NAME)
        text = without_own(own) if own is not None else None
        if text is None:
            return
        if _read(path) != text:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            write_atomically(path, text.encode("utf-8"))
        self._seen = seen

    def _take_settings(self) -> bool:
        """Put the leader's tables into this machine's file; whether that changed it. What this machine could not start with is left.

        Looked at after each pull, for an earlier one may have been cut short, but no two texts are tried twice.
        """
        path = self._home / FILE_NAME
        shared, before = _read(self._home / "pair" / SHARED_SETTINGS), _read(path)
        if not shared or before is None or (shared, before) == self._tried:
            return False
        self._tried = (shared, before)
        after = joined(shared, before)
        if after is None or _say_the_same(after, before) or not self._would_start(after):
            return False  # a node that takes settings over starts anew, and is no help to its peer meanwhile
        write_atomically(path, after.encode("utf-8"))
        return True

    def _would_start(self, text: str) -> bool:
        candidate = self._home / ".tandem.toml.of-the-pair"
        write_atomically(candidate, text.encode("utf-8"))
        try:
            load(candidate, home=self._home, environment=os.environ)
        except SettingsError as error:
            log.warning("settings_not_taken", reason=error.message)
            return False
        finally:
            candidate.unlink(missing_ok=True)
        return True


def _stamp(path: Path) -> tuple[int, int]:
    """When it was changed, and its size."""
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return status.st_mtime_ns, status.st_size


def _read(path: Path) -> str | None:
    """The text of a file, "" where there is none, None for one that cannot be read: nobody takes that for empty."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        log.warning("settings_unreadable", name=path.name, reason=type(error).__name__)
        return None


def without_own(text: str) -> str | None:
    """The settings without what is about one machine; None for what is no TOML."""
    document = _parsed(text)
    if document is None:
        return None
    for table, names in OWN.items():
        for name in names:
            _table(document, table).pop(name, None)
    for table in OWN_TABLES:
        document.pop(table, None)
    return tomlkit.dumps(document)


def joined(shared: str, own: str) -> str | None:
    """The shared settings with this machine's own values put back; None when one of the two is no TOML."""
    stripped = without_own(shared)
    document, mine = _parsed(stripped) if stripped is not None else None, _parsed(own)
    if document is None or mine is None:
        return None
    for table, names in OWN.items():
        kept = {name: _table(mine, table)[name] for name in names if name in _table(mine, table)}
        if kept and table not in document:
            document.add(table, tomlkit.table())
        _table(document, table).update(kept)
    for table in OWN_TABLES:
        if table in mine:
            document[table] = mine[table]
    return tomlkit.dumps(document)


def _say_the_same(one: str, other: str) -> bool:
    """Whether two texts are the same settings, whatever their order, comments and blank lines."""
    mine, theirs = _parsed(one), _parsed(other)
    return mine is not None and theirs is not None and mine.unwrap() == theirs.unwrap()


def _parsed(text: str) -> tomlkit.TOMLDocument | None:
    try:
        return tomlkit.parse(text)
    except TOMLKitError:
        return None


def _table(document: tomlkit.TOMLDocument, name: str) -> MutableMapping[str, Any]:
    """A table to read and change; an empty one that belongs to nothing where there is none, or something else of that name."""
    found = document.get(name)
    return found if isinstance(found, MutableMapping) else {}
