"""Conversations in the store: secrets, limits, a person wanted, news, and a replay that gives the same."""

import threading

import pytest

from appliance.channels.chat.arrivals import arrival, customer_of
from appliance.ground.errors import Refused
from appliance.records.answer import Decision
from appliance.records.case import CaseState
from appliance.records.events import CaseSettled, SwitchSet
from appliance.records.person import Approval
from appliance.store.chats import ChatLimits, News
from appliance.store.errors import ChatEnded, ClaimLost, NoSuchCase, TooManyMessages
from appliance.store.limits import Sending
from appliance.store.replay import differing_tables
from tests.unit.store.support import Desk, message, outcome

LIMITS = ChatLimits()


def begin(desk: Desk) -> tuple[str, str]:
    return desk.store.chats.open("en", term=desk.term)


def say(desk: Desk, session: str, text: str = "When are you open?", key: str = "message-1", limits: ChatLimits = LIMITS) -> str:
    return desk.store.chats.say(arrival(session, key, text, "", desk.clock.now()), limits, term=desk.term).case


def reply(desk: Desk, text: str = "From nine to five.") -> None:
    """The desk answers what waits, and it leaves."""
    desk.settle(desk.claim(), outcome(text=text))
    desk.finish(desk.started())


def test_a_conversation_opens_with_its_own_secret_and_no_other(desk: Desk) -> None:
    (one, secret), (_, other) = begin(desk), begin(desk)
    chats = desk.store.chats
    assert chats.session_of(secret, LIMITS) == one
    assert chats.session_of(other, LIMITS) != one
    assert [chats.session_of(wrong, LIMITS) for wrong in ("", one, secret[:-1], secret.upper())] == [""] * 4
    assert secret.encode() not in b"".join(row[0] for row in desk.store._readers.all("SELECT payload FROM journal"))


def test_a_secret_opens_nothing_once_the_conversation_is_old_or_closed(desk: Desk) -> None:
    chats = desk.store.chats
    session, secret = begin(desk)
    desk.clock.move(71 * 3600)
    assert chats.session_of(secret, LIMITS) == session
    desk.clock.move(2 * 3600)
    assert chats.session_of(secret, LIMITS) == ""
    with pytest.raises(ChatEnded):
        say(desk, session)
    closed, key = begin(desk)
    chats.close(closed, "aino", term=desk.term)
    chats.close(closed, "aino", term=desk.term)
    assert chats.session_of(key, LIMITS) == ""
    for what in (lambda: say(desk, closed), lambda: chats.want_person(closed, term=desk.term)):
        with pytest.raises(ChatEnded):
            what()
    assert sum(row[0] == "chat_closed" for row in desk.store._readers.all("SELECT kind FROM journal")) == 1


def test_what_never_was_is_refused(desk: Desk) -> None:
    for what in (lambda: say(desk, "s-none"), lambda: desk.store.chats.standing("s-none"), lambda: desk.store.chats.address("s-none")):
        with pytest.raises(NoSuchCase):
            what()


def test_a_conversation_may_say_so_much_a_minute_and_so_much_a_day_and_what_is_sent_twice_counts_once(desk: Desk) -> None:
    limits = ChatLimits(messages_per_minute=2, messages_per_day=3)
    session, _ = begin(desk)
    for key in ("message-1", "message-2", "message-1"):
        say(desk, session, key, key, limits)
    with pytest.raises(TooManyMessages):
        say(desk, session, "more", "message-3", limits)
    assert say(desk, session, "message-2", "message-2", limits)  # known: it is no new message
    other, _ = begin(desk)
    say(desk, other, "hello", "message-1", limits)
    desk.clock.move(61)
    say(desk, session, "more", "message-3", limits)
    desk.clock.move(61)
    with pytest.raises(TooManyMessages):
        say(desk, session, "still more", "message-4", limits)
    desk.clock.move(86_400)
    assert say(desk, session, "still more", "message-4", ChatLimits(messages_per_day=3, session_hours=100))


def test_the_transcript_has_messages_and_the_replies_that_left_in_order(desk: Desk) -> None:
    session, _ = begin(desk)
    first = say(desk, session, "When are you open?", "message-1")
    desk.clock.move(1)
    desk.settle(desk.claim(), outcome(text="From nine to five."))
    assert [one.who for one in desk.store.chats.transcript(session, 10)] == ["customer"]  # it has not left yet
    desk.clock.move(1)
    desk.finish(desk.started())
    desk.clock.move(1)
    second = say(desk, session, "And on Sundays?", "message-2")
    said = desk.store.chats.transcript(session, 10)
    assert [(one.who, one.text, one.case) for one in said] == [
        ("customer", "When are you open?", first),
        ("desk", "From nine to five.", first),
        ("customer", "And on Sundays?", second),
    ]
    assert [one.text for one in desk.store.chats.transcript(session, 1)] == ["And on Sundays?"]


