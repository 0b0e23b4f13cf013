"""Writers in a row: when the first cannot write, the next one does, and the draft says why.

A writer that failed again and again is left alone for a growing pause, so that a dead model costs a case nothing but a look at it.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from appliance.engines.errors import EngineBusy, EngineUnavailable, LimitReached
from appliance.engines.supervision import Pauses
from appliance.engines.writer.protocol import Writer, WritingRequest, Written
from appliance.ground.clock import Clock
from appliance.ground.errors import EngineError
from appliance.ground.log import Log, Trouble
from appliance.records.answer import Usage

log = Log("writer")

FAILED = "engine_failed"


class ChainWriter:
    """Goes by the name of its first writer. ``Usage.cause`` is the code of why the first one did not write."""

    def __init__(self, writers: Sequence[Writer], clock: Clock) -> None:
        self._writers = tuple(writers)
        self.name = self._writers[0].name
        self._pauses = [Pauses(clock) for _ in self._writers]
        self._not_before = 0.0  # what a server's own limit asked for
        self._clock = clock
        self._lock = threading.Lock()
        self.trouble = Trouble(log, "writer")

    @property
    def version(self) -> str:
        return self._writers[0].version

    @property
    def prompt(self) -> str:
        return self._writers[0].prompt

    @property
    def raw(self) -> Any:
        """The first writer's model; None when it has none."""
        return getattr(self._writers[0], "raw", None)

    def write(self, request: WritingRequest) -> Written:
        """The first draft that is had. Raises the first writer's error when none can write."""
        error: EngineError | None = None
        began = self._clock.elapsed()
        for place, writer in enumerate(self._writers):
            try:
                written = self._ask(place, writer, request)
            except EngineError as failed:
                error = error or failed
                continue
            return _told(written, writer, error, self._clock.elapsed() - began)
        raise error or EngineUnavailable("There is no writer.")

    def health(self) -> str:
        """What is wrong with the first writer; "" when nothing is."""
        own = getattr(self._writers[0], "health", None)
        with self._lock:
            paused = self._paused(0)
        return paused.message if paused is not None else (own() if own is not None else "")

    def state(self) -> Any:
        """How the first writer's process is; None when it has none."""
        return _state(self._writers[0])

    def close(self) -> None:
        """Close every writer."""
        for writer in self._writers:
            close = getattr(writer, "close", None)
            if close is not None:
                close()

    def _ask(self, place: int, writer: Writer, request: WritingRequest) -> Written:
        with self._lock:
            paused = self._paused(place)
        if paused is not None:
            raise paused
        try:
            written = writer.write(request)
        except EngineError as error:
            self._failed(place, error)
            raise
        except Exception as error:  # a fault of ours in one writer must not keep the next from writing
            log.error("writer_failed", error=error, writer=writer.name)
            wrapped = EngineError(f"The writer {writer.name} failed ({type(error).__name__}).", code=FAILED)
            self._failed(place, wrapped)
            raise wrapped from error
        with self._lock:
            self._pauses[place].succeeded()
        if place == 0:
            self.trouble.healed()
        return written

    def _paused(self, place: int) -> EngineError | None:
        error = self._pauses[place].error
        waits = self._pauses[place].left() > 0 or (place == 0 and self._clock.elapsed() < self._not_before)
        return type(error)(error.message, error.remedy, code=error.code) if waits and error is not None else None

    def _failed(self, place: int, error: EngineError) -> None:
        if place == 0:
            self.trouble.broke(error.message, error=error, remedy=error.remedy)
        with self._lock:
            if isinstance(error, LimitReached) and place == 0:
                self._not_before = self._clock.elapsed() + error.wait_seconds
                self._pauses[place].error = error
            elif not isinstance(error, EngineBusy):  # to be busy is no fault
                self._pauses[place].failed(error)


def _told(written: Written, writer: Writer, error: EngineError | None, seconds: float) -> Written:
    """With who wrote it and why that one; ``seconds`` in all, the vain tries too."""
    usage = written.usage if written.usage.engine else Usage(engine=writer.name)
    if error is not None:
        usage = replace(usage, seconds=round(seconds, 3))
    cause = (error.code or FAILED) if error is not None else usage.cause
    return replace(written, usage=replace(usage, cause=cause))


class Later:
    """A writer that cannot be made yet: its model or its prompt is missing. It says so each time it is asked, and is made once it can be.

    So the node starts all the same, and a model that is brought later is used without a restart.
    """

    def __init__(self, name: str, make: Callable[[], Writer]) -> None:
        self.name = name
        self._make = make
        self._made: Writer | None = None
        self._reason = ""
        self._lock = threading.Lock()
        with contextlib.suppress(EngineError):
            self._writer()

    @property
    def version(self) -> str:
        return self._made.version if self._made is not None else "0"

    @property
    def prompt(self) -> str:
        return self._made.prompt if self._made is not None else ""

    @property
    def raw(self) -> Any:
        return getattr(self._made, "raw", None)

    def write(self, request: WritingRequest) -> Written:
        """Raises what keeps it from being made, and what the writer raises."""
        return self._writer().write(request)

    def health(self) -> str:
        """Why it cannot be made, or what is wrong with it."""
        own = getattr(self._made, "health", None)
        return self._reason if self._made is None else own() if own is not None else ""

    def state(self) -> Any:
        """How its process is; None when it has none."""
        return _state(self._made)

    def close(self) -> None:
        """Close it when it was made."""
        close = getattr(self._made, "close", None)
        if close is not None:
            close()

    def _writer(self) -> Writer:
        with self._lock:
            if self._made is None:
                try:
                    self._made = self._make()
                except EngineError as error:
                    self._reason = error.message
                    raise
            return self._made


def _state(writer: Any) -> Any:
    look = getattr(getattr(writer, "raw", None) or writer, "state", None)
    return look() if look is not None else None


def _is_a_writer(clock: Clock) -> Writer:
    """For the type checker: this class is a writer."""
    return ChainWriter((), clock)
