"""What leaves is a whole mail, the same on every node, and nothing a customer wrote can change its shape."""

import email
import email.header
import email.policy
import re
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.channels.mail.compose import REFERENCES_MAX, chain, compose, recipients
from appliance.channels.mail.errors import Unsendable
from appliance.channels.mail.header_lines import clean
from appliance.records.delivery import Delivery, DeliveryKind
from appliance.records.message import Address
from appliance.records.work import File

SENDER = Address(name="Pohjola Tuki", address="tuki@pohjola.example")
AT = 1_800_000_000.0


def delivery(**fields: object) -> Delivery:
    usual: dict[str, object] = {
        "id": "d-1",
        "case": "c-1",
        "kind": DeliveryKind.REPLY,
        "mailbox": "support",
        "message_id": "<d-1@pohjola.example>",
        "key": "d-1",
        "automatic": True,
        "to": (Address(name="Aino", address="aino@example.fi"),),
        "subject": "Palautus",
        "text": "Hei!\n\nKyllä käy.",
        "language": "fi",
    }
    return Delivery(**(usual | fields))  # type: ignore[arg-type]


def composed(d: Delivery, signature: str = "Pohjola Pumps\nAsiakaspalvelu", sender: Address = SENDER) -> bytes:
    return compose(d, sender, signature, "Pohjola Pumps", at=AT)


def read(d: Delivery, **more: object) -> EmailMessage:
    message = email.message_from_bytes(composed(d, **more), policy=email.policy.default)  # type: ignore[arg-type]
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def test_a_reply_is_text_and_html_with_the_signature() -> None:
    message = read(delivery())
    assert message.get_content_type() == "multipart/alternative"
    assert [one.get_content_type() for one in message.iter_parts()] == ["text/plain", "text/html"]
    assert part(message, "plain") == "Hei!\n\nKyllä käy.\n\n-- \nPohjola Pumps\nAsiakaspalvelu\n"
    assert "<p>Kyllä käy.</p>" in part(message, "html")
    assert "Pohjola Pumps<br>" in part(message, "html")
    assert 'lang="fi"' in part(message, "html")


def test_a_signature_that_the_text_ends_with_already_is_not_put_twice() -> None:
    text = part(read(delivery(text="Hei!\n\nPohjola Pumps\nAsiakaspalvelu")), "plain")
    assert text.count("Asiakaspalvelu") == 1


def test_the_same_delivery_gives_the_same_bytes() -> None:
    d = delivery(thread_index="AdjxY2FiY2RlZmdoaWprbG1ub3A=", subject="Ääkköset", cc=(Address(name="Ö", address="o@example.fi"),))
    assert composed(d) == composed(d)


def test_line_ends_are_crlf_and_no_line_is_too_long() -> None:
    raw = composed(delivery(text="y" * 5000 + "\n" + "sanoja " * 500 + "\n.\n..\n", subject="Pitkä otsikko " * 30))
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert raw.isascii()


def test_a_long_line_and_a_lone_dot_arrive_as_they_were() -> None:
    text = "y" * 5000 + "\n.\n..kaksi\n  sisennys \tsarkain \nFrom here\näöå €"
    assert part(read(delivery(text=text), signature=""), "plain") == text + "\n"


def test_the_headers_that_keep_the_conversation_together_are_there() -> None:
    message = read(delivery(in_reply_to="<q@example.fi>", references=("<a@example.fi>", "<b@example.fi>")))
    assert message["Message-ID"] == "<d-1@pohjola.example>"
    assert message["In-Reply-To"] == "<q@example.fi>"
    assert str(message["References"]).split() == ["<a@example.fi>", "<b@example.fi>", "<q@example.fi>"]
    assert message["X-Tandem-Key"] == "d-1"
    assert message["Date"] == "Fri, 15 Jan 2027 08:00:00 +0000"
    assert message["From"] == "Pohjola Tuki <tuki@pohjola.example>"
    assert message["Content-Language"] == "fi"
    assert message["X-Auto-Response-Suppress"] == "All"


def test_only_an_automatic_reply_says_that_it_is_one() -> None:
    assert read(delivery())["Auto-Submitted"] == "auto-replied"
    assert read(delivery(automatic=False))["Auto-Submitted"] is None


