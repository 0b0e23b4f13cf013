import msgspec

from appliance.records.answer import Decision
from appliance.records.person import Approval
from appliance.store import numbers
from tests.unit.store.support import Desk, message, outcome


def test_the_first_entry_since_a_moment_is_found_wherever_it_is(desk: Desk) -> None:
    store = desk.store
    start = desk.clock.now()
    positions = []
    for _ in range(9):
        desk.clock.move(10)
        desk.take_in(message(text=str(desk.clock.now())))
        positions.append((desk.clock.now(), store.position))
    for at, _ in positions:
        found = store._readers.ask(lambda reader, at=at: numbers.since(reader, at))
        first = store._readers.one("SELECT min(position) FROM journal WHERE at >= ?", (at,))[0]
        assert found == first
    assert store._readers.ask(lambda reader: numbers.since(reader, start - 1e6)) == 1
    assert store._readers.ask(lambda reader: numbers.since(reader, start + 1e6)) == store.position + 1


def test_a_case_is_told_as_numbers_with_when_and_by_whom_it_was_answered(desk: Desk) -> None:
    began = desk.clock.now()
    desk.answer(message(text="a"))
    desk.clock.move(60)
    desk.finish(desk.started())
    held = desk.answer(message(sender="other@customer.example", text="b"), outcome(Decision.REVIEW)).id
    desk.store.decide_review(Approval(case=held, decision="approve", by="aino"), term=desk.term)
    desk.clock.move(600)
    desk.finish(desk.started())
    desk.answer(message(sender="third@customer.example", text="c"), outcome(Decision.REVIEW))
    third, second, first = desk.store.numbers_since(began, 10)[0]
    assert (first.automatic, second.automatic, third.automatic) == (1, 0, None)
    assert first.answered_at == began + 60
    assert third.state == "review"


def test_older_cases_are_left_out_and_no_more_are_read_than_asked_for(desk: Desk) -> None:
    desk.take_in(message(text="old"))
    desk.clock.move(3600)
    at = desk.clock.now()
    desk.take_in(*(message(text=str(number)) for number in range(5)))
    assert len(desk.store.numbers_since(at, 100)[0]) == 5
    assert len(desk.store.numbers_since(at, 3)[0]) == 3


def test_facts_that_no_source_had_are_counted(desk: Desk) -> None:
    began = desk.clock.now()
    for number, keys in enumerate((("warranty",), ("warranty", "price"), ())):
        missing = msgspec.structs.replace(outcome(Decision.REVIEW), missing_keys=keys)
        desk.answer(message(sender=f"{number}@customer.example", text=str(number)), missing)
    assert desk.store.numbers_since(began, 10)[1] == {"warranty": 2, "price": 1}
