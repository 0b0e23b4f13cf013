"""The loop that tells the CRM: who may send, what happens in the last moment, and what cannot be written down at once."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import msgspec
import pytest

from appliance.ground.errors import StoreError
from appliance.node.loops import Breaker
from appliance.node.ops_log import OpsLog
from appliance.node.push_document import document
from appliance.node.pushing import Pusher
from appliance.records.call import CallState, Price, Quote, QuoteLine
from appliance.records.ops import OpsLine
from appliance.records.push import Badge, Push, PushOutcome, PushResult, PushState
from appliance.records.voice import Caller, HeardClip, Transcript
from appliance.settings.model import CrmSettings
from appliance.store.store import Store
from tests.support.clock import FakeClock
from tests.unit.store.support import Desk, message, open_store

SYNCED = PushResult(outcome=PushOutcome.SYNCED, response_code=200)
DOWN = PushResult(outcome=PushOutcome.TRY_AGAIN, reason="connect", blameless=True)


class Leads:
    """A standing that a test moves by hand."""

    role = "leader"
    reason = ""

    def __init__(self, term: int) -> None:
        self.term = term
        self.acting = True

    def may_act(self) -> bool:
        return self.acting

    def at_work(self) -> AbstractContextManager[None]:
        return nullcontext()


class Crm:
    """Answers what it was told to, and may do something in the moment of being asked."""

    def __init__(self) -> None:
        self.answers: list[PushResult | Exception] = []
        self.asked: list[str] = []

    def deliver(self, push: Push) -> PushResult:
        self.asked.append(push.id)
        answer = self.answers.pop(0) if self.answers else SYNCED
        if isinstance(answer, Exception):
            raise answer
        return answer


class World:
    def __init__(self, home: Path) -> None:
        self.clock = FakeClock()
        self.store: Store = open_store(home / "home", self.clock)
        self.desk = Desk(self.store, self.clock)
        self.standing, self.crm, self.log = Leads(self.desk.term), Crm(), home / "crm.jsonl"
        settings = CrmSettings(attempts_most=3)
        ops = OpsLog(self.log, 4_000)
        self.pusher = Pusher("node-a", self.store, self.standing, Breaker(self.clock), self.crm, settings, ops)  # type: ignore[arg-type]
        (receipt,) = self.desk.take_in(message())
        self.case = receipt.case
        self.push = self.store.pushes.queue(self.case, b'{"data":{}}', "aino", term=self.desk.term)

    @property
    def last(self) -> Push:
        return self.store.pushes.of_case(self.case)[0]

    def lines(self) -> list[OpsLine]:
        return [msgspec.json.decode(line, type=OpsLine) for line in self.log.read_bytes().splitlines()]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.store.close()


def test_only_who_leads_sends(world: World) -> None:
    world.standing.acting = False
    assert not world.pusher.step()
    assert world.crm.asked == []
    world.standing.acting = True
    assert world.pusher.step()
    assert world.last.badge is Badge.SYNCED


def test_a_lever_that_is_closed_in_the_last_moment_holds_the_push_and_costs_no_try(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    open_ones = world.store.switches()
    monkeypatch.setattr(world.store, "switches", lambda: msgspec.structs.replace(open_ones, outbound_enabled=False))
    assert world.pusher.step()
    assert world.crm.asked == []
    assert (world.last.badge, world.last.attempts) == (Badge.CACHED, 0)
    assert world.lines()[-1].event == "held"


def test_a_crm_that_is_down_is_asked_less_and_less_often_until_somebody_says_that_it_is_well(world: World) -> None:
    world.crm.answers = [DOWN]
    world.pusher.step()
    assert world.pusher.fault is not None
    world.store.pushes.retry(world.push, "aino", term=world.desk.term)
    assert not world.pusher.step()
    world.pusher.try_now()
    assert world.pusher.step()
    assert world.pusher.fault is None
    assert world.crm.asked == [world.push, world.push]


def test_what_nobody_can_explain_is_tried_again(world: World) -> None:
    world.crm.answers = [ValueError("Maija lives at home")]
    world.pusher.step()
    assert world.last.badge is Badge.RETRYING
    assert "Maija" not in world.log.read_text()


def test_a_result_that_could_not_be_written_down_is_written_before_anything_else_is_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = world.store.pushes.finish

    def full(*_: object, **__: object) -> PushState:
        raise StoreError("The disk is full.", "Make room.")

    monkeypatch.setattr(world.store.pushes, "finish", full)
    with pytest.raises(StoreError):
        world.pusher.step()
    monkeypatch.setattr(world.store.pushes, "finish", finish)
    assert world.pusher.step()
    assert world.crm.asked == [world.push]
    assert world.last.badge is Badge.SYNCED


def test_a_result_of_an_earlier_term_is_forgotten_and_the_push_is_sent_again_under_its_id(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = world.store.pushes.finish
    monkeypatch.setattr(world.store.pushes, "finish", lambda *_, **__: (_ for _ in ()).throw(StoreError("gone", "")))
    with pytest.raises(StoreError):
        world.pusher.step()
    monkeypatch.setattr(world.store.pushes, "finish", finish)
    world.standing.term = world.desk.term = world.store.begin_term("node-b")
    world.clock.move(1)
    assert world.pusher.step()
    assert world.crm.asked == [world.push, world.push]


def test_whoever_takes_the_lead_while_the_crm_thinks_sends_it_again_and_nothing_is_broken(world: World) -> None:
    deliver = world.crm.deliver

    def lead_changes(push: Push) -> PushResult:
        world.desk.term = world.store.begin_term("node-b")
        return deliver(push)

    world.crm.deliver = lead_changes  # type: ignore[method-assign]
    assert not world.pusher.step()
    world.crm.deliver, world.standing.term = deliver, world.desk.term  # type: ignore[method-assign]
    world.clock.move(1)
    assert world.pusher.step()
    assert world.crm.asked == [world.push, world.push]
    assert world.last.badge is Badge.SYNCED


def test_the_ops_log_stays_within_its_size_and_both_files_are_read(world: World) -> None:
    world.crm.answers = [DOWN] * 60
    for _ in range(40):
        world.clock.move(3_600)
        world.pusher.step()
        if world.last.state is PushState.DEAD:
            world.store.pushes.retry(world.push, "aino", term=world.desk.term)
    assert world.log.stat().st_size <= 4_000
    before = world.log.with_name("crm.jsonl.1")
    assert before.stat().st_size <= 4_000
    lines, unreadable = world.pusher.ops.read()
    assert (len(lines), unreadable) == (len(world.lines()) + len(before.read_bytes().splitlines()), 0)


def test_an_ops_log_on_a_broken_disk_stops_nothing(tmp_path: Path, world: World) -> None:
    (tmp_path / "file").write_text("")
    world.pusher.ops = OpsLog(tmp_path / "file" / "crm.jsonl", 4_000)
    assert world.pusher.step()
    assert world.last.badge is Badge.SYNCED


def test_the_document_holds_the_call_its_two_transcripts_and_the_quote_in_exact_decimals(world: World) -> None:
    file = world.store.file(world.case)
    assert file is not None
    clip = HeardClip(place=0, name="call.wav", seconds=12.0, state="heard", first=Transcript(text="two pump", final=False),
                     transcript=Transcript(text="Two pumps, please.", confidence=0.9, took_seconds=1.5))  # fmt: skip
    from decimal import Decimal

    price = Price(code="P1", name="Pump", price=Decimal("99.90"), unit="pc", vat_percent=Decimal("25.5"))
    call = CallState(
        draft="We send two.",
        caller=Caller(name="Maija", telephone="+358 40 1"),
        used=("delivery",),
        quote=Quote(lines=(QuoteLine(price=price),)),
    )
    told = msgspec.json.decode(document(file, [clip], call, demo=True, now=1_700_000_000.0))
    data = told["data"]
    assert (told["type"], told["timestamp"]) == ("case.saved", "2023-11-14T22:13:20.000Z")
    assert (data["partial_transcript"], data["final_transcript"]) == ("two pump", "Two pumps, please.")
    assert (data["draft"], data["reply"], data["cues_used"], data["demo"]) == ("We send two.", "", ["delivery"], True)
    assert data["contact"] == {"name": "Maija", "address": "maija@customer.example", "telephone": "+358 40 1", "company": ""}
    assert (data["quote"]["net"], data["quote"]["vat"], data["quote"]["total"]) == ("99.90", "25.47", "125.37")
    assert data["clips"][0]["took_seconds"] == 1.5


def test_without_clips_and_call_the_document_says_so_by_empty_fields(world: World) -> None:
    file = world.store.file(world.case)
    assert file is not None
    data = msgspec.json.decode(document(file, [], None, demo=False, now=0.0))["data"]
    assert (data["clips"], data["quote"], data["final_transcript"], data["message"]) == ([], None, "", "When are you open?")


def test_a_push_that_is_erased_and_removed_while_it_is_under_way_stands_in_nobodys_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.store.pushes.queue(world.case, b'{"data":{"shown":1}}', "aino", demo=True, term=world.desk.term)

    def meanwhile(_: Push) -> PushResult:
        world.store.erase_customer("maija@customer.example", "owner", term=world.desk.term)
        assert world.store.pushes.reset_demo(False, "owner", term=world.desk.term) == 1
        return SYNCED

    monkeypatch.setattr(world.crm, "deliver", meanwhile)
    assert world.pusher.step()
    assert world.pusher.unwritten is None
    assert not world.pusher.step()
