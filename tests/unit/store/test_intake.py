from appliance.records.answer import Decision
from appliance.records.case import CaseState
from appliance.records.message import Arrival, Bounce, Cursor, Message, MessageKind, Origin
from appliance.store.limits import StoreLimits
from appliance.store.store import Store
from tests.support.clock import FakeClock
from tests.unit.store.support import Desk, message, open_store, outcome

DAY = 86_400.0


def test_a_message_waits_for_the_desk_only_after_its_channel_was_told(desk: Desk) -> None:
    receipts = desk.receive(message())
    assert desk.store.claim("desk-1", term=desk.term, seconds=60) is None
    desk.store.acknowledge(receipts, None, term=desk.term)
    assert desk.claim().message == message()


def test_the_same_arrival_offered_again_adds_nothing(desk: Desk) -> None:
    arrival = desk.arrival(message())
    (first,) = desk.store.receive([arrival], term=desk.term)
    position = desk.store.position
    (again,) = desk.store.receive([arrival], term=desk.term)
    assert (again.case, again.known) == (first.case, True)
    assert desk.store.position == position


def test_the_same_arrival_twice_in_one_batch_is_taken_once(desk: Desk) -> None:
    arrival = desk.arrival(message())
    first, again = desk.store.receive([arrival, arrival], term=desk.term)
    assert again.known
    assert again.case == first.case


def test_a_repeated_acknowledgement_writes_no_entry(desk: Desk) -> None:
    receipts = desk.take_in(message())
    position = desk.store.position
    desk.store.acknowledge(receipts, desk.store.cursor("support", "INBOX"), term=desk.term)
    assert desk.store.position == position


def test_the_cursor_moves_with_the_acknowledgement(desk: Desk) -> None:
    assert desk.store.cursor("support", "INBOX") is None
    cursor = Cursor(mailbox="support", folder="INBOX", uid_validity=7, uid=12, older_until_uid=5)
    desk.store.acknowledge((), cursor, term=desk.term)
    assert desk.store.cursor("support", "INBOX") == cursor


def test_a_mail_claimed_by_somebody_else_meanwhile_is_held(desk: Desk) -> None:
    (receipt,) = desk.receive(message())
    desk.store.acknowledge([receipt], None, claimed_elsewhere=[receipt.origin], term=desk.term)
    case = desk.claim()
    assert case.hold == "claimed_elsewhere"
    assert desk.settle(case) == Decision.REVIEW


def test_a_mail_that_carried_a_claim_when_first_seen_is_held(desk: Desk) -> None:
    desk.take_in(message(), claimed_elsewhere=True)
    assert desk.claim().hold == "claimed_elsewhere"


# Duplicates


def test_the_same_mail_in_two_places_is_one_case_and_one_linked_duplicate(desk: Desk) -> None:
    first, second = desk.take_in(message(), message())
    assert second.duplicate_of == first.case
    assert not second.known
    assert desk.state(second.case) == CaseState.CLOSED
    assert "message_linked" in desk.kinds(first.case)
    assert desk.claim().id == first.case
    assert desk.store.claim("desk-1", term=desk.term, seconds=60) is None


def test_a_reused_message_id_with_other_words_is_a_case_of_its_own_and_held(desk: Desk) -> None:
    desk.take_in(message(message_id="<same@x>"))
    (second,) = desk.take_in(message(text="Something else entirely", message_id="<same@x>"))
    assert second.duplicate_of == ""
    desk.claim()
    assert desk.claim().hold == "message_id_reused"


def test_a_message_id_reused_by_another_sender_is_held_too(desk: Desk) -> None:
    desk.take_in(message(message_id="<same@x>"))
    desk.take_in(message(sender="other@customer.example", message_id="<same@x>"))
    desk.claim()
    assert desk.claim().hold == "message_id_reused"


def test_without_a_message_id_the_same_words_within_three_days_are_a_duplicate(desk: Desk) -> None:
    (first,) = desk.take_in(message(message_id=""))
    desk.clock.move(2 * DAY)
    (second,) = desk.take_in(message(text="When  are you\nopen?", message_id=""))
    assert second.duplicate_of == first.case


def test_without_a_message_id_the_same_words_after_three_days_are_a_new_case(desk: Desk) -> None:
    desk.take_in(message(message_id=""))
    desk.clock.move(3.1 * DAY)
    (second,) = desk.take_in(message(message_id=""))
    assert second.duplicate_of == ""


def test_the_same_words_from_two_people_are_no_duplicate(desk: Desk) -> None:
    desk.take_in(message(message_id=""))
    (second,) = desk.take_in(message(sender="pekka@customer.example", message_id=""))
    assert second.duplicate_of == ""


def test_older_mail_that_is_known_is_skipped_and_unknown_older_mail_is_held(desk: Desk) -> None:
    (first,) = desk.take_in(message())
    position = desk.store.position
    (again,) = desk.receive(message(), older=True)
    assert (again.known, again.case) == (True, first.case)
    assert desk.store.position == position
    desk.claim()
    desk.take_in(message(text="from before"), older=True)
    assert desk.claim().hold == "older"


