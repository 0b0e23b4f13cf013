"""Commands handed to the node that leads: over real lines on loopback, from one set of commands to the other."""

import ast
import inspect
import threading
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from appliance.channels.mail.errors import LineLost as MailLineLost
from appliance.ground.errors import Refused, SettingsError, TandemError
from appliance.node import forward as forwarding
from appliance.node.commands import Commands
from appliance.node.forward import Call, Forward, NotAnswered, hints, leads, problem_of, raised, shown_by_leader
from appliance.node.passwords import TooManyTries
from appliance.node.topic import Topic
from appliance.pair.line.errors import LineLost
from appliance.pair.line.wire import Line, Open
from appliance.records.case import CaseState
from appliance.records.person import Actor, Approval, Role
from appliance.store.errors import NotLeading, StaleTerm, WrongState
from tests.support.clock import FakeClock
from tests.unit.node.pair_parts import SECONDS, Wire

AINO = Actor(name="aino", role=Role.AGENT)
OWNER = Actor(name="owner", role=Role.ADMIN)


class Shop(Topic):
    """Commands of every kind."""

    def __init__(self, node: Any) -> None:
        super().__init__(node)
        self.done: list[Any] = []
        self.raises: TandemError | Exception | None = None
        self.meanwhile: Callable[[], object] = lambda: None

    def _did(self, *what: Any) -> None:
        self.done.append(what)
        self.meanwhile()
        if self.raises is not None:
            raise self.raises

    @leads
    def sell(self, actor: Actor, name: str, count: int = 1, paid: float | None = None) -> str:
        """Sells."""
        self._allow(actor, "approve_case")
        self._did(actor, name, count, paid)
        return f"{count} {name}"

    @leads
    def keep(self, content: bytes, states: tuple[CaseState, ...], approval: Approval) -> tuple[bytes, tuple[CaseState, ...], Approval]:
        self._did(content, states, approval)
        return content, states, approval

    @leads
    def nothing(self, name: str | None = None) -> None:
        self._did(name)

    @leads
    def inner(self) -> str:
        return self.sell(AINO, "inner")

    @leads
    def large(self, size: int, told: bytes = b"") -> bytes:
        self._did(len(told))
        return bytes(size)

    @shown_by_leader
    def look(self, what: str = "") -> list[str]:
        self._did(what)
        return [self._node.name, what]

    def private(self) -> str:
        raise AssertionError("nobody may call this from afar")


class Node:
    """As much of a node as commands and their forwarding look at."""

    def __init__(self, name: str, forward: Forward | None = None) -> None:
        self.name = name
        self.running = True
        self.pair = SimpleNamespace(forward=forward) if forward is not None else None
        self.allowed = True
        self.shop = Shop(self)

    def policy(self) -> Any:
        return SimpleNamespace(levers={})


