"""Versions side by side: ``<prefix>/versions/<version>/`` is an environment each, ``versions/current`` names the one in use.

The service starts ``<prefix>/bin/tandem``, a few lines of shell that belong to no version. Only ``versions`` is written to by the
appliance's account. Whoever starts a version resolves the link first: a process whose folder changed under it would load half of
itself from another version.

A version is on trial while the file ``versions/trial`` is there; its first line is the version to go back to, for the launcher, and
its second says the rest.
"""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec

from appliance.care.update.facts import Facts
from appliance.care.update.versions import is_version
from appliance.ground.errors import Refused
from appliance.ground.files import flush_directory, write_atomically
from appliance.records.base import Record

FOLDER = "versions"
CURRENT = "current"
TRIAL = "trial"
PREVIOUS = "previous"
FACTS = "tandem-facts.json"
PACKAGES = "tandem-packages.pth"

LAUNCHER = """\
#!/bin/sh
# Starts the version of Tandem that is in use. This file belongs to none of them, so one that cannot start keeps no other from starting.
# While a version is on trial the one before it counts how often it was started, and goes back by itself.
versions={versions}
if [ -f "$versions/trial" ]; then
    for word in "$@"; do
        if [ "$word" = run ]; then
            read -r proven < "$versions/trial"
            exec "$versions/$proven/bin/python" -P -m appliance.care.update.trial "$versions" "$@"
        fi
    done
fi
exec "$versions/$(readlink "$versions/current")/bin/python" -P -m appliance "$@"
"""


class Trial(Record):
    """A version that has to show itself: until confirmed it may be started so often, and run so long in all."""

    version: str
    back_to: str
    seconds: float
    starts_left: int
    home: str


class Layout(NamedTuple):
    """The folder of the versions."""

    folder: Path

    @property
    def launcher(self) -> Path:
        return self.folder.parent / "bin" / "tandem"

    def of(self, version: str) -> Path:
        """A version's folder. Raises ``Refused`` for what can be none."""
        if not is_version(version):
            raise Refused(f"{version[:40]!r} is no version.", "A version is written like 1.4.2.")
        return self.folder / version

    def python(self, version: str) -> Path:
        return self.of(version) / "bin" / "python"

    def in_use(self) -> str:
        """The version that is started from now on; "" when the link is not there."""
        try:
            return os.readlink(self.folder / CURRENT)
        except OSError:
            return ""

    def point_to(self, version: str) -> None:
        """Have this version started from now on, in one step that survives a power loss."""
        if not self.python(version).exists():
            raise Refused(f"Version {version} is not installed.", "Install it first: tandem update WHEEL")
        link = self.folder / f".{CURRENT}.{os.getpid()}"
        link.unlink(missing_ok=True)
        link.symlink_to(version)
        os.replace(link, self.folder / CURRENT)
        flush_directory(self.folder)

    def installed(self) -> tuple[str, ...]:
        """Every version that is wholly there."""
        return tuple(sorted(path.parent.name for path in self.folder.glob(f"*/{FACTS}") if is_version(path.parent.name)))

    def facts(self, version: str) -> Facts | None:
        """What the version said of itself when it was installed; None for one that is not wholly there."""
        try:
            return msgspec.json.decode((self.of(version) / FACTS).read_bytes(), type=Facts)
        except (OSError, msgspec.DecodeError):
            return None

    # The trial

    def trial(self) -> Trial | None:
        try:
            _, _, rest = (self.folder / TRIAL).read_bytes().partition(b"\n")
            return msgspec.json.decode(rest, type=Trial)
        except (OSError, msgspec.DecodeError):
            return None

    def write_trial(self, trial: Trial) -> None:
        write_atomically(self.folder / TRIAL, trial.back_to.encode() + b"\n" + msgspec.json.encode(trial))

    def end_trial(self) -> None:
        (self.folder / TRIAL).unlink(missing_ok=True)
        flush_directory(self.folder)

    def previous(self) -> str:
        """The version that was in use before this one was confirmed; "" when there is none, or it is gone."""
        try:
            version = (self.folder / PREVIOUS).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return ""
        return version if is_version(version) and self.python(version).exists() else ""

    def keep_previous(self, version: str) -> None:
        write_atomically(self.folder / PREVIOUS, version.encode())

    # What is no longer needed

    def clear(self, keep: set[str]) -> tuple[str, ...]:
        """Delete versions that are neither kept nor lend their packages to one that is; which were deleted."""
        texts = [path.read_text(encoding="utf-8") for version in keep for path in self.of(version).glob(f"lib/python*/*/{PACKAGES}")]
        gone = []
        for version in self.installed():
            folder = self.of(version)
            if version in keep or folder.is_symlink() or any(f"{folder}{os.sep}" in text for text in texts):
                continue
            (folder / FACTS).unlink()
            shutil.rmtree(folder, ignore_errors=True)
            gone.append(version)
        return tuple(gone)


def of_running(prefix: Path | None = None) -> Layout | None:
    """Where the running program's versions lie; None for one that was installed otherwise."""
    prefix = Path(sys.prefix) if prefix is None else prefix
    for folder in (prefix.parent, prefix / FOLDER):
        if folder.name == FOLDER and (folder / CURRENT).is_symlink():
            return Layout(folder)
    return None


def prepare(prefix: Path, facts: Facts) -> Layout:
    """Make an ordinary environment one that can be updated: it becomes the first version, where it lies. May be done twice.

    Its ``bin/tandem`` becomes the launcher, so a service that starts that program needs no change.
    """
    layout = Layout(prefix.absolute() / FOLDER)
    layout.folder.mkdir(mode=0o755, exist_ok=True)
    first = layout.of(facts.version)
    if not layout.in_use():
        if not first.is_symlink():
            first.symlink_to("..")
        write_atomically(prefix / FACTS, msgspec.json.encode(facts), mode=0o644)
        layout.point_to(facts.version)
    write_launcher(layout)
    return layout


def write_launcher(layout: Layout) -> None:
    layout.launcher.parent.mkdir(mode=0o755, exist_ok=True)
    text = LAUNCHER.replace("{versions}", shlex.quote(str(layout.folder)))
    write_atomically(layout.launcher, text.encode(), mode=0o755)
    layout.launcher.chmod(0o755)


def program(scripts: Path) -> Path:
    """What a service is to start: the launcher where this installation has one, else the program among these scripts."""
    layout = of_running()
    return layout.launcher if layout is not None else scripts / "tandem"
