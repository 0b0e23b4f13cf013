"""What keeps lists fast however many cases there are: the same number of statements, and none of them looks through a whole table."""

from collections.abc import Callable

import pytest

from appliance.records.answer import Decision
from appliance.records.case import CaseState
from appliance.store.store import Store
from tests.unit.store.support import Desk, message, outcome

A_PAGE = 51
WAITING = (CaseState.REVIEW, CaseState.UNCERTAIN)

LOOKS: dict[str, Callable[[Store], object]] = {
    "all cases": lambda store: store.rows(limit=A_PAGE),
    "the cases in review": lambda store: store.rows([CaseState.REVIEW], limit=A_PAGE),
    "what waits, oldest first": lambda store: store.rows(WAITING, limit=A_PAGE, oldest_first=True),
    "what waits and is nobody's": lambda store: store.rows(WAITING, limit=A_PAGE, oldest_first=True, assigned=""),
    "cases by words": lambda store: store.rows(text="question", limit=A_PAGE),
    "how many there are": lambda store: store.counts(),
}


def fill(desk: Desk, first: int, last: int) -> None:
    for number in range(first, last):
        desk.answer(message(text=f"{number}"), outcome(Decision.REVIEW))


def statements(store: Store, look: Callable[[Store], object]) -> list[str]:
    """What the look asks of the database, with its values."""
    look(store)  # whatever is read once and kept is there from here on
    asked: list[str] = []
    connection = store._readers.connection()
    connection.set_trace_callback(asked.append)
    try:
        look(store)
    finally:
        connection.set_trace_callback(None)
    return asked


@pytest.mark.parametrize("name", LOOKS)
def test_a_page_costs_the_same_with_three_times_as_many_cases(desk: Desk, name: str) -> None:
    fill(desk, 0, A_PAGE + 9)
    few = statements(desk.store, LOOKS[name])
    fill(desk, A_PAGE + 9, 3 * A_PAGE)
    assert len(statements(desk.store, LOOKS[name])) == len(few) > 0


@pytest.mark.parametrize("name", LOOKS)
def test_no_look_goes_through_all_cases_or_sorts_them(desk: Desk, name: str) -> None:
    fill(desk, 0, A_PAGE + 9)
    connection = desk.store._readers.connection()
    for statement in dict.fromkeys(statements(desk.store, LOOKS[name])):
        for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall():
            assert "TEMP B-TREE" not in step, statement
            # All cases are read in the order of their numbers, up to the limit.
            assert not step.startswith("SCAN cases") or name == "all cases", (step, statement)