def test_messages_of_one_conversation_are_one_thread_and_the_desk_sees_the_earlier_ones(desk: Desk) -> None:
    session, _ = begin(desk)
    say(desk, session, "When are you open?", "message-1")
    reply(desk)
    say(desk, session, "And on Sundays?", "message-2")
    case = desk.claim()
    assert [earlier.text for earlier in case.thread] == ["When are you open?"]
    assert case.history.earlier_unanswered == 0


def test_what_mail_may_send_in_an_hour_is_not_used_up_by_chats_nor_the_other_way_round(desk: Desk) -> None:
    one_an_hour = Sending(replies_per_sender_per_day=9, replies_per_hour=1)
    session, _ = begin(desk)
    say(desk, session)
    assert desk.settle(desk.claim(), limits=one_an_hour) is Decision.SEND
    desk.take_in(message())
    mail = desk.claim()
    assert mail.history.automatic_replies_last_hour == 0
    assert desk.settle(mail, limits=one_an_hour) is Decision.SEND
    desk.take_in(message(sender="other@customer.example"))
    assert desk.settle(desk.claim(), limits=one_an_hour) is Decision.REVIEW
    other, _ = begin(desk)
    say(desk, other)
    assert desk.settle(desk.claim(), limits=one_an_hour) is Decision.REVIEW


def test_a_routed_chat_sends_no_letter_for_an_answer_to_it_would_not_reach_the_customer(desk: Desk) -> None:
    session, _ = begin(desk)
    case = say(desk, session)
    desk.settle(desk.claim(), outcome(Decision.ROUTE, team="billing"))
    assert desk.state(case) == CaseState.ROUTED
    assert desk.start() is None


@pytest.mark.parametrize("stage", ["waiting", "claimed", "queued", "replied", "routed"])
def test_a_person_who_is_wanted_gets_the_newest_message_wherever_it_stands(desk: Desk, stage: str) -> None:
    session, _ = begin(desk)
    case = say(desk, session)
    claimed = desk.claim() if stage != "waiting" else None
    if claimed is not None and stage != "claimed":
        desk.settle(claimed, outcome(Decision.ROUTE if stage == "routed" else Decision.SEND))
    if stage == "replied":
        desk.finish(desk.started())
    desk.store.chats.want_person(session, term=desk.term)
    assert (desk.state(case), desk.reason(case)) == (CaseState.REVIEW, "customer_asked_for_person")
    assert desk.start() is None
    if stage == "claimed" and claimed is not None:
        with pytest.raises(ClaimLost):
            desk.settle(claimed)
    assert desk.store._readers.ask(differing_tables) == ()


def test_a_reply_that_leaves_at_this_moment_is_left_to_leave(desk: Desk) -> None:
    session, _ = begin(desk)
    case = say(desk, session)
    desk.settle(desk.claim())
    delivery = desk.started()
    desk.store.chats.want_person(session, term=desk.term)
    assert desk.state(case) == CaseState.REPLYING
    desk.finish(delivery)
    assert desk.state(case) == CaseState.REPLIED
    later = say(desk, session, "Hello?", "message-2")
    assert desk.claim().hold == "customer_asked_for_person"
    assert later != case


def test_what_a_person_approves_in_a_chat_does_not_wait_to_be_undone_as_a_mail_does(desk: Desk) -> None:
    session, _ = begin(desk)
    case = say(desk, session)
    desk.settle(desk.claim(), outcome(Decision.REVIEW))
    approval = Approval(case=case, decision="approve", by="aino", text="From nine.")
    desk.store.decide_review(approval, term=desk.term, undo_seconds=10.0)
    assert desk.started().case == case


def test_nothing_is_approved_into_a_conversation_that_has_ended(desk: Desk) -> None:
    session, _ = begin(desk)
    case = say(desk, session)
    desk.settle(desk.claim(), outcome(Decision.REVIEW))
    desk.store.chats.close(session, "customer", term=desk.term)
    with pytest.raises(ChatEnded):
        desk.store.decide_review(Approval(case=case, decision="approve", by="aino", text="From nine."), term=desk.term)
    assert desk.store.decide_review(Approval(case=case, decision="reject", by="aino"), term=desk.term) is CaseState.CLOSED


def test_a_mail_under_the_name_of_somebody_who_chats_neither_closes_nor_joins_what_they_said(desk: Desk) -> None:
    session, _ = begin(desk)
    case = say(desk, session)
    about = (f"<{session}@chat.invalid>",)
    for sender in (customer_of(session), "mallory@example.org"):
        desk.take_in(message(sender, f"A forged word of {sender}.", in_reply_to=about, references=about))
    assert desk.state(case) == CaseState.WAITING
    assert [one.text for one in desk.store.chats.transcript(session, 10)] == ["When are you open?"]


