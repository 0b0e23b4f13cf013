"""The versions of a source that were in use before, copied beside when another took their place."""

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

from appliance.ground.errors import Refused
from appliance.ground.files import write_atomically
from appliance.knowledge.passages import digest_of
from appliance.records.base import Record

VERSIONS_MOST = 10
_TIME = "%Y%m%dT%H%M%S.%fZ"
_NOT_NAME = re.compile(r"[^A-Za-z0-9._-]+")


class Earlier(Record):
    """One version. ``id`` names it within its source; ``at`` is when another took its place."""

    id: str
    at: float
    digest: str
    size_bytes: int


class EarlierVersions:
    """A folder for each source, with its last ``VERSIONS_MOST`` versions."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, source: str, content: bytes, suffix: str, now: float) -> None:
        """Put this version beside; the oldest goes when there are too many. Raises ``OSError``: then nothing may be replaced."""
        folder = self._of(source)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        moment = datetime.fromtimestamp(now, UTC).strftime(_TIME)
        write_atomically(folder / f"{moment}-{digest_of(content)}{suffix}", content)
        for old in self.all(source)[VERSIONS_MOST:]:
            (folder / old.id).unlink(missing_ok=True)

    def all(self, source: str) -> tuple[Earlier, ...]:
        """Newest first."""
        found = [_earlier(path) for path in self._of(source).glob("*Z-*")]
        return tuple(sorted((one for one in found if one is not None), key=lambda one: one.id, reverse=True))

    def content(self, source: str, version: str = "") -> tuple[Earlier, bytes]:
        """This version, or the newest, and its bytes. Raises ``Refused`` when there is none."""
        found = next((one for one in self.all(source) if version in ("", one.id)), None)
        if found is None:
            raise Refused(f"There is no earlier version of {source}.", "One is kept whenever a new file is activated.", code="no_earlier")
        return found, (self._of(source) / found.id).read_bytes()

    def _of(self, source: str) -> Path:
        unique = hashlib.sha256(source.encode()).hexdigest()[:8]
        return self._folder / f"{_NOT_NAME.sub('_', source)[-60:]}.{unique}"


def _earlier(path: Path) -> Earlier | None:
    moment, _, rest = path.name.partition("-")
    try:
        at = datetime.strptime(moment, _TIME).replace(tzinfo=UTC).timestamp()
        return Earlier(id=path.name, at=at, digest=rest.partition(".")[0], size_bytes=path.stat().st_size)
    except (OSError, ValueError):
        return None  # not one of ours, or gone meanwhile
