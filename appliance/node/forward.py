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
from appliance.pair.line.errors import BadFrame, LineError, LineSilent
from appliance.pair.line.wire import Line, Open
from appliance.records.base import Record
from appliance.store.errors import NotLeading, StaleTerm

log = Log("forward")

P = ParamSpec("P")
R = TypeVar("R")
Owner = TypeVar("Owner", bound="Topic")

SETTLE_SECONDS = 6.0  # longer than a take-over takes
SETTLE_AGAIN_SECONDS = 1.0  # when somebody was told already that nobody leads, and nobody has since
ANSWER_SECONDS = 120.0
LOOK_SECONDS = 2.0  # a person who only looks does not wait for a leader that has stopped
UNSEEN_SECONDS = 3.0  # a leader that is missed for so long gives no answer any more
KNOCK_SECONDS = 2.0
IDLE_SECONDS = 3600.0
IDLE_LINES = 4

NOBODY_LEADS = "nobody_leads"
_SAME_VERSION = "Run the same version of Tandem on both nodes."
_ASK_THERE = "Do it at the machine that leads."

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


class Knock(Record, tag="knock"):
    """Is anybody there? Asked on a line that was idle before a command is told on it."""


class Here(Record, tag="here"):
    """Yes."""


class NotTold(Exception):
    """The command did not reach the other node: nothing was done, and it may be told again. Nobody outside sees this."""


class NotAnswered(Exception):
    """It was told and not answered: nobody knows whether it was carried out, so it is not told again. Nobody outside sees this."""


