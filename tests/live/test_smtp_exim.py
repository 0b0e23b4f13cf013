"""Mail out through a real Exim into a real Dovecot: once each, whole, and found again after a crash."""

import dataclasses
import email
import email.policy
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.channels.mail.accounts import ImapAccount, SmtpAccount
from appliance.channels.mail.errors import LineLost, Unreachable
from appliance.channels.mail.imap import ImapInbox
from appliance.channels.mail.sent import find_sent
from appliance.channels.mail.smtp import SmtpOutbox, try_line
from appliance.ground.clock import SystemClock
from appliance.records.delivery import Delivery, DeliveryKind, DeliveryOutcome
from appliance.records.message import Address
from tests.live.servers.child import CannotStart
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.exim import Exim


def delivery(number: int, to: str, **fields: object) -> Delivery:
    usual: dict[str, object] = {
        "id": f"d-{number}",
        "case": "c",
        "kind": DeliveryKind.REPLY,
        "mailbox": "support",
        "message_id": f"<d-{number}.{to}@pohjola.example>",
        "key": f"d-{number}.{to}",
        "automatic": True,
        "to": (Address(name="Ainö", address=f"{to}@example.test"),),
        "subject": "Palautus ja ääkköset",
        "text": "Hei\n\n.\n..kaksi\näöå " + "pitkä " * 300,
        "language": "fi",
    }
    return Delivery(**(usual | fields))  # type: ignore[arg-type]


def smtp_account(exim: Exim, **fields: object) -> SmtpAccount:
    usual: dict[str, object] = {
        "mailbox": "support",
        "host": exim.host,
        "port": exim.port,
        "user": "support",
        "secret": lambda: "secret",
        "authorities": str(exim.certificate),
    }
    return SmtpAccount(**(usual | fields))  # type: ignore[arg-type]


@pytest.fixture
def outbox(exim: Exim, user: str, account: ImapAccount) -> Iterator[SmtpOutbox]:
    """Sends as the mailbox's own address, so that the copies land in it."""
    sender = Address(name="Tuki", address=f"{user}@pohjola.example")
    box = SmtpOutbox(smtp_account(exim), sender, "Pohjola", "Pohjola", SystemClock(), sent=account)
    yield box
    box.close()


def yes() -> bool:
    return True


def test_a_reply_arrives_as_it_was_written(exim: Exim, outbox: SmtpOutbox, user: str) -> None:
    customer = f"customer-of-{user}"
    d = delivery(1, customer)
    assert outbox.deliver(d, yes).outcome is DeliveryOutcome.SENT
    (raw,) = exim.wait_for(1, customer)
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message["Subject"] == "Re: Palautus ja ääkköset"
    assert message["To"] == f"Ainö <{customer}@example.test>"
    assert message["Bcc"] is None
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == d.text.rstrip("\n") + "\n\n-- \nPohjola\n"


@pytest.mark.parametrize("fields", [{"auth": "login"}, {"auth": "plain"}, {"security": "none"}, {"user": ""}, {"host": "localhost"}])
def test_each_way_of_signing_in_is_let_in(exim: Exim, fields: dict[str, object]) -> None:
    assert "takes mails up to 2 MB" in try_line(smtp_account(exim, **fields))


def test_three_hundred_replies_arrive_each_once(exim: Exim, outbox: SmtpOutbox, dovecot: Dovecot, user: str) -> None:
    customer = f"many-of-{user}"
    for number in range(300):
        assert outbox.deliver(delivery(number, customer, text="Hei"), yes).outcome is DeliveryOutcome.SENT
    ids = Counter(email.message_from_bytes(raw)["Message-ID"] for raw in exim.wait_for(300, customer, seconds=30))
    assert len(ids) == 300
    assert set(ids.values()) == {1}
    assert len(exim.wait_for(300, user, seconds=30)) == len(dovecot.messages(user)) == 300  # the copies to self


def test_real_refusals_are_told_apart(exim: Exim, outbox: SmtpOutbox) -> None:
    for local_part, outcome, code in (("unknown1", DeliveryOutcome.REFUSED, 550), ("later1", DeliveryOutcome.TRY_AGAIN, 451)):
        result = outbox.deliver(delivery(1, local_part), yes)
        assert (result.outcome, result.code, result.stage) == (outcome, code, "rcpt")
    barred = SmtpOutbox(smtp_account(exim), Address(address="barred@pohjola.example"), "", "Pohjola", SystemClock())
    result = barred.deliver(delivery(1, "x"), yes)
    assert (result.outcome, result.code, result.stage) == (DeliveryOutcome.REFUSED, 550, "mail")
    barred.close()
    result = outbox.deliver(delivery(2, "x", text="y" * 2_100_000), yes)
    assert (result.outcome, result.code, result.stage) == (DeliveryOutcome.REFUSED, 552, "size")


def test_an_unknown_cc_does_not_keep_the_reply_from_the_customer(exim: Exim, outbox: SmtpOutbox, user: str) -> None:
    customer = f"cc-of-{user}"
    cc = (Address(address="unknown@example.test"), Address(address=f"known-cc-of-{user}@example.test"))
    result = outbox.deliver(delivery(1, customer, cc=cc), yes)
    assert (result.outcome, result.dropped) == (DeliveryOutcome.SENT, 1)
    assert len(exim.wait_for(1, customer)) == len(exim.wait_for(1, f"known-cc-of-{user}")) == 1


