"""Handing a command to the node that leads.

A person may have either machine's panel open. What they look at comes from that machine's own store; what they *do* is done by the
leader, by the same command with the same words, over the pair's line (service ``call``). ``leads`` marks such commands. While the
lead changes hands a command waits a little; when nobody leads, the person is told so and nothing has happened.

The other node is trusted as this one is: who asks was checked where they asked, and what their role allows is checked again there.
"""

import functools
import inspect
import threading
import typing
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import msgspec

from appliance.ground.errors import Refused, TandemError
from appliance.ground.log import Log
from appliance.pair.line.errors import LineError, LineLost, LineRefused
from appliance.pair.line.wire import Line, Open
from appliance.records.base import Record
from appliance.store.errors import NotLeading

log = Log("forward")

P = ParamSpec("P")
R = TypeVar("R")
Owner = TypeVar("Owner", bound="Topic")

SETTLE_SECONDS = 6.0  # longer than a take-over takes
ANSWER_SECONDS = 120.0
IDLE_LINES = 4

_here = threading.local()


class Topic(Protocol):
    """Whoever has commands: they know their node."""

    _node: Any


class Call(Record, tag="call"):
    """A command by its name, with its arguments as JSON."""

    command: str
    arguments: bytes


class Answer(Record, tag="answer"):
    """What it returned as JSON, or the error that it raised."""

    result: bytes = b"null"
    error: "Problem | None" = None


class Problem(Record):
    """An error on its way back: its class and what it says."""

    kind: str
    message: str
    remedy: str = ""
    code: str = ""
    exit_code: int = 1
    gaps: dict[str, str] = {}
    wait_seconds: int = 0


def leads(method: Callable[Concatenate[Owner, P], R]) -> Callable[Concatenate[Owner, P], R]:
    """Marks a command that only the leader carries out: a standby hands it over, a node alone does it itself."""

    @functools.wraps(method)
    def here_or_there(self: Owner, *positional: P.args, **named: P.kwargs) -> R:
        pair = self._node.pair
        if pair is None or not self._node.running or getattr(_here, "called", False):
            return method(self, *positional, **named)
        return pair.forward.carry_out(self, method, positional, named)  # type: ignore[no-any-return]

    here_or_there.needs_leader = True  # type: ignore[attr-defined]
    return here_or_there  # type: ignore[return-value]  # its first argument has a name, which nobody uses


def shown_by_leader(method: Callable[Concatenate[Owner, P], R]) -> Callable[Concatenate[Owner, P], R]:
    """Marks a look at something that lies with the leader alone. When it cannot be asked, this node shows what it has itself."""

    @functools.wraps(method)
    def there_or_here(self: Owner, *positional: P.args, **named: P.kwargs) -> R:
        pair = self._node.pair
        if pair is None or not self._node.running or getattr(_here, "called", False):
            return method(self, *positional, **named)
        return pair.forward.look(self, method, positional, named)  # type: ignore[no-any-return]

    there_or_here.needs_leader = True  # type: ignore[attr-defined]
    return there_or_here  # type: ignore[return-value]  # as above


