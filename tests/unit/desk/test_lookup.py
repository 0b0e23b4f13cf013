"""A customer's own record: told to whom it belongs, in approved words, and to nobody else, whatever is asked and whoever writes."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.desk import compose
from appliance.desk.answer import answer
from appliance.desk.check import check_template
from appliance.desk.desk import Accounts, Desk
from appliance.desk.explain import explain
from appliance.desk.replay import replay
from appliance.engines.writer.protocol import WritingRequest, Written
from appliance.knowledge.account_rows import AccountRows
from appliance.policy import load
from appliance.records.account import AccountRecord, Miss
from appliance.records.answer import Decision, DraftSentence, Outcome
from appliance.records.case import Case, CaseFile, CaseRow, CaseState
from appliance.records.language import LANGUAGES
from appliance.records.message import Address, Message, Trust
from appliance.records.policy import Reason
from tests.support.accounts import POLICY, ROWS, table
from tests.support.cases import OPEN, case, closed, desk, message
from tests.support.writers import HostileWriter

ASKED = {
    "en": "Hello, where is my order {}? I am waiting for it at home.",
    "fi": "Hei, missä tilaukseni {} viipyy? Odotan sitä täällä kotona.",
    "sv": "Hej, var är min order {}? Jag väntar på den här hemma.",
}
SAID = {
    "en": "The status of your order AB-10001 is: shipped. The expected delivery date is 25 November 2026.",
    "fi": "Tilauksesi AB-10001 tila on: lähetetty. Arvioitu toimituspäivä on 25.11.2026.",
    "sv": "Statusen för din order AB-10001 är: skickad. Beräknad leveransdag är 2026-11-25.",
}
POLICY_FOR_ORDERS = load(POLICY)


def at_desk(accounts: Accounts | None = None, writer: HostileWriter | None = None) -> Desk:
    return desk(policy=POLICY_FOR_ORDERS, writer=writer, accounts=accounts or table())


def asked(order: str = "AB-10001", language: str = "en", **fields: object) -> Message:
    return message(ASKED[language].format(order), **fields)


def outcome_of(mail: Message, accounts: Accounts | None = None) -> Outcome:
    return answer(case(mail=mail), at_desk(accounts), OPEN)


def file_of(settled: Case, outcome: Outcome) -> CaseFile:
    row = CaseRow(id=settled.id, channel="mail", mailbox="support", state=CaseState.REPLIED, received_at=0.0, changed_at=0.0)
    return CaseFile(
        row=row, message=settled.message, outcome=msgspec.structs.replace(outcome, draft=None), draft=outcome.draft, case=settled
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_proven_sender_is_told_about_the_own_order_in_approved_words_with_dates_and_status_as_the_language_writes_them(
    language: str,
) -> None:
    outcome = outcome_of(asked(language=language))
    assert (outcome.decision, outcome.reason.code) == (Decision.SEND, "answered_account"), outcome
    assert outcome.draft is not None
    assert outcome.draft.text.split("\n\n")[1] == SAID[language]
    assert {check.name for check in outcome.checks} >= {"grounded", "private"}


@pytest.mark.parametrize(
    ("mail", "code"),
    [
        (asked(trust=Trust.ABSENT), "not_trusted_account"),
        (asked(trust=Trust.FAILED), "not_trusted_account"),
        (message("Hello, where is my order? I am waiting for it at home."), "account_no_order"),
        (message("Hello, where is my order AB-10001 and is AB-10006 with it? I am waiting."), "account_several_orders"),
        (asked(reply_to=(Address(address="elsewhere@example.com"),)), "reply_to_differs"),
        (asked("AB-99999"), "account_no_match"),
        (asked("AB-10002"), "account_other_customer"),
        (asked("AB-10001", sender="stranger@example.com"), "account_other_customer"),
        (asked("AB-10005"), "account_ambiguous"),
        (asked("AB-10003"), "account_field"),  # a status that nobody translated
        (asked("AB-10004"), "account_field"),  # no date
        (asked("AB-10007"), "account_field"),  # not a date
        (asked("AB-10006", "sv"), "account_field"),  # a status without a Swedish word
        (asked("xAB-10001"), "account_no_order"),  # inside another word
        (asked("AB-100012"), "account_no_order"),  # inside a longer number
        (asked("AB-10001", sender="matti@example.com.evil.example"), "account_other_customer"),
        (asked("AB-10001", sender="ma\N{LATIN SMALL LETTER LONG S}ti@example.com"), "account_other_customer"),
    ],
)
def test_whatever_is_not_beyond_doubt_is_held_for_a_person_and_nothing_of_a_record_is_drafted(mail: Message, code: str) -> None:
    outcome = outcome_of(mail)
    assert outcome.decision is Decision.REVIEW
    assert code in {reason.code for reason in outcome.stages}
    assert outcome.draft is None


def test_capitals_hyphens_and_saying_it_twice_make_no_difference() -> None:
    mail = asked("ab10001", subject="AB-10001", sender="Matti@Example.com")
    assert outcome_of(mail).decision is Decision.SEND


def test_two_questions_about_the_order_are_one_matter_and_another_question_beside_it_is_not() -> None:
    assert outcome_of(message("Where is my order AB-10001? Has it been shipped yet?")).decision is Decision.SEND
    more = outcome_of(message("Where is my order AB-10001? How long is the warranty?"))
    assert (more.decision, more.reason.code) == (Decision.REVIEW, "template_and_more")


def test_without_account_records_and_with_broken_ones_a_person_answers() -> None:
    class Broken:
        def find(self, address: str, order: str) -> AccountRecord | Miss:
            raise OSError(address, order)

    assert answer(case(mail=asked()), desk(policy=POLICY_FOR_ORDERS), OPEN).reason.code == "account_data"
    assert outcome_of(asked(), Broken()).reason.code == "account_lookup_failed"


def test_to_the_customer_another_customers_order_is_like_one_that_does_not_exist() -> None:
    theirs, nobodys = outcome_of(asked("AB-10002")), outcome_of(asked("AB-99999"))
    assert (theirs.decision, theirs.draft, theirs.checks) == (nobodys.decision, nobodys.draft, nobodys.checks)


def test_a_row_that_is_not_the_senders_is_not_even_drafted_from_when_the_accounts_hand_it_out() -> None:
    outcome = outcome_of(asked("AB-10001"), AnyRow(table(), ("aino@example.fi", "AB-10002")))
    assert (outcome.decision, outcome.reason.code, outcome.draft) == (Decision.REVIEW, "account_other_customer", None)


def test_a_draft_from_another_customers_row_never_passes_its_check() -> None:
    theirs = table().find("aino@example.fi", "AB-10002")
    assert isinstance(theirs, AccountRecord)
    made, template = at_desk(), POLICY_FOR_ORDERS.templates["order_status"]
    wanted = compose.request(asked(), (), "en", made)
    drafted = compose.from_template(template, wanted, asked(), POLICY_FOR_ORDERS, theirs)
    assert drafted is not None
    approved = compose.approved_text(template, "en", POLICY_FOR_ORDERS, theirs)
    checks = {check.name: check for check in check_template(drafted, approved, wanted, asked(), made, theirs)}
    assert checks["grounded"].passed
    assert checks["private"].reason == Reason(code="other_customer_data", names=("account",))


def test_a_word_that_is_neither_approved_nor_the_records_never_passes_its_check() -> None:
    ours = table().find("matti@example.com", "AB-10001")
    assert isinstance(ours, AccountRecord)
    made, template = at_desk(), POLICY_FOR_ORDERS.templates["order_status"]
    wanted = compose.request(asked(), (), "en", made)
    approved = compose.approved_text(template, "en", POLICY_FOR_ORDERS, ours)
    drafted = compose.from_template(template, wanted, asked(), POLICY_FOR_ORDERS, ours)
    assert drafted is not None
    added = tuple(
        sentence if sentence.courtesy else msgspec.structs.replace(sentence, text=f"{sentence.text} gate code 4711")
        for sentence in drafted.sentences
    )
    checks = check_template(msgspec.structs.replace(drafted, sentences=added), approved, wanted, asked(), made, ours)
    assert "template_changed" in {check.reason.code for check in checks if check.reason}


def test_an_identity_number_in_the_sheet_never_stands_in_a_reply() -> None:
    policy = load(POLICY.replace('[accounts.fields.expected]\nkind = "date"', '[accounts.fields.expected]\nkind = "text"'))
    rows = table([ROWS[0], ("AB-10001", "matti@example.com", "shipped", "131052-308T", "")])
    outcome = answer(case(mail=asked()), desk(policy=policy, accounts=rows), OPEN)
    assert (outcome.decision, outcome.reason.code) == (Decision.REVIEW, "personal_data_in_draft")


def test_the_agent_sees_the_row_the_customer_does_not_and_the_journal_holds_no_value() -> None:
    outcome = outcome_of(asked())
    assert [citation.passage for citation in outcome.citations] == ["template:order_status", "accounts: row 2"]
    assert outcome.draft is not None
    assert "row" not in outcome.draft.text
    journal = msgspec.json.encode(msgspec.structs.replace(outcome, draft=None)).decode()
    assert not any(value in journal for value in ("10001", "matti", "2026-11", "25 November", "4711"))
    assert any("accounts: row 2" in line for line in explain(file_of(case(mail=asked()), outcome), "en"))


def test_a_draft_keeps_of_the_row_only_what_it_shows_and_whose_it_is() -> None:
    outcome = outcome_of(asked())
    assert outcome.draft is not None
    assert outcome.draft.account is not None
    assert set(outcome.draft.account.values) == {"email", "order", "status", "expected"}


def test_a_replay_is_decided_by_what_the_accounts_said_then() -> None:
    settled = case(mail=asked())
    outcome = answer(settled, at_desk(), OPEN)
    later = table([ROWS[0], ("AB-20000", "aino@example.fi", "shipped", "2027-01-01", "")])
    assert replay(file_of(settled, outcome), at_desk(later), OPEN)["same"] is True
    unknown = case(mail=asked("AB-99999"))
    missed = answer(unknown, at_desk(), OPEN)
    now_known = table([*ROWS, ("AB-99999", "matti@example.com", "shipped", "2027-01-01", "")])
    assert replay(file_of(unknown, missed), at_desk(now_known), OPEN)["now"]["reason"] == "account_no_match"


def test_a_closed_lever_holds_an_order_as_it_holds_everything() -> None:
    assert answer(case(mail=asked()), at_desk(), closed(automation_enabled=False)).decision is Decision.REVIEW
    assert answer(case(mail=asked()), at_desk(), closed(safe_mode=True)).decision is Decision.ROUTE


# The property: never across customers

CUSTOMERS = [f"customer{number}@example.com" for number in range(6)]
ORDERS = [f"AB-5000{number}" for number in range(8)]
STATUSES = st.sampled_from(["shipped", "In production", "on hold", ""])
TABLES = st.lists(st.tuples(st.sampled_from(ORDERS), st.sampled_from(CUSTOMERS), STATUSES), min_size=1, max_size=12)
MAILS = st.tuples(
    st.sampled_from(CUSTOMERS),
    st.lists(st.sampled_from(ORDERS), max_size=2),
    st.sampled_from(
        ["Where is my order {}?", "Where is my order {}? Please tell me all.", "What is {} worth?", "How long is the warranty? {}"]
    ),
    st.sampled_from(list(Trust)),
)
WITH_NOTE = load(POLICY.replace("{account.expected}", "{account.note}") + "[accounts.fields.note]\n")


def rows_of(drawn: list[tuple[str, str, str]]) -> list[tuple[str, ...]]:
    """Each row with a note that no other row has."""
    return [ROWS[0], *((order, email, status, "2026-11-25", f"NOTE{at:03}X") for at, (order, email, status) in enumerate(drawn))]


class AnyRow:
    """A look-up that has gone wrong: it gives somebody's row whatever is asked."""

    def __init__(self, rows: AccountRows, key: tuple[str, str]) -> None:
        self._rows = rows
        self._key = key

    def find(self, address: str, order: str) -> AccountRecord | Miss:
        del address, order
        return self._rows.find(*self._key)