class Two:
    """The node that leads and the one that stands by."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.leads, self.here_leads = True, False
        self.waits: list[float] = []
        self.refuses = ""
        self.there = Forward(lambda: self.leads, lambda _: None, self._nobody)
        self.leader = Node("leader", self.there)
        self.there.commands = self.leader.shop
        self.lines: list[Line] = []
        self.wire = Wire(folder, {"call": self._serve}, lambda _: self.refuses)
        self.here = Forward(lambda: self.here_leads, self._wait, lambda: self.wire.dial("call"))
        self.here.now = self.clock.elapsed
        self.standby = Node("standby", self.here)
        self.here.commands = self.standby.shop

    def _serve(self, line: Line, open_: Open) -> None:
        self.lines.append(line)
        self.there.serve(line, open_)

    def _nobody(self) -> Line:
        raise LineLost("nobody is there")

    def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.clock.move(seconds)

    def close(self) -> None:
        self.here.close()
        self.wire.close()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    two = Two(tmp_path)
    yield two
    two.close()


# The same words on both nodes


def test_a_command_on_a_standby_is_done_by_the_leader_and_only_there(two: Two) -> None:
    assert two.standby.shop.sell(AINO, "pump", paid=1.5) == "1 pump"
    assert (two.leader.shop.done, two.standby.shop.done) == ([(AINO, "pump", 1, 1.5)], [])


def test_on_the_leader_and_on_a_node_alone_nothing_travels(two: Two) -> None:
    two.here_leads = True
    assert two.standby.shop.sell(AINO, "pump", 2) == "2 pump"
    alone = Node("alone")
    assert alone.shop.sell(AINO, "pump") == "1 pump"
    assert (two.wire.dialled, two.leader.shop.done) == (0, [])


def test_bytes_records_tuples_and_nothing_arrive_as_what_they_are(two: Two) -> None:
    approval = Approval(case="c-1", decision="approve", by="aino", text="Hyvää päivää")
    states = (CaseState.REVIEW, CaseState.DEAD)
    kept = two.standby.shop.keep(b"\x00\xff", states, approval)
    assert kept == (b"\x00\xff", states, approval)
    assert isinstance(kept[2], Approval)
    assert two.leader.shop.done == [(b"\x00\xff", states, approval)]
    two.standby.shop.nothing()
    two.standby.shop.nothing(None)
    two.standby.shop.nothing("x")
    assert two.leader.shop.done[1:] == [(None,), (None,), ("x",)]


def test_a_command_that_calls_another_does_both_on_the_leader(two: Two) -> None:
    assert two.standby.shop.inner() == "1 inner"
    assert two.wire.dialled == 1
    assert two.leader.shop.done == [(AINO, "inner", 1, None)]


def test_what_a_role_may_do_is_asked_where_it_is_done(two: Two) -> None:
    with pytest.raises(Refused, match="may not do this"):
        two.standby.shop.sell(Actor(name="x", role=Role.VIEWER), "pump")
    assert two.leader.shop.done == []


def kinds(kind: type[TandemError] = TandemError) -> list[type[TandemError]]:
    return [kind, *(each for below in kind.__subclasses__() for each in kinds(below))]


def full_name(kind: type[TandemError]) -> str:
    return f"{kind.__module__}.{kind.__name__}"


@pytest.mark.parametrize("kind", sorted(kinds(), key=full_name), ids=full_name)
def test_every_error_comes_back_as_what_it_was(kind: type[TandemError]) -> None:
    error = kind.__new__(kind)
    TandemError.__init__(error, "The pump is gone.", "Buy another.", code="pump")
    error.gaps = {"pump": "P-1"}
    error.exit_code = 3
    error.wait_seconds = 7  # type: ignore[attr-defined]
    again = raised(msgspec.msgpack.decode(msgspec.msgpack.encode(problem_of(error)), type=forwarding.Problem))
    assert type(again) is kind
    told = (again.message, again.remedy, again.code, again.exit_code, dict(again.gaps), getattr(again, "wait_seconds", 0))
    assert told == ("The pump is gone.", "Buy another.", "pump", 3, {"pump": "P-1"}, 7)
    assert str(again) == "The pump is gone. Buy another."


@pytest.mark.parametrize(
    "error",
    [WrongState("No.", "Look."), SettingsError("No.", "Mend."), Refused("No.", "x", code="some_code")],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_the_leader_is_the_error_here(two: Two, error: TandemError) -> None:
    two.leader.shop.raises = error
    with pytest.raises(type(error)) as told:
        two.standby.shop.nothing()
    assert (type(told.value), told.value.message, told.value.code) == (type(error), error.message, error.code)


def test_how_long_somebody_who_guessed_must_wait_travels_too(two: Two) -> None:
    two.leader.shop.raises = error = TooManyTries.__new__(TooManyTries)
    TandemError.__init__(error, "Wait.", "Wait.")
    error.wait_seconds = 30
    with pytest.raises(TooManyTries) as told:
        two.standby.shop.nothing()
    assert told.value.wait_seconds == 30


def test_an_error_that_this_program_does_not_know_is_a_refusal() -> None:
    problem = msgspec.structs.replace(problem_of(Refused("No.", "Look.")), kind="appliance.new.Error")
    assert type(raised(problem)) is Refused


def test_a_fault_of_the_leader_is_told_as_one_and_says_nothing_of_its_inside(two: Two) -> None:
    for fault in (ValueError("secret"), TypeError("secret"), KeyError("secret")):
        two.leader.shop.raises = fault
        with pytest.raises(Refused, match="failed inside the other node") as told:
            two.standby.shop.nothing()
        assert "secret" not in str(told.value)
    assert len(two.leader.shop.done) == 3


# Never twice


def test_a_command_that_was_told_and_not_answered_is_not_told_again(two: Two) -> None:
    two.leader.shop.meanwhile = lambda: two.lines[-1].close()
    with pytest.raises(Refused, match="may or may not have been done") as told:
        two.standby.shop.sell(AINO, "pump")
    assert told.value.code == "leader_lost"
    assert len(two.leader.shop.done) == 1


def test_nor_is_one_that_was_told_on_a_line_that_had_been_idle(two: Two) -> None:
    two.standby.shop.nothing()
    two.leader.shop.meanwhile = lambda: two.lines[-1].close()
    with pytest.raises(Refused, match="may or may not have been done"):
        two.standby.shop.sell(AINO, "pump")
    assert two.leader.shop.done == [(None,), (AINO, "pump", 1, None)]


def test_a_leader_that_says_nothing_is_not_asked_again(two: Two) -> None:
    over = threading.Event()
    two.leader.shop.meanwhile = lambda: over.wait(SECONDS)
    method = inspect.unwrap(Shop.nothing)
    with pytest.raises(NotAnswered):
        two.here._hand_over(method, (), {}, 0.2)
    over.set()
    assert two.leader.shop.done == [(None,)]


def test_a_mailboxs_lost_line_on_the_leader_is_not_taken_for_our_own(two: Two) -> None:
    two.leader.shop.raises = MailLineLost("support", "the server went away.", "It comes back.")
    with pytest.raises(MailLineLost):
        two.standby.shop.nothing()
    assert len(two.leader.shop.done) == 1


def test_nor_is_a_lost_line_between_the_nodes_that_the_command_itself_met(two: Two) -> None:
    two.leader.shop.raises = LineLost("somewhere")
    with pytest.raises(LineLost):
        two.standby.shop.nothing()
    assert len(two.leader.shop.done) == 1


# Lines


def test_one_line_serves_one_command_after_the_other(two: Two) -> None:
    for _ in range(5):
        two.standby.shop.nothing()
    assert two.wire.dialled == 1


def test_a_line_that_went_stale_is_dialled_anew_and_the_command_is_done_once(two: Two) -> None:
    two.standby.shop.nothing()
    two.wire.restart()
    assert two.standby.shop.sell(AINO, "pump") == "1 pump"
    assert (two.wire.dialled, len(two.leader.shop.done)) == (2, 2)


def test_an_idle_line_on_which_nobody_answers_is_dialled_anew(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "KNOCK_SECONDS", 0.05)
    over = threading.Event()

    def deaf(line: Line, _: Open) -> None:
        two.there._answer(line, line.receive(Call, SECONDS))
        over.wait(SECONDS)

    two.wire.listener._services["call"] = deaf  # type: ignore[index]
    two.standby.shop.nothing()
    two.wire.listener._services["call"] = two._serve  # type: ignore[index]
    assert two.standby.shop.sell(AINO, "pump") == "1 pump"
    assert two.wire.dialled == 2
    over.set()


def test_many_commands_at_a_time_keep_no_more_lines_than_agreed(two: Two) -> None:
    together = threading.Barrier(8)
    two.leader.shop.meanwhile = lambda: together.wait(SECONDS)
    threads = [threading.Thread(target=two.standby.shop.nothing) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert len(two.leader.shop.done) == 8
    assert len(two.here._idle) <= forwarding.IDLE_LINES


def test_what_is_too_large_to_be_told_is_refused_and_was_not_done(two: Two) -> None:
    with pytest.raises(Refused, match="too large") as told:
        two.standby.shop.large(0, bytes(17 << 20))
    assert told.value.code != "leader_lost"
    assert two.leader.shop.done == []
    two.standby.shop.nothing()
    assert two.wire.dialled == 1


def test_an_answer_that_is_too_large_is_said_to_be_and_the_line_goes_on(two: Two) -> None:
    with pytest.raises(Refused, match="too large"):
        two.standby.shop.large(17 << 20)
    two.standby.shop.nothing()
    assert two.wire.dialled == 1


# When nobody leads


def test_when_nobody_leads_a_person_is_told_so_after_a_few_seconds_and_nothing_was_done(two: Two) -> None:
    two.leads = False
    with pytest.raises(Refused) as told:
        two.standby.shop.sell(AINO, "pump")
    assert told.value.code == "nobody_leads"
    assert forwarding.SETTLE_SECONDS <= two.clock.elapsed() < forwarding.SETTLE_SECONDS + 1
    assert two.leader.shop.done == []


def test_a_line_that_is_refused_or_cannot_be_had_is_waited_for_as_well(two: Two) -> None:
    two.refuses = "not_leading"
    with pytest.raises(Refused) as told:
        two.standby.shop.sell(AINO, "pump")
    assert told.value.code == "nobody_leads"


@pytest.mark.parametrize("meanwhile", ["it leads again", "this node leads"])
def test_a_command_waits_while_the_lead_changes_hands(two: Two, meanwhile: str) -> None:
    two.leads = False

    def wait(seconds: float) -> None:
        two.clock.move(seconds)
        if two.clock.elapsed() > 2.0:
            two.leads, two.here_leads = meanwhile == "it leads again", meanwhile == "this node leads"

    two.here._wait_for_change = wait
    assert two.standby.shop.sell(AINO, "pump") == "1 pump"
    assert len(two.leader.shop.done) + len(two.standby.shop.done) == 1


@pytest.mark.parametrize("error", [NotLeading("No.", ""), StaleTerm("No.", "")], ids=lambda error: type(error).__name__)
def test_a_leader_that_ceases_to_lead_before_anything_is_written_hands_the_command_over(two: Two, error: TandemError) -> None:
    two.here_leads = True

    def overtaken() -> None:
        two.here_leads = False
        raise error

    two.standby.shop.meanwhile = overtaken
    assert two.standby.shop.sell(AINO, "pump") == "1 pump"
    assert len(two.leader.shop.done) == 1


def test_who_only_looks_sees_the_leaders_and_at_once_this_nodes_own_when_nobody_leads(two: Two) -> None:
    assert two.standby.shop.look("x") == ["leader", "x"]
    two.leads = False
    assert two.standby.shop.look("x") == ["standby", "x"]
    two.wire.close()
    assert two.standby.shop.look("y") == ["standby", "y"]
    assert two.waits == []


def test_who_only_looks_sees_this_nodes_own_also_when_the_leader_goes_in_the_middle(two: Two) -> None:
    two.leader.shop.meanwhile = lambda: two.lines[-1].close()
    assert two.standby.shop.look("x") == ["standby", "x"]


def test_a_refusal_to_show_is_a_refusal(two: Two) -> None:
    two.leader.shop.raises = Refused("No.", "Ask.")
    with pytest.raises(Refused, match=r"No\."):
        two.standby.shop.look()


# What may be called from afar


@pytest.mark.parametrize(
    ("command", "arguments", "says"),
    [
        ("private", b"{}", "knows no such command"),
        ("_allow", b"{}", "knows no such command"),
        ("__init__", b"{}", "knows no such command"),
        ("nowhere", b"{}", "knows no such command"),
        ("sell", b'{"name": "x"}', "did not understand"),
        ("sell", b'{"actor": 3, "name": "x"}', "did not understand"),
        ("sell", b"[1]", "did not understand"),
        ("sell", b"\xff\xfe", "did not understand"),
        ("sell", b"{", "did not understand"),
        ("nothing", b'{"sure": true}', "did not understand"),
        ("nothing", b'{"return": null}', "did not understand"),
        ("nothing", b'{"self": null}', "did not understand"),
        ("nothing", b"[" * 100_000, "did not understand"),
    ],
)
def test_what_is_not_marked_or_not_understood_is_refused_and_not_done(two: Two, command: str, arguments: bytes, says: str) -> None:
    answer = two.there._answered(Call(command=command, arguments=arguments))
    assert answer.error is not None
    assert says in answer.error.message
    assert two.leader.shop.done == []


def marked() -> dict[str, Callable[..., Any]]:
    return {name: method for name, method in inspect.getmembers(Commands, inspect.isfunction) if getattr(method, "needs_leader", False)}


@pytest.mark.parametrize("name", sorted(marked()))
def test_what_every_command_takes_and_gives_can_travel(name: str) -> None:
    method = marked()[name]
    kinds_ = hints(method)
    assert set(inspect.signature(method).parameters) - {"self"} == set(kinds_) - {"return"}
    for kind in kinds_.values():
        msgspec.json.Decoder(kind)


def writers() -> dict[str, set[str]]:
    """The methods of the commands that write with the node's term, and all methods that each calls on itself."""
    found: dict[str, set[str]] = {}
    for kind in Commands.__mro__:
        if kind.__module__.startswith("appliance.node"):
            tree = ast.parse(Path(inspect.getfile(kind)).read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef) and node.name == kind.__name__:
                    found.update({each.name: _calls(each) for each in node.body if isinstance(each, ast.FunctionDef)})
    return found


def _calls(method: ast.FunctionDef) -> set[str]:
    calls = {node.attr for node in ast.walk(method) if isinstance(node, ast.Attribute) and _is_self(node.value)}
    text = ast.unparse(method)
    return calls | ({"<writes>"} if "self._node.term" in text or "node.term" in text or ".standing.term" in text else set())


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def test_every_command_that_writes_is_done_by_the_leader() -> None:
    methods = writers()
    assert sum("<writes>" in calls for calls in methods.values()) > 20
    unmarked = {name for name, calls in methods.items() if "<writes>" in calls and name not in marked()}
    while unmarked:
        name = unmarked.pop()
        callers = {caller for caller, calls in methods.items() if name in calls and caller != name and caller not in marked()}
        assert name.startswith("_"), f"{name} writes, or calls what does, and is not marked"
        unmarked |= callers


def test_marks_stand_for_the_method_as_it_is_written() -> None:
    assert typing.get_type_hints(cast(Any, Shop.sell))["count"] is int
    assert Shop.sell.__doc__ == "Sells."