def test_a_mailbox_without_a_name_sends_in_the_company_s_name() -> None:
    assert str(read(delivery(), sender=Address(address="tuki@pohjola.example"))["From"]) == "Pohjola Pumps <tuki@pohjola.example>"


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Palautus", "Re: Palautus"),
        ("Re: Palautus", "Re: Palautus"),
        ("VS: Palautus", "Re: Palautus"),
        ("Sv: Re: VS: Retur", "Re: Retur"),
        ("RE[3]: x", "Re: x"),
        ("re : x", "Re: x"),
        ("SV： x", "Re: x"),
        ("", "Re:"),
        ("Re:", "Re:"),
        ("Resepti: x", "Re: Resepti: x"),
        ("VL: x", "Re: VL: x"),
        ("Aw: Antw: x", "Re: x"),
        ("Äänite: Re: x", "Re: Äänite: Re: x"),
    ],
)
def test_a_reply_prefix_is_never_doubled_in_any_of_our_languages(subject: str, expected: str) -> None:
    assert str(read(delivery(subject=subject))["Subject"]) == expected


def test_the_chain_of_references_keeps_its_beginning_and_its_end() -> None:
    ids = tuple(f"<{number}@x>" for number in range(50))
    kept = chain(ids)
    assert len(kept) == REFERENCES_MAX
    assert (kept[0], kept[-1]) == ("<0@x>", "<49@x>")


def test_broken_message_ids_are_left_out_rather_than_passed_on() -> None:
    message = read(delivery(in_reply_to="<two words@x>", references=("<ok@x>", "<bad\r\nX: y>", "bare@x", "<ö@x>")))
    assert message["In-Reply-To"] is None
    assert str(message["References"]).split() == ["<ok@x>", "<bare@x>"]


def test_cc_is_kept_and_nobody_gets_the_mail_twice() -> None:
    cc = (
        Address(address="AINO@example.fi"),
        Address(address="b@example.fi"),
        Address(address="b@example.fi"),
        Address(address="ei osoite"),
    )
    message = read(delivery(cc=cc))
    assert message["To"] == "Aino <aino@example.fi>"
    assert message["Cc"] == "b@example.fi"


def test_a_reply_never_goes_to_ourselves() -> None:
    with pytest.raises(Unsendable):
        composed(delivery(to=(Address(address="TUKI@pohjola.example"),)))
    assert recipients(delivery(cc=(SENDER,)), SENDER)[1] == ()


def test_a_draft_goes_to_our_own_mailbox_and_says_that_it_is_one() -> None:
    message = read(delivery(kind=DeliveryKind.DRAFT, to=(SENDER,), subject="Vs: Palautus"))
    assert message["Subject"] == "Luonnos: Re: Palautus"
    assert message["To"] == "Pohjola Tuki <tuki@pohjola.example>"
    assert message["Auto-Submitted"] == "auto-generated"


def test_a_handover_quotes_the_customer_and_is_answered_to_the_customer() -> None:
    message = read(
        delivery(
            kind=DeliveryKind.HANDOVER,
            to=(Address(address="laskutus@pohjola.example"),),
            subject="VS: Lasku",
            text="Tiimille: laskutus",
            quoted="Hei\n\nlasku on väärin <b>",
            quoted_from=Address(name="Aino", address="aino@example.fi"),
            quoted_at=AT - 60,
        )
    )
    assert message["Subject"] == "Fwd: Lasku"
    assert message["Reply-To"] == "Aino <aino@example.fi>"
    text = part(message, "plain")
    assert text.startswith("Tiimille: laskutus\n\nAino aino@example.fi kirjoitti ")
    assert text.endswith("\n> Hei\n>\n> lasku on väärin <b>\n")
    assert "Asiakaspalvelu" not in text
    assert "lasku on väärin &lt;b&gt;" in part(message, "html")


def test_a_handover_reaches_the_team_even_when_the_customer_s_address_is_broken() -> None:
    message = read(delivery(kind=DeliveryKind.HANDOVER, to=(SENDER,), quoted="x", quoted_from=Address(address="ei osoite")))
    assert message["Reply-To"] is None


def test_markup_in_a_reply_stays_words() -> None:
    assert "&lt;script&gt;" in part(read(delivery(text="<script>alert(1)</script>")), "html")


def test_a_delivery_to_nobody_cannot_be_sent() -> None:
    for to in ((), (Address(name="x"),), (Address(address="no-at"),)):
        with pytest.raises(Unsendable):
            composed(delivery(to=to))


EXPECTED = {
    "date",
    "from",
    "to",
    "cc",
    "subject",
    "message-id",
    "in-reply-to",
    "references",
    "auto-submitted",
    "x-auto-response-suppress",
    "x-tandem-key",
    "content-language",
    "mime-version",
    "content-type",
    "thread-topic",
    "thread-index",
    "reply-to",
}
WORDS = st.text(st.characters(exclude_categories=()), max_size=200) | st.text(
    alphabet='\r\n\x0b\x0c\x85\u2028 :ab@<>",;=?\x00', max_size=60
)


