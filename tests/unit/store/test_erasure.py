from pathlib import Path
from typing import Any

import pytest

from appliance.records.answer import Decision
from appliance.records.case import CaseState
from appliance.records.message import Receipt
from appliance.records.person import Approval
from appliance.store import intake
from appliance.store.errors import DiskFull
from appliance.store.keyring import Keyring
from appliance.store.writer import Job, Ticket, Writer
from tests.support.clock import FakeClock
from tests.unit.store.support import Desk, message, open_store, outcome


def erase(desk: Desk, address: str = "maija@customer.example") -> dict[str, int]:
    steps = desk.store.erase_customer(address, "owner", term=desk.term)["steps"]
    return {step["step"]: step.get("count", 0) for step in steps}


def with_history(desk: Desk) -> str:
    case = desk.answer(message(message_id="<1@x>"), outcome(Decision.REVIEW)).id
    desk.store.decide_review(Approval(case=case, decision="approve", by="liisa", text="in my words", comment="note"), term=desk.term)
    desk.finish(desk.started())
    desk.answer(message(sender="pekka@customer.example"))
    return case


def test_an_erased_customers_words_are_gone_and_the_numbers_stay(desk: Desk) -> None:
    case = with_history(desk)
    assert erase(desk) == {"key": 1, "words": 4, "cases": 1, "journal": 0}
    opened = desk.store.file(case)
    assert opened is not None
    assert opened.erased
    assert (opened.message, opened.draft, opened.thread, opened.case) == (None, None, (), None)
    assert (opened.row.subject, opened.row.sender) == ("", "")
    assert opened.row.state == CaseState.REPLIED
    assert opened.outcome is not None
    assert opened.outcome.draft is None
    assert opened.outcome.score == 0.9
    assert desk.store.comments(case) == ()


def test_the_chain_and_the_replay_hold_after_an_erasure(desk: Desk) -> None:
    with_history(desk)
    erase(desk)
    found = desk.store.verify(tables=True)
    assert found.ok, found.problems


def test_nobody_else_is_touched(desk: Desk) -> None:
    with_history(desk)
    erase(desk)
    (row,) = [row for row in desk.store.rows() if row.sender]
    assert row.sender == "pekka@customer.example"
    assert desk.start() is not None


def test_an_address_is_the_same_in_capitals(desk: Desk) -> None:
    with_history(desk)
    assert erase(desk, " MAIJA@customer.example ")["cases"] == 1


def test_erasing_twice_and_erasing_a_stranger_is_fine(desk: Desk) -> None:
    with_history(desk)
    erase(desk)
    assert erase(desk)["words"] == 0
    assert erase(desk, "nobody@x.example")["words"] == 0
    assert desk.store.verify(tables=True).ok


def test_what_was_open_is_closed_and_what_was_queued_does_not_leave(desk: Desk) -> None:
    case = desk.answer(message()).id
    erase(desk)
    assert desk.start() is None
    assert (desk.state(case), desk.reason(case)) == (CaseState.CLOSED, "erased")


def test_a_case_erased_while_the_desk_was_thinking_is_settled_as_closed(desk: Desk) -> None:
    desk.take_in(message())
    case = desk.claim()
    erase(desk)
    assert desk.settle(case) == Decision.CLOSE


def test_a_delivery_under_way_while_its_customer_is_erased_comes_to_its_end(desk: Desk) -> None:
    case = desk.answer(message()).id
    delivery = desk.started()
    erase(desk)
    (unfinished,) = desk.store.unfinished_deliveries()
    assert (unfinished.message_id, unfinished.key, unfinished.text) == (delivery.message_id, delivery.key, "")
    desk.finish(delivery)
    assert desk.state(case) == CaseState.REPLIED


def test_an_erased_customer_who_writes_again_is_a_stranger_with_a_new_key(desk: Desk) -> None:
    old = desk.answer(message(message_id="<1@x>")).id
    erase(desk)
    desk.take_in(message(text="Hello again", message_id="<2@x>", references=("<1@x>",)))
    case = desk.claim()
    assert case.message.text == "Hello again"
    assert case.thread == ()
    assert case.history.automatic_replies_to_sender == 0
    opened = desk.store.file(old)
    assert opened is not None
    assert opened.erased
    assert desk.store.verify(tables=True).ok


def test_erased_mail_that_a_changed_mailbox_offers_again_is_not_taken_back_in(desk: Desk) -> None:
    desk.take_in(message(message_id="<1@x>"))
    erase(desk)
    (receipt,) = desk.receive(message(message_id="<1@x>"), older=True)
    assert receipt.known


def test_the_key_is_gone_from_the_keyring_and_from_the_file_it_was_in(desk: Desk) -> None:
    with_history(desk)
    path = desk.store.home / "keyring"
    key = Keyring.open(path, may_create=False, reserve=1).key(0)
    assert key is not None
    with path.open("rb") as old_file:
        erase(desk)
        old_file.seek(0)
        assert key not in old_file.read()
    assert key not in path.read_bytes()
    assert Keyring.open(path, may_create=False, reserve=1).key(0) is None


