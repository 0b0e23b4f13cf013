"""An SMTP server that fails at each stage in turn: tried again, given up, or uncertain, and never sent twice."""

import dataclasses
import threading
import time
from collections.abc import Iterator

import pytest

from appliance.channels.mail.accounts import SmtpAccount
from appliance.channels.mail.errors import MailboxError
from appliance.channels.mail.smtp import SmtpOutbox, try_line
from appliance.channels.protocol import Outbox
from appliance.ground.clock import SystemClock
from appliance.ground.errors import SettingsError
from appliance.records.delivery import Delivery, DeliveryKind, DeliveryOutcome, DeliveryResult
from appliance.records.message import Address
from tests.live.servers.smtp_faults import DROP, HANG, FaultySmtp, Slow
from tests.support.clock import FakeClock

SENDER = Address(name="Tuki", address="support@pohjola.example")
SENT, TRY_AGAIN, REFUSED, UNCERTAIN = DeliveryOutcome.SENT, DeliveryOutcome.TRY_AGAIN, DeliveryOutcome.REFUSED, DeliveryOutcome.UNCERTAIN


def delivery(number: int = 1, **fields: object) -> Delivery:
    usual: dict[str, object] = {
        "id": f"d-{number}",
        "case": "c",
        "kind": DeliveryKind.REPLY,
        "mailbox": "support",
        "message_id": f"<d-{number}@pohjola.example>",
        "key": f"d-{number}",
        "automatic": True,
        "to": (Address(address="aino@example.fi"),),
        "subject": "Palautus",
        "text": "Hei",
        "language": "fi",
    }
    return Delivery(**(usual | fields))  # type: ignore[arg-type]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def outbox(faulty: FaultySmtp, clock: FakeClock) -> Iterator[SmtpOutbox]:
    box = SmtpOutbox(account(faulty), SENDER, "Pohjola", "Pohjola", clock)
    yield box
    box.close()


def account(faulty: FaultySmtp, **fields: object) -> SmtpAccount:
    usual: dict[str, object] = {
        "mailbox": "support",
        "host": faulty.host,
        "port": faulty.port,
        "security": "none",
        "connect_seconds": 1.0,
        "greeting_seconds": 0.4,
        "command_seconds": 0.4,
        "data_seconds": 1.0,
        "final_seconds": 0.4,
    }
    return SmtpAccount(**(usual | fields))  # type: ignore[arg-type]


def yes() -> bool:
    return True


def test_a_mail_that_is_taken_is_sent_once(outbox: SmtpOutbox, faulty: FaultySmtp) -> None:
    box: Outbox = outbox
    assert box.deliver(delivery(), yes) == DeliveryResult(outcome=SENT, code=250, stage="sent")
    (raw,) = faulty.accepted
    assert b"Message-ID: <d-1@pohjola.example>\r\n" in raw
    assert [command for command in faulty.commands if command.startswith("RCPT")] == [
        "RCPT TO:<aino@example.fi>",
        "RCPT TO:<support@pohjola.example>",
    ]


@pytest.mark.parametrize("greeting", ["421 busy", "554 no service for you"])
def test_a_server_that_turns_everybody_away_costs_no_mail_a_try(outbox: SmtpOutbox, faulty: FaultySmtp, greeting: str) -> None:
    faulty.plan("connect", greeting)
    result = outbox.deliver(delivery(), yes)
    assert (result.outcome, result.stage, result.blameless) == (TRY_AGAIN, "greeting", True)
    assert "turns us away" in outbox.trouble
    assert outbox.deliver(delivery(), yes).outcome is SENT


