"""An engine in a process of its own, asked over pipes.

A model may hang, crash the interpreter, eat all memory or write garbage; in a process of its own that ends a request and not the daemon.
The process is started by the first request, does one at a time, and is unloaded when nobody has needed it for a while.
:mod:`appliance.engines.child_side` is the other end, :mod:`appliance.engines.supervision` what both kinds of children share.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from appliance.engines import frames
from appliance.engines.errors import EngineNonsense
from appliance.engines.supervision import ChildLimits, ChildState, Gate, Keeper, Process, error_of
from appliance.ground.clock import Clock
from appliance.records.base import Record

__all__ = ["Child", "ChildLimits", "ChildState"]

Answer = TypeVar("Answer")


class Child:
    """One kind of engine process. Safe to ask from any thread: callers take turns."""

    def __init__(
        self,
        name: str,
        module: str,
        arguments: Sequence[str],
        limits: ChildLimits,
        clock: Clock,
        environment: Mapping[str, str] = {},
    ) -> None:
        self.name = name
        self._keeper = Keeper(name, module, arguments, limits, clock, environment)
        self._gate = Gate(name, 1, limits.waiting_most)

    def ask(self, request: Record, answer: type[Answer], seconds: float, on_partial: Callable[[Any], None] | None = None) -> Answer:
        """The child's answer to one request. ``seconds`` is for the work alone; as long again is waited for a turn.

        ``on_partial`` gets what the child tells on the way, as plain values; when it raises, the child is ended and the error goes up:
        so a caller who no longer wants the answer takes it back. Raises ``EngineTimeout`` (the child was ended), ``EngineDied``,
        ``EngineBusy``, ``EngineNonsense``, ``EngineUnavailable``, and whatever error of ``engines.errors`` the child raised.
        """
        with self._gate.turn(seconds):
            process = self._keeper.up(self._until_ready)
            with self._keeper.work(seconds):
                return self._exchange(process, request, answer, on_partial)

    def state(self) -> ChildState:
        """How it is now."""
        return self._keeper.state(self._gate.waiting)

    def tail(self) -> str:
        """The last lines of its standard error, for the diagnosis."""
        return self._keeper.tail()

    def stop(self) -> None:
        """End the process. A later request starts it again; a repeat does no harm."""
        self._keeper.stop()

    def close(self) -> None:
        """End it for good: a request that comes all the same starts nothing. A repeat does no harm."""
        self._keeper.close()

    def _until_ready(self, process: Process) -> None:
        word = process.words.get()
        if word is None:
            raise self._keeper.reason(process)
        if word.kind == "error":
            raise error_of(word, self.name)
        if word.kind != "ready":
            raise EngineNonsense(f"{self.name} sent something else than that it is ready.")

    def _exchange(self, process: Process, request: Record, answer: type[Answer], on_partial: Callable[[Any], None] | None) -> Answer:
        try:
            process.send(request)
        except (OSError, ValueError):
            raise self._keeper.reason(process) from None
        while (word := process.words.get()) is not None:
            if word.kind == "partial":
                self._tell(process, word, on_partial)
            elif word.kind == "answer":
                return self._understood(process, word, answer)
            elif word.kind == "error":
                raise error_of(word, self.name)
        raise self._keeper.reason(process)

    def _tell(self, process: Process, word: frames.Frame, on_partial: Callable[[Any], None] | None) -> None:
        if on_partial is None:
            return
        try:
            on_partial(msgspec.msgpack.decode(word.body))
        except BaseException:
            process.end(None)
            raise

    def _understood(self, process: Process, word: frames.Frame, answer: type[Answer]) -> Answer:
        try:
            return msgspec.msgpack.decode(word.body, type=answer)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            wrong = EngineNonsense(f"{self.name} answered something else than it was asked for.")
            process.end(wrong)
            raise wrong from error
