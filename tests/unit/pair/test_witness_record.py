"""What a witness grants, and what it never does."""

from appliance.pair.messages import Look, Note, Take, WitnessRecord
from appliance.pair.permission import witness_kind
from appliance.pair.witness_record import answer

LED_BY_A = WitnessRecord(holder="a", term=4, in_sync=True, number=10)
A_ALONE = WitnessRecord(holder="a", term=4, in_sync=False, number=11)


def granted(record: WitnessRecord, ask: Look | Take | Note) -> bool:
    after, reply = answer(record, ask, 3.0)
    assert reply.record == after
    assert reply.granted or after == record, "what is refused changes nothing"
    return reply.granted


def test_a_look_changes_nothing() -> None:
    assert answer(A_ALONE, Look(number=1), 3.0)[0] == A_ALONE


def test_a_term_is_given_once() -> None:
    taken, _ = answer(LED_BY_A, Take(number=1, node="b", term=5), 3.0)
    assert taken == WitnessRecord(holder="b", term=5, in_sync=False, number=1)
    assert not granted(taken, Take(number=99, node="a", term=5))
    assert granted(taken, Take(number=2, node="b", term=5)), "but its holder may ask again when the answer got lost"
    assert not granted(taken, Take(number=1, node="b", term=5)), "and a copy of the question is no new one"


def test_a_node_that_may_lack_entries_is_not_given_a_term() -> None:
    assert not granted(A_ALONE, Take(number=1, node="b", term=5))
    assert granted(A_ALONE, Take(number=1, node="a", term=5))


def test_a_persons_word_is_granted_and_waits_for_the_lease_of_the_other() -> None:
    record, reply = answer(A_ALONE, Take(number=1, node="b", term=1001, forced=True), 3.0)
    assert (record.holder, reply.wait_seconds) == ("b", 3.0)


def test_a_late_note_changes_nothing() -> None:
    assert not granted(A_ALONE, Note(number=10, node="a", term=4, in_sync=True))
    assert not granted(A_ALONE, Note(number=99, node="a", term=3, in_sync=True))
    assert granted(A_ALONE, Note(number=12, node="a", term=4, in_sync=True))


def test_a_witness_that_was_set_up_anew_gives_nothing_until_both_nodes_stand_behind_it() -> None:
    empty = WitnessRecord()
    assert not granted(empty, Take(number=1, node="a", term=9))
    assert not granted(empty, Take(number=1, node="a", term=9, forced=True))
    assert not granted(empty, Note(number=1, node="a", term=9, in_sync=False))
    assert granted(empty, Note(number=1, node="a", term=9, in_sync=True))


def test_auto_takes_the_mailbox_only_where_its_races_had_one_winner() -> None:
    assert (witness_kind("auto", True), witness_kind("auto", False)) == ("mailbox", "none")
    assert (witness_kind("tcp://box:8487", False), witness_kind("mailbox", False), witness_kind("none", True)) == ("tcp", "mailbox", "none")
