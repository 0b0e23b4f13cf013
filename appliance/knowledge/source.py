"""One source under watch: is it another file than before, can it be read, and what stands until it can."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from appliance.ground.clock import Clock
from appliance.knowledge.errors import SourceUnreadable
from appliance.knowledge.kept import Keeper, Kept
from appliance.knowledge.passages import digest_of, passages_of
from appliance.knowledge.pieces import LIMITS
from appliance.knowledge.reading import READING_VERSION, read
from appliance.records.knowledge import Passage, SourceState
from appliance.records.language import Code

_FRESH = 2.0  # seconds; a file this young may change again without its time and size showing it


class ConfiguredSource(Protocol):
    """What the settings say of a source. A ``fallback`` path may stand beside: a template for when the source fails."""

    @property
    def path(self) -> Path: ...

    @property
    def language(self) -> Code: ...


@dataclass(frozen=True, slots=True)
class Stamp:
    """By what a change of a file is noticed without reading it."""

    modified: int
    size: int
    inode: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a source at one moment. ``stamp`` None: look at the file whatever its time says."""

    digest: str = ""
    passages: tuple[Passage, ...] = ()
    read_at: float = 0.0
    notes: tuple[str, ...] = ()
    stamp: Stamp | None = None
    failed_digest: str = ""
    trouble: SourceUnreadable | None = None
    failures: int = 0
    fallback: bool = False

    @property
    def good(self) -> bool:
        """Whether there are passages of this source to answer from, of whatever reading."""
        return bool(self.digest)


class WatchedSource:
    """Looks after one configured file. Only the library calls it, under its lock."""

    def __init__(self, configured: ConfiguredSource, base: Path, clock: Clock, keeper: Keeper, name: str) -> None:
        self.name = name
        self.language: Code = configured.language
        self.path = base / configured.path
        fallback = getattr(configured, "fallback", None)
        self._fallback: Path | None = base / fallback if fallback else None
        self._clock = clock
        self._keeper = keeper
        self._recalled = False
        self.standing = Standing()

    def look(self, settle_seconds: float) -> Standing:
        """The source as it stands now; the same object as before when nothing is new.

        ``settle_seconds``: a file written this recently is left alone until the next look, since its writer may be at it.
        """
        try:
            self.standing = self._looked_at(settle_seconds)
        except SourceUnreadable as error:
            self.standing = self._failed(error)
        return self.standing

    def recall(self) -> Standing:
        """The source as it stood when it was last looked at; the first time, as it was kept on disk."""
        if not self._recalled:
            self._recalled = True
            self.standing = self._kept()
        return self.standing

    def _kept(self) -> Standing:
        kept = self._keeper.load(self.name, self.language)
        if kept is None:
            return Standing()
        return Standing(digest=kept.digest, passages=kept.passages, read_at=kept.read_at, notes=kept.notes)

    def _looked_at(self, settle_seconds: float) -> Standing:
        now = self.standing
        stamp = self._stamp()
        if stamp == now.stamp:
            return now
        age = self._clock.now() - stamp.modified / 1e9
        if now.good and 0 <= age < settle_seconds:
            return now
        content = self._content()
        if self._stamp() != stamp:
            return now  # it was written to while it was read; the next look sees all of it
        trusted = stamp if not 0 <= age < _FRESH else None
        digest = digest_of(content)
        if digest == now.digest and not now.fallback:
            return self._unchanged(trusted)
        if digest == now.failed_digest:
            return now if trusted == now.stamp else replace(now, stamp=trusted)
        return self._read(content, digest, trusted)

    def _unchanged(self, stamp: Stamp | None) -> Standing:
        now = self.standing
        if stamp == now.stamp and now.trouble is None:
            return now
        return replace(now, stamp=stamp, trouble=None, failures=0, failed_digest="")

    def _read(self, content: bytes, digest: str, stamp: Stamp | None) -> Standing:
        try:
            reading = read(self.path.name, content, self.language)
        except SourceUnreadable as error:
            return self._failed(error, digest, stamp)
        passages = passages_of(reading.pieces, self.name, self.language)
        read_at = self._clock.now()
        self._keeper.save(
            Kept(
                source=self.name, language=self.language, digest=digest, read_at=read_at, passages=passages, notes=reading.notes,
                reading_version=READING_VERSION,
            )
        )  # fmt: skip
        return Standing(digest=digest, passages=passages, read_at=read_at, notes=reading.notes, stamp=stamp)

    def _failed(self, error: SourceUnreadable, digest: str = "", stamp: Stamp | None = None) -> Standing:
        """The last good passages stay; the template helps only where there never were any. ``digest`` and ``stamp`` are of
        the bytes that failed, if it came to reading them, so that the same bytes are not read again every time."""
        now = self.standing
        same = now.trouble is not None and now.trouble.code == error.code and now.trouble.message == error.message
        trouble = now.trouble if same else error
        failed = replace(now, trouble=trouble, failures=now.failures + 1, failed_digest=digest, stamp=stamp)
        if failed.good or self._fallback is None:
            return failed
        try:
            content = self._fallback.read_bytes()
            reading = read(self._fallback.name, content, self.language)
        except (OSError, SourceUnreadable):
            return failed
        passages = passages_of(reading.pieces, self.name, self.language)
        return replace(failed, digest=digest_of(content), passages=passages, read_at=self._clock.now(), notes=reading.notes, fallback=True)

    def _stamp(self) -> Stamp:
        try:
            found = self.path.stat()
        except OSError as error:
            raise self._missing(error) from error
        if found.st_size > LIMITS.file_bytes:
            raise SourceUnreadable(
                "source_too_large",
                f"{self.name} has {found.st_size // 1_000_000} MB; {LIMITS.file_bytes // 1_000_000} are allowed.",
                "Split it.",
            )
        return Stamp(found.st_mtime_ns, found.st_size, found.st_ino)

    def _content(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise self._missing(error) from error

    def _missing(self, error: OSError) -> SourceUnreadable:
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            return SourceUnreadable("source_missing", f"There is no file {self.path}.", "Put it back, or correct its path in tandem.toml.")
        if isinstance(error, IsADirectoryError):
            return SourceUnreadable("source_missing", f"{self.path} is a folder.", "Name a file in tandem.toml.")
        return SourceUnreadable(
            "source_locked", f"{self.path} cannot be opened: {error.strerror}.", "Close it in other programs and check who may read it."
        )

    def state(self) -> SourceState:
        """The source as people see it."""
        now = self.standing
        return SourceState(
            name=self.name, path=str(self.path), language=self.language, passages=len(now.passages), read_at=now.read_at, digest=now.digest,
            trouble=now.trouble.message if now.trouble else "", remedy=now.trouble.remedy if now.trouble else "", notes=now.notes,
            fallback=now.fallback, failures=now.failures,
        )  # fmt: skip