class Problem(Record):
    """An error on its way back: its class, by its full name, and what it says."""

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
        self.sees_leader: Callable[[], bool] = lambda: True
        self._nobody_led = False
        self.commands: Any = None

    def somebody_leads(self) -> bool:
        """Whether this node leads, or sees the other one lead."""
        return self._leads_here() or self.sees_leader()

    # The node that was asked

    def carry_out(self, owner: Topic, method: Callable[..., Any], positional: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Do it here when this node leads, hand it over when the other one does; wait for one of the two for a few seconds.

        Raises ``Refused`` with the code ``nobody_leads`` when nothing was done, ``leader_lost`` when that is not known.
        """
        until = self.now() + (SETTLE_AGAIN_SECONDS if self._nobody_led else SETTLE_SECONDS)
        while True:
            try:
                if self.somebody_leads():
                    self._nobody_led = False
                return method(owner, *positional, **named) if self._leads_here() else self._hand_over(method, positional, named)
            except (NotLeading, StaleTerm, NotTold) as error:
                if self.now() >= until:
                    self._nobody_led = not self.somebody_leads()
                    raise _nobody_leads() from error
            except NotAnswered as error:
                raise _leader_lost() from error
            self._wait_for_change(0.2)

    def look(self, owner: Topic, method: Callable[..., Any], positional: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Ask the leader once; without one, look here."""
        if not self._leads_here():
            try:
                return self._hand_over(method, positional, named, LOOK_SECONDS)
            except (NotLeading, StaleTerm, NotTold, NotAnswered) as error:
                log.debug("looked_here", command=method.__name__, reason=type(error).__name__)
        return method(owner, *positional, **named)

    def _hand_over(
        self, method: Callable[..., Any], positional: tuple[Any, ...], named: dict[str, Any], seconds: float = ANSWER_SECONDS
    ) -> Any:
        bound = inspect.signature(method).bind(None, *positional, **named).arguments
        bound.pop("self")
        answer = self._ask(Call(command=method.__name__, arguments=msgspec.json.encode(bound)), seconds)
        if answer.error is not None:
            raise raised(answer.error)
        return msgspec.json.decode(answer.result, type=hints(method)["return"])

    def _ask(self, call: Call, seconds: float) -> Answer:
        """Tell a command once, and wait for its answer. One that was told and not answered may have been carried out."""
        line = self._line()
        try:
            self._tell(line, call)
            answer = self._heard(line, seconds)
        except LineError as error:
            line.close()
            raise NotAnswered from error
        self._keep(line)
        return answer

    def _heard(self, line: Line, seconds: float) -> Answer:
        """The answer, as long as somebody leads there who could give it: one that froze with our command is not waited for."""
        left, unseen = seconds, 0.0
        while True:
            wait = min(left, 1.0)
            try:
                return line.receive(Answer, wait)
            except LineSilent:
                left -= wait
                unseen = 0.0 if self.sees_leader() else unseen + wait
                if left <= 0 or unseen >= UNSEEN_SECONDS:
                    raise

    def _tell(self, line: Line, call: Call) -> None:
        try:
            line.send(call)
        except BadFrame as error:  # of which nothing was sent
            self._keep(line)
            raise Refused("This is too large for the line between the two nodes; nothing was done.", _ASK_THERE) from error

    def _line(self) -> Line:
        """An idle line on which somebody still answers, else a new one. Raises ``NotTold``."""
        while (line := self._idle_line()) is not None:
            try:
                line.send(Knock())
                line.receive(Here, KNOCK_SECONDS)
            except LineError:
                line.close()
                self.close()  # the others are as old, and each would be waited for in turn
                continue
            return line
        try:
            return self._dial()
        except LineError as error:
            raise NotTold from error

    def _idle_line(self) -> Line | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _keep(self, line: Line) -> None:
        with self._lock:
            if len(self._idle) < IDLE_LINES:
                self._idle.append(line)
                return
        line.close()

    def close(self) -> None:
        """Close the lines that are idle."""
        with self._lock:
            lines, self._idle = self._idle, []
        for line in lines:
            line.close()

    # The node that leads

    def serve(self, line: Line, _open: Open) -> None:
        """Answer one command after the other until the line goes."""
        while True:
            try:
                heard: Call | Knock = line.receive(Call | Knock, IDLE_SECONDS)
            except LineError:
                return
            if isinstance(heard, Knock):
                line.send(Here())
            else:
                self._answer(line, heard)

    def _answer(self, line: Line, call: Call) -> None:
        try:
            line.send(self._answered(call))
        except BadFrame:
            log.warning("answer_too_large", command=call.command[:60])
            line.send(Answer(error=problem_of(Refused("The answer is too large for the line between the two nodes.", _ASK_THERE))))

    def _answered(self, call: Call) -> Answer:
        _here.called = True
        try:
            return Answer(result=msgspec.json.encode(self._called(call)))
        except TandemError as error:
            return Answer(error=problem_of(error))
        except Exception as error:
            log.error("call_failed", error=error, command=call.command[:60])
            told = Refused("The command failed inside the other node.", "See errors.log in the logs folder of the other node's home.")
            return Answer(error=problem_of(told))
        finally:
            _here.called = False

    def _called(self, call: Call) -> Any:
        method = getattr(type(self.commands), call.command, None)
        if method is None or not getattr(method, "needs_leader", False):
            raise Refused("The other node knows no such command.", _SAME_VERSION)
        if not self._leads_here():
            raise NotLeading("This node does not lead.", "Ask the other one.")
        return method(self.commands, **_arguments(method, call))


def _arguments(method: Callable[..., Any], call: Call) -> dict[str, Any]:
    """What a command is called with, by its types. An argument that it does not have is not passed over: it may be the one that counts."""
    expected = {name: kind for name, kind in hints(method).items() if name != "return"}
    try:
        told = msgspec.json.decode(call.arguments, type=dict[str, msgspec.Raw])
        arguments = {name: msgspec.json.decode(value, type=expected[name]) for name, value in told.items()}
        inspect.signature(method).bind(None, **arguments)
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError) as error:
        log.warning("call_not_understood", command=call.command[:60], reason=type(error).__name__)
        raise Refused("The other node did not understand the command.", _SAME_VERSION) from error
    return arguments


def _leader_lost() -> TandemError:
    return Refused(
        "The other node went away before it answered; what was asked may or may not have been done.",
        "Look whether it was, then try again.",
        code="leader_lost",
    )


def _nobody_leads() -> TandemError:
    return Refused("Neither machine leads at the moment.", "Try again in a few seconds; the page Pair says why.", code=NOBODY_LEADS)


@functools.cache
def hints(method: Callable[..., Any]) -> dict[str, Any]:
    """The types of a command's arguments and of what it returns."""
    return typing.get_type_hints(method)


def problem_of(error: TandemError) -> Problem:
    """An error as it travels."""
    return Problem(
        kind=_name(type(error)),
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
        found[_name(kind)] = kind
        left += kind.__subclasses__()
    return found


def _name(kind: type[TandemError]) -> str:
    """The full name: a line can be lost in the pair and in a mailbox, by two classes of one short name."""
    return f"{kind.__module__}.{kind.__qualname__}"