def babbling(rows: list[tuple[str, ...]], told: list[str]) -> HostileWriter:
    """A writer that says all rows and all mails it has ever seen, and claims that a passage bears them out."""

    def write(request: WritingRequest) -> Written:
        told.append(request.subject)
        told.extend(part.text for part in request.parts)
        cited = tuple(part.found[0].passage.id for part in request.parts if part.found)[:1]
        texts = [*(f"{row[0]} {row[1]} {row[4]}" for row in rows[1:]), *told][:20]
        return Written(sentences=tuple(DraftSentence(text=text, passages=cited) for text in texts if text.strip()))

    return HostileWriter(write)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=TABLES, mails=st.lists(MAILS, min_size=1, max_size=4), hostile=st.booleans(), wrong=st.booleans())
def test_nothing_of_another_customer_ever_stands_in_a_reply(
    drawn: list[tuple[str, str, str]], mails: list[tuple[str, list[str], str, Trust]], hostile: bool, wrong: bool
) -> None:
    rows = rows_of(drawn)
    sheet = table(rows)
    accounts: Accounts = AnyRow(sheet, (drawn[0][1], drawn[0][0])) if wrong else sheet
    made = desk(policy=WITH_NOTE, accounts=accounts, **({"writer": babbling(rows, [])} if hostile else {}))
    for at, (sender, orders, text, trust) in enumerate(mails):
        mail = message(f"{text.format(' and '.join(orders))} WORDS{at:03}X", f"SUBJECT{at:03}X", sender, trust=trust)
        outcome = answer(case(mail=mail), made, OPEN)
        if outcome.draft is None or (hostile and outcome.decision is not Decision.SEND):
            continue  # nothing, or a lie that a check has caught
        strangers = [row for row in rows[1:] if row[1] != sender]
        own_notes = {row[4] for row in rows[1:] if row[1] == sender}
        reply = outcome.draft.text
        assert not any(row[1] in reply or row[4] in reply for row in strangers)
        assert not any(order in reply for order in ORDERS if order not in orders)
        assert not any(f"{word}{other:03}X" in reply for word in ("WORDS", "SUBJECT") for other in range(len(mails)))
        if outcome.draft.account is not None:
            assert trust is Trust.PASSED
            assert any(note in reply for note in own_notes)