@pytest.mark.parametrize("stage", ["ehlo", "mail", "rcpt", "data"])
def test_a_refusal_for_now_is_tried_again_and_one_for_good_is_not(outbox: SmtpOutbox, faulty: FaultySmtp, stage: str) -> None:
    faulty.plan(stage, "451 not now", "554 never")
    later, never = outbox.deliver(delivery(), yes), outbox.deliver(delivery(), yes)
    assert (later.outcome, later.code, later.stage) == (TRY_AGAIN, 451, stage)
    assert (never.outcome, never.code, never.stage) == (REFUSED, 554, stage)
    assert faulty.dotted == []
    assert outbox.deliver(delivery(), yes).outcome is SENT


def test_an_answer_to_the_final_dot_is_believed_whatever_it_says(outbox: SmtpOutbox, faulty: FaultySmtp) -> None:
    faulty.plan("dot", "451 not now", "554 spam", "421 closing", "250 taken")
    results = [outbox.deliver(delivery(), yes) for _ in range(4)]
    assert [(result.outcome, result.code) for result in results] == [(TRY_AGAIN, 451), (REFUSED, 554), (TRY_AGAIN, 421), (SENT, 250)]
    assert {result.stage for result in results[:3]} == {"after_data"}
    assert len(faulty.accepted) == 1


@pytest.mark.parametrize("fault", [DROP, HANG, "what?", "354 more", "100 hm"])
def test_without_an_answer_to_the_final_dot_the_delivery_is_uncertain_and_not_repeated(
    outbox: SmtpOutbox, faulty: FaultySmtp, fault: str
) -> None:
    faulty.plan("dot", fault)
    result = outbox.deliver(delivery(), yes)
    assert (result.outcome, result.stage) == (UNCERTAIN, "after_data")
    assert len(faulty.dotted) == 1
    assert outbox.deliver(delivery(2), yes).outcome is SENT  # the next mail gets a line of its own


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail", "rcpt", "data"])
@pytest.mark.parametrize("fault", [DROP, HANG])
def test_a_line_that_breaks_before_the_data_is_tried_again(outbox: SmtpOutbox, faulty: FaultySmtp, stage: str, fault: str) -> None:
    faulty.plan(stage, fault)
    result = outbox.deliver(delivery(), yes)
    assert (result.outcome, result.stage) == (TRY_AGAIN, {"connect": "greeting"}.get(stage, stage))
    assert result.blameless
    assert outbox.trouble
    assert faulty.dotted == []
    assert outbox.deliver(delivery(), yes).outcome is SENT
    assert outbox.trouble == ""


@pytest.mark.parametrize("fault", [DROP, "452 disk full", "552 too much"])
def test_a_line_that_breaks_within_the_data_is_tried_again_because_no_dot_was_sent(
    outbox: SmtpOutbox, faulty: FaultySmtp, fault: str
) -> None:
    faulty.plan("body", fault)
    result = outbox.deliver(delivery(text="x" * 3_000_000), yes)
    assert (result.outcome, result.stage) == (TRY_AGAIN, "data")
    assert faulty.dotted == []
    assert outbox.deliver(delivery(), yes).outcome is SENT


def test_a_slow_greeting_is_waited_for_and_a_slower_one_is_tried_again(outbox: SmtpOutbox, faulty: FaultySmtp) -> None:
    faulty.plan("connect", Slow(0.8, "220 too late"), Slow(0.2, "220 at last"))
    began = time.monotonic()
    assert outbox.deliver(delivery(), yes).stage == "greeting"
    assert time.monotonic() - began < 0.8
    assert outbox.deliver(delivery(), yes).outcome is SENT


def test_a_slow_answer_to_the_final_dot_is_waited_for(outbox: SmtpOutbox, faulty: FaultySmtp) -> None:
    faulty.plan("dot", Slow(0.3, "250 at last"))
    assert outbox.deliver(delivery(), yes).outcome is SENT


def test_the_lease_is_asked_for_last_thing_before_the_data(outbox: SmtpOutbox, faulty: FaultySmtp) -> None:
    asked_after: list[list[str]] = []

    def no() -> bool:
        asked_after.append([command[:4].upper() for command in faulty.commands])
        return False

    result = outbox.deliver(delivery(), no)
    assert (result.outcome, result.stage, result.blameless) == (TRY_AGAIN, "lease", True)
    assert asked_after == [["EHLO", "MAIL", "RCPT", "RCPT"]]
    assert "DATA" not in faulty.commands


