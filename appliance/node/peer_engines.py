"""The other node's engines. Both machines have a model; the one that leads has all the work. So it hands composing and transcribing to
the other one when its own engine is busy or not well, and takes it back when that does not come about.

Only the engine is the other node's: what it gives back is checked and decided here, as if it had been written here. Nothing is put down
there, so a node that dies with our request on its engine has lost us nothing but the time.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol, TypeVar

from appliance.engines.ear.protocol import Ear, Hearing
from appliance.engines.errors import ClipUnreadable, EngineTimeout, EngineUnavailable
from appliance.engines.writer.protocol import Writer, WritingRequest, Written
from appliance.ground.clock import Clock
from appliance.ground.errors import EngineError, TandemError
from appliance.ground.log import Log
from appliance.node.forward import Problem, problem_of, raised
from appliance.pair.line.errors import LineError, LineSilent
from appliance.pair.line.wire import Line, Open
from appliance.records.base import Record
from appliance.records.voice import Segment, Transcript

log = Log("engines")

SERVICE = "engine"
IDLE_SECONDS = 600.0
KNOCK_SECONDS = 2.0
BEAT_SECONDS = 2.0
SILENT_SECONDS = 15.0  # without a sign of life; a node that is stopped keeps its lines open, and a transcript may take hours
PART_BYTES = 1 << 20
CLIP_BYTES_MOST = 200_000_000
PAUSE_SECONDS = 15.0  # in which an engine that failed over there is not asked again
R = TypeVar("R")


class WriteThere(Record, tag="write"):
    """Write this."""

    request: WritingRequest


class HearThere(Record, tag="hear"):
    """Hear this clip; its bytes follow in so many parts."""

    hearing: Hearing
    parts: int


class ClipPart(Record, tag="part"):
    """The next bytes of the clip."""

    data: bytes


class StillThere(Record, tag="still"):
    """Is anybody there? Asked on a line that was idle."""


class AtWork(Record, tag="at_work"):
    """It takes a while, and nobody has forgotten you."""


class Done(Record, tag="done"):
    """What came of it, or why nothing did."""

    written: Written | None = None
    transcript: Transcript | None = None
    error: Problem | None = None


class Local(Protocol):
    """This machine's own engines, without the other node's."""

    @property
    def writer(self) -> Writer: ...

    @property
    def ear(self) -> Ear | None: ...


class EngineService:
    """The side that lends its engines."""

    def __init__(self, local: Callable[[], Local]) -> None:
        self._local = local

    def serve(self, line: Line, _open: Open) -> None:
        """Answer one request after the other until the line goes."""
        while True:
            try:
                asked: WriteThere | HearThere | StillThere = line.receive(WriteThere | HearThere | StillThere, IDLE_SECONDS)
                with _beating(line):
                    done = self._answer(line, asked)
                line.send(done)
            except LineError:
                return

    def _answer(self, line: Line, asked: WriteThere | HearThere | StillThere) -> Done:
        try:
            if isinstance(asked, WriteThere):
                return Done(written=self._local().writer.write(asked.request))
            if isinstance(asked, HearThere):
                return Done(transcript=self._hear(line, asked))
        except TandemError as error:
            return Done(error=problem_of(error))
        except LineError:
            raise
        except Exception as error:
            log.error("lent_engine_failed", error=error)
            return Done(error=problem_of(EngineUnavailable("The other node's engine failed.", "See the error log over there.")))
        return Done()

    def _hear(self, line: Line, asked: HearThere) -> Transcript:
        data = bytearray()
        for _ in range(asked.parts):
            data += line.receive(ClipPart, IDLE_SECONDS).data
            if len(data) > CLIP_BYTES_MOST:
                raise EngineUnavailable("The clip is too large to be lent an ear.", "The node that has it hears it itself.")
        ear = self._local().ear
        if ear is None:
            raise EngineUnavailable("No ear is set up on the other node.", "Set voice.enabled there too.")
        hearing = Hearing(data=bytes(data), **{name: getattr(asked.hearing, name) for name in Hearing.__struct_fields__ if name != "data"})
        return ear.hear(hearing)


@contextmanager
def _beating(line: Line) -> Iterator[None]:
    """Signs of life on the line for as long as this lasts."""
    over = threading.Event()

    def beat() -> None:
        with suppress(LineError):
            while not over.wait(BEAT_SECONDS):
                line.send(AtWork())

    thread = threading.Thread(target=beat, name="engine-beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class OtherEngines:
    """The side that asks. One request is on a line at a time; each thread that asks gets a line of its own."""

    def __init__(self, dial: Callable[[], Line], clock: Clock, seconds: float, hearing_seconds: float = 0.0) -> None:
        """``seconds`` is how long a draft is waited for, ``hearing_seconds`` a transcript (0: as long): an hour of speech takes hours."""
        self._dial = dial
        self._clock = clock
        self._seconds = seconds
        self._hearing_seconds = hearing_seconds or seconds
        self._idle: list[Line] = []
        self._closed = False
        self._lock = threading.Lock()
        self._not_before = 0.0

    @property
    def worth_asking(self) -> bool:
        """Whether it did not fail a moment ago."""
        return self._clock.elapsed() >= self._not_before

    def write(self, request: WritingRequest) -> Written:
        """Raises ``EngineError``, also when the other node cannot be reached."""
        written = self._ask(lambda line: line.send(WriteThere(request=request)), self._seconds).written
        if written is None:
            raise EngineUnavailable("The other node wrote nothing.", "Run the same version of Tandem on both nodes.")
        return written

    def hear(self, hearing: Hearing) -> Transcript:
        """Raises ``EngineError``, also when the other node cannot be reached."""
        transcript = self._ask(lambda line: _send_clip(line, hearing), self._hearing_seconds).transcript
        if transcript is None:
            raise EngineUnavailable("The other node heard nothing.", "Run the same version of Tandem on both nodes.")
        return transcript

    def _ask(self, tell: Callable[[Line], None], seconds: float) -> Done:
        try:
            line = self._line()
            try:
                tell(line)
                done = self._done(line, seconds)
            except BaseException:  # whatever it was: half a request, or an answer to come, would be taken for the next one's
                line.close()
                raise
        except LineSilent as error:
            self._failed()
            raise EngineTimeout("The other node's engine did not answer in time.", "This node goes on with its own.") from error
        except LineError as error:
            self._failed()
            raise EngineUnavailable(f"The other node's engine cannot be reached: {error}.", "This node goes on with its own.") from error
        self._keep(line)
        if done.error is not None:
            problem = raised(done.error)
            if not isinstance(problem, ClipUnreadable):
                self._failed()
            raise problem if isinstance(problem, EngineError) else EngineUnavailable(problem.message, problem.remedy)
        return done

    def _done(self, line: Line, seconds: float) -> Done:
        """Within this time altogether, and never silent for long."""
        until = self._clock.elapsed() + seconds
        while (left := until - self._clock.elapsed()) > 0:
            word: AtWork | Done = line.receive(AtWork | Done, min(left, SILENT_SECONDS))
            if isinstance(word, Done):
                return word
        raise LineSilent(seconds)

    def _failed(self) -> None:
        self._not_before = self._clock.elapsed() + PAUSE_SECONDS

    def _line(self) -> Line:
        while True:
            with self._lock:
                line = self._idle.pop() if self._idle else None
            if line is None:
                return self._dial()
            try:
                line.send(StillThere())
                line.receive(Done, KNOCK_SECONDS)
                return line
            except LineError:
                line.close()

    def _keep(self, line: Line) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(line)
                return
        line.close()

    def close(self) -> None:
        """Close the lines that are idle, and each that is in use once its answer is there."""
        with self._lock:
            self._closed = True
            lines, self._idle = self._idle, []
        for line in lines:
            line.close()


def _send_clip(line: Line, hearing: Hearing) -> None:
    parts = [hearing.data[start : start + PART_BYTES] for start in range(0, len(hearing.data), PART_BYTES)]
    named = {name: getattr(hearing, name) for name in Hearing.__struct_fields__ if name != "data"}
    line.send(HearThere(hearing=Hearing(data=b"", **named), parts=len(parts)))
    for part in parts:
        line.send(ClipPart(data=part))


class Shared:
    """Shares work out between this machine's engine and the other one's. ``at_once``: so many requests this engine takes well."""

    def __init__(self, at_once: int, other: Callable[[], OtherEngines | None]) -> None:
        self._at_once = at_once
        self._other = other
        self._under_way = 0
        self._lock = threading.Lock()
        self.lent = 0  # requests that the other node's engine answered
        self.taken_back = 0  # those that it did not, and this one did

    def ask(self, here: Callable[[], R], there: Callable[[OtherEngines], R], well: bool) -> R:
        """Here, unless this engine has as much to do as it takes, or is not ``well``, and the other one may be asked.

        What fails there is done here. What fails here goes up: there the same would fail for the same reason, or it was asked already.
        """
        with self._lock:
            busy = self._under_way >= self._at_once
            stays = well and not busy
            self._under_way += stays
        try:
            return here() if stays else self._there_first(here, there)
        finally:
            with self._lock:
                self._under_way -= stays

    def _there_first(self, here: Callable[[], R], there: Callable[[OtherEngines], R]) -> R:
        other = self._other()
        if other is not None and other.worth_asking:
            try:
                found = there(other)
            except ClipUnreadable:
                raise
            except EngineError as error:
                self.taken_back += 1
                log.info("taken_back", reason=type(error).__name__)
            else:
                self.lent += 1
                return found
        return here()


class SharedWriter:
    """This machine's writer and the other one's, as one."""

    def __init__(self, local: Writer, shared: Shared) -> None:
        self._local = local
        self._shared = shared
        self.name = local.name

    @property
    def version(self) -> str:
        """Asked for anew: a writer whose model is brought later has its version from then on."""
        return self._local.version

    @property
    def prompt(self) -> str:
        return self._local.prompt

    def write(self, request: WritingRequest) -> Written:
        """As the writer's protocol says."""
        well = _is_well(self._local)
        return self._shared.ask(lambda: self._local.write(request), lambda other: _by_the_first(other.write(request)), well)


def _by_the_first(written: Written) -> Written:
    """What another writer wrote in the stead of the one that was asked for is no help: such a one stands in here, too."""
    if written.usage.cause:
        raise EngineUnavailable("The other node's writer was stood in for.", "This node goes on with its own.")
    return written


class SharedEar:
    """This machine's ear and the other one's, as one. Whoever waits for each segment is served here."""

    def __init__(self, local: Ear, shared: Shared) -> None:
        self._local = local
        self._shared = shared
        self.name, self.version = local.name, local.version

    def hear(self, hearing: Hearing, on_segment: Callable[[Segment], None] | None = None) -> Transcript:
        """As the ear's protocol says."""
        if on_segment is not None or hearing.quick:
            return self._local.hear(hearing, on_segment)
        return self._shared.ask(lambda: self._local.hear(hearing), lambda other: other.hear(hearing), _is_well(self._local))

    def close(self) -> None:
        """The engine is closed by whoever made it."""


def _is_well(engine: Any) -> bool:
    health: Callable[[], str] | None = getattr(engine, "health", None)
    return health is None or not health()
