"""Words that are kept no longer: what goes, what stays, what is never touched, and that nothing of it is left on the disk."""

import hashlib
from pathlib import Path

import pytest

from appliance.records.answer import Decision
from appliance.records.case import CaseFile, CaseState
from appliance.records.delivery import DeliveryKind, DeliveryOutcome
from appliance.records.message import Bounce, MessageKind, Origin
from appliance.records.person import Approval
from appliance.store.mailing import Directory
from appliance.store.replay import replay, table_digests
from appliance.store.writer import Writer
from tests.support.clock import FakeClock
from tests.unit.store.support import Desk, message, open_store, outcome

DAY = 86_400.0


def expire(desk: Desk, days: int = 30) -> int:
    return desk.store.expire_words(days, "retention", term=desk.term)


def opened(desk: Desk, case: str) -> CaseFile:
    file = desk.store.file(case)
    assert file is not None
    return file


def answered(desk: Desk, text: str = "When are you open?", **fields: str) -> str:
    """A case that a person answered in their own words, with a comment: every kind of words there is."""
    mail = desk.arrival(message(text=text, **fields), raw=b"From: maija\n\nraw")
    desk.store.acknowledge(desk.store.receive([mail], term=desk.term), None, term=desk.term)
    case = desk.claim()
    desk.settle(case, outcome(Decision.REVIEW))
    approval = Approval(case=case.id, decision="approve", by="liisa", text="in my words", comment="note")
    desk.store.decide_review(approval, term=desk.term)
    desk.finish(desk.started())
    desk.store.work.note(case.id, "a note", "liisa", term=desk.term)
    return case.id


def sealed(desk: Desk) -> list[bytes]:
    return [row[0] for row in desk.store._readers.all("SELECT sealed FROM bodies ORDER BY id")]


def seen(desk: Desk) -> list[tuple[str, float]]:
    return [(row.id, row.changed_at) for row in desk.store.rows()]


# What goes and what stays


def test_the_words_of_a_case_that_ended_long_ago_go_and_its_row_stays(desk: Desk) -> None:
    case = answered(desk)
    assert len(sealed(desk)) == 6  # message, raw, the desk's draft, the person's, the comment, the note
    desk.clock.move(31 * DAY)
    assert expire(desk) == 1
    file = opened(desk, case)
    assert (file.erased, file.kept_days, file.row.words_removed_at) == (True, 30, desk.clock.now())
    assert (file.message, file.draft, file.case, desk.store.raw(case), desk.store.comments(case)) == (None, None, None, None, ())
    assert (file.row.state, file.row.subject, file.row.sender) == (CaseState.REPLIED, "", "")
    assert file.outcome is not None
    assert file.outcome.score == 0.9
    assert [row.id for row in desk.store.rows()] == [case]
    assert desk.store.counts()[CaseState.REPLIED] == 1
    assert sealed(desk) == []
    assert desk.store.work.notes(case) == ()


def test_a_case_that_ended_a_day_less_ago_keeps_its_words(desk: Desk) -> None:
    case = answered(desk)
    desk.clock.move(29 * DAY)
    assert expire(desk) == 0
    assert opened(desk, case).message is not None


def test_the_journal_says_it_once_and_the_second_time_there_is_nothing_to_do(desk: Desk) -> None:
    case = answered(desk)
    desk.clock.move(31 * DAY)
    assert desk.store.expiring(30) == {"replied": 1}
    expire(desk)
    position = desk.store.position
    assert (expire(desk), desk.store.position, desk.store.expiring(30)) == (0, position, {})
    assert opened(desk, case).lines[-1].kind == "words_expired"
    assert "entries" not in opened(desk, case).lines[-1].facts


