"""An engine that is a server of its own: a supervised process that is asked over HTTP on this machine alone.

The process chooses a free port and tells it when its model is loaded. Its standard input is its leash, as with every child; a key that
is made anew for each run keeps other users of the machine out. Several requests may be under way at a time.
"""

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from appliance.engines.child_side import BEAT_SECONDS
from appliance.engines.errors import EngineNonsense, EngineTimeout
from appliance.engines.supervision import ChildLimits, ChildState, Gate, Keeper, Process, error_of
from appliance.ground.clock import Clock
from appliance.ground.errors import EngineError
from appliance.ground.ids import new_token
from appliance.records.base import Record

KEY_VARIABLE = "ENGINE_SERVER_KEY"
TIMEOUTS_MOST = 2  # in a row; then the server is taken for hung, whatever signs of life it gives
SILENT_SECONDS = 2.5 * BEAT_SECONDS  # without any; then one is enough. To load a model anew costs more than a slow answer


class Listening(Record):
    """The child's first word: where it listens."""

    port: int


class ServerChild:
    """One server process, started by the first request and unloaded when idle. Safe to use from any thread."""

    def __init__(
        self,
        name: str,
        module: str,
        arguments: Sequence[str],
        limits: ChildLimits,
        clock: Clock,
        environment: Mapping[str, str] = {},
        at_once: int = 4,
    ) -> None:
        self.name = name
        self.key = new_token()
        self._keeper = Keeper(name, module, arguments, limits, clock, {**environment, KEY_VARIABLE: self.key})
        self._gate = Gate(name, at_once, limits.waiting_most)
        self._lock = threading.Lock()
        self._port = 0
        self._timeouts = 0

    def ensure(self) -> int:
        """The port of the running server, which is started when there is none. It stays loaded for ``idle_seconds`` from now.

        Raises ``EngineUnavailable``, ``EngineTimeout``, ``EngineDied``, ``ModelMissing``, ``EngineMissing``.
        """
        self._keeper.up(self._until_ready)
        return self._port

    @contextlib.contextmanager
    def using(self, seconds: float) -> Iterator[int]:
        """The port for one request; a place is waited for at most ``seconds``. While it is held the server is not unloaded.

        An ``EngineError`` raised inside becomes the true reason when the server was ended meanwhile. Raises what ``ensure`` raises, and
        ``EngineBusy``.
        """
        with self._gate.turn(seconds):
            process = self._keeper.up(self._until_ready)
            with self._keeper.work():
                try:
                    yield self._port
                except EngineError as error:
                    self._answered(error)
                    raise self._judged(process, error) from error
                self._answered(None)

    def state(self) -> ChildState:
        """How it is now."""
        return self._keeper.state(self._gate.waiting)

    def tail(self) -> str:
        """The last lines of its standard error, for the diagnosis."""
        return self._keeper.tail()

    def stop(self) -> None:
        """End the server. A later request starts it again; a repeat does no harm."""
        self._keeper.stop()

    def close(self) -> None:
        """End it for good: a request that comes all the same starts nothing. A repeat does no harm."""
        self._keeper.close()

    def _answered(self, error: EngineError | None) -> None:
        with self._lock:
            self._timeouts = self._timeouts + 1 if isinstance(error, EngineTimeout) else 0

    def _judged(self, process: Process, error: EngineError) -> EngineError:
        """What really happened: the process was ended, or died, or is to be ended now because it no longer answers."""
        hangs = self._keeper.silent_seconds() > SILENT_SECONDS or self._timeouts >= TIMEOUTS_MOST
        if process.ended_by is None and isinstance(error, EngineTimeout) and hangs:
            process.end(error)
        if process.ended_by is not None:
            return process.ended_by
        return error if process.lives_on() else self._keeper.reason(process)

    def _until_ready(self, process: Process) -> None:
        word = process.words.get()
        if word is None:
            raise self._keeper.reason(process)
        if word.kind == "error":
            raise error_of(word, self.name)
        try:
            self._port = msgspec.msgpack.decode(word.body, type=Listening).port
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise EngineNonsense(f"{self.name} did not say where it listens.") from error