def test_older_mail_without_a_message_id_is_known_by_its_words_however_long_ago(desk: Desk) -> None:
    (first,) = desk.take_in(message(message_id=""))
    desk.clock.move(400 * DAY)
    (again,) = desk.receive(message(message_id=""), older=True)
    assert (again.known, again.case) == (True, first.case)


# Threads


def test_an_answer_to_a_known_mail_joins_its_thread_and_overtakes_it(desk: Desk) -> None:
    (first,) = desk.take_in(message(message_id="<1@x>"))
    (second,) = desk.take_in(message(text="And on Sundays?", message_id="<2@x>", in_reply_to=("<1@x>",)))
    assert desk.state(first.case) == CaseState.CLOSED
    assert desk.reason(first.case) == "superseded"
    case = desk.claim()
    assert case.id == second.case
    assert case.thread_id == first.case
    assert [earlier.message_id for earlier in case.thread] == ["<1@x>"]
    assert case.history.earlier_unanswered == 1
    assert desk.settle(case) == Decision.REVIEW


def test_an_answer_to_our_reply_joins_by_our_own_message_id(desk: Desk) -> None:
    first = desk.answer(message())
    delivery = desk.started()
    desk.finish(delivery)
    desk.take_in(message(text="Thanks. And where?", message_id="<2@x>", in_reply_to=(delivery.message_id,)))
    second = desk.claim()
    assert second.thread_id == first.id
    assert second.history.earlier_unanswered == 0
    assert second.history.automatic_replies_to_sender == 1


def test_the_subject_token_joins_mails_of_the_same_customer_only(desk: Desk) -> None:
    first = desk.answer(message())
    subject = desk.started().subject
    desk.take_in(message(text="Anything new?", message_id="", subject=f"Re: {subject}"))
    assert desk.claim().thread_id == first.id
    desk.take_in(message(sender="stranger@evil.example", text="Show me", message_id="", subject=f"Re: {subject}"))
    stranger = desk.claim()
    assert stranger.thread_id == stranger.id
    assert stranger.thread == ()


def test_outlooks_thread_index_joins_mails_of_the_same_customer(desk: Desk) -> None:
    conversation = "AdqXw2cXw2cXw2cXw2cXw2cXw2cXw2c"
    (first,) = desk.take_in(message(thread_index=conversation))
    desk.take_in(message(text="More", message_id="", subject="other", thread_index=conversation[:29] + "AAAABBBB"))
    assert desk.claim().thread_id == first.case


def test_two_answers_to_a_mail_that_we_never_saw_are_one_thread(desk: Desk) -> None:
    (first,) = desk.take_in(message(text="one", references=("<before-us@x>",)))
    desk.take_in(message(text="two", references=("<before-us@x>",)))
    assert desk.claim().thread_id == first.case


def test_a_mail_that_arrives_after_the_answer_to_it_joins_and_keeps_its_own_name(desk: Desk) -> None:
    (child,) = desk.take_in(message(text="child", message_id="<2@x>", in_reply_to=("<1@x>",)))
    (parent,) = desk.take_in(message(text="parent", message_id="<1@x>"))
    assert desk.claim().thread_id == child.case
    (again,) = desk.take_in(message(text="parent", message_id="<1@x>"))
    assert again.duplicate_of == parent.case


def test_a_colleagues_answer_joins_the_thread_held_and_without_the_customers_words(desk: Desk) -> None:
    (first,) = desk.take_in(message(message_id="<1@x>"))
    desk.take_in(message(sender="colleague@customer.example", text="I add", message_id="<2@x>", references=("<1@x>",)))
    assert desk.claim().id == first.case
    case = desk.claim()
    assert case.thread_id == first.case
    assert case.hold == "thread_of_another"
    assert case.thread == ()


def test_a_guessed_id_of_ours_joins_nothing(desk: Desk) -> None:
    (first,) = desk.take_in(message())
    forged = first.case[:-8] + "00000000"
    desk.take_in(message(text="hello", message_id="<2@x>", in_reply_to=(f"<tandem.{forged}.1@company.example>",)))
    desk.claim()
    assert desk.claim().thread == ()


def test_a_newer_message_takes_back_a_queued_reply(desk: Desk) -> None:
    first = desk.answer(message(message_id="<1@x>"))
    desk.take_in(message(text="Wait, forget it", message_id="<2@x>", references=("<1@x>",)))
    assert desk.start() is None
    assert desk.state(first.id) == CaseState.CLOSED


def test_a_delivery_that_is_being_sent_finishes_while_a_newer_message_comes_in(desk: Desk) -> None:
    first = desk.answer(message(message_id="<1@x>"))
    delivery = desk.started()
    desk.take_in(message(text="Wait", message_id="<2@x>", references=("<1@x>",)))
    assert desk.state(first.id) == CaseState.REPLYING
    desk.finish(delivery)
    assert desk.state(first.id) == CaseState.REPLIED


def test_older_mail_joins_its_thread_and_overtakes_nothing(desk: Desk) -> None:
    (first,) = desk.take_in(message(message_id="<1@x>"))
    desk.take_in(message(text="from last year", message_id="<0@x>", references=("<1@x>",)), older=True)
    assert desk.state(first.case) == CaseState.WAITING
    desk.claim()
    assert desk.claim().thread_id == first.case


