"""What was kept of a call: sealed with the case's words and gone with them, the newest counts, and the list of calls."""

from decimal import Decimal

import pytest

from appliance.records.answer import Decision
from appliance.records.call import CallState, Price, Quote, QuoteLine
from appliance.records.message import Message
from appliance.records.person import Approval
from appliance.records.voice import Caller
from appliance.store.errors import NoSuchCase, WrongState
from appliance.store.replay import differing_tables
from tests.unit.store.support import Desk, message, outcome

SECRET = "Zanzibar"
STATE = CallState(
    draft=f"Hello {SECRET}",
    caller=Caller(name="Maija", telephone="+358 40 123 4567"),
    heard="abc",
    used=("price",),
    quote=Quote(lines=(QuoteLine(price=Price(code="PX", name="Pump", price=Decimal("1234.50")), quantity=Decimal("2.5")),)),
)


def spoken(text: str = "When are you open?", sender: str = "maija@customer.example", **fields: str) -> Message:
    found = message(sender=sender, text=text, **fields)
    return Message(channel="voice", sender=found.sender, text=text, full_text=text)


def call(desk: Desk, text: str = "When are you open?", sender: str = "maija@customer.example") -> str:
    return desk.answer(spoken(text, sender), outcome(Decision.REVIEW)).id


def keep(desk: Desk, case: str, state: CallState = STATE) -> None:
    desk.store.calls.keep(case, state, "aino", term=desk.term)


def raw(desk: Desk) -> bytes:
    """Everything of the home that lies on the disk."""
    return b"".join(path.read_bytes() for path in sorted(desk.store.home.rglob("*")) if path.is_file())


def test_the_newest_state_of_a_call_is_what_was_kept_last(desk: Desk) -> None:
    case = call(desk)
    assert desk.store.calls.state(case) == CallState()
    keep(desk, case)
    newer = CallState(draft="Better", heard="abc")
    keep(desk, case, newer)
    assert desk.store.calls.state(case) == newer
    position = desk.store.position
    keep(desk, case, newer)
    assert desk.store.position == position
    assert desk.kinds(case)[-2:] == ["call_kept", "call_kept"]


def test_numbers_come_back_as_exact_as_they_were(desk: Desk) -> None:
    case = call(desk)
    keep(desk, case)
    assert desk.store.calls.state(case).quote == STATE.quote


def test_no_word_of_a_call_lies_open_in_the_home(desk: Desk) -> None:
    case = call(desk)
    keep(desk, case)
    assert SECRET.encode() not in raw(desk)


def test_what_was_kept_is_gone_with_the_customer(desk: Desk) -> None:
    case = call(desk)
    keep(desk, case)
    desk.store.erase_customer("maija@customer.example", "owner", term=desk.term)
    assert desk.store.calls.state(case) == CallState()
    with pytest.raises(WrongState, match="removed"):
        keep(desk, case)
    assert desk.store.verify().ok


def test_what_was_kept_runs_out_with_the_words_of_its_case(desk: Desk) -> None:
    case = call(desk)
    keep(desk, case)
    desk.store.decide_review(Approval(case=case, decision="reject", by="aino"), term=desk.term)
    keep(desk, case, CallState(draft="After the end"))
    desk.clock.move(40 * 86_400)
    assert desk.store.expire_words(30, "retention", term=desk.term) == 1
    assert desk.store.calls.state(case) == CallState()
    assert desk.store.verify().ok


def test_the_table_of_calls_follows_from_the_journal(desk: Desk) -> None:
    case = call(desk)
    keep(desk, case)
    assert desk.store._readers.ask(differing_tables) == ()


def test_the_list_has_calls_only_the_newest_first(desk: Desk) -> None:
    first = call(desk, "First")
    desk.answer(message(sender="erik@customer.example"), outcome(Decision.REVIEW))
    second = call(desk, "Second", "erik@customer.example")
    keep(desk, first)
    rows = desk.store.calls.rows()
    assert [(row.case, row.subject, row.kept_at > 0) for row in rows] == [(second, "Second", False), (first, "First", True)]
    assert [row.case for row in desk.store.calls.rows(1)] == [second]


def test_a_customers_earlier_cases_stand_beside_the_call_on_whatever_channel(desk: Desk) -> None:
    mail = desk.answer(message(text="By mail"), outcome(Decision.REVIEW)).id
    call(desk, "Somebody else's", "erik@customer.example")
    calls = [call(desk, f"Call {number}") for number in range(7)]
    assert [row.case for row in desk.store.calls.earlier(calls[0])] == [mail]
    assert [row.case for row in desk.store.calls.earlier(calls[6])] == list(reversed(calls[1:6]))


def test_a_call_that_is_not_there_and_one_that_is_too_long_are_refused(desk: Desk) -> None:
    with pytest.raises(NoSuchCase):
        keep(desk, "c-000000000000000099")
    with pytest.raises(WrongState, match="too long"):
        keep(desk, call(desk), CallState(draft="x" * 300_000))
