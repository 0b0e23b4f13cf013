"""Looking after an engine's process: started on demand, watched, limited, ended when idle, paused when it keeps dying.

One thread a running process watches it. It alone ends a process, whatever the reason, and writes the reason down first; whoever waits
for an answer then sees the pipe close and finds the reason here. So a process that hangs, that no longer reads, or that is stopped by a
signal looks the same to its caller: an error in time.
"""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from msgspec.structs import replace

from appliance.engines import errors, frames
from appliance.ground.clock import Clock
from appliance.ground.errors import EngineError
from appliance.ground.log import Log, scrub
from appliance.records.base import Record

log = Log("engines")

_ROOT = Path(__file__).resolve().parents[2]
# A proxy's address may hold a password, and no engine calls out.
_SECRET = ("PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "_KEY", "APIKEY", "CREDENTIAL", "_PROXY", "DATABASE_URL")
_NOT_INHERITED = ("TANDEM_", "NOTIFY_SOCKET", "WATCHDOG_")
# No engine asks the network for anything: models are brought by ``tandem models``.
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",
}

LOOK_SECONDS = 0.1
TAIL_LINES = 60
TAIL_LINE_CHARACTERS = 400
PAUSE_SECONDS_MOST = 60.0
_END_SECONDS = 5.0
_MOMENT_SECONDS = 0.3


class ChildLimits(Record):
    """What a child may take. ``memory_bytes`` 0: no limit; ``idle_seconds`` 0: never unloaded. ``silence_seconds``: how long it may
    give no sign of life while it works."""

    start_seconds: float = 60.0
    memory_bytes: int = 0
    idle_seconds: float = 600.0
    waiting_most: int = 16
    silence_seconds: float = 20.0


class ChildState(Record):
    """How a child is, for a health page. ``since``, ``heartbeat_at`` and ``last_success_at`` are Unix seconds, 0 for never.

    ``asked`` and ``failures`` count since the daemon started; ``last_error_code`` is one of ``engine_timeout``, ``engine_died`` …
    """

    name: str
    state: str = "stopped"  # stopped, starting, ready, working, failed
    pid: int = 0
    since: float = 0.0
    heartbeat_at: float = 0.0
    memory_bytes: int = 0
    waiting: int = 0
    asked: int = 0
    failures: int = 0
    last_success_at: float = 0.0
    last_error: str = ""
    last_error_code: str = ""


