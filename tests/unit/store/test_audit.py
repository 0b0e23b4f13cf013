"""Each kind of tampering, done to a copy of the database behind the store's back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.records.answer import Decision
from appliance.store import journal, sqlite
from appliance.store.audit import Verification
from appliance.store.errors import StoreCorrupt
from appliance.store.keyring import Keyring
from appliance.store.limits import StoreLimits
from appliance.store.store import Store
from tests.support.clock import FakeClock
from tests.unit.store.support import Desk, message, open_store, outcome


@pytest.fixture
def home(tmp_path: Path, clock: FakeClock) -> Path:
    """A home with some history, closed."""
    home = tmp_path / "home"
    with open_store(home, clock) as store:
        desk = Desk(store, clock)
        for number in range(3):
            desk.answer(message(text=f"question {number}", sender=f"c{number}@x.example"))
            desk.finish(desk.started())
        desk.answer(message(text="held"), outcome(Decision.REVIEW))
    return home


@contextmanager
def tampering(home: Path) -> Iterator[sqlite.Connection]:
    connection = sqlite.open_writer(home / "tandem.db")
    yield connection
    connection.close()


def verified(home: Path, *, tables: bool = False) -> Verification:
    with open_store(home, FakeClock()) as store:
        return store.verify(tables=tables)


def problems(home: Path) -> list[tuple[int, str]]:
    return [(problem.position, problem.code) for problem in verified(home).problems]


def count(home: Path) -> int:
    return verified(home).position


def test_an_untouched_journal_verifies_to_its_end(home: Path) -> None:
    found = verified(home, tables=True)
    assert found.ok
    assert found.entries == found.position > 20
    assert found.anchored == found.position
    assert found.bodies == 8


@pytest.mark.parametrize(
    "change",
    [
        "payload = CAST(replace(CAST(payload AS TEXT), 'desk-1', 'desk-9') AS BLOB)",
        "at = at + 1",
        "term = 9",
        "version = 2",
        "kind = 'case_released'",
        "bodies = bodies + 1",
    ],
)
def test_an_edited_entry_is_found_where_it_is(home: Path, change: str) -> None:
    with tampering(home) as connection:
        connection.execute(f"UPDATE journal SET {change} WHERE position = 8")
    assert problems(home)[0] == (8, "edited")


def test_a_deleted_entry_is_found(home: Path) -> None:
    with tampering(home) as connection:
        connection.execute("DELETE FROM journal WHERE position BETWEEN 9 AND 10")
    found = verified(home)
    assert (found.problems[0].position, found.problems[0].code) == (9, "deleted")
    assert "9 to 10" in found.problems[0].what


def test_a_deleted_entry_is_found_when_the_rest_was_moved_up(home: Path) -> None:
    with tampering(home) as connection:
        connection.execute("DELETE FROM journal WHERE position = 9")
        for position in range(10, count_of(connection) + 2):
            connection.execute("UPDATE journal SET position = ? WHERE position = ?", (position - 1, position))
    assert problems(home)[0] == (9, "swapped")


def count_of(connection: sqlite.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM journal").fetchone()[0])


def test_swapped_entries_are_found_both(home: Path) -> None:
    with tampering(home) as connection:
        for old, new in ((9, -1), (12, 9), (-1, 12)):
            connection.execute("UPDATE journal SET position = ? WHERE position = ?", (new, old))
    found = problems(home)
    assert (9, "swapped") in found
    assert (12, "swapped") in found


def test_an_entry_put_in_at_the_end_is_found(home: Path) -> None:
    with tampering(home) as connection:
        connection.execute(
            """INSERT INTO journal SELECT position + 1, term, version, kind, at, payload, bodies, hash, hash FROM journal
            ORDER BY position DESC LIMIT 1"""
        )
        end = count_of(connection)
    assert (end, "edited") in problems(home)


def test_an_entry_put_in_between_is_found(home: Path) -> None:
    with tampering(home) as connection:
        connection.execute("DELETE FROM journal WHERE position = 9")
        connection.execute(
            "INSERT INTO journal SELECT 9, term, version, kind, at, payload, bodies, prev, hash FROM journal WHERE position = 8"
        )
    assert (9, "swapped") in problems(home)


def test_a_cut_off_end_is_found_back_to_the_last_head_outside(home: Path) -> None:
    end = count(home)
    with tampering(home) as connection:
        connection.execute("DELETE FROM journal WHERE position > ?", (end - 4,))
        connection.execute("DELETE FROM heads")
        connection.execute("DELETE FROM bodies WHERE id >= ?", ((end - 3) * 8,))
    found = verified(home)
    assert [(problem.position, problem.code) for problem in found.problems] == [(end - 3, "cut_off")]
    assert f"{end - 3} to {end}" in found.problems[0].what


def test_a_changed_anchor_is_found(home: Path) -> None:
    anchor = home / "anchor"
    anchor.write_bytes(anchor.read_bytes().replace(b'"position":', b'"position":1'))
    assert problems(home)[0][1] == "anchor"


def test_a_changed_head_is_found(home: Path) -> None:
    with tampering(home) as connection:
        connection.execute("UPDATE heads SET position = position - 1")
    assert "head" in [code for _, code in problems(home)]


def test_a_journal_rewritten_by_somebody_with_the_chain_key_is_found_by_the_signed_head(home: Path) -> None:
    chain = journal.Chain(Keyring.open(home / "keyring", may_create=False, reserve=1).chain_key)
    with tampering(home) as connection:
        prev = journal.GENESIS
        for entry in list(journal.read(connection)):
            entry = entry._replace(prev=prev, at=entry.at + 1)
            prev = chain.of(entry)
            connection.execute(
                "UPDATE journal SET at = ?, prev = ?, hash = ? WHERE position = ?", (entry.at, entry.prev, prev, entry.position)
            )
    assert [code for _, code in problems(home)] == ["rewritten"]


# Bodies


def test_exchanged_words_are_found(home: Path) -> None:
    with tampering(home) as connection:
        rows = connection.execute("SELECT id, sealed FROM bodies WHERE role = 'message' ORDER BY id LIMIT 2").fetchall()
        (first, *words), (second, *others) = rows
        connection.execute("UPDATE bodies SET sealed = ? WHERE id = ?", (*others, first))
        connection.execute("UPDATE bodies SET sealed = ? WHERE id = ?", (*words, second))
    assert problems(home) == [(first // 8, "body_swapped"), (second // 8, "body_swapped")]


def test_changed_words_are_found_and_do_not_open(home: Path) -> None:
    with tampering(home) as connection:
        number = connection.execute("SELECT min(id) FROM bodies").fetchone()[0]
        connection.execute("UPDATE bodies SET sealed = zeroblob(length(sealed)) WHERE id = ?", (number,))
    assert problems(home) == [(number // 8, "body_swapped")]


def test_deleted_words_of_a_customer_who_was_not_erased_are_found(home: Path) -> None:
    with tampering(home) as connection:
        number = connection.execute("SELECT max(id) FROM bodies").fetchone()[0]
        connection.execute("DELETE FROM bodies WHERE id = ?", (number,))
    assert problems(home) == [(number // 8, "body_deleted")]


def test_words_put_in_are_found(home: Path) -> None:
    with tampering(home) as connection:
        connection.execute("INSERT INTO bodies SELECT id + 8000, role, slot, sealed FROM bodies LIMIT 1")
    assert [code for _, code in problems(home)] == ["body_added"]


# Tables


def test_a_changed_table_is_found_by_replay(home: Path) -> None:
    with tampering(home) as connection:
        connection.execute("UPDATE cases SET state = 'replied' WHERE state = 'review'")
    assert verified(home).ok
    found = verified(home, tables=True)
    assert {problem.what.split()[2] for problem in found.problems} == {"cases", "counters", "tallies"}


def test_a_damaged_file_is_named(home: Path) -> None:
    path = home / "tandem.db"
    content = bytearray(path.read_bytes())
    for page in range(6, len(content) // 4096 - 1):
        content[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(content)
    with pytest.raises(StoreCorrupt, match="damaged"):
        verified(home)


def test_the_list_of_problems_is_bounded(home: Path) -> None:
    with tampering(home) as connection:
        connection.execute("UPDATE journal SET at = at + 1 WHERE position BETWEEN 5 AND 20")
    with open_store(home, FakeClock(), StoreLimits(problems=5)) as store:
        assert len(store.verify().problems) == 5


# Heads


def test_a_head_is_signed_and_anchored_on_request_and_at_close(store: Store, clock: FakeClock) -> None:
    desk = Desk(store, clock)
    desk.take_in(message())
    store.sign_head()
    assert store.verify().anchored == store.position
    desk.take_in(message(text="two"))
    home = store.home
    store.close()
    with open_store(home, clock) as again:
        assert again.verify().anchored == again.position


def test_a_busy_writer_signs_a_head_every_so_many_entries(tmp_path: Path, clock: FakeClock) -> None:
    with open_store(tmp_path / "home", clock, StoreLimits(head_entries=10)) as store:
        desk = Desk(store, clock)
        for number in range(30):
            desk.take_in(message(text=str(number)))
        assert store._readers.one("SELECT count(*) FROM heads")[0] >= 3
