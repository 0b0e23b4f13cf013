"""The tables follow from the journal, whatever happened: a machine that does anything in any order, and checks after each step."""

import shutil
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from appliance.ground.errors import Refused
from appliance.records.answer import Decision
from appliance.records.call import CallState
from appliance.records.case import Case, CaseState
from appliance.records.delivery import Delivery, DeliveryKind, DeliveryOutcome
from appliance.records.events import KINDS
from appliance.records.message import Message
from appliance.records.person import Approval
from appliance.records.policy import Reason
from appliance.records.work import File
from appliance.store import journal
from appliance.store.apply import EFFECTS
from appliance.store.limits import StoreLimits
from appliance.store.replay import differing_tables, replay, table_digests
from tests.support.clock import FakeClock
from tests.unit.store.support import FREELY, Desk, message, open_store, outcome

_LIMITS = StoreLimits(delivery_attempts=3, slots_reserved=4, head_entries=7)
_SENDERS = ("a@x.example", "b@x.example", "c@x.example")
_FINAL = {CaseState.REPLIED, CaseState.DEAD, CaseState.CLOSED}


def test_every_event_has_its_effect() -> None:
    assert set(EFFECTS) == set(KINDS)


def test_an_entry_of_an_unknown_kind_stops_loudly() -> None:
    with pytest.raises(msgspec.ValidationError):
        journal.decode(b'{"kind":"from_the_future","at":1.0}')


def test_a_replay_gives_the_same_tables(desk: Desk) -> None:
    desk.answer(message())
    desk.finish(desk.started())
    connection = desk.store._readers.connection()
    assert table_digests(replay(connection, desk.store.position)) == table_digests(connection)
    assert table_digests(replay(connection, desk.store.position - 1)) != table_digests(connection)


