import threading
from pathlib import Path

import pytest

from appliance.records.answer import Decision
from appliance.records.case import CaseState
from appliance.records.delivery import DeliveryOutcome
from appliance.records.person import Approval
from appliance.store import cases, schema
from appliance.store.cases import Waiting
from appliance.store.limits import StoreLimits
from appliance.store.mailing import Directory
from appliance.store.replay import replay, table_digests
from tests.support.clock import FakeClock
from tests.unit.store.support import DIRECTORY, Desk, message, open_store, outcome


def test_rows_come_newest_first_and_page_by_page(desk: Desk) -> None:
    desk.take_in(*(message(text=str(number), subject=f"s{number}") for number in range(7)))
    first = desk.store.rows(limit=3)
    rest = desk.store.rows(limit=10, before=first[-1].id)
    assert [row.subject for row in (*first, *rest)] == [f"s{number}" for number in range(6, -1, -1)]


def test_a_message_without_a_subject_is_listed_by_its_first_words(desk: Desk) -> None:
    desk.take_in(message(subject="", text="Do you repair\nbicycles?" + " Please answer." * 20), message(subject="Opera", text="Tickets?"))
    titled, untitled = desk.store.rows()
    assert (titled.subject, titled.begins) == ("Opera", "")
    assert untitled.subject == ""
    assert untitled.begins.startswith("Do you repair bicycles? Please answer.")
    assert len(untitled.begins) <= 80


def test_rows_of_some_states_only(desk: Desk) -> None:
    held = desk.answer(message(text="a"), outcome(Decision.REVIEW)).id
    routed = desk.answer(message(text="b"), outcome(Decision.ROUTE)).id
    desk.answer(message(text="c"))
    desk.take_in(message(text="d"))
    assert [row.id for row in desk.store.rows([CaseState.REVIEW, CaseState.ROUTED])] == [routed, held]
    assert desk.store.rows([CaseState.DEAD]) == []
    assert desk.store.rows([]) == []


def test_rows_are_found_by_sender_subject_or_id(desk: Desk) -> None:
    (receipt,) = desk.take_in(message(subject="Rikkinäinen PUMPPU"))
    desk.take_in(message(sender="pekka@customer.example", text="x"))
    assert [row.id for row in desk.store.rows(text="pumppu")] == [receipt.case]
    assert [row.sender for row in desk.store.rows(text="PEKKA@")] == ["pekka@customer.example"]
    assert [row.id for row in desk.store.rows(text=receipt.case)] == [receipt.case]
    assert desk.store.rows(text="nothing like it") == []


def test_a_search_needs_every_word_and_looks_into_the_text_and_inside_words(desk: Desk) -> None:
    (wanted,) = desk.take_in(message(subject="Hei", text="Missä ilmalämpöpumppuni viipyy?"))
    desk.take_in(message(subject="Hei", text="Missä jääkaappini viipyy?"))
    assert [row.id for row in desk.store.rows(text="VIIPYY pumppu")] == [wanted.case]
    assert desk.store.rows(text="viipyy pumppu jääkaappi") == []


def test_a_search_finds_what_came_after_the_last_one(desk: Desk) -> None:
    assert desk.store.rows(text="needle") == []
    (receipt,) = desk.take_in(message(subject="needle"))
    assert [row.id for row in desk.store.rows(text="needle")] == [receipt.case]


def test_a_search_pages_on_and_keeps_to_the_states_asked_for(desk: Desk) -> None:
    held = [desk.answer(message(subject="needle", text=f"{number}"), outcome(Decision.REVIEW)).id for number in range(3)]
    desk.answer(message(subject="needle", text="sent"))
    first = desk.store.rows([CaseState.REVIEW], limit=2, text="needle")
    rest = desk.store.rows([CaseState.REVIEW], limit=2, text="needle", before=first[-1].id)
    assert [row.id for row in (*first, *rest)] == held[::-1]


def test_an_erased_customer_is_found_by_nothing(desk: Desk) -> None:
    desk.take_in(message(sender="gone@customer.example", subject="needle"))
    assert len(desk.store.rows(text="needle")) == 1
    desk.store.erase_customer("gone@customer.example", "test", term=desk.term)
    assert desk.store.rows(text="needle") == []
    assert "needle" not in "".join(desk.store._search._words)


