"""What people do with a case besides deciding it, and what it leaves in the journal, the tables and the mail."""

import itertools
from pathlib import Path

import msgspec
import pytest

from appliance.ground.errors import Refused
from appliance.records.answer import Decision
from appliance.records.case import CaseRow, CaseState
from appliance.records.delivery import DeliveryKind, DeliveryOutcome
from appliance.records.message import Attachment
from appliance.records.person import Approval
from appliance.records.work import File
from appliance.store.errors import NoSuchCase, WrongState
from appliance.store.limits import StoreLimits
from appliance.store.replay import replay, table_digests
from tests.support.clock import FakeClock
from tests.unit.store.support import Desk, message, open_store, outcome

UNDO = 10.0
PDF = File(name="manual.pdf", media_type="application/pdf", data=b"%PDF-" + bytes(range(256)))
SECRET = "Zanzibar"


def held(desk: Desk, **fields: object) -> str:
    return desk.answer(message(**fields), outcome(Decision.REVIEW)).id  # type: ignore[arg-type]


def decide(desk: Desk, case: str, decision: str = "approve", **fields: object) -> str:
    approval = Approval(case=case, decision=decision, by="aino", **fields)  # type: ignore[arg-type]
    return desk.store.decide_review(approval, term=desk.term, undo_seconds=UNDO)


def undo(desk: Desk, case: str) -> str:
    return desk.store.work.undo(case, "aino", term=desk.term)


def row(desk: Desk, case: str) -> CaseRow:
    opened = desk.store.file(case)
    assert opened is not None
    return opened.row


def draft(desk: Desk, case: str) -> str:
    opened = desk.store.file(case)
    assert opened is not None
    assert opened.draft is not None
    return opened.draft.text


def follows_from_the_journal(desk: Desk) -> bool:
    connection = desk.store._readers.connection()
    return table_digests(replay(connection, desk.store.position)) == table_digests(connection)


def journal(desk: Desk) -> bytes:
    return b"".join(payload for (payload,) in desk.store._readers.all("SELECT payload FROM journal"))


# Undoing


def test_an_approved_reply_leaves_when_the_time_to_undo_is_over_and_not_before(desk: Desk) -> None:
    case = held(desk)
    decide(desk, case)
    desk.clock.move(UNDO - 0.1)
    assert desk.start() is None
    desk.clock.move(0.1)
    assert desk.started().text == "From nine to five."


def test_an_undone_approval_never_leaves_and_the_case_is_in_review_as_it_was(desk: Desk) -> None:
    case = held(desk)
    before = row(desk, case)
    decide(desk, case, text="In my words.", files=(PDF,), signature="Aino")
    assert draft(desk, case) == "In my words."
    desk.clock.move(UNDO - 1)
    assert undo(desk, case) == CaseState.REVIEW
    after = row(desk, case)
    assert (after.state, after.reason, after.team, draft(desk, case)) == (before.state, before.reason, "", "From nine to five.")
    desk.clock.move(1_000)
    assert desk.start() is None
    assert follows_from_the_journal(desk)


@pytest.mark.parametrize(("decision", "state"), [("reject", CaseState.CLOSED), ("route", CaseState.ROUTED)])
def test_a_rejection_and_a_handover_can_be_undone_too(desk: Desk, decision: str, state: CaseState) -> None:
    case = held(desk)
    reason = row(desk, case).reason
    assert decide(desk, case, decision, team="billing") == state
    undo(desk, case)
    assert (row(desk, case).state, row(desk, case).reason, row(desk, case).team) == (CaseState.REVIEW, reason, "")
    desk.clock.move(1_000)
    assert desk.start() is None
    assert follows_from_the_journal(desk)


def test_an_undone_case_can_be_decided_again_and_leaves_once(desk: Desk) -> None:
    case = held(desk)
    decide(desk, case, text="Wrong.")
    undo(desk, case)
    decide(desk, case, text="Right.")
    desk.clock.move(UNDO)
    delivery = desk.started()
    desk.finish(delivery)
    assert (delivery.text, desk.start(), desk.state(case)) == ("Right.", None, CaseState.REPLIED)