def test_a_lease_that_ends_while_the_data_goes_out_holds_back_the_dot(outbox: SmtpOutbox, faulty: FaultySmtp) -> None:
    answers = iter([True, False])
    result = outbox.deliver(delivery(), lambda: next(answers))
    assert (result.outcome, result.stage) == (TRY_AGAIN, "lease")
    assert outbox.deliver(delivery(2), yes).outcome is SENT
    assert len(faulty.dotted) == 1


def test_a_refused_copy_is_dropped_and_counted_and_the_mail_goes(outbox: SmtpOutbox, faulty: FaultySmtp) -> None:
    faulty.plan("rcpt", "250 ok", "550 no such cc", "451 no self now")
    result = outbox.deliver(delivery(cc=(Address(address="cc@example.fi"),)), yes)
    assert (result.outcome, result.dropped) == (SENT, 2)
    assert len(faulty.accepted) == 1


def test_a_server_that_closes_at_a_copy_is_tried_again_on_a_new_line(outbox: SmtpOutbox, faulty: FaultySmtp) -> None:
    faulty.plan("rcpt", "250 ok", "421 closing")
    result = outbox.deliver(delivery(), yes)
    assert (result.outcome, result.code, result.stage) == (TRY_AGAIN, 421, "rcpt")
    assert outbox.deliver(delivery(), yes).outcome is SENT
    assert faulty.connections == 2


def test_one_refused_recipient_of_two_stops_the_mail(outbox: SmtpOutbox, faulty: FaultySmtp) -> None:
    faulty.plan("rcpt", "250 ok", "550 unknown")
    to = (Address(address="a@example.fi"), Address(address="b@example.fi"))
    assert outbox.deliver(delivery(to=to), yes).outcome is REFUSED
    assert faulty.dotted == []


def test_one_line_carries_many_mails_and_is_changed_when_it_is_worn(faulty: FaultySmtp, clock: FakeClock) -> None:
    outbox = SmtpOutbox(account(faulty, mails_per_line=3, line_seconds=100.0), SENDER, "", "Pohjola", clock)
    for number in range(6):
        assert outbox.deliver(delivery(number), yes).outcome is SENT
    assert faulty.connections == 2
    assert "NOOP" not in faulty.commands
    clock.move(10)
    assert outbox.deliver(delivery(6), yes).outcome is SENT
    clock.move(10)
    assert outbox.deliver(delivery(7), yes).outcome is SENT
    assert (faulty.connections, faulty.commands.count("NOOP")) == (3, 1)
    clock.move(101)
    assert outbox.deliver(delivery(8), yes).outcome is SENT
    assert faulty.connections == 4
    outbox.close()
    assert len(faulty.accepted) == 9


def test_a_line_that_died_while_it_stood_idle_is_replaced_without_a_word(faulty: FaultySmtp, clock: FakeClock) -> None:
    outbox = SmtpOutbox(account(faulty), SENDER, "", "Pohjola", clock)
    outbox.deliver(delivery(1), yes)
    faulty.plan("mail", "421 you were idle too long")
    assert outbox.deliver(delivery(2), yes).outcome is SENT
    faulty.plan("mail", DROP)
    assert outbox.deliver(delivery(3), yes).outcome is SENT
    faulty.plan("noop", DROP)
    clock.move(10)
    assert outbox.deliver(delivery(4), yes).outcome is SENT
    assert len(faulty.accepted) == 4
    outbox.close()


