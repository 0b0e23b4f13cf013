"""The child's side of :mod:`appliance.engines.child`: what runs in an engine's own process.

A module that is such a process ends with ``if __name__ == "__main__": serve(handler, Request)``. Its standard output belongs to the
frames; whatever a library prints goes to standard error. When standard input closes, the daemon is gone, and the process ends at once:
macOS knows no signal for a parent's death, and a model of many gigabytes must not be left behind.
"""

import faulthandler
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO, TypeVar

import msgspec

from appliance.engines import frames
from appliance.ground.errors import EngineError
from appliance.records.base import Record

BEAT_SECONDS = 1.0
HUNG_SECONDS = 60.0  # without a turn for the heartbeat: a library holds the interpreter, and the leash could not be felt either

RequestType = TypeVar("RequestType", bound=Record)
TellPartial = Callable[[Any], None]


class Pipes:
    """The two pipes to the daemon, taken away from everybody else in this process."""

    def __init__(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon, which ends us in order
        self._out: BinaryIO = os.fdopen(os.dup(1), "wb")
        self._in: BinaryIO = os.fdopen(os.dup(0), "rb")
        os.dup2(2, 1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        sys.stdout = sys.stderr
        self._lock = threading.Lock()
        self._requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def begin(self) -> None:
        """Listen for requests and for the end, and give signs of life."""
        threading.Thread(target=self._listen, name="leash", daemon=True).start()
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def next_request(self) -> bytes:
        """The content of the next request, waited for."""
        return self._requests.get()

    def tell(self, kind: str, value: Any = None) -> None:
        """Say a word of this kind to the daemon."""
        self._send(frames.Frame(kind=kind, body=frames.packed(value)))

    def tell_error(self, error: BaseException) -> None:
        """An error of ours travels with its class and its sentences; of any other only the kind, for it may quote a customer."""
        if isinstance(error, EngineError):
            word = frames.Frame(
                kind="error", error=type(error).__name__, message=error.message, remedy=error.remedy, code=error.code
            )  # fmt: skip
        elif isinstance(error, MemoryError):
            word = frames.Frame(kind="error", error="EngineDied", message="The engine ran out of memory.")
        else:
            sys.stderr.write("".join(traceback.format_tb(error.__traceback__)) + f"{type(error).__name__}\n")
            word = frames.Frame(kind="error", error="EngineError", message=f"The engine failed ({type(error).__name__}).")
        self._send(word)

    def _send(self, word: frames.Frame) -> None:
        try:
            with self._lock:
                frames.write(self._out, word)
        except OSError:
            os._exit(0)

    def _listen(self) -> None:
        try:
            while (content := frames.read(self._in, frames.REQUEST_BYTES_MAX)) is not None:
                self._requests.put(content)
        except (frames.BrokenFrame, OSError):
            os._exit(3)
        os._exit(0)

    def _beat(self) -> None:
        never = threading.Event()
        _wind_up()
        while not never.wait(BEAT_SECONDS):
            _wind_up()
            self.tell("beat")


def _wind_up() -> None:
    """A watch from outside the interpreter: it ends the process when nobody winds it up again, and writes names of functions alone."""
    faulthandler.dump_traceback_later(HUNG_SECONDS, exit=True, file=2)


def serve(
    handler: Callable[[RequestType, TellPartial], Record],
    request_type: type[RequestType],
    prepare: Callable[[], None] | None = None,
) -> None:
    """Answer requests one after the other, until standard input closes; then the process ends and this never returns.

    ``prepare`` runs before the first request is taken: a model is loaded there, within the parent's ``start_seconds``.
    Errors of :mod:`appliance.engines.errors` travel as themselves.
    """
    pipes = Pipes()
    pipes.begin()
    if prepare is not None:
        try:
            prepare()
        except Exception as error:
            pipes.tell_error(error)
            os._exit(4)
    pipes.tell("ready")
    decoder = msgspec.msgpack.Decoder(request_type)
    while True:
        _answer(pipes, handler, decoder)


def _answer(pipes: Pipes, handler: Callable[[RequestType, TellPartial], Record], decoder: "msgspec.msgpack.Decoder[RequestType]") -> None:
    content = pipes.next_request()
    try:
        answer = handler(decoder.decode(content), lambda part: pipes.tell("partial", part))
    except Exception as error:
        pipes.tell_error(error)
        if isinstance(error, MemoryError):
            os._exit(5)  # what else it broke nobody knows
        return
    pipes.tell("answer", answer)