@pytest.mark.parametrize("seconds", [UNDO, UNDO + 3_600.0])
def test_after_its_time_a_decision_holds(desk: Desk, seconds: float) -> None:
    case = held(desk)
    decide(desk, case)
    desk.clock.move(seconds)
    assert desk.store.work.undo_until(case) == 0.0
    with pytest.raises(WrongState, match="time to do so is over") as refused:
        undo(desk, case)
    assert refused.value.code == "undo_over"
    assert desk.started().text


def test_what_is_leaving_cannot_be_undone_whatever_the_clock_says(desk: Desk) -> None:
    case = held(desk)
    decide(desk, case)
    desk.clock.move(UNDO)
    delivery = desk.started()
    desk.clock.jump_wall_clock(-5.0)
    with pytest.raises(WrongState, match="leaving or has left"):
        undo(desk, case)
    desk.finish(delivery, DeliveryOutcome.TRY_AGAIN, blameless=True, retry_after_seconds=0.0)
    with pytest.raises(WrongState, match="leaving or has left"):
        undo(desk, case)


def test_a_clock_that_is_set_back_gives_no_more_time(desk: Desk) -> None:
    case = held(desk)
    decide(desk, case, "reject")
    desk.clock.jump_wall_clock(-3_600.0)
    with pytest.raises(WrongState, match="time to do so is over"):
        undo(desk, case)


def test_a_decision_that_a_newer_message_overtook_cannot_be_undone(desk: Desk) -> None:
    case = held(desk, message_id="<1@x>")
    decide(desk, case)
    desk.take_in(message(text="Never mind.", message_id="<2@x>", references=("<1@x>",)))
    assert desk.state(case) == CaseState.CLOSED
    with pytest.raises(WrongState, match="something newer"):
        undo(desk, case)


def test_only_the_last_decision_is_undone_and_only_once(desk: Desk) -> None:
    case = held(desk)
    with pytest.raises(WrongState, match="Nobody has decided"):
        undo(desk, case)
    decide(desk, case, "route", team="panel-only")
    decide(desk, case, "reject")
    undo(desk, case)
    assert row(desk, case).team == "panel-only"
    with pytest.raises(WrongState, match="something newer"):
        undo(desk, case)


def test_notes_and_assignments_in_between_do_not_hinder_an_undo(desk: Desk) -> None:
    case = held(desk)
    decide(desk, case)
    desk.store.work.note(case, "Wait!", "oskar", term=desk.term)
    desk.store.work.assign(case, "oskar", "oskar", term=desk.term)
    assert desk.store.work.undo_until(case) == desk.clock.now() + UNDO
    assert undo(desk, case) == CaseState.REVIEW


def test_a_decision_can_be_undone_after_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    with open_store(tmp_path / "home", clock) as store:
        desk = Desk(store, clock)
        case = held(desk)
        decide(desk, case)
    with open_store(tmp_path / "home", clock) as store:
        desk.store, desk.term = store, store.begin_term("node-a")
        assert undo(desk, case) == CaseState.REVIEW
        clock.move(1_000)
        assert desk.start() is None


def test_without_a_time_to_undo_a_decision_holds_at_once(desk: Desk) -> None:
    case = held(desk)
    desk.store.decide_review(Approval(case=case, decision="approve", by="aino"), term=desk.term)
    assert desk.store.work.undo_until(case) == 0.0
    with pytest.raises(WrongState):
        undo(desk, case)
    assert desk.start() is not None


def test_erased_words_are_not_brought_back_by_an_undo(desk: Desk) -> None:
    case = held(desk)
    decide(desk, case, "reject")
    desk.store.erase_customer("maija@customer.example", "owner", term=desk.term)
    with pytest.raises(WrongState, match="have been removed"):
        undo(desk, case)


# Taking care


