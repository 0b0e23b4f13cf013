"""Whatever bytes arrive, a message comes out, and it can be stored."""

from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.channels.mail.parse import ParseLimits, parse
from appliance.records.message import Message

SAMPLES = tuple(path.read_bytes() for path in sorted((Path(__file__).parents[3] / "data" / "mail").rglob("*.eml")))
FRAGMENTS = (
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"\x00",
    b"\xff",
    b"=?utf-8?b?",
    b"?=",
    b"--",
    b"<",
    b">",
    b'"',
    b";",
    b":",
    b"Content-Type: multipart/mixed; boundary=",
    b"message/rfc822",
    b"charset=utf-16",
    b"charset=utf-7",
    b"base64",
    b"quoted-printable",
    b"x-uuencode",
    b"*0*=",
    b"%FF",
    b"\xed\xa0\x80",
)


def holds(raw: bytes) -> None:
    message = parse(raw, ParseLimits(), "mx.example.com")
    assert "parser_failed" not in message.oddities
    assert msgspec.json.decode(msgspec.json.encode(message), type=Message) == message


@given(st.binary(max_size=2000))
@settings(max_examples=300, deadline=None)
def test_random_bytes_become_a_message(raw: bytes) -> None:
    holds(raw)


@given(
    st.sampled_from(SAMPLES), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), st.sampled_from(FRAGMENTS)), min_size=1, max_size=8)
)
@settings(max_examples=400, deadline=None)
def test_real_mails_with_holes_and_splinters_become_a_message(raw: bytes, wounds: list[tuple[float, int, bytes]]) -> None:
    for place, length, splinter in wounds:
        at = int(place * len(raw))
        raw = raw[:at] + splinter + raw[at + length :]
    holds(raw)


@given(st.sampled_from(SAMPLES), st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_a_mail_cut_off_anywhere_becomes_a_message(raw: bytes, place: float) -> None:
    holds(raw[: int(place * len(raw))])


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "From",
                "To",
                "Subject",
                "Date",
                "Message-ID",
                "References",
                "Content-Type",
                "Content-Disposition",
                "Content-Transfer-Encoding",
                "Authentication-Results",
                "Return-Path",
            ]
        ),
        st.text(max_size=80),
    ),
    st.text(),
)
@settings(max_examples=300, deadline=None)
def test_fields_of_any_content_become_a_message(fields: dict[str, str], body: str) -> None:
    head = "".join(f"{name}: {value}\n" for name, value in fields.items())
    holds(f"{head}\n{body}".encode("utf-8", "replace"))
