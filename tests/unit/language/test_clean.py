"""The words of a reply are kept and nothing else; and never is everything cut."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.language.clean import cut_reply, normalise
from appliance.records.message import Address

QUESTION = "Hei,\n\npumppu ei käynnisty. Mitä voin tehdä?"

INTRODUCTIONS = [
    "ti 5. maalisk. 2024 klo 10.12 Asiakaspalvelu (tuki@example.fi) kirjoitti:",
    "Asiakaspalvelu <tuki@example.fi> kirjoitti 5.3.2024 kello 10.12:",
    "5.3.2024 10:12, Asiakaspalvelu kirjoitti:",
    "Den tis 5 mars 2024 kl 10:12 skrev Kundtjänst <stod@example.se>:",
    "5 mars 2024 kl. 10:12 skrev Kundtjänst <stod@example.se>:",
    "Den 2024-03-05 kl. 10:12, skrev Kundtjänst:",
    "On Tue, Mar 5, 2024 at 10:12 AM Support <help@example.com>\nwrote:",
    "On 5 Mar 2024, at 10:12, Support <help@example.com> wrote:",
    "Am 05.03.2024 um 10:12 schrieb Hilfe <hilfe@example.de>:",
    '05.03.2024, 10:12, "Служба" <help@example.ru>:',
]

BLOCKS = [
    "Lähettäjä: Asiakaspalvelu <tuki@example.fi>\nLähetetty: tiistai 5. maaliskuuta 2024 10.12\nVastaanottaja: Matti\nAihe: VS: Pumppu",
    "Från: Kundtjänst <stod@example.se>\nSkickat: den 5 mars 2024 10:12\nTill: Anna\nÄmne: SV: Pump",
    "Från: Kundtjänst\nSkickat: den 5 mars 2024 10:12\nTill: Anna\nÄmne: SV: Pump",
    "From: Support <help@example.com>\nSent: Tuesday, March 5, 2024 10:12 AM\nTo: Ann\nSubject: RE: Pump",
    "*From:* Support [mailto:help@example.com]\n*Sent:* Tuesday\n*To:* Ann\n*Subject:* RE: Pump",
    "-----Original Message-----\nFrom: Support\nSent: Tuesday\nTo: Ann\nSubject: RE: Pump",
    "-----Alkuperäinen viesti-----\nLähettäjä: Asiakaspalvelu\nLähetetty: tiistaina\nVastaanottaja: Matti\nAihe: Pumppu",
    "----- Ursprungligt meddelande -----\nFrån: Kundtjänst\nSkickat: tisdag\nTill: Anna\nÄmne: Pump",
    "________________________________\nFrom: Support\nSent: Tuesday\nTo: Ann\nSubject: Pump",
]

CLOSINGS = [
    "Ystävällisin terveisin\nMatti Meikäläinen\npuh. 040 123 4567",
    "Terveisin Matti",
    "T: Matti",
    "Mvh\nAnna Svensson",
    "Med vänliga hälsningar,\n\nAnna Svensson\nPumpor AB\nTel. 08-123 456 78",
    "Best regards,\nAnn Smith\nPump Ltd\nwww.example.com",
    "Kind regards\nAnn",
    "-- \nAnn Smith\nPump Ltd",
    "Lähetetty iPhonesta",
    "Lähetetty Samsung Galaxy -älypuhelimesta.",
    "Hanki Outlook for iOS",
    "Skickat från min iPhone",
    "Skickat från Outlook för iOS",
    "Sent from my iPhone",
    "Get Outlook for Android<https://aka.ms/abc>",
]


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
def test_what_stands_above_an_introduced_quote_is_kept(introduction: str) -> None:
    cut = cut_reply(f"{QUESTION}\n\n{introduction}\n> Hei!\n> Auttaisiko ohje?\n")
    assert cut.text == QUESTION
    assert "Auttaisiko" in cut.quoted


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
def test_what_is_written_below_or_between_quotes_is_kept(introduction: str) -> None:
    cut = cut_reply(f"{introduction}\n> Toimiiko valo?\n\nEi toimi.\n\n> Entä ääni?\n\nKyllä toimii.")
    assert cut.text == "Ei toimi.\n\nKyllä toimii."


@pytest.mark.parametrize("block", BLOCKS)
def test_a_header_block_ends_the_writers_words(block: str) -> None:
    cut = cut_reply(f"{QUESTION}\n\n{block}\n\nHei!\n\nKokeile ensin virtakytkintä.")
    assert cut.text == QUESTION
    assert "virtakytkintä" in cut.quoted


@pytest.mark.parametrize("closing", CLOSINGS)
def test_a_signature_is_cut_from_the_end(closing: str) -> None:
    cut = cut_reply(f"{QUESTION}\n\n{closing}")
    assert cut.text == QUESTION
    assert cut.signature.split()[:1] == closing.split()[:1]


@pytest.mark.parametrize(
    "marker",
    [
        "---------- Forwarded message ---------",
        "---------- Välitetty viesti ----------",
        "Begin forwarded message:",
        "Vidarebefordrat brev:",
        "-------- Vidarebefordrat meddelande --------",
    ],
)
def test_a_forwarded_text_is_the_message_and_stays(marker: str) -> None:
    text = (
        f"Katsokaa tätä.\n\n{marker}\nFrom: Ann <ann@example.com>\nDate: Tue, Mar 5, 2024\nSubject: Pump\nTo: Matti\n\nThe pump is broken."
    )
    assert cut_reply(text).text == text


def test_a_forward_known_by_its_subject_keeps_what_stands_below_the_header_block() -> None:
    text = f"Hoidatteko tämän?\n\n{BLOCKS[0]}\n\nPumppu vuotaa."
    assert "Pumppu vuotaa." in cut_reply(text, forwarded=True).text
    assert "Pumppu vuotaa." not in cut_reply(text).text


@pytest.mark.parametrize(
    "text",
    [
        "> all of it\n> is quoted",
        "Best regards,\nAnn",
        "-- \nAnn",
        "Sent from my iPhone",
        "From: Ann <ann@example.com>\nSent: Tuesday\nTo: Ben\nSubject: Pump\n\nThe pump is broken.",
    ],
)
def test_a_message_that_would_be_cut_to_nothing_stays(text: str) -> None:
    assert cut_reply(text).text == normalise(text)


@pytest.mark.parametrize(
    "text",
    [
        "Your colleague wrote on 5 March 2024:\nwe will pay it back.\nNothing has come.",
        "Matkustan näin:\nFrom: Helsinki\nTo: Tampere\nDate: 5.5.\nMitä se maksaa?",
        "Sent from my desk, is much easier then my mobile phone.",
        "Here is a fix -- this is not a signature.\n\nkthxbai",
        "Tarvitsen:\n- pumpun\n- letkun",
        "Vänligen återkom med ett pris för tre pumpar, gärna redan i dag.",
        "Kiitos, mutta ongelma ei ratkennut.",
        "Onko teillä tätä\nMatti Virtasen mallia?",
    ],
)
def test_words_that_only_look_like_a_sign_are_kept(text: str) -> None:
    assert cut_reply(text).text == text


def test_an_order_number_or_a_question_below_the_name_is_not_a_signature() -> None:
    cut = cut_reply("Pumppu on rikki.\n\nTerveisin\nMatti\n\nTilausnumero: 12345")
    assert "12345" in cut.text
    cut = cut_reply("Pumppu on rikki.\n\nTerveisin\nMatti\n\nPS. Saanko myös laskun?")
    assert "Saanko myös laskun?" in cut.text
    assert "Matti" not in cut.text


def test_a_bare_name_is_a_signature_only_when_it_is_the_senders() -> None:
    text = "Could you send me the price?\n\nThanks,\nNoam"
    assert cut_reply(text).text == text
    assert cut_reply(text, sender=Address(name="Noam Levi", address="n@example.com")).text == "Could you send me the price?"


def test_text_is_normalised_to_one_shape_without_what_nobody_sees() -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    assert normalise(f"\r\n\r\na\u00a0b\u200b \r\n\r\n\r\n\r\ne\u0301\x00\u202e{hidden}\ufeff  ") == "a b\n\n\u00e9"


@given(st.text(max_size=600))
def test_cutting_never_fails_and_never_leaves_nothing_of_something(text: str) -> None:
    cut = cut_reply(text)
    assert bool(cut.text.strip()) == bool(normalise(text).strip())
    assert normalise(cut.text) == cut.text


@given(st.lists(st.sampled_from([*INTRODUCTIONS, *BLOCKS, *CLOSINGS, QUESTION, "> q", "", "--", "____________", "Hello"]), max_size=12))
def test_cutting_loses_no_line(pieces: list[str]) -> None:
    text = "\n".join(pieces)
    cut = cut_reply(text)
    parts = "\n".join((cut.text, cut.quoted, cut.signature)).split("\n")
    for line in filter(None, normalise(text).split("\n")):
        assert line.strip() in {part.strip() for part in parts}


@pytest.mark.parametrize("line", [" ", "On ", "a@", "a@b.c ", "> ", "_", "-", "On 5.3.2024 at 10:10 a@b.c ", "From: ", "word ", "1 "])
def test_a_megabyte_of_anything_is_cut_in_moments(line: str) -> None:
    started = time.process_time()
    cut_reply(line * (1_000_000 // len(line)) + "x\nwrote:")
    cut_reply((line + "\n") * (1_000_000 // (len(line) + 1)))
    assert time.process_time() - started < 10, "a pattern backtracks"