def test_a_case_has_somebody_who_takes_care_of_it_and_lists_can_be_asked_for_theirs(desk: Desk) -> None:
    cases = [held(desk, text=text) for text in ("a", "b", "c")]
    desk.store.work.assign(cases[0], "p-1", "oskar", term=desk.term)
    desk.store.work.assign(cases[1], "p-2", "oskar", term=desk.term)
    assert row(desk, cases[0]).assigned == "p-1"
    for states in (None, [CaseState.REVIEW]):
        assert [one.id for one in desk.store.rows(states, assigned="p-1")] == [cases[0]]
        assert [one.id for one in desk.store.rows(states, assigned="")] == [cases[2]]
        assert len(desk.store.rows(states)) == 3
    assert [one.id for one in desk.store.rows(text="a question", assigned="p-2")] == [cases[1]]
    desk.store.work.assign(cases[0], "", "oskar", term=desk.term)
    assert desk.store.rows(assigned="p-1") == []
    assert follows_from_the_journal(desk)


def test_assigning_the_same_person_again_adds_no_entry(desk: Desk) -> None:
    case = held(desk)
    desk.store.work.assign(case, "p-1", "oskar", term=desk.term)
    position = desk.store.position
    desk.store.work.assign(case, "p-1", "oskar", term=desk.term)
    assert desk.store.position == position
    with pytest.raises(WrongState):
        desk.store.work.assign(case, "x" * 101, "oskar", term=desk.term)
    with pytest.raises(NoSuchCase):
        desk.store.work.assign("c-none", "p-1", "oskar", term=desk.term)


# Notes


def test_notes_are_told_with_who_and_when_and_stand_in_no_entry(desk: Desk) -> None:
    case = held(desk)
    first = desk.store.work.note(case, f"Ask {SECRET} first.", "aino", term=desk.term)
    desk.clock.move(60)
    desk.store.work.note(case, "Done.", "oskar", term=desk.term)
    told = desk.store.work.notes(case)
    assert told[0] == first
    assert [(note.by, note.at - first.at, note.text) for note in told[1:]] == [("oskar", 60.0, "Done.")]
    assert SECRET.encode() not in journal(desk)
    assert follows_from_the_journal(desk)
    assert desk.store.verify().ok


def test_a_note_never_leaves_the_house(desk: Desk) -> None:
    """Whatever kind of mail a case makes: a reply, a handover, a reply sent once more."""
    for decision, team in (("approve", ""), ("route", "billing")):
        case = held(desk, text=decision)
        desk.store.work.note(case, SECRET, "aino", term=desk.term)
        decide(desk, case, decision, team=team)
        desk.store.work.note(case, SECRET, "aino", term=desk.term)
    desk.clock.move(UNDO)
    deliveries = [desk.started(), desk.started()]
    assert {one.kind for one in deliveries} == {DeliveryKind.REPLY, DeliveryKind.HANDOVER}
    desk.finish(next(one for one in deliveries if one.kind == DeliveryKind.REPLY), DeliveryOutcome.UNCERTAIN)
    desk.store.resolve_uncertain(next(one.case for one in deliveries if one.kind == DeliveryKind.REPLY), "resend", "aino", term=desk.term)
    assert SECRET not in repr([*deliveries, desk.started()])


def test_a_note_is_erased_with_the_customer_and_none_can_be_added(desk: Desk) -> None:
    case = held(desk)
    desk.store.work.note(case, SECRET, "aino", term=desk.term)
    desk.store.erase_customer("maija@customer.example", "owner", term=desk.term)
    assert desk.store.work.notes(case) == ()
    with pytest.raises(WrongState, match="removed"):
        desk.store.work.note(case, "more", "aino", term=desk.term)
    assert desk.store.verify().ok