class Home(RuleBasedStateMachine):
    """A home to which anything may happen. What left is counted by Message-ID, outside the store."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="tandem-test-"))
        self.clock = FakeClock()
        self.desk = Desk(open_store(self.folder / "home", self.clock, _LIMITS), self.clock)
        self.mails: list[Message] = []
        self.claims: list[Case] = []
        self.under_way: list[Delivery] = []
        self.left: list[str] = []

    def teardown(self) -> None:
        self.desk.store.close()
        shutil.rmtree(self.folder)

    @rule(sender=st.sampled_from(_SENDERS), number=st.integers(0, 5), acknowledge=st.booleans(), older=st.booleans(), data=st.data())
    def receive(self, sender: str, number: int, acknowledge: bool, older: bool, data: st.DataObject) -> None:
        answered = data.draw(st.sampled_from([*self.mails, None])) if self.mails else None
        references = (answered.message_id,) if answered is not None else ()
        name = f"<{len(self.mails) % 9}@x>" if number else ""
        mail = message(sender=sender, text=f"text {number}", message_id=name, references=references)
        self.mails.append(mail)
        (self.desk.take_in if acknowledge else self.desk.receive)(mail, older=older)

    @rule(seconds=st.floats(1, 100_000))
    def time_passes(self, seconds: float) -> None:
        self.clock.move(seconds)

    @rule()
    def claim(self) -> None:
        case = self.desk.store.claim("desk-1", term=self.desk.term, seconds=60)
        if case is not None:
            self.claims.append(case)

    @precondition(lambda self: self.claims)
    @rule(decision=st.sampled_from(list(Decision)), team=st.sampled_from(["", "billing"]))
    def settle(self, decision: Decision, team: str) -> None:
        case = self.claims.pop()
        try:
            came_to = self.desk.store.settle(case, outcome(decision, team=team), FREELY, term=self.desk.term)
        except Refused:
            return
        if came_to == Decision.SEND:
            assert decision == Decision.SEND
            assert not case.hold

    @precondition(lambda self: self.claims)
    @rule(code=st.sampled_from(["desk_failed", "stopping"]))
    def release(self, code: str) -> None:
        case = self.claims.pop()
        self.desk.store.release(case.id, Reason(code=code), term=self.desk.term, claim=case.claim)

    @rule()
    def start(self) -> None:
        delivery = self.desk.start()
        if delivery is not None:
            self.under_way.append(delivery)

    @precondition(lambda self: self.under_way)
    @rule(what=st.sampled_from(list(DeliveryOutcome)))
    def finish(self, what: DeliveryOutcome) -> None:
        delivery = self.under_way.pop()
        if what in (DeliveryOutcome.SENT, DeliveryOutcome.UNCERTAIN):
            self.left.append(delivery.message_id)
        self.desk.finish(delivery, what)

    @rule(found=st.booleans())
    def die_and_start_again(self, found: bool) -> None:
        self.desk.store.close()
        self.desk.store = open_store(self.folder / "home", self.clock, _LIMITS)
        self.desk.term = self.desk.store.begin_term("node-a")
        unfinished = self.desk.store.unfinished_deliveries()
        assert {delivery.id for delivery in unfinished} == {delivery.id for delivery in self.under_way}
        for delivery in unfinished:
            self.left.append(delivery.message_id)
            self.desk.store.found(delivery, found, term=self.desk.term)
        self.under_way.clear()

    @rule(
        decision=st.sampled_from(["approve", "reject", "route"]),
        text=st.sampled_from([None, "my words"]),
        files=st.sampled_from([(), (File(name="a.pdf", media_type="application/pdf", data=b"pdf"),)]),
        undo_seconds=st.sampled_from([0.0, 10.0]),
    )
    def decide(self, decision: str, text: str | None, files: tuple[File, ...], undo_seconds: float) -> None:
        for row in self.desk.store.rows([CaseState.REVIEW, CaseState.ROUTED, CaseState.DEAD], limit=1):
            approval = Approval(case=row.id, decision=decision, by="liisa", text=text, team="billing", comment="c", files=files)
            try:
                self.desk.store.decide_review(approval, term=self.desk.term, undo_seconds=undo_seconds)
            except Refused:
                assert decision == "approve" or row.words_removed_at

    @rule()
    def undo(self) -> None:
        for row in self.desk.store.rows([CaseState.REPLYING, CaseState.ROUTED, CaseState.CLOSED], limit=2):
            until = self.desk.store.work.undo_until(row.id)
            try:
                self.desk.store.work.undo(row.id, "liisa", term=self.desk.term)
                assert until > self.clock.now()
            except Refused:
                assert until == 0.0

    @rule(what=st.sampled_from(["assign", "note", "reopen", "call"]), person=st.sampled_from(["p-1", ""]))
    def work_on(self, what: str, person: str) -> None:
        work, term = self.desk.store.work, self.desk.term
        for row in self.desk.store.rows(limit=2):
            try:
                if what == "assign":
                    work.assign(row.id, person, "liisa", term=term)
                elif what == "note":
                    work.note(row.id, "internal", "liisa", term=term)
                elif what == "call":
                    self.desk.store.calls.keep(row.id, CallState(draft=f"for {person}"), "liisa", term=term)
                else:
                    work.reopen(row.id, "liisa", term=term)
            except Refused:
                assert what != "assign"

    @rule(decision=st.sampled_from(["sent", "resend", "drop"]))
    def resolve(self, decision: str) -> None:
        for row in self.desk.store.rows([CaseState.UNCERTAIN, CaseState.DEAD], limit=1):
            try:
                self.desk.store.resolve_uncertain(row.id, decision, "liisa", term=self.desk.term)
            except Refused:
                assert (row.state, decision) == (CaseState.DEAD, "sent") or row.words_removed_at

    @rule(name=st.sampled_from(["safe_mode", "automation_enabled", "outbound_enabled"]), on=st.booleans())
    def pull(self, name: str, on: bool) -> None:
        self.desk.store.set_switch(name, on, "owner", term=self.desk.term)

    @rule(sender=st.sampled_from(_SENDERS))
    def erase(self, sender: str) -> None:
        self.desk.store.erase_customer(sender, "owner", term=self.desk.term)

    @rule(days=st.integers(1, 3))
    def words_run_out(self, days: int) -> None:
        self.desk.store.expire_words(days, "retention", term=self.desk.term)
        assert self.desk.store.expiring(days) == {}

    @rule(limit=st.integers(1, 5))
    def archive(self, limit: int) -> None:
        seen = [(row.id, row.changed_at) for row in self.desk.store.rows(limit=limit)]
        self.desk.store.archive(seen, "owner", term=self.desk.term)

    @rule(limit=st.integers(1, 3))
    def replace_what_waits(self, limit: int) -> None:
        seen = [(row.id, row.changed_at) for row in self.desk.store.rows(limit=limit)]
        self.desk.store.replace_waiting(seen, "INBOX", "owner", term=self.desk.term)

    @rule(seconds=st.sampled_from([-400_000_000.0, -7_200.0, 7_200.0, 400_000_000.0]))
    def the_wall_clock_jumps(self, seconds: float) -> None:
        self.clock.jump_wall_clock(seconds)

    @invariant()
    def nothing_leaves_twice(self) -> None:
        assert len(self.left) == len(set(self.left))

    @invariant()
    def the_tables_follow_from_the_journal(self) -> None:
        assert differing_tables(self.desk.store._readers.connection()) == ()

    @invariant()
    def counters_are_right(self) -> None:
        counted = dict(self.desk.store._readers.all("SELECT state, count(*) FROM cases GROUP BY state"))
        assert {state.value: count for state, count in self.desk.store.counts().items() if count} == counted

    @invariant()
    def each_case_is_tallied_once_where_it_stands(self) -> None:
        counted = self.desk.store._readers.all(
            """SELECT CAST(changed_at / 900 AS INTEGER), state, count(*) FROM cases
            WHERE state IN ('replied', 'review', 'uncertain', 'routed', 'closed', 'dead') GROUP BY 1, 2 ORDER BY 1, 2"""
        )
        kept = "SELECT quarter, name, count FROM tallies WHERE name <> 'came' ORDER BY quarter, name"
        assert self.desk.store._readers.all(kept) == counted

    @invariant()
    def what_replies_has_a_reply(self) -> None:
        rows = self.desk.store._readers.all(
            """SELECT cases.state, group_concat(deliveries.state) FROM cases LEFT JOIN deliveries ON case_no = cases.no
            AND deliveries.kind = 'reply' AND deliveries.state IN ('queued', 'sending') GROUP BY cases.no"""
        )
        for state, live in rows:
            assert (live is not None) == (state == CaseState.REPLYING), (state, live)
            assert live in (None, "queued", "sending")

    @invariant()
    def the_chain_holds(self) -> None:
        found = self.desk.store.verify()
        assert found.ok, found.problems

    @invariant()
    def what_is_not_ended_keeps_its_words(self) -> None:
        without = self.desk.store._readers.all(
            """SELECT id FROM cases WHERE state IN ('arrived', 'waiting', 'claimed', 'replying', 'uncertain')
            AND NOT EXISTS (SELECT 1 FROM bodies WHERE bodies.id = cases.no * 8)
            AND NOT EXISTS (SELECT 1 FROM erasures WHERE slot = cases.slot)"""
        )
        assert without == []

    @invariant()
    def only_replies_are_automatic(self) -> None:
        kinds = self.desk.store._readers.all("SELECT DISTINCT kind FROM deliveries WHERE automatic = 1")
        assert kinds in ([], [(DeliveryKind.REPLY.value,)])


TestAnythingInAnyOrder = Home.TestCase
TestAnythingInAnyOrder.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
