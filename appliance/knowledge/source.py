"""One source under watch: is it another file than before, can it be read, and what stands until it can."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from appliance.ground.clock import Clock
from appliance.knowledge.errors import SourceUnreadable
from appliance.knowledge.kept import Keeper, Kept
from appliance.knowledge.origin import Answer, Content, FileOrigin, Origin, RemoteOrigin, Stamp
from appliance.knowledge.passages import digest_of, passages_of
from appliance.knowledge.reading import READING_VERSION, read
from appliance.knowledge.remote import SignIn, address_of
from appliance.records.knowledge import Passage, SourceState
from appliance.records.language import Code

_FRESH = 2.0  # seconds; a file this young may change again without its time and size showing it


ReadSecret = Callable[[Path], str]


class ConfiguredSource(Protocol):
    """What the settings say of a source: it is a file at ``path``, or one on a web server at ``url``, for which there may be a
    name and a password. A ``fallback`` path may stand beside: a template for when the source fails."""

    @property
    def path(self) -> Path: ...

    @property
    def url(self) -> str: ...

    @property
    def language(self) -> Code: ...

    @property
    def fallback(self) -> Path | None: ...

    @property
    def user(self) -> str: ...

    @property
    def password_file(self) -> Path | None: ...

    @property
    def authorities(self) -> Path | None: ...

    @property
    def poll_seconds(self) -> int: ...


def origin_of(configured: ConfiguredSource, base: Path, clock: Clock, read_secret: ReadSecret) -> Origin:
    """Where the source's bytes come from. Relative paths start at ``base``. Raises :class:`SourceUnreadable` for a url that is none."""
    if not configured.url:
        return FileOrigin(base / configured.path)
    return RemoteOrigin(address_of(configured.url), lambda: sign_in_of(configured, base, read_secret), configured.poll_seconds, clock)


def sign_in_of(configured: ConfiguredSource, base: Path, read_secret: ReadSecret) -> SignIn:
    """The name and the password as they are now. Raises ``TandemError`` when the password cannot be read."""
    password = read_secret(base / configured.password_file) if configured.password_file is not None else ""
    return SignIn(configured.user, password, str(base / configured.authorities) if configured.authorities is not None else "")


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
    """Looks after one configured source. Only the library calls it, under its lock."""

    def __init__(self, configured: ConfiguredSource, origin: Origin, base: Path, clock: Clock, keeper: Keeper, name: str) -> None:
        self.name = name
        self.language: Code = configured.language
        self.place = origin.path
        self.file: Path | None = None if configured.url else base / configured.path
        self._origin = origin
        self._fallback: Path | None = base / configured.fallback if configured.fallback else None
        self._clock = clock
        self._keeper = keeper
        self._recalled = False
        self.standing = Standing()

    def ask(self, at_once: bool) -> "Future[Answer] | None":
        """Begin to look, where that takes time; what may be waited for, or None."""
        return self._origin.ask(at_once)

    def look(self, settle_seconds: float) -> Standing:
        """The source as it stands now; the same object as before when nothing is new.

        ``settle_seconds``: a file written this recently is left alone until the next look, since its writer may be at it.
        """
        if not self._origin.has_news():
            return self.standing
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
        stamp = self._origin.stamp()
        if stamp == now.stamp:
            return now
        age = self._clock.now() - stamp.modified / 1e9
        if now.good and 0 <= age < settle_seconds:
            return now
        found = self._origin.content()
        if self._origin.stamp() != stamp:
            return now  # it was written to while it was read; the next look sees all of it
        trusted = stamp if not 0 <= age < _FRESH else None
        digest = digest_of(found.content)
        if digest == now.digest and not now.fallback:
            return self._unchanged(trusted)
        if digest == now.failed_digest:
            return now if trusted == now.stamp else replace(now, stamp=trusted)
        return self._read(found, digest, trusted)

    def _unchanged(self, stamp: Stamp | None) -> Standing:
        now = self.standing
        if stamp == now.stamp and now.trouble is None:
            return now
        return replace(now, stamp=stamp, trouble=None, failures=0, failed_digest="")

    def _read(self, found: Content, digest: str, stamp: Stamp | None) -> Standing:
        try:
            reading = read(found.name, found.content, self.language)
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

    def state(self) -> SourceState:
        """The source as people see it."""
        now = self.standing
        return SourceState(
            name=self.name, path=self._origin.shown, language=self.language, passages=len(now.passages), read_at=now.read_at,
            digest=now.digest, trouble=now.trouble.message if now.trouble else "", remedy=now.trouble.remedy if now.trouble else "",
            notes=now.notes, fallback=now.fallback, failures=now.failures, code=now.trouble.code if now.trouble else "",
        )  # fmt: skip