def test_notes_and_attachments_go_when_words_are_kept_no_longer(desk: Desk) -> None:
    mail = message(attachments=(Attachment(name="a.pdf", media_type="application/pdf", size_bytes=3, kept=True),))
    desk.take_in(mail, attachments={0: b"abc"})
    case = desk.claim()
    desk.settle(case, outcome(Decision.REVIEW))
    desk.store.work.note(case.id, SECRET, "aino", term=desk.term)
    desk.store.decide_review(Approval(case=case.id, decision="reject", by="aino"), term=desk.term)
    desk.clock.move(40 * 86_400)
    assert desk.store.expire_words(30, "retention", term=desk.term) == 1
    assert desk.store._readers.all("SELECT role FROM bodies") == []
    assert desk.store.verify().ok
    with pytest.raises(WrongState, match="removed"):
        desk.store.work.reopen(case.id, "aino", term=desk.term)


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 10_001])
def test_a_note_says_something_and_not_too_much(desk: Desk, text: str) -> None:
    case = held(desk)
    with pytest.raises(WrongState):
        desk.store.work.note(case, text, "aino", term=desk.term)


# Files


def test_an_attachment_is_kept_sealed_and_given_back_as_it_came(desk: Desk) -> None:
    told = tuple(Attachment(name=f"{n}.pdf", media_type="application/pdf", size_bytes=9, kept=bool(n)) for n in range(3))
    desk.take_in(message(attachments=told), attachments={1: b"one" * 50_000, 2: b"two"}, raw=b"From: x\n\nwhole mail")
    case = desk.claim().id
    assert desk.store.work.attachment(case, 2) == File(name="2.pdf", media_type="application/pdf", data=b"two")
    assert desk.store.work.attachment(case, 1).data == b"one" * 50_000
    assert desk.store.raw(case) == b"From: x\n\nwhole mail"
    for index in (0, 3, -1, 99):
        with pytest.raises(Refused):
            desk.store.work.attachment(case, index)
    assert b"oneone" not in (desk.store.path.read_bytes() + Path(f"{desk.store.path}-wal").read_bytes())
    assert desk.store.verify().ok
    desk.store.erase_customer("maija@customer.example", "owner", term=desk.term)
    with pytest.raises(NoSuchCase):
        desk.store.work.attachment(case, 2)


def test_a_mail_without_attachments_is_one_body_and_says_nothing_of_them(desk: Desk) -> None:
    desk.take_in(message())
    assert desk.store._readers.all("SELECT role FROM bodies") == [("message",)]
    assert b"attachments" not in journal(desk)


def test_files_and_the_persons_signature_leave_with_the_reply_and_stand_in_no_entry(desk: Desk) -> None:
    case = held(desk)
    decide(desk, case, text="See below.", comment="with the manual", files=(PDF,), signature="Aino Virtanen")
    desk.clock.move(UNDO)
    delivery = desk.started()
    assert (delivery.text, delivery.files, delivery.signature) == ("See below.", (PDF,), "Aino Virtanen")
    told = journal(desk)
    assert b"manual.pdf" not in told
    assert b"Virtanen" not in told
    assert b'"enclosed_files":1' in told
    assert desk.store.comments(case) == ("with the manual",)
    desk.finish(delivery, DeliveryOutcome.UNCERTAIN)
    desk.store.resolve_uncertain(case, "resend", "aino", term=desk.term)
    assert desk.started().files == (PDF,)
    assert follows_from_the_journal(desk)
    assert desk.store.verify().ok


@pytest.mark.parametrize(
    "files",
    [
        (PDF,) * 6,
        (File(name="a", media_type="a/b", data=b"x" * 6), File(name="b", media_type="a/b", data=b"x" * 5)),
        (File(name=" ", media_type="a/b", data=b"x"),),
        (File(name="a", media_type="a/b", data=b""),),
    ],
)
def test_files_beyond_the_limit_are_refused_and_nothing_is_decided(tmp_path: Path, clock: FakeClock, files: tuple[File, ...]) -> None:
    with open_store(tmp_path / "home", clock, StoreLimits(enclosed_bytes=10 if len(files) == 2 else 10_000_000)) as store:
        desk = Desk(store, clock)
        case = held(desk)
        with pytest.raises(WrongState):
            decide(desk, case, files=files)
        assert desk.state(case) == CaseState.REVIEW


