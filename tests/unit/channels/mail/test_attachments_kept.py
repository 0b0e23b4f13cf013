"""The bytes of a mail's attachments, as far as they are kept."""

from email.message import EmailMessage

from appliance.channels.mail.arrivals import CLIPS_MOST, TOO_MANY_CLIPS, Reader
from appliance.channels.mail.parse import ParseLimits, parse_whole
from appliance.records.message import Origin

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def mail(*files: tuple[str, bytes]) -> bytes:
    message = EmailMessage()
    message["From"] = "aino@example.fi"
    message["Subject"] = "Files"
    message.set_content("See the files.")
    for name, data in files:
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def test_the_bytes_of_each_attachment_are_kept_by_its_place() -> None:
    parsed = parse_whole(mail(("a.png", PICTURE), ("b.bin", b"\r\n.\r\n")))
    assert [attachment.kept for attachment in parsed.message.attachments] == [True, True]
    assert parsed.attachments == {0: PICTURE, 1: b"\r\n.\r\n"}


def test_a_mail_without_attachments_keeps_none() -> None:
    assert parse_whole(mail()).attachments == {}


def test_what_is_too_large_is_named_and_left_aside_and_the_rest_is_kept() -> None:
    limits = ParseLimits(attachment_bytes=1_000, attachments_bytes=1_500, attachments=3)
    files = [("large", b"x" * 1_001), ("one", b"x" * 900), ("over all", b"x" * 700), ("two", b"x" * 500), ("three", b"x"), ("four", b"x")]
    parsed = parse_whole(mail(*files), limits)
    assert {index: len(data) for index, data in parsed.attachments.items()} == {1: 900, 3: 500, 4: 1}
    assert [attachment.kept for attachment in parsed.message.attachments] == [False, True, False, True, True, False]
    assert [attachment.size_bytes for attachment in parsed.message.attachments] == [1_001, 900, 700, 500, 1, 1]
    assert "attachment_over_limit" in parsed.message.oddities


def test_an_arrival_brings_the_bytes_along_and_the_whole_mail_where_some_were_left_aside() -> None:
    origin = Origin(mailbox="support", uid=1)
    kept = Reader().arrival(origin, mail(("a", b"x" * 50)), 0.0)
    assert (kept.attachments, kept.raw) == ({0: b"x" * 50}, None)
    raw = mail(("a", b"x" * 50), ("b", b"y" * 51))
    some = Reader(limits=ParseLimits(attachment_bytes=50)).arrival(origin, raw, 0.0)
    assert (some.attachments, some.raw) == ({0: b"x" * 50}, raw)


def spoken(count: int, **headers: str) -> bytes:
    """A mail with so many clips."""
    clips = mail(*[(f"{place}.wav", b"RIFF\x24\0\0\0WAVEfmt " + bytes((place,))) for place in range(count)])
    return b"".join(f"{name.replace('_', '-')}: {value}\r\n".encode() for name, value in headers.items()) + clips


def heard_of(raw: bytes) -> tuple[tuple[int, ...], bool]:
    arrival = Reader(hears=True).arrival(Origin(mailbox="support"), raw, 0.0)
    return arrival.clips, TOO_MANY_CLIPS in arrival.message.oddities


def test_a_few_clips_are_heard_and_a_mail_with_more_is_a_persons_whole() -> None:
    assert heard_of(spoken(CLIPS_MOST)) == (tuple(range(CLIPS_MOST)), False)
    assert heard_of(spoken(CLIPS_MOST + 1)) == ((), True)
    assert heard_of(spoken(200)) == ((), True)


def test_nothing_of_an_automatic_mail_is_heard() -> None:
    assert heard_of(spoken(2, Auto_Submitted="auto-replied")) == ((), False)
