"""From bytes to an arrival: what is kept of a mail, and when."""

from appliance.channels.mail.arrivals import Reader
from appliance.channels.mail.parse import ParseLimits
from appliance.records.message import MessageKind, Origin

PLAIN = b"From: a@example.com\r\nSubject: hello\r\n\r\nHow are you?\r\n"
WITH_FILE = (
    b'From: a@example.com\r\nSubject: hello\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n"
    b"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=x.pdf\r\n\r\n" + b"x" * 4000 + b"\r\n--b--\r\n"
)
ORIGIN = Origin(mailbox="support", uid=1, uid_validity=1)


def test_the_raw_mail_is_not_kept_unless_it_is_asked_for() -> None:
    assert Reader().arrival(ORIGIN, PLAIN, 0.0).raw is None
    assert Reader(retain_raw=True).arrival(ORIGIN, PLAIN, 0.0).raw == PLAIN


def test_what_could_not_be_read_is_kept_as_it_came() -> None:
    arrival = Reader().arrival(ORIGIN, b"\x00\x01", 0.0)
    assert arrival.message.kind is MessageKind.UNREADABLE
    assert arrival.raw == b"\x00\x01"


def test_a_mail_with_an_attachment_over_the_limit_is_kept_whole_and_the_attachment_is_named() -> None:
    arrival = Reader(limits=ParseLimits(attachment_bytes=1000)).arrival(ORIGIN, WITH_FILE, 0.0)
    assert [(file.name, file.kept) for file in arrival.message.attachments] == [("x.pdf", False)]
    assert arrival.raw == WITH_FILE


def test_a_mail_of_which_only_the_beginning_was_fetched_says_so_and_is_kept() -> None:
    arrival = Reader().arrival(ORIGIN, PLAIN, 0.0, cut=True)
    assert "too_large" in arrival.message.oddities
    assert arrival.raw == PLAIN


def test_a_mail_that_the_server_withholds_still_arrives_for_a_person() -> None:
    assert Reader().arrival(ORIGIN, None, 0.0).message.kind is MessageKind.UNREADABLE