def test_the_search_looks_at_the_newest_only_as_its_limit_says(tmp_path: Path, clock: FakeClock) -> None:
    with open_store(tmp_path / "home", clock, StoreLimits(searched_rows=5)) as store:
        desk = Desk(store, clock)
        desk.take_in(message(subject="needle"), *(message(text=str(number)) for number in range(5)))
        assert store.rows(text="needle") == []
        assert len(store.rows(text="question")) == 5
        desk.take_in(*(message(text=f"later {number}") for number in range(5)))
        assert len(store.rows(text="later")) == 5


def test_a_list_may_begin_with_the_oldest(desk: Desk) -> None:
    held = [desk.answer(message(text=str(number)), outcome(Decision.REVIEW)).id for number in range(5)]
    first = desk.store.rows([CaseState.REVIEW], limit=2, oldest_first=True)
    rest = desk.store.rows([CaseState.REVIEW], limit=9, before=first[-1].id, oldest_first=True)
    assert [row.id for row in (*first, *rest)] == held


def test_counts_are_kept_and_equal_what_would_be_counted(desk: Desk) -> None:
    desk.answer(message(text="a"))
    desk.answer(message(text="b"), outcome(Decision.REVIEW))
    desk.take_in(message(text="c"), message(text="c"))
    counted = dict(desk.store._readers.all("SELECT state, count(*) FROM cases GROUP BY state"))
    assert {state.value: count for state, count in desk.store.counts().items() if count} == counted
    assert desk.store.counts()[CaseState.WAITING] == 1


def test_the_age_of_the_oldest_waiting(desk: Desk) -> None:
    assert desk.store.oldest_waiting_seconds(desk.clock.now()) == 0.0
    desk.take_in(message())
    desk.clock.move(90)
    desk.take_in(message(text="later"))
    assert desk.store.oldest_waiting_seconds(desk.clock.now()) == 90.0
    desk.claim()
    assert desk.store.oldest_waiting_seconds(desk.clock.now()) == 0.0


def test_the_queue_is_asked_by_index_however_long_it_is(desk: Desk) -> None:
    ask = desk.store._readers.all
    for sql in (
        "SELECT received_at FROM cases WHERE state = 'waiting' ORDER BY received_at, no LIMIT 1",
        "SELECT no FROM cases WHERE state = 'claimed' AND claimed_until <= 5 ORDER BY received_at, no LIMIT 1",
        "SELECT no FROM deliveries WHERE state = 'queued' AND lever = 1 AND not_before <= 5 ORDER BY not_before, no LIMIT 1",
        "SELECT count(*) FROM deliveries WHERE automatic = 1 AND slot = 5 AND queued_at > 5 AND state <> 'retired'",
        "SELECT count(*) FROM deliveries WHERE automatic = 1 AND queued_at > 5 AND state <> 'retired'",
        "SELECT no FROM cases WHERE thread = 5 AND thread <> no AND no < 9",
        f"SELECT received_at FROM cases WHERE {cases.FOR_A_PERSON} ORDER BY received_at, no LIMIT 1",
        f"SELECT count(*) FROM (SELECT 1 FROM cases WHERE {cases.FOR_A_PERSON} AND received_at < 5 LIMIT 9)",
        "SELECT case_no FROM deliveries WHERE kind = 'draft' AND state IN ('uncertain', 'dead') ORDER BY no DESC LIMIT 9",
    ):
        plan = " ".join(str(row[3]) for row in ask(f"EXPLAIN QUERY PLAN {sql}"))
        assert "USING INDEX" in plan or "USING COVERING INDEX" in plan, (sql, plan)


def test_a_tally_of_what_came_and_what_became_of_it(desk: Desk) -> None:
    start = desk.clock.now()
    desk.answer(message(text="a"))
    desk.finish(desk.started())
    desk.clock.move(3_700)
    desk.answer(message(text="b"), outcome(Decision.REVIEW))
    desk.answer(message(text="c"), outcome(Decision.ROUTE))
    found = desk.store.tally(start)
    assert {name: found[name] for name in ("arrived", "answered", "held", "routed", "closed", "dead")} == {
        "arrived": 3, "answered": 1, "held": 1, "routed": 1, "closed": 0, "dead": 0,
    }  # fmt: skip
    assert [hour["arrived"] for hour in found["hours"]] == [1, 2]
    assert desk.store.tally(start + 86_400)["arrived"] == 0


