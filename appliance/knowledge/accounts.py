"""The account sheet under watch: read again when it changes, swapped as a whole, the last good reading kept when it cannot be read.

Unlike knowledge it is kept in memory only. It holds customers' data, so no copy of it may outlive the file itself: after a
restart with a broken file there are no account records, and whatever needs them goes to a person.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from appliance.ground.clock import Clock
from appliance.knowledge.account_rows import AccountRows, read_rows
from appliance.knowledge.errors import SourceUnreadable
from appliance.knowledge.origin import FileOrigin, Stamp
from appliance.knowledge.passages import digest_of
from appliance.records.account import AccountRecord, AccountsState, Miss

NAME = "accounts"
_DAY = 86_400.0
_FRESH = 2.0  # seconds; a file this young may change again without its time and size showing it


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the sheet at one moment. ``digest`` is of the bytes that were read last, whatever came of it; ``stamp``
    None: look at the file whatever its time says."""

    rows: AccountRows = field(default_factory=AccountRows)
    read_at: float = 0.0
    modified_at: float = 0.0
    digest: str = ""
    stamp: Stamp | None = None
    trouble: SourceUnreadable | None = None


class Accounts:
    """The rows of one configured file. Any thread may look something up; refreshing is done by one at a time.

    ``names`` are the company's own headings by field; ``stale_days`` is the age from which on the file is told to be old, 0 never.
    """

    def __init__(self, path: Path, names: Mapping[str, Sequence[str]], stale_days: int, clock: Clock) -> None:
        self._origin = FileOrigin(path)
        self._path = path
        self._names = names
        self._stale_days = stale_days
        self._clock = clock
        self._refreshing = threading.Lock()
        self._now = Standing()

    def find(self, address: str, order: str) -> AccountRecord | Miss:
        """The one row of the customer with this address about this order."""
        now = self._now
        return now.rows.find(address, order) if now.read_at else Miss.CLOSED

    def refresh(self, settle_seconds: float = 0.0) -> bool:
        """Look at the file; True when there are new rows, a new trouble, or a trouble is over. Never raises for the file.

        ``settle_seconds``: a file written this recently is left for the next look, since its writer may be at it.
        """
        with self._refreshing:
            before = self._now
            try:
                self._now = self._looked_at(before, settle_seconds)
            except SourceUnreadable as error:
                self._now = _failed(before, error)
            return self._now.rows is not before.rows or _code(self._now) != _code(before)

    def _looked_at(self, now: Standing, settle_seconds: float) -> Standing:
        stamp = self._origin.stamp()
        if stamp == now.stamp:
            return now
        age = self._clock.now() - stamp.modified / 1e9
        if now.read_at and 0 <= age < settle_seconds:
            return now
        found = self._origin.content()
        if self._origin.stamp() != stamp:
            return now  # it was written to while it was read; the next look sees all of it
        trusted, digest = stamp if not 0 <= age < _FRESH else None, digest_of(found.content)
        return self._read(now, found.content, replace(now, stamp=trusted, modified_at=stamp.modified / 1e9, digest=digest))

    def _read(self, before: Standing, content: bytes, seen: Standing) -> Standing:
        """Read bytes that were not read before; those that failed once fail again."""
        if seen.digest == before.digest:
            return replace(seen, modified_at=before.modified_at if before.trouble is not None else seen.modified_at)
        try:
            rows = read_rows(self._path.name, content, self._names)
        except SourceUnreadable as error:
            return replace(seen, trouble=error, modified_at=before.modified_at)
        return replace(seen, rows=rows, read_at=self._clock.now(), trouble=None)

    def state(self) -> AccountsState:
        """The sheet as people see it. A file that never was is no trouble: not every company keeps one."""
        now = self._now
        code, trouble, remedy = self._trouble(now)
        return AccountsState(
            path=str(self._path), rows=len(now.rows.rows), duplicates=now.rows.duplicates, incomplete=now.rows.incomplete,
            columns=now.rows.columns, missing=now.rows.missing, read_at=now.read_at, modified_at=now.modified_at,
            code=code, trouble=trouble, remedy=remedy,
        )  # fmt: skip

    def _trouble(self, now: Standing) -> tuple[str, str, str]:
        if now.trouble is not None:
            never = now.trouble.code == "source_missing" and not now.read_at
            return ("", "", "") if never else (now.trouble.code, now.trouble.message, now.trouble.remedy)
        days = (self._clock.now() - now.modified_at) / _DAY
        if self._stale_days and now.read_at and days > self._stale_days:
            said = f"The account sheet was last written {int(days)} days ago; accounts.stale_days allows {self._stale_days}."
            return "accounts_stale", said, "Export it anew from the order system, or allow more days in tandem.toml."
        return "", "", ""


def _failed(before: Standing, error: SourceUnreadable) -> Standing:
    """The last good rows stay. A file that comes back is read whatever its time says."""
    return replace(before, trouble=error, stamp=None, digest="")


def _code(standing: Standing) -> str:
    return standing.trouble.code if standing.trouble is not None else ""