def test_into_a_chat_a_reply_goes_at_once_and_without_files(desk: Desk) -> None:
    """What the other channel would drop without a word is refused, and what was said there cannot be taken back."""
    desk.take_in(msgspec.structs.replace(message(), channel="chat"))
    case = desk.claim()
    desk.settle(case, outcome(Decision.REVIEW))
    with pytest.raises(WrongState, match="into a chat"):
        decide(desk, case.id, files=(PDF,))
    assert decide(desk, case.id, signature="Aino") == CaseState.REPLYING
    assert desk.store.work.undo_until(case.id) == 0.0
    assert desk.started().signature == "Aino"


def test_an_automatic_reply_carries_neither_files_nor_a_persons_signature(desk: Desk) -> None:
    desk.answer(message())
    delivery = desk.started()
    assert (delivery.automatic, delivery.files, delivery.signature) == (True, (), "")


# Opening again, and learning


def test_a_case_closed_or_answered_by_mistake_is_opened_again_and_counted_where_it_stands(desk: Desk) -> None:
    start = desk.clock.now()
    rejected, answered = held(desk, text="a"), desk.answer(message(text="b", sender="b@x.example")).id
    decide(desk, rejected, "reject")
    desk.finish(desk.started())
    for case in (rejected, answered):
        assert desk.store.work.reopen(case, "aino", term=desk.term) == CaseState.REVIEW
        assert desk.reason(case) == "reopened"
    told = desk.store.tally(start)
    assert (told["arrived"], told["held"], told["answered"], told["closed"]) == (2, 2, 0, 0)
    assert desk.store.counts()[CaseState.REVIEW] == 2
    with pytest.raises(WrongState, match="has not ended"):
        desk.store.work.reopen(rejected, "aino", term=desk.term)
    decide(desk, answered, text="A correction.")
    desk.clock.move(UNDO)
    second = desk.started()
    assert (second.text, second.message_id.split(".")[2].partition("@")[0]) == ("A correction.", "2")
    assert follows_from_the_journal(desk)


def test_an_undo_does_not_reach_over_a_reopening(desk: Desk) -> None:
    case = held(desk)
    decide(desk, case, "reject")
    desk.store.work.reopen(case, "aino", term=desk.term)
    with pytest.raises(WrongState):
        undo(desk, case)


def test_what_people_changed_in_a_draft_is_kept_beside_the_desks_own(desk: Desk) -> None:
    edited, same, by_hand, undone = (held(desk, text=text) for text in "abcd")
    decide(desk, edited, text="From ten to six.")
    decide(desk, same)
    routed = desk.answer(message(text="e"), outcome(Decision.ROUTE, team="x")).id
    decide(desk, routed, text="By hand.")
    decide(desk, by_hand, "reject")
    decide(desk, undone, text="No, wait.")
    undo(desk, undone)
    (correction,) = desk.store.work.corrections(100)
    assert (correction.case, correction.by, correction.language) == (edited, "aino", "en")
    assert (correction.before, correction.after) == ("From nine to five.", "From ten to six.")
    desk.store.erase_customer("maija@customer.example", "owner", term=desk.term)
    assert desk.store.work.corrections(100) == ()


def test_lists_of_ones_own_cases_and_corrections_are_asked_by_index(desk: Desk) -> None:
    for text in itertools.islice(iter("abcdefgh"), 8):
        held(desk, text=text)
    for sql in (
        "SELECT no FROM cases WHERE no < 9 AND archived = 0 AND assigned = 'p-1' AND assigned <> '' ORDER BY no DESC LIMIT 9",
        "SELECT no FROM cases WHERE draft <> 0 AND draft <> settled * 8 ORDER BY no DESC LIMIT 9",
    ):
        plan = " ".join(str(found[3]) for found in desk.store._readers.all(f"EXPLAIN QUERY PLAN {sql}"))
        assert "USING INDEX cases_assigned" in plan or "cases_corrected" in plan, plan
