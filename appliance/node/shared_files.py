"""Which files both nodes of a pair have alike: settings, policy, macros, knowledge, the account sheet, and the secrets they name.

The standby pulls them from the leader. A file that lies in the home has the same name there; one that lies elsewhere (a network share)
is each machine's own affair and is not touched. Of ``tandem.toml`` the tables that are about one machine stay: where its panel and
its peer's line listen, and what it logs.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

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
OWN = {"panel": ("host", "port", "chat_port", "public_url", "peers"), "pair": ("listen", "static_peer", "port"), "chat": ("host",)}
OWN_TABLES = ("log",)
FOLDERS = ("secrets", "sign-in")
NOT_SHARED = ("pair", "run", "logs", "divergent", "keyring", "node", "anchor", "knowledge-state", FILE_NAME)


class SharedFiles:
    """Of one node: what it gives as leader, and what it takes as standby. ``settings_changed``: as of the last pull."""

    def __init__(self, settings: Settings, dial: Callable[[], Line]) -> None:
        self._settings = settings
        self._home = settings.home
        self._dial = dial
        self._shared = Shared(self._places)
        self._desk = FilesDesk(self._shared)
        self.settings_changed = False

    def serve(self, line: Line, open_: Open) -> None:
        """The service ``files``."""
        self._write_settings_of_the_pair()
        self._desk.serve(line, open_)

    def pull(self) -> bool:
        """Fetch what differs; whether anything did. Raises what the line raises."""
        pulled = pull(self._dial, self._shared.manifest(), self._place)
        for name in pulled.removed:
            if name.split("/")[0] in FOLDERS:  # a secret that is gone there opens nothing here either
                (self._home / name).unlink(missing_ok=True)
        self.settings_changed = SHARED_SETTINGS in pulled.changed and self._take_settings()
        return bool(pulled.changed)

    # Which files

    def _places(self) -> Mapping[str, Path]:
        found = {name: path for path in self._paths() if (name := self._name(path))}
        return {**found, SHARED_SETTINGS: self._home / "pair" / SHARED_SETTINGS}

    def _paths(self) -> Iterator[Path]:
        settings = self._settings
        yield settings.home / settings.policy.path
        yield settings.home / settings.macros.path
        yield settings.home / settings.accounts.path
        yield settings.home / TRIALS
        for source in settings.knowledge.source:
            yield from (settings.home / path for path in (source.path, source.fallback, source.password_file, source.authorities) if path)
        for box in settings.mailbox:
            for way in (box.imap, box.smtp):
                yield from (settings.home / path for path in (way.password_file, way.authorities) if path)
        for folder in FOLDERS:
            yield from sorted(path for path in (settings.home / folder).glob("*") if path.is_file())

    def _name(self, path: Path) -> str:
        """Its place in the home, "" for one outside it, and for what is this machine's own."""
        try:
            name = path.resolve().relative_to(self._home.resolve()).as_posix()
        except ValueError:
            return ""
        return "" if name.split("/")[0] in NOT_SHARED or name.startswith((".", "tandem.db")) or name == "." else name

    def _place(self, name: str) -> Path | None:
        if name == SHARED_SETTINGS:
            return self._home / "pair" / SHARED_SETTINGS
        path = self._home / name
        return path if self._name(path) == name else None

    # tandem.toml

    def _write_settings_of_the_pair(self) -> None:
        text = without_own(_read(self._home / FILE_NAME))
        path = self._home / "pair" / SHARED_SETTINGS
        if text is not None and _read(path) != text:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            write_atomically(path, text.encode("utf-8"))

    def _take_settings(self) -> bool:
        """Put the leader's tables into this machine's file; whether that changed it. What this machine could not start with is left."""
        path = self._home / FILE_NAME
        before = _read(path)
        after = joined(_read(self._home / "pair" / SHARED_SETTINGS), before)
        if after is None or after == before:
            return False
        candidate = self._home / ".tandem.toml.of-the-pair"
        write_atomically(candidate, after.encode("utf-8"))
        try:
            load(candidate, home=self._home, environment=os.environ)
        except SettingsError as error:
            log.warning("settings_not_taken", reason=error.message)
            return False
        finally:
            candidate.unlink(missing_ok=True)
        write_atomically(path, after.encode("utf-8"))
        return True


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def without_own(text: str) -> str | None:
    """The settings without what is about one machine; None for what is no TOML."""
    try:
        document = tomlkit.parse(text)
    except TOMLKitError:
        return None
    for table, names in OWN.items():
        for name in names:
            if table in document and name in document[table]:
                del document[table][name]
    for table in OWN_TABLES:
        document.pop(table, None)
    return tomlkit.dumps(document)


def joined(shared: str, own: str) -> str | None:
    """The shared settings with this machine's own values put back; None when one of the two is no TOML."""
    try:
        document, mine = tomlkit.parse(shared), tomlkit.parse(own)
    except TOMLKitError:
        return None
    for table, names in OWN.items():
        kept = {name: mine[table][name] for name in names if table in mine and name in mine[table]}
        if kept and table not in document:
            document.add(table, tomlkit.table())
        for name, value in kept.items():
            document[table][name] = value
    for table in OWN_TABLES:
        if table in mine:
            document[table] = mine[table]
    return tomlkit.dumps(document)
