"""Clips that are dropped into a folder: taken in once they have stopped growing, then moved to the archive or deleted.

As with folders of mail there is no cursor: a file is offered until ``done`` has put it away, and the store knows by the origin what it
has already. An origin names the file, its length and when it was written, and not what is in it: nothing that is left of an erased
customer tells which sound was theirs.
"""

import hashlib
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from appliance.channels.voice.arrivals import MAILBOX, arrival
from appliance.channels.voice.errors import ClipsUnusable
from appliance.channels.voice.sound import SUFFIXES
from appliance.ground.clock import Clock
from appliance.ground.ids import new_id
from appliance.ground.log import Log
from appliance.records.message import Arrival, Batch, Cursor, Origin
from appliance.records.voice import Caller

SETTLE_SECONDS = 2.0  # without a change before a file counts as whole
LOOK_SECONDS = 1.0
BATCH_CLIPS = 4  # each may be large, and all of a batch are held at a time
BATCH_BYTES = 30_000_000

_log = Log("voice")


class _Look(NamedTuple):
    size: int
    changed_ns: int
    inode: int


class WatchFolder:
    """A folder of clips. See ``protocol.Inbox``. ``languages`` by folder name: a clip in ``inbox/fi`` is said to be Finnish."""

    mailbox = MAILBOX

    def __init__(
        self,
        inbox: Path,
        archive: Path | None,
        most_bytes: int,
        languages: Sequence[str],
        clock: Clock,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        if archive is not None and archive.absolute() == inbox.absolute():
            raise ClipsUnusable("The archive of clips is the watched folder itself.", "Set voice.archive to another folder.")
        self._inbox = inbox
        self._archive = archive
        self._most_bytes = most_bytes
        self._languages = tuple(languages)
        self._clock = clock
        self._settle_seconds = settle_seconds
        self._looks: dict[Path, tuple[_Look, float]] = {}
        self._out: dict[str, tuple[Path, _Look]] = {}
        self._left: dict[Path, _Look] = {}  # too large, or handled and not to be moved away: not offered again as it is
        self.folder = hashlib.sha256(os.fsencode(inbox.absolute())).hexdigest()[:16]

    def take(self, cursor: Cursor | None) -> Batch:  # noqa: ARG002 - files have none
        arrivals: list[Arrival] = []
        room = BATCH_BYTES
        for path, look in self._whole():
            if arrivals and (len(arrivals) >= BATCH_CLIPS or look.size > room):
                return Batch(arrivals=tuple(arrivals), more=True)
            one = self._arrival(path, look)
            if one is not None:
                arrivals.append(one)
                room -= look.size
        return Batch(arrivals=tuple(arrivals))

    def left(self, cursor: Cursor | None) -> int:  # noqa: ARG002
        return len(self._whole())

    def claim(self, origins: Sequence[Origin]) -> tuple[Origin, ...]:  # noqa: ARG002
        """Nobody else reads the folder."""
        return ()

    def done(self, origins: Sequence[Origin]) -> None:
        troubles = [error for origin in origins if (error := self._put_away(origin.name)) is not None]
        if troubles:
            raise troubles[0]

    def wait(self, seconds: float, stop: threading.Event) -> None:
        end = self._clock.elapsed() + seconds
        while not stop.is_set() and (left := end - self._clock.elapsed()) > 0:
            self._clock.wait(stop, min(left, LOOK_SECONDS))
            with suppress(ClipsUnusable):
                if self._whole():
                    return

    def close(self) -> None:
        """Nothing is held open."""

    def _arrival(self, path: Path, look: _Look) -> Arrival | None:
        if look.size > self._most_bytes:
            self._left[path] = look
            _log.warning("clip_too_large", size_bytes=look.size, most_bytes=self._most_bytes)
            return None
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None  # somebody took it away again
        except OSError as error:
            raise self._unreadable(error) from None
        name = f"{path.relative_to(self._inbox)}~{look.size}~{look.changed_ns}"
        self._out[name] = (path, look)
        spoken = path.parent.name if path.parent != self._inbox and path.parent.name in self._languages else ""
        at = min(look.changed_ns / 1e9, self._clock.now())
        return arrival(name, path.name, data, Caller(), self._clock.now(), language=spoken, folder=self.folder, received_at=at)

    def _files(self) -> Iterator[Path]:
        """Sound files in the folder and in those of the languages below it; not what a leading dot or another suffix sets apart."""
        folders = [self._inbox, *(folder for code in self._languages if (folder := self._inbox / code).is_dir())]
        try:
            for folder in folders:
                with os.scandir(folder) as entries:
                    names = [entry.path for entry in entries if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False)]
                yield from (path for name in names if (path := Path(name)).suffix.lower() in SUFFIXES)
        except OSError as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: OSError) -> ClipsUnusable:
        return ClipsUnusable(
            f"The folder of clips {self._inbox} cannot be read ({error.strerror}).",
            "Create it, or set voice.watch_folder to one that this user may read.",
        )

    def _whole(self) -> list[tuple[Path, _Look]]:
        """The files that have not changed for a while, oldest first. An empty one is most likely about to be filled."""
        now, wall = self._clock.elapsed(), self._clock.now()
        looks: dict[Path, tuple[_Look, float]] = {}
        whole: list[tuple[Path, _Look]] = []
        for path in self._files():
            look = _look(path)
            if look is None:
                continue
            before = self._looks.get(path)
            since = before[1] if before is not None and before[0] == look else now
            looks[path] = (look, since)
            quiet = max(now - since, wall - look.changed_ns / 1e9) >= self._settle_seconds
            if look.size and quiet and self._left.get(path) != look:
                whole.append((path, look))
        self._looks = looks
        return sorted(whole, key=lambda one: (one[1].changed_ns, one[0]))

    def _put_away(self, name: str) -> ClipsUnusable | None:
        """Archive or delete the file, unless somebody has put another one under its name."""
        path, look = self._out.pop(name, (None, None))
        if path is None or look is None or _look(path) != look:
            return None
        try:
            if self._archive is None:
                path.unlink()
            else:
                self._archive.mkdir(parents=True, exist_ok=True)
                shutil.move(path, _free(self._archive, path))
        except OSError as error:
            self._left[path] = look
            return ClipsUnusable(
                f"A handled clip in {path.parent} cannot be moved away ({error.strerror}).",
                "Give this user the right to change the folder; the clip itself is safe and is not taken in again.",
            )
        return None


def _look(path: Path) -> _Look | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return _Look(found.st_size, found.st_mtime_ns, found.st_ino)


def _free(archive: Path, path: Path) -> Path:
    """A place in the archive that nothing lies in."""
    wanted = archive / path.name
    return wanted if not wanted.exists() else archive / f"{path.stem}~{new_id('')}{path.suffix}"