def test_after_a_refusal_the_same_line_serves_the_next_mail(outbox: SmtpOutbox, faulty: FaultySmtp) -> None:
    faulty.plan("rcpt", "550 no")
    outbox.deliver(delivery(1), yes)
    assert outbox.deliver(delivery(2), yes).outcome is SENT
    assert faulty.connections == 1
    assert faulty.commands.count("RSET") == 1


def test_a_mail_over_the_size_that_the_server_names_is_not_sent_at_all(outbox: SmtpOutbox, faulty: FaultySmtp) -> None:
    faulty.words["ehlo"] = "250-faulty\r\n250 SIZE 1000"
    result = outbox.deliver(delivery(text="x" * 2000), yes)
    assert (result.outcome, result.stage) == (REFUSED, "size")
    assert not any(command.startswith("MAIL") for command in faulty.commands)


def test_a_server_from_before_ehlo_is_greeted_in_the_old_way(outbox: SmtpOutbox, faulty: FaultySmtp) -> None:
    faulty.plan("ehlo", "502 what is ehlo", "250 hello")
    assert outbox.deliver(delivery(), yes).outcome is SENT


def test_we_do_not_name_this_machine(outbox: SmtpOutbox, faulty: FaultySmtp) -> None:
    outbox.deliver(delivery(), yes)
    assert faulty.commands[0].upper() == "EHLO [127.0.0.1]"


@pytest.mark.parametrize("address", ["no-at", "a b@example.fi", "a@example.fi>\r\nRCPT TO:<b@example.fi", ""])
def test_what_is_no_address_is_refused_without_a_connection(outbox: SmtpOutbox, faulty: FaultySmtp, address: str) -> None:
    result = outbox.deliver(delivery(to=(Address(address=address),)), yes)
    assert (result.outcome, result.stage) == (REFUSED, "address")
    assert faulty.connections == 0


def test_an_address_in_other_letters_goes_only_to_a_server_that_knows_them(outbox: SmtpOutbox, faulty: FaultySmtp) -> None:
    to = (Address(address="äiti@example.fi"),)
    assert outbox.deliver(delivery(to=to), yes).stage == "address"
    outbox.close()
    faulty.words["ehlo"] = "250-faulty\r\n250-8BITMIME\r\n250 SMTPUTF8"
    assert outbox.deliver(delivery(to=to), yes).outcome is SENT
    assert "RCPT TO:<äiti@example.fi>" in faulty.commands


def test_a_draft_to_our_own_mailbox_is_not_copied_to_it_again(outbox: SmtpOutbox, faulty: FaultySmtp) -> None:
    outbox.deliver(delivery(kind=DeliveryKind.DRAFT, to=(SENDER,)), yes)
    assert sum(command.startswith("RCPT") for command in faulty.commands) == 1


@pytest.mark.parametrize("code", ["535 wrong", "454 not now", "530 first sign in"])
def test_a_sign_in_that_fails_is_the_operator_s_and_not_the_mail_s_fault(faulty: FaultySmtp, clock: FakeClock, code: str) -> None:
    passwords = ["secret-old"]
    outbox = SmtpOutbox(account(faulty, user="support", secret=lambda: passwords[-1]), SENDER, "", "Pohjola", clock)
    faulty.plan("auth", code)
    result = outbox.deliver(delivery(), yes)
    assert (result.outcome, result.stage, result.blameless) == (TRY_AGAIN, "auth", True)
    assert "'support'" in outbox.trouble
    assert "secret" not in outbox.trouble
    passwords.append("rotated")
    assert outbox.deliver(delivery(), yes).outcome is SENT
    assert outbox.trouble == ""
    outbox.close()


@pytest.mark.parametrize(
    ("auth", "first"),
    [("password", "AUTH PLAIN AHUAcA=="), ("plain", "AUTH PLAIN AHUAcA=="), ("xoauth2", "AUTH XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHABAQ==")],
)
def test_each_way_of_signing_in_is_the_one_on_the_wire(faulty: FaultySmtp, clock: FakeClock, auth: str, first: str) -> None:
    outbox = SmtpOutbox(account(faulty, user="u", secret=lambda: "p", auth=auth), SENDER, "", "Pohjola", clock)
    assert outbox.deliver(delivery(), yes).outcome is SENT
    assert faulty.commands[1] == first
    outbox.close()


