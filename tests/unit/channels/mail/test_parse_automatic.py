"""Mail that no person wrote is known, by its sign; mail that a person wrote is not taken for it."""

import pytest

from appliance.channels.mail.parse import parse
from appliance.records.message import MessageKind


def read(*fields: str, sender: str = "Ann <ann@example.com>", subject: str = "Pump", body: str = "Hello") -> tuple[MessageKind, str]:
    message = parse("\n".join([f"From: {sender}", f"Subject: {subject}", *fields, "", body]).encode())
    return message.kind, message.automatic_reason


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("Auto-Submitted: auto-replied", "auto_submitted"),
        ("Auto-Submitted: auto-generated (failure)", "auto_submitted"),
        ("Auto-Submitted: auto-notified; owner-email=x@example.com", "auto_submitted"),
        ("Precedence: bulk", "precedence"),
        ("Precedence: Junk", "precedence"),
        ("Precedence: auto_reply", "precedence"),
        ("Precedence: list", "list"),
        ("List-Id: <news.example.com>", "list"),
        ("List-Unsubscribe: <mailto:u@example.com>", "list"),
        ("X-Auto-Response-Suppress: DR, OOF, AutoReply", "suppresses_replies"),
        ("X-Auto-Response-Suppress: All", "suppresses_replies"),
        ("X-Autoreply: yes", "auto_reply_field"),
        ("X-Autorespond: Pump", "auto_reply_field"),
        ("X-Apple-Action: VACATION", "auto_reply_field"),
        ("X-MS-Exchange-Inbox-Rules-Loop: a@example.com", "auto_reply_field"),
        ("X-Loop: ann@example.com", "loop"),
        ("Return-Path: <>", "null_return_path"),
        ("Content-Type: multipart/report; report-type=disposition-notification; boundary=x", "read_receipt"),
    ],
)
def test_a_field_that_only_programs_write_is_a_sign(field: str, reason: str) -> None:
    assert read(field) == (MessageKind.AUTOMATIC, reason)


@pytest.mark.parametrize(
    "field",
    [
        "Auto-Submitted: no",
        "Precedence: normal",
        "Precedence: first-class",
        "X-Auto-Response-Suppress: DR, RN, NRN",
        "X-Autoreply: no",
        "Return-Path: <ann@example.com>",
        "X-Priority: 1",
        "Importance: high",
        "X-Mailer: Microsoft Outlook 16.0",
    ],
)
def test_a_field_that_peoples_mail_carries_is_none(field: str) -> None:
    assert read(field) == (MessageKind.MESSAGE, "")


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Pump",
        "Auto reply: Pump",
        "Out of Office: Pump",
        "Out of office AutoReply: Pump",
        "Automaattinen vastaus: Pumppu",
        "Poissaoloviesti: Pumppu",
        "Automaattivastaus: x",
        "Autosvar: Pump",
        "Automatiskt svar: Pump",
        "Frånvaro: Pump",
        "Frånvaromeddelande: x",
    ],
)
def test_the_subject_of_a_vacation_notice_is_a_sign(subject: str) -> None:
    assert read(subject=subject) == (MessageKind.AUTOMATIC, "vacation_subject")


def test_a_vacation_subject_without_a_colon_counts_only_in_an_answer() -> None:
    assert read("In-Reply-To: <a@example.com>", subject="Out of office") == (MessageKind.AUTOMATIC, "vacation_subject")
    assert read(subject="Out of office") == (MessageKind.MESSAGE, "")


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Automatic reply: Pump",
        "VS: Automaattinen vastaus: Pumppu",
        "SV: Autosvar: Pump",
        "Automatic pump stopped",
        "Poissa takuusta?",
        "Autosvaret från er",
        "Out of office furniture order",
        "Frånvaro av svar från er kundtjänst",
        "Automaattinen vastauksenne ei auttanut",
    ],
)
def test_people_who_write_about_automatic_replies_stay_people(subject: str) -> None:
    assert read("In-Reply-To: <a@example.com>", subject=subject) == (MessageKind.MESSAGE, "")


@pytest.mark.parametrize(
    "sender",
    [
        "noreply@example.com",
        "no-reply@example.com",
        "do-not-reply@example.com",
        "shop.noreply@example.com",
        "ei-vastata@example.fi",
        "bounces+123@example.com",
        "notifications@example.com",
    ],
)
def test_a_sender_that_cannot_be_answered_is_a_sign(sender: str) -> None:
    assert read(sender=sender) == (MessageKind.AUTOMATIC, "robot_sender")


@pytest.mark.parametrize(
    "sender", ["noreen@example.com", "replyson@example.com", "postmaster@example.com", "info@example.com", "autohuolto@example.fi"]
)
def test_an_ordinary_sender_is_none(sender: str) -> None:
    assert read(sender=sender) == (MessageKind.MESSAGE, "")


def test_a_web_form_that_names_the_customer_to_answer_to_is_a_message() -> None:
    assert read("Reply-To: Matti <matti@example.fi>", sender="noreply@shop.example") == (MessageKind.MESSAGE, "")
    assert read("Reply-To: noreply@other.example", sender="noreply@shop.example") == (MessageKind.AUTOMATIC, "robot_sender")