def test_more_cases_than_fit_an_entry_go_in_several(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.store.expiry.CASES_PER_ENTRY", 2)
    for number in range(5):
        desk.answer(message(text=f"text {number}"), outcome(Decision.CLOSE))
    desk.clock.move(31 * DAY)
    before = desk.store.position
    assert (expire(desk), desk.store.position - before) == (5, 3)
    assert sealed(desk) == []


@pytest.mark.parametrize("decision", [Decision.CLOSE, Decision.ROUTE])
def test_what_was_closed_or_went_to_a_team_goes_too(desk: Desk, decision: Decision) -> None:
    desk.answer(message(), outcome(decision, team="billing"))
    while (delivery := desk.start()) is not None:
        desk.finish(delivery)
    desk.clock.move(31 * DAY)
    assert expire(desk) == 1


def test_the_words_of_a_dead_letter_go_by_age_and_a_person_can_still_close_it(desk: Desk) -> None:
    case = desk.answer(message()).id
    desk.finish(desk.started(), DeliveryOutcome.REFUSED)
    assert desk.store.archive(seen(desk), "owner", term=desk.term) == 0
    desk.clock.move(31 * DAY)
    assert expire(desk) == 1
    desk.store.decide_review(Approval(case=case, decision="reject", by="liisa"), term=desk.term)
    assert desk.state(case) == CaseState.CLOSED


@pytest.mark.parametrize("stage", ["arrived", "waiting", "claimed", "review", "replying", "sending", "uncertain", "handover"])
def test_nothing_that_is_under_way_or_waits_for_a_person_is_touched(desk: Desk, stage: str) -> None:
    if stage in ("arrived", "waiting", "claimed"):
        (desk.receive if stage == "arrived" else desk.take_in)(message())
        if stage == "claimed":
            desk.claim(seconds=900)
    else:
        decisions = {"review": Decision.REVIEW, "handover": Decision.ROUTE}
        desk.answer(message(), outcome(decisions.get(stage, Decision.SEND), team="billing"))
        if stage in ("sending", "uncertain"):
            delivery = desk.started()
            if stage == "uncertain":
                desk.finish(delivery, DeliveryOutcome.UNCERTAIN)
    before = sealed(desk)
    assert desk.store.archive(seen(desk), "owner", term=desk.term) == 0
    desk.clock.move(400 * DAY)
    assert expire(desk) == 0
    assert sealed(desk) == before


def test_a_case_that_cannot_go_yet_does_not_keep_the_later_ones(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.store.expiry.CASES_PER_ENTRY", 1)
    desk.answer(message(text="its handover never left"), outcome(Decision.ROUTE, team="billing"))
    desk.clock.move(1)
    desk.answer(message(text="another"), outcome(Decision.CLOSE))
    desk.clock.move(31 * DAY)
    assert desk.store.expiring(30) == {"closed": 1}
    assert expire(desk) == 1


def test_a_newer_message_of_the_thread_keeps_its_words_when_the_one_it_overtook_loses_them(desk: Desk) -> None:
    old = desk.answer(message(text="first", message_id="<1@x>"), outcome(Decision.REVIEW)).id
    desk.clock.move(31 * DAY)
    newer = desk.answer(message(text="second", message_id="<2@x>", references=("<1@x>",)), outcome(Decision.REVIEW)).id
    assert desk.state(old) == CaseState.CLOSED
    desk.clock.move(31 * DAY)
    assert expire(desk) == 1
    assert opened(desk, old).erased
    file = opened(desk, newer)
    assert file.message is not None
    assert file.message.text == "second"
    assert file.draft is not None


def test_a_case_that_changed_after_it_was_found_is_left(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    case = desk.answer(message(), outcome(Decision.ROUTE, team="nobody")).id
    desk.clock.move(31 * DAY)
    submit = Writer.submit

    def decided_meanwhile(writer: Writer, job: object) -> object:
        monkeypatch.setattr(Writer, "submit", submit)
        desk.store.decide_review(Approval(case=case, decision="approve", by="liisa", text="mine"), term=desk.term)
        return submit(writer, job)  # type: ignore[arg-type]

    monkeypatch.setattr(Writer, "submit", decided_meanwhile)
    assert expire(desk) == 0
    assert opened(desk, case).message is not None
    assert desk.started().text == "mine"


def test_a_message_that_comes_again_after_its_words_went_is_still_known_as_a_copy(desk: Desk) -> None:
    case = answered(desk)
    desk.clock.move(31 * DAY)
    expire(desk)
    (receipt,) = desk.take_in(message())
    assert receipt.duplicate_of == case


def test_an_erased_customers_case_is_not_said_to_have_run_out(desk: Desk) -> None:
    case = answered(desk)
    desk.store.erase_customer("maija@customer.example", "owner", term=desk.term)
    assert desk.store.archive(seen(desk), "owner", term=desk.term) == 1
    assert opened(desk, case).row.words_removed_at == 0.0
    desk.clock.move(31 * DAY)
    assert expire(desk) == 0


def test_search_finds_nothing_in_words_that_are_gone(desk: Desk) -> None:
    answered(desk, text="the pump leaks")
    assert len(desk.store.rows(text="pump")) == 1
    desk.clock.move(31 * DAY)
    expire(desk)
    assert desk.store.rows(text="pump") == []


# Nothing is left on the disk


def test_the_sealed_words_are_in_no_file_of_the_home_afterwards(desk: Desk, clock: FakeClock) -> None:
    answered(desk, text="long " * 4_000)  # some overflow pages of its own
    desk.store.tidy()
    answered(desk, text="in the log alone", sender="pekka@customer.example")
    pieces = [body[start : start + 16] for body in sealed(desk) for start in range(0, len(body) - 15, 2_000)]
    assert all(_held(desk.store.home, piece) for piece in pieces)
    desk.clock.move(31 * DAY)
    assert expire(desk) == 2
    assert not any(_held(desk.store.home, piece) for piece in pieces)
    home = desk.store.home
    desk.store.close()
    assert not any(_held(home, piece) for piece in pieces)
    with open_store(home, clock) as store:
        assert store.verify(tables=True).ok


def _held(home: Path, piece: bytes) -> bool:
    return any(piece in path.read_bytes() for path in home.rglob("*") if path.is_file())


# The journal holds


def test_the_chain_and_the_replay_hold_afterwards(desk: Desk) -> None:
    answered(desk)
    desk.answer(message(sender="pekka@customer.example"))
    desk.clock.move(31 * DAY)
    expire(desk)
    found = desk.store.verify(tables=True)
    assert found.ok, found.problems
    connection = desk.store._readers.connection()
    assert table_digests(replay(connection, desk.store.position)) == table_digests(connection)


def test_missing_words_that_no_entry_removed_are_still_found(desk: Desk) -> None:
    answered(desk)
    desk.clock.move(31 * DAY)
    expire(desk)
    kept = desk.answer(message(text="another")).id
    desk.store._run(lambda books: books.connection.execute("DELETE FROM bodies"))
    problems = desk.store.verify().problems
    assert {problem.code for problem in problems} == {"body_deleted"}
    assert len(problems) == 2  # the message and the draft
    assert opened(desk, kept).erased


def test_words_that_were_put_back_are_found(desk: Desk) -> None:
    answered(desk)
    (row, *_) = desk.store._readers.all("SELECT id, role, slot, sealed FROM bodies ORDER BY id")
    desk.clock.move(31 * DAY)
    expire(desk)
    desk.store._run(lambda books: books.connection.execute("INSERT INTO bodies VALUES (?, ?, ?, ?)", row))
    assert [problem.code for problem in desk.store.verify().problems] == ["body_kept"]


# Archiving


def test_what_is_archived_loses_its_words_and_leaves_the_ordinary_lists(desk: Desk) -> None:
    case = answered(desk)
    waits = desk.answer(message(text="another"), outcome(Decision.REVIEW)).id
    assert desk.store.archive(seen(desk), "owner", term=desk.term) == 1
    assert [row.id for row in desk.store.rows()] == [waits]
    assert desk.store.rows([CaseState.REPLIED]) == []
    assert {row.id for row in desk.store.rows(archived=True)} == {case, waits}
    assert [row.id for row in desk.store.rows([CaseState.REPLIED], archived=True)] == [case]
    assert (opened(desk, case).erased, opened(desk, case).kept_days) == (True, 0)
    assert desk.store.counts()[CaseState.REPLIED] == 1
    assert desk.store.verify(tables=True).ok


def test_archiving_twice_is_harmless(desk: Desk) -> None:
    answered(desk)
    found = seen(desk)
    desk.store.archive(found, "owner", term=desk.term)
    position = desk.store.position
    assert desk.store.archive(found, "owner", term=desk.term) == 0
    assert desk.store.position == position


def test_a_case_that_has_changed_since_it_was_seen_is_not_archived(desk: Desk) -> None:
    answered(desk)
    assert desk.store.archive([(case, at - 1.0) for case, at in seen(desk)], "owner", term=desk.term) == 0


def test_an_archived_case_whose_reply_bounces_is_shown_to_a_person_again(desk: Desk) -> None:
    case = desk.answer(message()).id
    delivery = desk.started()
    desk.finish(delivery)
    desk.store.archive(seen(desk), "owner", term=desk.term)
    report = Bounce(original_message_id=delivery.message_id, action="failed")
    desk.answer(message(sender="mailer@x", text="bounced", kind=MessageKind.BOUNCE, bounce=report), outcome(Decision.CLOSE))
    assert desk.state(case) == CaseState.REVIEW
    assert case in [row.id for row in desk.store.rows()]
    desk.store.decide_review(Approval(case=case, decision="reject", by="liisa"), term=desk.term)
    assert desk.store.verify(tables=True).ok


# A queue that is filled anew


def by_hand(desk: Desk, text: str) -> str:
    origin = Origin(mailbox="support", folder="by-hand", name=hashlib.sha256(text.encode()).hexdigest())
    (receipt,) = desk.take_in(message(text=text), origin=origin)
    return "" if receipt.known or receipt.duplicate_of else receipt.case


def replace(desk: Desk) -> int:
    return desk.store.replace_waiting(seen(desk), "by-hand", "owner", term=desk.term)


def test_what_waits_is_closed_and_what_is_under_way_is_not(desk: Desk) -> None:
    review = desk.answer(message(text="a"), outcome(Decision.REVIEW)).id
    replying = desk.answer(message(text="b")).id
    claimed_id = (desk.take_in(message(text="c")), desk.claim())[1].id
    waiting = by_hand(desk, "d")
    assert replace(desk) == 2
    for case in (review, waiting):
        assert (desk.state(case), desk.reason(case)) == (CaseState.CLOSED, "replaced")
        assert opened(desk, case).message is not None
    assert (desk.state(replying), desk.state(claimed_id)) == (CaseState.REPLYING, CaseState.CLAIMED)
    assert desk.store.verify(tables=True).ok


def test_a_draft_that_was_queued_for_a_replaced_case_does_not_leave(tmp_path: Path, clock: FakeClock) -> None:
    directory = Directory(senders={"support": "support@company.example"}, drafts=lambda _: "drafts@company.example")
    with open_store(tmp_path / "drafts", clock, directory=directory) as store:
        desk = Desk(store, clock)
        desk.answer(message(text="a"), outcome(Decision.REVIEW))
        desk.answer(message(text="b"), outcome(Decision.REVIEW))
        assert desk.started().kind == DeliveryKind.DRAFT
        assert replace(desk) == 1  # the other one's draft is leaving at this moment
        assert desk.start() is None


def test_a_row_of_a_table_that_was_replaced_comes_in_again_as_new(desk: Desk) -> None:
    first = by_hand(desk, "d")
    assert by_hand(desk, "d") == ""
    replace(desk)
    again = by_hand(desk, "d")
    assert again not in ("", first)
    assert desk.state(again) == CaseState.WAITING
    assert desk.store.verify(tables=True).ok


def test_a_mail_of_a_mailbox_that_was_replaced_stays_known(desk: Desk) -> None:
    desk.take_in(message())
    replace(desk)
    (receipt,) = desk.take_in(message())
    assert receipt.duplicate_of
