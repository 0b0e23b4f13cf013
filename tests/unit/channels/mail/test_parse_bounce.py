"""Delivery reports are known in all their shapes, and a person who talks about one is not taken for one."""

from pathlib import Path

import pytest

from appliance.channels.mail.parse import parse
from appliance.records.message import Bounce, MessageKind

DATA = Path(__file__).parents[3] / "data" / "mail"
BOUNCES = tuple(path for path in sorted((DATA / "bounces").glob("*.eml")) if not path.name.startswith("rfc3834"))
AUTOMATIC = tuple(sorted((DATA / "bounces").glob("rfc3834*.eml")))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("path", BOUNCES, ids=lambda path: path.stem)
def test_a_real_bounce_is_a_bounce_whatever_its_line_ends(path: Path, end: bytes) -> None:
    raw = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", end)
    message = parse(raw)
    assert message.kind is MessageKind.BOUNCE
    assert message.bounce == parse(path.read_bytes()).bounce


@pytest.mark.parametrize("path", AUTOMATIC, ids=lambda path: path.stem)
def test_a_vacation_notice_is_automatic_and_no_bounce(path: Path) -> None:
    message = parse(path.read_bytes())
    assert (message.kind, message.bounce) == (MessageKind.AUTOMATIC, None)


def without(raw: bytes, *names: bytes) -> bytes:
    head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    kept: list[bytes] = []
    for line in head.split(b"\n"):
        if line[:1] in (b" ", b"\t"):
            kept[-1] += b"\n" + line
        else:
            kept.append(line)
    return b"\n".join(field for field in kept if not field.lower().startswith(tuple(name + b":" for name in names))) + b"\n\n" + body


@pytest.mark.parametrize("path", BOUNCES, ids=lambda path: path.stem)
def test_a_bounce_is_still_known_when_one_of_its_signs_is_missing(path: Path) -> None:
    """No single sign carries the finding: this is what makes servers known that were never seen."""
    raw = path.read_bytes()
    assert parse(without(raw, b"return-path")).kind is MessageKind.BOUNCE
    assert parse(without(raw, b"subject")).kind is MessageKind.BOUNCE


@pytest.mark.parametrize("path", BOUNCES, ids=lambda path: path.stem)
def test_a_bounce_that_a_person_passes_on_is_that_persons_message(path: Path) -> None:
    raw = without(
        path.read_bytes(),
        b"return-path",
        b"from",
        b"content-type",
        b"auto-submitted",
        b"x-failed-recipients",
        b"x-loop",
        b"precedence",
        b"subject",
    )
    raw = b"From: Ann <ann@example.com>\nSubject: Fwd: Undelivered Mail Returned to Sender\n" + raw
    assert parse(raw).kind is MessageKind.MESSAGE


def test_the_facts_of_a_report_are_read() -> None:
    bounce = parse((DATA / "bounces" / "rfc3464-01.eml").read_bytes()).bounce
    assert bounce is not None
    assert (bounce.action, bool(bounce.recipients), bool(bounce.status)) == ("failed", True, True)
    notice = parse((DATA / "bounces" / "lhost-x1-01.eml").read_bytes()).bounce
    assert notice == Bounce(
        recipients=("kijitora@example.co.jp",), action="failed", original_message_id="<000000000000000000000000000000000000@example.jp>"
    )
    delayed = parse((DATA / "bounces" / "lhost-exim-38.eml").read_bytes()).bounce
    assert delayed is not None
    assert delayed.action == "delayed"


REPORT = """From: Mail Delivery <mailer-daemon@mx.example.com>
To: support@example.com
Subject: Delivery Status Notification
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b

It failed.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Original-Recipient: rfc822;old@example.org
Final-Recipient: rfc822; New@Example.org
Action: failed
Status: 5.0.0
Diagnostic-Code: smtp; 550 5.1.1 no such user

Final-Recipient: rfc822; two@example.org
Action: failed
Status: 5.2.2

--b
Content-Type: text/rfc822-headers

Message-ID: <our-reply@example.com>
Subject: Re: Pump

--b--
"""


def test_a_standard_report_gives_recipients_status_and_what_it_is_about() -> None:
    assert parse(REPORT.encode()).bounce == Bounce(
        recipients=("New@Example.org", "two@example.org"), status="5.2.2", action="failed", original_message_id="<our-reply@example.com>"
    )