def test_a_server_that_wants_us_to_sign_in_first_is_waited_for(outbox: SmtpOutbox, faulty: FaultySmtp) -> None:
    faulty.plan("mail", "530 5.7.0 sign in first")
    result = outbox.deliver(delivery(), yes)
    assert (result.outcome, result.stage, result.blameless) == (TRY_AGAIN, "auth", True)


def test_a_secret_that_cannot_be_read_holds_the_mail_back_and_says_why(faulty: FaultySmtp, clock: FakeClock) -> None:
    def unreadable() -> str:
        raise SettingsError("secrets/smtp is missing.", "Write the password into it.")

    outbox = SmtpOutbox(account(faulty, user="u", secret=unreadable), SENDER, "", "Pohjola", clock)
    assert outbox.deliver(delivery(), yes).stage == "auth"
    assert "secrets/smtp is missing" in outbox.trouble


def test_nothing_is_sent_in_plain_text_when_tls_was_asked_for(faulty: FaultySmtp, clock: FakeClock) -> None:
    for security, host in (("starttls", faulty.host), ("tls", faulty.host), ("none", "10.1.2.3")):
        outbox = SmtpOutbox(account(faulty, security=security, host=host, user="u", secret=lambda: "p"), SENDER, "", "Pohjola", clock)
        result = outbox.deliver(delivery(), yes)
        assert (result.outcome, result.stage, result.blameless) == (TRY_AGAIN, "tls", True)
        assert outbox.trouble
    assert not any(command.startswith(("AUTH", "MAIL")) for command in faulty.commands)


def test_an_unknown_host_and_a_closed_port_are_waited_out_and_named(faulty: FaultySmtp, clock: FakeClock) -> None:
    for host, port, word in (("smtp.invalid", faulty.port, "no address"), (faulty.host, 1, "cannot be reached")):
        outbox = SmtpOutbox(account(faulty, host=host, port=port, security="tls"), SENDER, "", "Pohjola", clock)
        result = outbox.deliver(delivery(), yes)
        assert (result.outcome, result.stage, result.blameless) == (TRY_AGAIN, "connect", True)
        assert word in outbox.trouble


def test_without_a_mailbox_to_look_in_nothing_is_found(outbox: SmtpOutbox) -> None:
    assert outbox.find(delivery()) is False


def test_preflight_says_what_it_found_or_what_is_wrong(faulty: FaultySmtp) -> None:
    assert "takes mails up to 10 MB" in try_line(account(faulty))
    faulty.plan("connect", "554 no service here")
    with pytest.raises(MailboxError, match="554"):
        try_line(account(faulty))
    with pytest.raises(MailboxError, match="cannot be reached"):
        try_line(account(faulty, port=1))


def test_a_question_to_the_lease_that_fails_leaves_no_half_mail_on_the_line(outbox: SmtpOutbox, faulty: FaultySmtp) -> None:
    def broken() -> bool:
        raise RuntimeError("no lease to ask")

    with pytest.raises(RuntimeError):
        outbox.deliver(delivery(1), broken)
    assert outbox.deliver(delivery(2), yes).outcome is SENT
    assert faulty.connections == 2


def test_closing_from_another_thread_ends_a_hang(faulty: FaultySmtp) -> None:
    slow = dataclasses.replace(account(faulty), final_seconds=30.0)
    outbox = SmtpOutbox(slow, SENDER, "", "Pohjola", SystemClock())
    faulty.plan("dot", HANG)
    threading.Timer(0.3, outbox.close).start()
    began = time.monotonic()
    assert outbox.deliver(delivery(), yes).outcome is UNCERTAIN
    assert time.monotonic() - began < 5