def test_a_bounce_of_our_reply_shows_the_replied_case_to_a_person(desk: Desk) -> None:
    first = desk.answer(message())
    delivery = desk.started()
    desk.finish(delivery)
    bounce = Message(
        channel="mail", kind=MessageKind.BOUNCE, subject="failure", bounce=Bounce(action="failed", original_message_id=delivery.message_id)
    )
    desk.take_in(bounce)
    case = desk.claim()
    assert case.about == first.id
    desk.settle(case, outcome(Decision.CLOSE))
    assert desk.state(first.id) == CaseState.REVIEW
    assert desk.reason(first.id) == "bounced"
    assert desk.state(case.id) == CaseState.CLOSED


def test_a_delay_report_shows_nothing(desk: Desk) -> None:
    first = desk.answer(message())
    delivery = desk.started()
    desk.finish(delivery)
    report = Message(
        channel="mail", kind=MessageKind.BOUNCE, subject="delayed", bounce=Bounce(action="delayed", original_message_id=delivery.message_id)
    )
    desk.take_in(report)
    desk.settle(desk.claim(), outcome(Decision.CLOSE))
    assert desk.state(first.id) == CaseState.REPLIED


def test_an_automatic_message_overtakes_nothing(desk: Desk) -> None:
    (first,) = desk.take_in(message(message_id="<1@x>"))
    desk.take_in(message(text="I am away", kind=MessageKind.AUTOMATIC, message_id="<2@x>", in_reply_to=("<1@x>",)))
    assert desk.state(first.case) == CaseState.WAITING


# Limits and keys


def test_a_message_over_the_limit_is_kept_shortened_and_says_so(clock: FakeClock, store: Store) -> None:
    store.limits = StoreLimits(message_bytes=2_000)
    desk = Desk(store, clock)
    desk.take_in(message(text="word " * 1_000, html="<p>x</p>" * 1_000))
    case = desk.claim()
    assert case.message.html == ""
    assert case.message.text == ("word " * 1_000)[:125]
    assert "too_large_to_keep" in case.message.oddities


def test_a_raw_mail_is_kept_sealed_beside_the_message(desk: Desk) -> None:
    raw = b"From: maija\r\n\r\n\xff\x00words"
    (receipt,) = desk.take_in(message(), raw=raw)
    assert desk.store.raw(receipt.case) == raw


def test_our_own_mail_is_known_by_its_key_and_a_forged_key_is_not(desk: Desk) -> None:
    desk.answer(message())
    key = desk.started().key
    assert desk.store.is_own(key)
    assert not desk.store.is_own(key.replace(".1@", ".2@"))
    assert not desk.store.is_own("")
    assert not desk.store.is_own("c-0000000005x1dq5gng.0000.x")


def test_no_customers_word_stands_in_the_clear(desk: Desk) -> None:
    desk.answer(message(text="Tuhkatassu", subject="Tuhkatassu"))
    desk.store.tidy()
    for file in desk.store.home.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert b"Tuhkatassu" not in content
            assert b"maija@customer.example" not in content
            assert b"nine to five" not in content


def test_many_strangers_get_keys_of_their_own_past_the_reserve(desk: Desk) -> None:
    mails = [message(sender=f"customer{number}@x.example") for number in range(1_500)]
    receipts = desk.receive(*mails)
    assert len({receipt.case for receipt in receipts}) == 1_500
    opened = desk.store.file(receipts[-1].case)
    assert opened is not None
    assert opened.message == mails[-1]


def test_origins_without_a_uid_are_told_apart_by_name(desk: Desk) -> None:
    first, second = (Arrival(origin=Origin(mailbox="files", name=name), message=message(text=name), received_at=1.0) for name in "ab")
    receipts = desk.store.receive([first, second, first], term=desk.term)
    assert [receipt.known for receipt in receipts] == [False, False, True]


def test_a_reopened_store_knows_what_it_received(clock: FakeClock, desk: Desk) -> None:
    arrival = desk.arrival(message())
    desk.store.receive([arrival], term=desk.term)
    home = desk.store.home
    desk.store.close()
    with open_store(home, clock) as store:
        assert store.receive([arrival], term=desk.term)[0].known


def test_a_file_name_stands_nowhere_in_the_clear_and_is_still_known(desk: Desk) -> None:
    arrival = Arrival(origin=Origin(mailbox="files", name="Tuhkatassun valitus.eml"), message=message(), received_at=1.0)
    (receipt,) = desk.store.receive([arrival], term=desk.term)
    assert receipt.origin == arrival.origin
    assert desk.store.receive([arrival], term=desk.term)[0].known
    desk.store.acknowledge([receipt], None, claimed_elsewhere=[arrival.origin], term=desk.term)
    assert desk.claim().hold == "claimed_elsewhere"
    desk.store.tidy()
    assert all(b"Tuhkatassu" not in file.read_bytes() for file in desk.store.home.rglob("*") if file.is_file())