def test_a_wrong_password_is_named_and_waited_out(exim: Exim) -> None:
    outbox = SmtpOutbox(smtp_account(exim, secret=lambda: "wrong"), Address(address="a@pohjola.example"), "", "Pohjola", SystemClock())
    result = outbox.deliver(delivery(1, "x"), yes)
    assert (result.outcome, result.code, result.stage, result.blameless) == (DeliveryOutcome.TRY_AGAIN, 535, "auth", True)
    assert "refused the user 'support'" in outbox.trouble


def test_a_certificate_that_is_not_believed_is_named_and_nothing_is_sent(exim: Exim) -> None:
    outbox = SmtpOutbox(smtp_account(exim, authorities=""), Address(address="a@pohjola.example"), "", "Pohjola", SystemClock())
    assert outbox.deliver(delivery(1, "x"), yes).stage == "tls"
    assert "self-signed" in outbox.trouble


def test_a_server_that_demands_a_sign_in_gets_one() -> None:
    try:
        server = Exim.start(must_sign_in=True)
    except CannotStart as reason:
        pytest.skip(str(reason))
    try:
        sender = Address(address="support@pohjola.example")
        outbox = SmtpOutbox(smtp_account(server, user=""), sender, "", "Pohjola", SystemClock())
        result = outbox.deliver(delivery(1, "x"), yes)
        assert (result.outcome, result.stage) == (DeliveryOutcome.TRY_AGAIN, "auth")
        outbox.close()
        signed_in = SmtpOutbox(smtp_account(server), sender, "", "Pohjola", SystemClock())
        assert signed_in.deliver(delivery(1, "x"), yes).outcome is DeliveryOutcome.SENT
        signed_in.close()
        assert len(server.wait_for(1, "x")) == 1
    finally:
        server.stop()


def test_a_reply_that_left_is_found_by_its_copy_and_one_that_did_not_is_not(exim: Exim, outbox: SmtpOutbox, user: str) -> None:
    d = delivery(1, f"found-of-{user}")
    assert not outbox.find(d)
    outbox.deliver(d, yes)
    exim.wait_for(1, user)
    assert outbox.find(d)
    assert not outbox.find(delivery(2, f"found-of-{user}"))


def test_a_reply_is_found_in_sent_and_by_its_key_when_the_server_rewrote_its_id(
    dovecot: Dovecot, outbox: SmtpOutbox, account: ImapAccount, user: str
) -> None:
    d = delivery(3, user)
    dovecot.append(user, f"Message-ID: <rewritten@exchange>\r\nX-Tandem-Key: {d.key}\r\n\r\nx\r\n".encode(), "Sent")
    assert outbox.find(d)
    assert find_sent(account, "<other@x>", d.key)
    assert not find_sent(account, "<other@x>", "other")
    assert "\\Seen" not in dovecot.flags(user, 1) if dovecot.messages(user) else True


def test_when_nobody_can_be_asked_it_is_an_error_and_not_a_no(account: ImapAccount) -> None:
    with pytest.raises((Unreachable, LineLost)):
        find_sent(dataclasses.replace(account, port=1), "<x@x>", "x")


def test_our_copy_comes_back_into_the_inbox_with_the_key_it_is_known_by(
    exim: Exim, outbox: SmtpOutbox, account: ImapAccount, user: str
) -> None:
    inbox = ImapInbox(account, SystemClock())
    cursor = inbox.take(None).cursor
    d = delivery(4, f"copy-of-{user}")
    outbox.deliver(d, yes)
    exim.wait_for(1, user)
    (arrival,) = inbox.take(cursor).arrivals
    assert arrival.message.tandem_key == d.key
    inbox.close()


_SENDER = """
import sys
from appliance.channels.mail.accounts import SmtpAccount
from appliance.channels.mail.smtp import SmtpOutbox
from appliance.ground.clock import SystemClock
from appliance.records.delivery import Delivery, DeliveryKind
from appliance.records.message import Address
port, to = int(sys.argv[1]), sys.argv[2]
outbox = SmtpOutbox(SmtpAccount(mailbox="support", host="127.0.0.1", port=port, security="none", copy_to_self=False),
                    Address(address="a@pohjola.example"), "", "Pohjola", SystemClock())
print(outbox.deliver(Delivery(id="d", case="c", kind=DeliveryKind.REPLY, mailbox="support", message_id="<d@x>", key="d", automatic=True,
                              to=(Address(address=to + "@example.test"),), subject="x", text="y"), lambda: True).outcome)
"""


@pytest.mark.parametrize(
    ("point", "arrives"), [("deliver.connected", False), ("deliver.before_data", False), ("deliver.after_data", True), ("", True)]
)
def test_killed_before_the_data_nothing_leaves_and_killed_after_it_one_mail_has_left(
    exim: Exim, user: str, point: str, arrives: bool
) -> None:
    customer = f"{point or 'alive'}-of-{user}"
    environment = {**os.environ, "TANDEM_FAULT": point, "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run([sys.executable, "-c", _SENDER, str(exim.port), customer], env=environment, capture_output=True, check=False)
    assert ended.returncode == (-9 if point else 0), ended.stderr
    assert len(exim.wait_for(int(arrives), customer, seconds=5)) == int(arrives)