KEY = "c-0000000005x1dq5gng.0123456789abcdef.tandem.c-0000000005x1dq5gng.1@company.example"
NOTICE = """From: MAILER-DAEMON@mx.example.com
Return-Path: <>
Subject: Undelivered Mail Returned to Sender

I could not deliver your message. The recipient was not found: <new@example.org>: 550 5.1.1 no such user

"""


@pytest.mark.parametrize(
    "raw",
    [
        REPORT.replace("Subject: Re: Pump", f"X-Tandem-Key: {KEY}"),
        REPORT.replace("text/rfc822-headers", "message/rfc822").replace("Subject: Re: Pump", f"X-Tandem-Key:\n {KEY}"),
        REPORT.replace("Message-ID: <our-reply@example.com>\n", f"x-tandem-key: {KEY}\n"),
        NOTICE + f"Original message headers:\n\nReceived: from a by b\nMessage-ID: <rewritten@exchange>\nX-Tandem-Key: {KEY}\n",
        NOTICE + f"--- Below this line is a copy of the message.\n\n> Received: from a by b\n> X-Tandem-Key:\n>  {KEY}\n",
    ],
)
def test_our_key_is_read_from_the_mail_that_comes_back(raw: str) -> None:
    bounce = parse(raw.encode()).bounce
    assert bounce is not None
    assert bounce.tandem_key == KEY


def test_a_key_without_end_is_cut() -> None:
    for raw in (
        REPORT.replace("Subject: Re: Pump", "X-Tandem-Key: " + "k" * 5_000),
        f"{NOTICE}\nReceived: x\nX-Tandem-Key: {'k' * 5_000}\n",
    ):
        bounce = parse(raw.encode()).bounce
        assert bounce is not None
        assert len(bounce.tandem_key) == 200


def test_a_complaint_report_is_about_the_mail_that_was_complained_of() -> None:
    report = REPORT.replace("report-type=delivery-status", "report-type=feedback-report").replace(
        "message/delivery-status", "message/feedback-report"
    )
    bounce = parse(report.encode()).bounce
    assert bounce is not None
    assert (bounce.action, bounce.original_message_id) == ("complaint", "<our-reply@example.com>")


@pytest.mark.parametrize(
    "body",
    [
        "Hei,\n\nmilloin tilaukseni 123 toimitetaan?",
        "Hello, my delivery has not come. Where is my order?",
        "Please note that our mail domain changes next week.\n\nRegards\nPostmaster",
    ],
)
@pytest.mark.parametrize("sender", ["postmaster@example.com", "Postmaster <postmaster@example.com>", "info@example.com"])
def test_a_postmaster_is_a_person_too(sender: str, body: str) -> None:
    assert parse(f"From: {sender}\nSubject: A question\n\n{body}".encode()).kind is MessageKind.MESSAGE


@pytest.mark.parametrize(
    "subject",
    ["Delivery failed again?", "Returned mail order 5531", "Message not received", "Kunde inte levereras till mig", "Toimitus epäonnistui"],
)
def test_a_customer_whose_parcel_did_not_come_is_no_bounce(subject: str) -> None:
    body = "Hello,\n\nyour driver could not deliver my parcel. The address was not found, he says. What now?"
    raw = f"Return-Path: <ann@example.com>\nFrom: Ann <ann@example.com>\nSubject: {subject}\n\n{body}"
    assert parse(raw.encode()).kind is MessageKind.MESSAGE


def test_a_customer_who_attaches_a_bounce_is_no_bounce() -> None:
    attached = "--c\nContent-Type: message/rfc822\n\n" + REPORT + "\n--c--"
    head = "From: Ann <ann@example.com>\nSubject: What is this?\nContent-Type: multipart/mixed; boundary=c"
    raw = f"{head}\n\n--c\n\nI got this from you.\n{attached}"
    assert parse(raw.encode()).kind is MessageKind.MESSAGE


@pytest.mark.parametrize("folder", ["mikel", "stalwart"])
def test_ordinary_mails_are_no_bounces(folder: str) -> None:
    kinds = {path.name: parse(path.read_bytes()).kind for path in (DATA / folder).glob("*.eml")}
    assert set(kinds.values()) == {MessageKind.MESSAGE}
