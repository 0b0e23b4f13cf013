"""Words, sentences and names out of text."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.language.words import contains_words, content_stems, names, ngrams, sentences, stems, tokens
from appliance.records.language import Code


def test_words_are_lower_case_and_codes_stay_whole() -> None:
    assert tokens("EU:n PX-200:lle sähköposti-osoite, don’t") == ["eu", "px-200", "sähköposti", "osoite", "don't"]


def test_marks_that_nobody_sees_part_no_word() -> None:
    assert tokens("funktions\u00adnedsättning o\u0308ppet") == ["funktionsnedsättning", "öppet"]


@pytest.mark.parametrize(("code", "one", "other"), [
    ("fi", "pumppu", "pumpun"), ("fi", "lasku", "laskut"), ("fi", "hinta", "hinnat"), ("fi", "toimitusajan", "toimitusajat"),
    ("sv", "leveranstiden", "leveranstider"), ("sv", "faktura", "fakturor"), ("sv", "pris", "priserna"),
    ("en", "delivery", "deliveries"), ("en", "returned", "returns"),
])  # fmt: skip
def test_forms_of_a_word_share_their_stem(code: Code, one: str, other: str) -> None:
    assert stems(one, code) == stems(other, code)


def test_content_leaves_out_what_carries_no_topic() -> None:
    assert content_stems("Hei, mitkä ovat teidän aukioloajat? Kiitos!", "fi") == stems("aukioloajat", "fi")
    assert content_stems("Hello, what is your return policy?", "en") == stems("return policy", "en")


def test_a_phrase_is_found_in_whatever_inflection_but_only_side_by_side() -> None:
    assert contains_words("Haluan palauttaa tuotteen heti", "palautan tuotteet", "fi")
    assert not contains_words("Palauttaa haluan tämän tuotteen", "palautan tuotteet", "fi")
    assert not contains_words("anything", "", "en")


def test_ngrams_mark_the_edges_of_a_word() -> None:
    assert ngrams("kuu") == ["^ku", "kuu", "uu$"]
    assert ngrams("a", 4) == ["^a$"]


def test_stems_may_be_asked_by_many_threads_at_once() -> None:
    wanted = stems("toimitusajat ja hinnat", "fi")
    wrong: list[int] = []

    def ask() -> None:
        wrong.extend(1 for _ in range(300) if stems("toimitusajat ja hinnat", "fi") != wanted)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(("text", "expected"), [
    ("Hei! Missä tilaukseni on? Tilasin sen 3. toukokuuta.", ["Hei!", "Missä tilaukseni on?", "Tilasin sen 3. toukokuuta."]),
    ("Meillä on esim. 3. kerros ja klo 9.00 avaamme. Tervetuloa!", ["Meillä on esim. 3. kerros ja klo 9.00 avaamme.", "Tervetuloa!"]),
    ("Vi har t.ex. pumpar, bl.a. PX-200. Välkommen!", ["Vi har t.ex. pumpar, bl.a. PX-200.", "Välkommen!"]),
    ("E.g. this one. We ship at 9 a.m. Monday is fine.", ["E.g. this one.", "We ship at 9 a.m.", "Monday is fine."]),
    ("Mr. Smith called J. Doe. They agreed.", ["Mr. Smith called J. Doe.", "They agreed."]),
    ("Hinta on 1.234,50 €. Maksu 1.5.2026. Kiitos", ["Hinta on 1.234,50 €.", "Maksu 1.5.2026.", "Kiitos"]),
    ("Katso www.example.com/a.b?c=1. Kiitos.", ["Katso www.example.com/a.b?c=1.", "Kiitos."]),
    ("tilasin tuotteen. se ei tullut. missä se on", ["tilasin tuotteen.", "se ei tullut.", "missä se on"]),
    ("Tilasin niitä 3. Milloin ne tulevat?", ["Tilasin niitä 3.", "Milloin ne tulevat?"]),
    ("1. Avaa laatikko.\n2. Sulje se.", ["1. Avaa laatikko.", "2. Sulje se."]),
    ("We need:\n- a pump\n- a hose", ["We need:", "- a pump", "- a hose"]),
    ("Terveisin\nMatti Meikäläinen", ["Terveisin", "Matti Meikäläinen"]),
    ("A long line that the mail program folded somewhere in the\nmiddle goes on. It ends.",
     ["A long line that the mail program folded somewhere in the middle goes on.", "It ends."]),
    ("…", []),
])  # fmt: skip
def test_sentences_end_where_the_writer_ended_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text(alphabet=st.sampled_from("aÄb1. ,!?\n-:()9€Mk"), max_size=120))
def test_no_word_is_lost_or_moved_by_cutting_into_sentences(text: str) -> None:
    kept = [letter for letter in "".join(sentences(text)) if letter.isalnum()]
    assert kept == [letter for letter in text if letter.isalnum()]


@given(st.text(max_size=200))
def test_any_text_can_be_cut(text: str) -> None:
    assert all(sentence.strip() == sentence and sentence for sentence in sentences(text))
    for code in ("fi", "sv", "en"):
        assert len(stems(text, code)) == len(tokens(text))
    names(text)


@pytest.mark.parametrize(("text", "expected"), [
    ("Matti Virtanen osti PX-200 pumpun Helsingistä.", ["Matti Virtanen", "PX-200", "Helsingistä"]),
    ("Hei Matti, kiitos", ["Matti"]),
    ("Pohjola Pumps sells pumps. The Alpha is good on Monday in May.", ["Pohjola Pumps", "Alpha"]),
    ("I bought it from Grundfos.", ["Grundfos"]),
    ("iPhone on hyvä. Tuote maksaa.", ["iPhone"]),
    ("Kundtjänst i Åbo svarar", ["Åbo"]),
    ("Onko GX 300 varastossa?", ["GX 300"]),
    ("The order arrived. Nothing else.", []),
])  # fmt: skip
def test_names_are_told_from_words_that_merely_open_a_sentence(text: str, expected: list[str]) -> None:
    assert names(text) == expected
