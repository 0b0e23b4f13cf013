"""How a chat's words become an arrival, and how a reply counts as delivered."""

import pytest

from appliance.channels.chat import arrivals, replies
from appliance.channels.chat.outbox import ChatOutbox
from appliance.records.answer import Draft, DraftSentence
from appliance.records.delivery import Delivery, DeliveryKind, DeliveryOutcome
from appliance.records.message import Trust


def delivery(kind: DeliveryKind = DeliveryKind.REPLY) -> Delivery:
    return Delivery(id="d-1", case="c-1", kind=kind, mailbox="chat", message_id="<1@x>", key="", automatic=True, to=())


def test_a_message_of_a_chat_carries_its_conversation_and_nobodys_trust() -> None:
    arrival = arrivals.arrival("s-1", "message-1", "When are you open?", "  Aino \n Korhonen ", 7.0)
    message = arrival.message
    assert (arrival.origin.mailbox, arrival.origin.folder, arrival.origin.name) == ("chat", "s-1", "message-1")
    assert (message.channel, message.text, message.full_text) == ("chat", "When are you open?", "When are you open?")
    assert (message.sender.name, message.sender.address) == ("Aino Korhonen", "s-1@chat.invalid")
    assert message.message_id == "<message-1.s-1@chat.invalid>"
    assert message.references == ("<s-1@chat.invalid>",)
    assert message.trust is Trust.ABSENT


def test_control_characters_and_white_space_at_the_ends_are_left_out() -> None:
    assert arrivals.cleaned("  Hello,\r\nwhen\x00 \x1bare you\topen?  \r\n\n ") == "Hello,\nwhen are you\topen?"
    assert arrivals.cleaned(" \n\t\x07 ") == ""
    assert arrivals.cleaned("red \x9b31m") == "red 31m"  # what an old terminal takes for an order


@pytest.mark.parametrize("name", ["Ai\x1b[2Jno", "Ai\x00no", "Aino \x9b31m", "Aino \u202eeniaL", "\u2028Aino"])
def test_a_name_shows_as_one_line_and_turns_nothing_around_it(name: str) -> None:
    shown = arrivals.arrival("s-1", "message-1", "Hello", name, 7.0).message.sender.name
    assert shown.isprintable()
    assert "no" in shown


@pytest.mark.parametrize("key", ["", "short", "with space", "x" * 65, "a@b.example", "<angle>123"])
def test_a_key_that_could_break_a_message_id_is_no_key(key: str) -> None:
    assert not arrivals.is_key(key)


def test_a_reply_has_left_once_it_is_begun_and_is_found_again_after_a_crash() -> None:
    outbox = ChatOutbox()
    assert outbox.deliver(delivery(), lambda: True).outcome is DeliveryOutcome.SENT
    assert outbox.find(delivery())


def test_a_node_that_may_not_send_any_more_delivers_nothing_and_it_counts_as_no_try() -> None:
    result = ChatOutbox().deliver(delivery(), lambda: False)
    assert (result.outcome, result.stage, result.blameless) == (DeliveryOutcome.TRY_AGAIN, "lease", True)


def test_a_letter_to_a_team_has_no_way_out_by_the_chat() -> None:
    result = ChatOutbox().deliver(delivery(DeliveryKind.HANDOVER), lambda: True)
    assert (result.outcome, result.stage) == (DeliveryOutcome.REFUSED, "no_outbox")
    assert not ChatOutbox().find(delivery(DeliveryKind.HANDOVER))


def test_a_chat_says_what_a_letter_says_without_its_courtesies() -> None:
    hello, closing = DraftSentence(text="Hello Aino,", courtesy=True), DraftSentence(text="Kind regards", courtesy=True)
    sentence = DraftSentence(text="We open at 9.", passages=("p",))
    draft = Draft(language="en", subject="", text="Hello Aino,\n\nWe open at 9.\n\nKind regards", sentences=(hello, sentence, closing))
    assert replies.spoken(draft) == "We open at 9."


def test_a_persons_words_are_said_as_they_are() -> None:
    assert replies.spoken(Draft(language="en", subject="", text="Hello Aino,\n\nyes.\n")) == "Hello Aino,\n\nyes."


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("aino@example.fi", True),
        ("a.b+c@x-y.example.com", True),
        ("aino", False),
        ("aino@fi", False),
        ("a b@x.fi", False),
        (f"a@{'x' * 254}.fi", False),
    ],
)
def test_only_what_can_be_a_mail_address_is_one(text: str, fine: bool) -> None:
    assert replies.is_address(text) is fine