def environment(extra: Mapping[str, str] = {}) -> dict[str, str]:
    """What a child may see of our environment: no settings of ours and no secrets, and never a wish for the network."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_NOT_INHERITED) and not any(mark in name.upper() for mark in _SECRET)
    }
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])]
    return {**inherited, **_OFFLINE, "PYTHONPATH": os.pathsep.join(paths), **extra}


class Process:
    """One running child with its pipes. ``words`` are the frames it said, None once nothing more comes."""

    def __init__(self, module: str, arguments: Sequence[str], extra: Mapping[str, str], heard: Callable[[], None]) -> None:
        try:
            self._popen = subprocess.Popen(
                [sys.executable, "-P", "-m", module, *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=environment(extra), process_group=0,
            )  # fmt: skip
        except OSError as error:
            raise errors.EngineUnavailable(f"The engine's process could not be started ({error.strerror}).") from error
        self._heard = heard
        self._listener = threading.Thread(target=self._listen, name="engine-words", daemon=True)
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.words: queue.SimpleQueue[frames.Frame | None] = queue.SimpleQueue()
        self.garbage = False
        self.ended_by: EngineError | None = None  # why we ended it; None when it ended by itself
        self.quietly = False  # ended because nobody needs it
        self.written_down = False  # its end is counted
        self._listener.start()
        threading.Thread(target=self._gather, name="engine-stderr", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def running(self) -> bool:
        """Whether it can still be asked. One that we are ending cannot, although the system may not have taken it away yet."""
        return self.ended_by is None and not self.quietly and self._popen.poll() is None

    def lives_on(self) -> bool:
        """Whether it still runs a moment from now: a connection breaks before the end of a process can be seen."""
        try:
            self._popen.wait(_MOMENT_SECONDS)
        except subprocess.TimeoutExpired:
            return True
        return False

    def send(self, value: Any) -> None:
        """Put a request onto the child's pipe. Raises ``OSError`` when it is gone; the watch ends a child that does not read."""
        assert self._popen.stdin is not None
        frames.write(self._popen.stdin, value)  # type: ignore[arg-type]

    def end(self, why: EngineError | None) -> None:
        """End it now. ``why`` is what its caller is told; None: nobody needs it any more."""
        if self.ended_by is None and not self.quietly:
            self.ended_by, self.quietly = why, why is None
        if self._popen.poll() is None:  # once it is reaped, its number may belong to somebody else
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_END_SECONDS)
        with contextlib.suppress(OSError):
            if self._popen.stdin is not None:
                self._popen.stdin.close()
        self.words.put(None)

    def gone(self) -> None:
        """It ended by itself: what it said last is still read, and whoever waits for more is told that nothing comes. Somebody whom it
        began may hold its pipe open, so the end of the pipe is not waited for."""
        self._listener.join(_MOMENT_SECONDS)
        self.words.put(None)

    def memory_bytes(self) -> int:
        """The memory it holds now; 0 when it is gone."""
        try:
            return int(psutil.Process(self._popen.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def tail(self) -> str:
        """The last lines of its standard error, with addresses and numbers masked: for the diagnosis."""
        return scrub("\n".join(self._tail))

    def how_it_ended(self) -> str:
        """In words, without a subject: "ended with code 3", "was ended by signal 9"."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_END_SECONDS)
        code = self._popen.returncode
        if code is None:
            return "closed its pipe"
        return f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"

    def _listen(self) -> None:
        pipe = self._popen.stdout
        assert pipe is not None
        try:
            while (word := frames.read_word(pipe)) is not None:  # type: ignore[arg-type]
                self._heard()
                if word.kind != "beat":
                    self.words.put(word)
        except frames.BrokenFrame:
            self.garbage = True
        except (OSError, ValueError):
            log.debug("engine_pipe_closed", pid=self.pid)
        self.words.put(None)

    def _gather(self) -> None:
        pipe = self._popen.stderr
        assert pipe is not None
        while line := pipe.readline(65_536):
            self._tail.append(line.decode("utf-8", "replace").rstrip()[:TAIL_LINE_CHARACTERS])
        pipe.close()


class Gate:
    """Lets so many in at once and so many wait, in the order in which they came; whoever is more is told to come again."""

    def __init__(self, name: str, at_once: int, waiting_most: int) -> None:
        self._name = name
        self._free = at_once
        self._waiting_most = waiting_most
        self._lock = threading.Lock()
        self._queue: deque[threading.Event] = deque()  # a place is handed to whoever waited longest; nobody can snatch it

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._queue)

    @contextlib.contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """A place, waited for at most so long. Raises :class:`EngineBusy`."""
        self._take(seconds)
        try:
            yield
        finally:
            self._give_back()

    def _take(self, seconds: float) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            if len(self._queue) >= self._waiting_most:
                raise errors.EngineBusy(f"As many requests wait for {self._name} as may ({self._waiting_most}).", "Try again later.")
            mine = threading.Event()
            self._queue.append(mine)
        try:
            got = mine.wait(seconds)
        except BaseException:
            if not self._leave(mine):
                self._give_back()
            raise
        if not got and self._leave(mine):
            raise errors.EngineBusy(f"{self._name} was not free within {seconds:g} s.", "Try again later.")

    def _leave(self, mine: threading.Event) -> bool:
        """Wait no longer; False when the place was given in this very moment."""
        with self._lock:
            if mine in self._queue:
                self._queue.remove(mine)
                return True
        return False

    def _give_back(self) -> None:
        with self._lock:
            if self._queue:
                self._queue.popleft().set()
            else:
                self._free += 1


class Pauses:
    """After a second failure in a row nobody tries again at once: 1, 2, 4 … seconds, up to a minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._in_a_row = 0
        self._until = 0.0
        self.error: EngineError | None = None

    def failed(self, error: EngineError) -> None:
        """Count a failure and begin its pause."""
        self._in_a_row += 1
        pause = min(2.0 ** (self._in_a_row - 2), PAUSE_SECONDS_MOST) if self._in_a_row > 1 else 0.0
        self._until, self.error = self._clock.elapsed() + pause, error

    def succeeded(self) -> None:
        """All is forgotten."""
        self._in_a_row, self._until, self.error = 0, 0.0, None

    def left(self) -> float:
        """Seconds until it may be tried again."""
        return max(0.0, self._until - self._clock.elapsed())


class Keeper:
    """Has at most one process of a kind, and knows how it is."""

    def __init__(
        self, name: str, module: str, arguments: Sequence[str], limits: ChildLimits, clock: Clock, extra: Mapping[str, str] = {}
    ) -> None:
        self.name = name
        self.limits = limits
        self._command = (module, tuple(arguments), dict(extra))
        self._clock = clock
        self._lock = threading.RLock()
        self._starting = threading.Lock()
        self._process: Process | None = None
        self._pauses = Pauses(clock)
        self._state = ChildState(name=name)
        self._phase = "stopped"
        self._working = 0
        self._deadline: float | None = None
        self._start_by: float | None = None  # apart from it: the last request to a server that died may end while the next one starts
        self._last_word = 0.0
        self._last_work = 0.0
        self._tail = ""
        self._closed = False

    def up(self, settle: Callable[[Process], None]) -> Process:
        """The running process, started when there is none. ``settle`` waits until it is ready. Raises what keeps it from running."""
        with self._starting:
            with self._lock:
                if self._process is not None and self._process.running():
                    self._last_work = self._clock.elapsed()  # or the watch might unload it before the work begins
                    return self._process
                if self._closed:
                    raise errors.EngineUnavailable(f"{self.name} is not started any more: the appliance is stopping.")
                self._refuse_while_paused()
            try:
                return self._start(settle)
            except EngineError as error:
                self.failed(error)
                raise

    def _refuse_while_paused(self) -> None:
        left, error = self._pauses.left(), self._pauses.error
        if left <= 0 or error is None:
            return
        if isinstance(error, errors.EngineUnavailable):
            raise type(error)(error.message, error.remedy, code=error.code)
        raise errors.EngineUnavailable(
            f"{self.name} failed several times and is started again in {left:.0f} s. The last time: {error.message}", error.remedy
        )

    def _start(self, settle: Callable[[Process], None]) -> Process:
        module, arguments, extra = self._command
        process = Process(module, arguments, extra, self._heard)
        with self._lock:
            now = self._clock.elapsed()
            self._process, self._phase = process, "starting"
            self._deadline, self._start_by = None, now + self.limits.start_seconds
            self._last_word = self._last_work = now
            self._note(since=self._clock.now(), memory_bytes=0)
        threading.Thread(target=self._watch, args=(process,), name="engine-watch", daemon=True).start()
        log.info("engine_started", engine=self.name, pid=process.pid)
        try:
            settle(process)
        except BaseException as error:
            process.end(error if isinstance(error, EngineError) else None)
            raise
        with self._lock:
            self._phase, self._start_by, self._last_work = "ready", None, self._clock.elapsed()
        return process

    @contextlib.contextmanager
    def work(self, seconds: float | None = None) -> Iterator[None]:
        """Something is being worked on; ``seconds`` ends the process when it takes longer. Errors are counted."""
        self._begin(seconds)
        try:
            yield
        except EngineError as error:
            self.failed(error)
            raise
        else:
            with self._lock:
                self._pauses.succeeded()
                self._note(last_success_at=self._clock.now())
        finally:
            with self._lock:
                self._working -= 1
                self._deadline = None
                self._last_work = self._clock.elapsed()

    def _begin(self, seconds: float | None) -> None:
        with self._lock:
            self._working += 1
            now = self._clock.elapsed()
            self._deadline = now + seconds if seconds is not None else None
            self._last_word = max(self._last_word, now)
            self._note(asked=self._state.asked + 1)

    def failed(self, error: EngineError) -> None:
        """Write a failure down. One that ended the process, or kept it from starting, begins a pause."""
        with self._lock:
            gone = self._process is None or not self._process.running()
            if gone:
                self._pauses.failed(error)
                if self._process is not None:
                    self._process.written_down = True
            self._note(failures=self._state.failures + 1, last_error=error.message, last_error_code=error.code)
        log.warning("engine_failed", engine=self.name, code=error.code, reason=error.message)

    def silent_seconds(self) -> float:
        """How long ago the process gave its last sign of life."""
        return self._clock.elapsed() - self._last_word

    def reason(self, process: Process) -> EngineError:
        """Why nothing more comes from this process."""
        if process.garbage:
            process.end(errors.EngineNonsense(f"{self.name} sent something that is no answer.", "It is started again by itself."))
        if process.ended_by is not None:
            return process.ended_by
        how = process.how_it_ended()
        return errors.EngineDied(f"{self.name} {how} while it was needed.", "It is started again by itself on the next request.")

    def stop(self) -> None:
        """End the process; a later request starts it again. A repeat does no harm."""
        with self._lock:
            process, self._process = self._process, None
            self._phase = "stopped"
        if process is not None:
            self._tail = process.tail()
            process.end(None)

    def close(self) -> None:
        """End the process, and start none any more. A repeat does no harm."""
        with self._lock:
            self._closed = True
        self.stop()

    def state(self, waiting: int = 0) -> ChildState:
        """How it is now."""
        with self._lock:
            process = self._process
            running = process is not None and process.running()
            phase = ("working" if self._working and self._phase == "ready" else self._phase) if running else "stopped"
            if not running and self._pauses.left() > 0:
                phase = "failed"
            pid = process.pid if process is not None and running else 0
            return replace(self._state, state=phase, pid=pid, waiting=waiting, memory_bytes=self._state.memory_bytes if running else 0)

    def tail(self) -> str:
        """The last lines that the child, or the one before it, wrote to its standard error."""
        process = self._process
        return process.tail() if process is not None else self._tail

    def _heard(self) -> None:
        self._last_word = self._clock.elapsed()
        self._note(heartbeat_at=self._clock.now())

    def _note(self, **fields: Any) -> None:
        with self._lock:
            self._state = replace(self._state, **fields)

    def _watch(self, process: Process) -> None:
        """Until the process has ended: look at its memory, its time, its signs of life, and whether anybody needs it."""
        pause = threading.Event()
        while process.running() and not process.garbage:
            memory = process.memory_bytes()
            self._note(memory_bytes=memory)
            with self._lock:
                trouble = self._trouble(memory)
                idle = trouble is None and self._is_idle()
                if idle and self._process is process:
                    self._process, self._phase = None, "stopped"
            if trouble is not None or idle:
                self._tail = process.tail()
                process.end(trouble)
                log.info("engine_ended", engine=self.name, code=trouble.code if trouble is not None else "idle")
                return
            pause.wait(LOOK_SECONDS)
        self._tail = process.tail()
        if process.garbage:
            process.end(errors.EngineNonsense(f"{self.name} sent something that is no answer.", "It is started again by itself."))
        elif process.ended_by is None and not process.quietly:
            self._note_death(process)
            process.gone()

    def _note_death(self, process: Process) -> None:
        """It ended by itself. Where nobody was waiting for it, nobody else writes that down."""
        with self._lock:
            unseen = not self._working and self._phase == "ready" and self._process is process and not process.written_down
        if unseen:
            self.failed(errors.EngineDied(f"{self.name} {process.how_it_ended()} while nobody needed it."))

    def _trouble(self, memory: int) -> EngineError | None:
        """Why the process must end now; None when it may go on."""
        now, limits = self._clock.elapsed(), self.limits
        if limits.memory_bytes and memory > limits.memory_bytes:
            return errors.EngineDied(
                f"{self.name} was ended: out of memory ({memory // 1_000_000} MB, {limits.memory_bytes // 1_000_000} MB allowed).",
                "Take a smaller model, or allow more memory.",
            )
        limit = self._start_by if self._phase == "starting" else self._deadline
        if limit is not None and now > limit:
            did = "did not start" if self._phase == "starting" else "did not answer"
            return errors.EngineTimeout(f"{self.name} {did} in time and was ended.", "It is started again by itself on the next request.")
        at_work = self._working or self._phase == "starting"
        if at_work and limits.silence_seconds and now - self._last_word > limits.silence_seconds:
            return errors.EngineTimeout(f"{self.name} gave no sign of life for {limits.silence_seconds:g} s and was ended.")
        return None

    def _is_idle(self) -> bool:
        limit = self.limits.idle_seconds
        waits = not self._working and self._phase == "ready"
        return bool(limit) and waits and self._clock.elapsed() - self._last_work > limit


def error_of(word: frames.Frame, name: str) -> EngineError:
    """The error that a child told, as itself."""
    kind = getattr(errors, word.error, None)
    if not (isinstance(kind, type) and issubclass(kind, EngineError)):
        kind = EngineError
    return kind(word.message or f"{name} failed.", word.remedy, code=word.code)