@given(subject=WORDS, name=WORDS, text=WORDS, reference=WORDS, index=WORDS, language=WORDS, quoted=WORDS, local=WORDS)
def test_whatever_a_customer_writes_no_header_can_be_added(
    subject: str, name: str, text: str, reference: str, index: str, language: str, quoted: str, local: str
) -> None:
    d = delivery(
        subject=subject,
        text=text,
        to=(Address(name=name, address="aino@example.fi"),),
        in_reply_to=reference,
        references=(reference, subject),
        thread_index=index,
        language=language,
        quoted=quoted,
        cc=(Address(name=subject, address=f"{local}@example.fi"),),
        quoted_from=Address(name=name, address=local),
    )
    raw = composed(d)
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b" ")]
    names = [line.split(b":")[0].decode().lower() for line in lines]
    assert set(names) <= EXPECTED
    assert not re.search(rb"[^\r\n\x20-\x7e\x80-\xff]", head)
    assert len(names) == len(set(names))
    assert body.count(b"\r\n--=_tandem_") == 2  # one part's boundary, and the last one
    message = email.message_from_bytes(raw)
    assert not message.defects
    assert len(message.get_payload()) == 2


@given(subject=st.text(max_size=200), name=st.text(max_size=100))
def test_other_letters_come_back_as_they_went_in(subject: str, name: str) -> None:
    message = email.message_from_bytes(composed(delivery(subject=f"x{subject}", to=(Address(name=name, address="a@example.fi"),))))
    assert unfolded(str(message["Subject"])) == f"Re: {clean('x' + subject)}".rstrip()
    shown = re.sub(r"\s*<a@example\.fi>$", "", str(message["To"]))
    words = re.sub(r"\\(.)", r"\1", shown[1:-1]) if shown.startswith('"') else unfolded(shown)
    assert words == clean(name, 120)


def unfolded(value: str) -> str:
    """A header's words as a mail program shows them."""
    return str(email.header.make_header(email.header.decode_header(value.replace("\r\n", ""))))


def test_files_go_below_the_words_and_come_out_as_they_went_in() -> None:
    files = (
        File(name="Käyttöohje – pumppu.pdf", media_type="application/pdf", data=bytes(range(256)) * 40),
        File(name="prices.csv", media_type="text/csv", data=b"a;b\r\n.\r\n"),
    )
    message = read(delivery(files=files, automatic=False))
    assert message.get_content_type() == "multipart/mixed"
    words, *rest = message.iter_parts()
    assert isinstance(words, EmailMessage)
    assert words.get_content_type() == "multipart/alternative"
    assert part(message, "plain").startswith("Hei!")
    assert [(one.get_filename(), one.get_content_type(), one.get_payload(decode=True)) for one in rest] == [
        (file.name, file.media_type, file.data) for file in files
    ]
    assert all(one.get_content_disposition() == "attachment" for one in rest)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a\r\nBcc: x@evil.example\r\n\r\n.pdf", "application/pdf\r\nX-Evil: 1"),
        ('"; filename="other.exe', "message/rfc822"),
        ("../../etc/passwd", "multipart/mixed; boundary=x"),
        ("..", ""),
        ("%00 %s.pdf" + "ä" * 300, "Application/PDF"),
    ],
)
def test_a_files_name_and_type_cannot_change_the_shape_of_the_mail(name: str, media_type: str) -> None:
    message = read(delivery(files=(File(name=name, media_type=media_type, data=b"x"),), automatic=False))
    assert message["Bcc"] is None
    assert message["X-Evil"] is None
    words, file = message.iter_parts()
    assert isinstance(file, EmailMessage)
    assert words.get_content_type() == "multipart/alternative"
    assert file.get_content_type() in ("application/octet-stream", "application/pdf")
    assert file.get_payload(decode=True) == b"x"
    told = file.get_filename()
    assert told
    assert not set("/\\\r\n") & set(told)
    assert max(map(len, composed(delivery(files=(File(name=name, media_type=media_type, data=b"x"),))).split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    ("own", "below"),
    [
        ("Aino Virtanen\nHuolto", "-- \nAino Virtanen\nHuolto\nPohjola Pumps\nAsiakaspalvelu\n"),
        ("Aino\nPohjola Pumps\nAsiakaspalvelu", "-- \nAino\nPohjola Pumps\nAsiakaspalvelu\n"),
        ("", "-- \nPohjola Pumps\nAsiakaspalvelu\n"),
    ],
)
def test_the_signature_of_who_approved_stands_above_the_companys(own: str, below: str) -> None:
    message = read(delivery(signature=own, automatic=False))
    assert part(message, "plain").endswith(f"Kyllä käy.\n\n{below}")
    assert part(message, "html").count("Asiakaspalvelu") == 1