def test_an_answer_that_comes_after_the_end_of_its_conversation_is_held_and_does_not_count_as_given(desk: Desk) -> None:
    session, _ = begin(desk)
    case = say(desk, session)
    claimed = desk.claim()
    desk.store.chats.close(session, "chat", term=desk.term)
    assert desk.settle(claimed) is Decision.REVIEW
    assert (desk.state(case), desk.reason(case)) == (CaseState.REVIEW, "chat_ended")
    assert desk.start() is None


def test_nothing_is_approved_into_a_conversation_that_began_too_long_ago_for_its_customer_to_see_it(desk: Desk) -> None:
    session, secret = begin(desk)
    case = say(desk, session)
    desk.settle(desk.claim(), outcome(Decision.REVIEW))
    approval = Approval(case=case, decision="approve", by="aino", text="From nine.")
    desk.clock.move(LIMITS.session_seconds)
    assert desk.store.chats.session_of(secret, LIMITS) == ""
    with pytest.raises(ChatEnded):
        desk.store.decide_review(approval, term=desk.term, chat_seconds=LIMITS.session_seconds)
    assert desk.state(case) == CaseState.REVIEW


def test_a_person_wanted_when_the_words_are_gone_gets_the_next_message_and_no_case_that_nobody_can_answer(desk: Desk) -> None:
    session, _ = begin(desk)
    case = say(desk, session)
    reply(desk)
    opened = desk.store.file(case)
    assert opened is not None
    assert desk.store.archive([(case, opened.row.changed_at)], "admin", term=desk.term) == 1
    desk.store.chats.want_person(session, term=desk.term)
    assert desk.state(case) == CaseState.REPLIED
    say(desk, session, "Hello?", "message-2")
    assert desk.claim().hold == "customer_asked_for_person"


def test_a_person_wanted_before_the_first_word_holds_it(desk: Desk) -> None:
    session, _ = begin(desk)
    desk.store.chats.want_person(session, term=desk.term)
    say(desk, session)
    case = desk.claim()
    assert case.hold == "customer_asked_for_person"
    assert desk.settle(case) is Decision.REVIEW


def test_a_mark_changes_with_everything_that_happens_in_its_conversation_and_with_nothing_else(desk: Desk) -> None:
    chats = desk.store.chats
    (session, _), (other, _) = begin(desk), begin(desk)
    marks = [chats.marks((session,))[session]]

    def changed() -> None:
        marks.append(chats.marks((session,))[session])
        assert marks[-1] != marks[-2]

    say(desk, session)
    changed()
    case = desk.claim()
    changed()
    desk.settle(case)
    changed()
    delivery = desk.started()
    desk.finish(delivery)
    changed()
    chats.give_address(session, "aino@example.fi", term=desk.term)
    changed()
    chats.want_person(session, term=desk.term)
    changed()
    chats.close(session, "aino", term=desk.term)
    changed()
    say(desk, other)
    assert chats.marks((session,))[session] == marks[-1]
    assert set(chats.marks((session, other, "s-none"))) == {session, other}


def test_whoever_waits_for_news_wakes_for_a_chats_and_for_no_other() -> None:
    news = News()
    seen = news.wait(-1, 0.0)
    news.tell({SwitchSet})
    assert news.wait(seen, 0.0) == seen
    threading.Timer(0.05, news.tell, ({CaseSettled},)).start()
    assert news.wait(seen, 20.0) == seen + 1


def test_whatever_happens_in_a_chat_a_replay_gives_the_same_tables_and_the_chain_holds(desk: Desk) -> None:
    session, _ = begin(desk)
    say(desk, session)
    reply(desk)
    desk.store.chats.give_address(session, "aino@example.fi", term=desk.term)
    desk.store.chats.want_person(session, term=desk.term)
    desk.store.chats.close(session, "aino", term=desk.term)
    assert desk.store._readers.ask(differing_tables) == ()
    assert desk.store.verify(tables=True).ok
    payloads = b"".join(row[0] for row in desk.store._readers.all("SELECT payload FROM journal"))
    assert b"aino@example.fi" not in payloads
    assert b"When are you open" not in payloads


def test_the_address_goes_when_the_words_of_its_case_go(desk: Desk) -> None:
    session, _ = begin(desk)
    say(desk, session)
    reply(desk)
    desk.store.chats.give_address(session, "aino@example.fi", term=desk.term)
    assert desk.store.chats.address(session) == "aino@example.fi"
    desk.clock.move(40 * 86_400)
    assert desk.store.expire_words(30, "upkeep", term=desk.term) == 1
    assert desk.store.chats.address(session) == ""
    assert desk.store.chats.transcript(session, 10) == []
    assert desk.store.verify().ok


def test_no_address_is_kept_before_there_is_a_key_to_seal_it(desk: Desk) -> None:
    session, _ = begin(desk)
    with pytest.raises(Refused):
        desk.store.chats.give_address(session, "aino@example.fi", term=desk.term)