def test_a_keyring_put_back_from_a_backup_brings_nobody_back(desk: Desk, clock: FakeClock) -> None:
    case = with_history(desk)
    home: Path = desk.store.home
    backup = (home / "keyring").read_bytes()
    erase(desk)
    desk.store.close()
    (home / "keyring").write_bytes(backup)
    with open_store(home, clock) as store:
        opened = store.file(case)
        assert opened is not None
        assert opened.erased
    assert Keyring.open(home / "keyring", may_create=False, reserve=1).key(0) is None


def test_a_mail_that_comes_in_while_its_customer_is_being_erased_is_erased_too(desk: Desk) -> None:
    desk.take_in(message(text="before"))
    store = desk.store
    arrival = desk.arrival(message(text="meanwhile"))
    receiving = store._writer.submit
    prepared = intake.prepare(arrival, store._prints, store.limits)
    ran: list[list[Receipt]] = []

    def with_a_mail_before(job: Job[Any]) -> Ticket[Any]:
        store._writer.submit = receiving  # type: ignore[method-assign]
        receiving(lambda books: ran.append(intake.receive(books, [prepared], desk.term, 1.0)))
        return receiving(job)

    store._writer.submit = with_a_mail_before  # type: ignore[method-assign]
    assert erase(desk)["cases"] == 2
    opened = store.file(ran[0][0].case)
    assert opened is not None
    assert opened.erased


# Half an erasure: the key is destroyed, the entry was never written


def half_erase(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Writer, __: object) -> None:
        raise DiskFull("The disk is full.", "Make room.")

    with monkeypatch.context() as patched:
        patched.setattr(Writer, "_commit", full)
        with pytest.raises(DiskFull):
            erase(desk)


def test_after_half_an_erasure_the_mailbox_goes_on_and_the_customer_is_a_stranger(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.take_in(message(text="before"))
    half_erase(desk, monkeypatch)
    desk.take_in(message(sender="pekka@customer.example"), message(text="after"), message(text="and again"))
    assert {row.sender for row in desk.store.rows()} == {"", "pekka@customer.example", "maija@customer.example"}
    assert len({row[0] for row in desk.store._readers.all("SELECT slot FROM cases")}) == 3
    found = desk.store.verify(tables=True)
    assert found.ok, found.problems


@pytest.mark.parametrize("writes_again", [False, True])
def test_a_new_term_finishes_half_an_erasure(desk: Desk, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, writes_again: bool) -> None:
    case = desk.answer(message(text="before")).id
    half_erase(desk, monkeypatch)
    if writes_again:
        (again,) = desk.take_in(message(text="after"))
    home = desk.store.home
    desk.store.close()
    with open_store(home, clock) as store:
        term = store.begin_term("node-a")
        opened = store.file(case)
        assert opened is not None
        assert (opened.row.state, opened.row.reason, opened.lines[-1].kind) == (CaseState.CLOSED, "erased", "customer_erased")
        assert store.next_delivery("sender", term=term) is None
        assert store._readers.all("SELECT count(*) FROM bodies") == [(int(writes_again),)]
        if writes_again:
            kept = store.file(again.case)
            assert kept is not None
            assert kept.message is not None
        position = store.position
        store.begin_term("node-a")
        assert store.position == position + 1  # nothing is finished twice
        assert store.verify(tables=True).ok


def test_the_same_command_finishes_half_an_erasure_of_a_customer_who_wrote_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    (before,) = desk.take_in(message(text="before"))
    half_erase(desk, monkeypatch)
    (after,) = desk.take_in(message(text="after"))
    erase(desk)
    for case in (before.case, after.case):
        assert (desk.state(case), desk.reason(case)) == (CaseState.CLOSED, "erased")
    assert desk.store._readers.all("SELECT count(*) FROM bodies") == [(0,)]


def test_a_keyring_newer_than_the_database_gives_nobody_a_destroyed_key(desk: Desk, clock: FakeClock) -> None:
    home = desk.store.home
    desk.store.close()
    keyring = Keyring.open(home / "keyring", may_create=False, reserve=1)
    keyring.destroy((0, 1, keyring.slots - 1))
    with open_store(home, clock) as store:
        again = Desk(store, clock)
        again.take_in(message(), message(sender="pekka@customer.example"))
        assert store._readers.all("SELECT slot FROM cases ORDER BY no") == [(2,), (3,)]
        assert erase(again)["key"] == 1


def test_when_every_key_that_was_made_is_destroyed_new_ones_are_made(desk: Desk, clock: FakeClock) -> None:
    home = desk.store.home
    desk.store.close()
    keyring = Keyring.open(home / "keyring", may_create=False, reserve=1)
    slots = keyring.slots
    keyring.destroy(tuple(range(slots)))
    with open_store(home, clock) as store:
        Desk(store, clock).take_in(message())
        assert store._readers.all("SELECT slot FROM cases") == [(slots,)]


def test_a_key_that_could_not_be_wiped_in_the_old_file_seals_nothing_any_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.take_in(message(text="before"))

    def fails(*_: object) -> None:
        raise OSError("the disk")

    with monkeypatch.context() as patched:
        patched.setattr(Keyring, "_wipe", fails)
        with pytest.raises(OSError, match="the disk"):
            erase(desk)
    (receipt,) = desk.take_in(message(text="after"))
    home = desk.store.home
    desk.store.close()
    with open_store(home, desk.clock) as store:
        opened = store.file(receipt.case)
        assert opened is not None
        assert not opened.erased