def test_the_history_of_a_case_names_every_step_and_no_digest(desk: Desk) -> None:
    case = desk.answer(message())
    desk.finish(desk.started())
    opened = desk.store.file(case.id)
    assert opened is not None
    assert [line.kind for line in opened.lines] == [
        "message_received", "intake_acknowledged", "case_claimed", "case_settled", "delivery_started", "delivery_sent",
    ]  # fmt: skip
    assert opened.lines[3].by == "desk-1"
    assert opened.lines[3].facts["decision"] == "send"
    assert not any("print" in name for line in opened.lines for name in line.facts)


def test_a_case_that_is_not_there_opens_to_nothing(desk: Desk) -> None:
    assert desk.store.file("c-000000000000000000") is None
    assert desk.store.file("anything") is None
    assert desk.store.raw("anything") is None


def test_one_damaged_body_hides_its_own_words_and_nobody_elses(desk: Desk) -> None:
    desk.take_in(message(sender="a@x.example"), message(sender="b@x.example"), message(sender="c@x.example"))
    damage = "UPDATE bodies SET sealed = zeroblob(length(sealed)) WHERE id = (SELECT min(id) FROM bodies)"
    desk.store._writer.between(lambda: desk.store._books.connection.execute(damage))
    assert [(row.sender, row.subject) for row in desk.store.rows()] == [
        ("c@x.example", "A question"),
        ("b@x.example", "A question"),
        ("", ""),
    ]
    assert [row.sender for row in desk.store.rows(text="b@x")] == ["b@x.example"]


def test_a_row_names_its_sender(desk: Desk) -> None:
    (receipt,) = desk.take_in(message())
    (row,) = desk.store.rows()
    assert (row.sender_name, row.sender) == ("Maija", "maija@customer.example")
    assert [found.id for found in desk.store.rows(text="Maija")] == [receipt.case]
    opened = desk.store.file(receipt.case)
    assert opened is not None
    assert opened.row.sender_name == "Maija"


def test_a_case_that_a_person_decides_is_no_longer_held_and_counts_once(desk: Desk) -> None:
    start = desk.clock.now()
    held = desk.answer(message(text="a"), outcome(Decision.REVIEW))
    routed = desk.answer(message(text="b"), outcome(Decision.ROUTE))
    assert _outcomes(desk, start) == {"held": 1, "routed": 1}
    desk.clock.move(3_700)
    desk.store.decide_review(Approval(case=held.id, decision="approve", by="liisa"), term=desk.term)
    assert _outcomes(desk, start) == {"routed": 1}
    desk.finish(desk.started())
    desk.store.decide_review(Approval(case=routed.id, decision="reject", by="liisa"), term=desk.term)
    assert _outcomes(desk, start) == {"answered": 1, "closed": 1}
    assert desk.store.tally(start)["arrived"] == 2
    connection = desk.store._readers.connection()
    assert table_digests(replay(connection, desk.store.position)) == table_digests(connection)


def _outcomes(desk: Desk, since: float) -> dict[str, int]:
    found = desk.store.tally(since)
    return {name: found[name] for name in ("answered", "held", "routed", "closed", "dead") if found[name]}


def test_a_reply_of_unknown_fate_is_held_until_a_person_finds_out(desk: Desk) -> None:
    start = desk.clock.now()
    case = desk.answer(message())
    desk.finish(desk.started(), DeliveryOutcome.UNCERTAIN)
    assert _outcomes(desk, start) == {"held": 1}
    desk.store.resolve_uncertain(case.id, "sent", "liisa", term=desk.term)
    assert _outcomes(desk, start) == {"answered": 1}