class Forward:
    """The standby's side and the leader's. ``dial`` opens a line for the service ``call`` to the node that leads."""

    def __init__(self, leads_here: Callable[[], bool], wait_for_change: Callable[[float], None], dial: Callable[[], Line]) -> None:
        self._leads_here = leads_here
        self._wait_for_change = wait_for_change
        self._dial = dial
        self._idle: list[Line] = []
        self._lock = threading.Lock()
        self.now: Callable[[], float] = lambda: 0.0
        self.commands: Any = None

    # The node that was asked

    def carry_out(self, owner: Topic, method: Callable[..., Any], positional: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Do it here when this node leads, hand it over when the other one does; wait for one of the two for a few seconds."""
        until = self.now() + SETTLE_SECONDS
        while True:
            try:
                return method(owner, *positional, **named) if self._leads_here() else self._hand_over(method, positional, named)
            except (NotLeading, LineLost, LineRefused) as error:
                if self.now() >= until or (isinstance(error, LineLost) and getattr(error, "asked", False)):
                    raise _nobody(error) from error
            self._wait_for_change(0.2)

    def look(self, owner: Topic, method: Callable[..., Any], positional: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Ask the leader once; without one, look here."""
        if not self._leads_here():
            try:
                return self._hand_over(method, positional, named)
            except (NotLeading, LineError) as error:
                log.debug("looked_here", command=method.__name__, reason=type(error).__name__)
        return method(owner, *positional, **named)

    def _hand_over(self, method: Callable[..., Any], positional: tuple[Any, ...], named: dict[str, Any]) -> Any:
        bound = inspect.signature(method).bind(None, *positional, **named).arguments
        bound.pop("self")
        answer = self._ask(Call(command=method.__name__, arguments=msgspec.json.encode(bound)))
        if answer.error is not None:
            raise raised(answer.error)
        return msgspec.json.decode(answer.result, type=hints(method)["return"])

    def _ask(self, call: Call) -> Answer:
        line, fresh = self._line()
        try:
            line.send(call)
            answer = line.receive(Answer, ANSWER_SECONDS)
        except LineError as error:
            line.close()
            if isinstance(error, LineLost) and not fresh:
                return self._ask(call) if self._drop_idle() else self._raise(error)
            return self._raise(error)
        with self._lock:
            if len(self._idle) < IDLE_LINES:
                self._idle.append(line)
                return answer
        line.close()
        return answer

    def _raise(self, error: LineError) -> Answer:
        """A command that was told and not answered may have been carried out: it is not told again."""
        error.asked = True  # type: ignore[attr-defined]
        raise error

    def _line(self) -> tuple[Line, bool]:
        with self._lock:
            if self._idle:
                return self._idle.pop(), False
        return self._dial(), True

    def _drop_idle(self) -> bool:
        with self._lock:
            lines, self._idle = self._idle, []
        for line in lines:
            line.close()
        return True

    def close(self) -> None:
        self._drop_idle()

    # The node that leads

    def serve(self, line: Line, _open: Open) -> None:
        """Answer one command after the other until the line goes."""
        while True:
            try:
                call = line.receive(Call, 3600.0)
            except LineError:
                return
            line.send(self._answered(call))

    def _answered(self, call: Call) -> Answer:
        _here.called = True
        try:
            return Answer(result=msgspec.json.encode(self._called(call)))
        except TandemError as error:
            return Answer(error=problem_of(error))
        except (msgspec.ValidationError, msgspec.DecodeError, TypeError) as error:
            log.warning("call_not_understood", command=call.command[:60], reason=type(error).__name__)
            told = Refused("The other node did not understand the command.", "Run the same version of Tandem on both nodes.")
            return Answer(error=problem_of(told))
        except Exception as error:
            log.error("call_failed", error=error, command=call.command[:60])
            told = Refused("The command failed inside the other node.", "See errors.log in the logs folder of the other node's home.")
            return Answer(error=problem_of(told))
        finally:
            _here.called = False

    def _called(self, call: Call) -> Any:
        method = getattr(type(self.commands), call.command, None)
        if method is None or not getattr(method, "needs_leader", False):
            raise Refused("The other node knows no such command.", "Run the same version of Tandem on both nodes.")
        if not self._leads_here():
            raise NotLeading("This node does not lead.", "Ask the other one.")
        told = msgspec.json.decode(call.arguments, type=dict[str, msgspec.Raw])
        expected = hints(method)
        arguments = {name: msgspec.json.decode(value, type=expected[name]) for name, value in told.items() if name in expected}
        return method(self.commands, **arguments)


def _nobody(error: TandemError) -> TandemError:
    if getattr(error, "asked", False):
        return Refused(
            "The other node went away before it answered; what was asked may or may not have been done.",
            "Look whether it was, then try again.",
            code="leader_lost",
        )
    return Refused("Neither machine leads at the moment.", "Try again in a few seconds; the page Pair says why.", code="nobody_leads")


@functools.cache
def hints(method: Callable[..., Any]) -> dict[str, Any]:
    """The types of a command's arguments and of what it returns."""
    return typing.get_type_hints(method)


def problem_of(error: TandemError) -> Problem:
    """An error as it travels."""
    return Problem(
        kind=type(error).__name__,
        message=error.message,
        remedy=error.remedy,
        code=error.code,
        exit_code=error.exit_code,
        gaps={str(name): str(value) for name, value in error.gaps.items()},
        wait_seconds=int(getattr(error, "wait_seconds", 0)),
    )


def raised(problem: Problem) -> TandemError:
    """The error again, of the class that it was, where this program knows it."""
    error = TandemError.__new__(_kinds().get(problem.kind, Refused))
    TandemError.__init__(error, problem.message, problem.remedy, code=problem.code)
    error.exit_code = problem.exit_code
    error.gaps = problem.gaps
    if problem.wait_seconds:
        error.wait_seconds = problem.wait_seconds  # type: ignore[attr-defined]
    return error


def _kinds() -> dict[str, type[TandemError]]:
    found: dict[str, type[TandemError]] = {}
    left: list[type[TandemError]] = [TandemError]
    while left:
        kind = left.pop()
        found[kind.__name__] = kind
        left += kind.__subclasses__()
    return found
