from appliance.records.answer import Decision
from appliance.records.case import CaseState
from appliance.store.limits import StoreLimits
from tests.support.clock import FakeClock
from tests.unit.store.support import Desk, message, open_store, outcome


def test_rows_come_newest_first_and_page_by_page(desk: Desk) -> None:
    desk.take_in(*(message(text=str(number), subject=f"s{number}") for number in range(7)))
    first = desk.store.rows(limit=3)
    rest = desk.store.rows(limit=10, before=first[-1].id)
    assert [row.subject for row in (*first, *rest)] == [f"s{number}" for number in range(6, -1, -1)]


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


def test_the_search_looks_at_the_newest_only_as_its_limit_says(tmp_path, clock: FakeClock) -> None:  # type: ignore[no-untyped-def]
    with open_store(tmp_path / "home", clock, StoreLimits(searched_rows=5)) as store:
        desk = Desk(store, clock)
        desk.take_in(message(subject="needle"), *(message(text=str(number)) for number in range(5)))
        assert store.rows(text="needle") == []
        assert len(store.rows(text="question")) == 5


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