def test_a_database_of_before_counts_each_case_once_after_the_update(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = (schema._each_case_counted_once, schema._drills)  # the second one stands on the first
    old = tuple(step for step in schema.STEPS if step not in later)
    monkeypatch.setattr(schema, "STEPS", (*old, *later))
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "STEPS", old)
        with open_store(tmp_path / "home", clock) as store:
            desk, start = Desk(store, clock), clock.now()
            held = desk.answer(message(text="a"), outcome(Decision.REVIEW))
            desk.store.decide_review(Approval(case=held.id, decision="reject", by="liisa"), term=desk.term)
            assert _outcomes(desk, start) == {"held": 1, "closed": 1}
    with open_store(tmp_path / "home", clock) as store:
        desk.store = store
        assert _outcomes(desk, start) == {"closed": 1}
        assert store.verify(tables=True).ok


def test_who_has_waited_longer_than_promised_is_counted(desk: Desk) -> None:
    held = desk.answer(message(text="a"), outcome(Decision.REVIEW))
    desk.take_in(message(text="b"))
    desk.clock.move(600)
    desk.take_in(message(text="c"))
    desk.clock.move(400)
    now = desk.clock.now()
    assert desk.store.waiting_for_desk(now, 900.0) == Waiting(oldest_seconds=1_000.0, late=1)
    assert desk.store.waiting_for_desk(now, 300.0).late == 2
    assert desk.store.waiting_for_person(now, 900.0) == Waiting(oldest_seconds=1_000.0, late=1)
    assert desk.store.waiting_for_person(now, 0.0) == Waiting(oldest_seconds=1_000.0, late=0)
    assert desk.store.waiting_for_person(now, 1_000.0).late == 0
    desk.store.decide_review(Approval(case=held.id, decision="reject", by="liisa"), term=desk.term)
    assert desk.store.waiting_for_person(now, 900.0) == Waiting()


def test_late_cases_are_counted_up_to_the_limit(tmp_path: Path, clock: FakeClock) -> None:
    with open_store(tmp_path / "home", clock, StoreLimits(counted=3)) as store:
        Desk(store, clock).take_in(*(message(text=str(number)) for number in range(5)))
        assert store.waiting_for_desk(clock.now() + 10, 5.0) == Waiting(oldest_seconds=10.0, late=3)


def test_a_draft_that_never_came_to_our_own_mailbox_is_counted_while_its_case_waits(tmp_path: Path, clock: FakeClock) -> None:
    directory = Directory(senders=DIRECTORY.senders, team=DIRECTORY.team, drafts=lambda _: "drafts@company.example")
    with open_store(tmp_path / "home", clock, directory=directory) as store:
        desk = Desk(store, clock)
        first = desk.answer(message(text="a"), outcome(Decision.REVIEW))
        second = desk.answer(message(text="b"), outcome(Decision.REVIEW))
        desk.answer(message(text="c"), outcome(Decision.REVIEW))
        for what in (DeliveryOutcome.UNCERTAIN, DeliveryOutcome.REFUSED, DeliveryOutcome.SENT):
            desk.finish(desk.started(), what)
        assert store.lost_drafts() == 2
        for case in (first, second):
            assert desk.state(case.id) == "review"
            store.decide_review(Approval(case=case.id, decision="reject", by="liisa"), term=desk.term)
        assert store.lost_drafts() == 0


def test_copies_that_the_server_refused_stand_in_the_journal(desk: Desk) -> None:
    case = desk.answer(message())
    desk.finish(desk.started(), dropped=2)
    opened = desk.store.file(case.id)
    assert opened is not None
    assert opened.lines[-1].facts["copies_refused"] == 2
    other = desk.answer(message(text="another", sender="b@x.example"))
    desk.finish(desk.started())
    opened = desk.store.file(other.id)
    assert opened is not None
    assert "copies_refused" not in opened.lines[-1].facts


def test_who_waits_for_a_change_is_woken_by_it_and_by_the_end(desk: Desk) -> None:
    store, woken = desk.store, []
    position = store.position
    waiting = threading.Thread(target=lambda: woken.append(store.wait_for_change(position, 30.0)))
    waiting.start()
    desk.take_in(message())
    waiting.join(5)
    assert woken
    assert woken[0] > position
    assert store.wait_for_change(position, 30.0) == store.position  # it has grown already
    last = threading.Thread(target=lambda: woken.append(store.wait_for_change(store.position, 30.0)))
    last.start()
    store.close()
    last.join(5)
    assert len(woken) == 2
