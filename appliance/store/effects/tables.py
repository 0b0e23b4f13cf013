"""What every effect works with."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from appliance.store.names import case_number, delivery_number
from appliance.store.schema import BODIES_PER_ENTRY
from appliance.store.sqlite import Connection, Cursor

MOVE = "UPDATE cases SET state = ?, changed_at = ? WHERE no = ?"
CLOSE = "UPDATE cases SET state = 'closed', changed_at = ?, reason = ? WHERE no = ?"
RETIRE = "UPDATE deliveries SET state = 'retired', changed_at = ?, reason = ? WHERE case_no = ? AND state = 'queued'"
#: Where a case goes when its channel was told: what was said in it is heard first.
FIRST_STATE = """CASE WHEN EXISTS (SELECT 1 FROM clips WHERE clips.case_no = cases.no AND clips.state = 'waiting')
    THEN 'listening' ELSE 'waiting' END"""
_LINE = "INSERT INTO lines (case_no, position) VALUES (?, ?) ON CONFLICT DO NOTHING"


class Tables(NamedTuple):
    """The tables under one entry: where it stands in the journal, and the connection that changes them."""

    connection: Connection
    position: int
    term: int

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Cursor:
        return self.connection.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        self.connection.executemany(sql, parameters)

    def line(self, case_no: int) -> None:
        """This entry is about that case too: it stands in the case's history."""
        self.connection.execute(_LINE, (case_no, self.position))

    def lines(self, case_nos: Iterable[int]) -> None:
        """This entry is about each of those cases."""
        self.connection.executemany(_LINE, [(case_no, self.position) for case_no in case_nos])

    def body(self, place: int) -> int:
        """The id of the entry's body in this place."""
        return body_number(self.position, place)


def body_number(position: int, place: int) -> int:
    """The id of an entry's body: the place counts from 0 in the order they were given."""
    return position * BODIES_PER_ENTRY + place


def case_no(case: str) -> int:
    """The number of a case that the journal names."""
    number = case_number(case)
    if number is None:
        raise ValueError(f"The journal names a case that cannot be: {case!r}.")
    return number


def delivery_no(delivery: str) -> int:
    """The number of a delivery that the journal names."""
    number = delivery_number(delivery)
    if number is None:
        raise ValueError(f"The journal names a delivery that cannot be: {delivery!r}.")
    return number
