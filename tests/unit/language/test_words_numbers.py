"""Numbers in one normal form, so that a promise can be held against the knowledge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.language.words import numbers, unsupported_numbers


@pytest.mark.parametrize(("texts", "expected"), [
    (["1 234,50 €", "1.234,50 €", "1,234.50 EUR", "EUR 1234,50", "1\u00a0234,50 euroa", "€1,234.50"], ["1234.50 EUR"]),
    (["49 €", "49,00 €", "€49", "49 euroa", "EUR 49.00"], ["49 EUR"]),
    (["49:-", "49 kr", "49,- ", "SEK 49"], ["49 SEK"]),
    (["10–20 €", "10 - 20 €"], ["10 EUR", "20 EUR"]),
    (["14 päivää", "14 dagar", "14 days", "fourteen days", "neljätoista päivää", "14-day", "14 pv", "neljäntoista päivän"], ["14 day"]),
    (["3–5 arkipäivää", "3-5 business days", "3 till 5 vardagar", "3–5 working days"], ["3 business-day", "5 business-day"]),
    (["kahden viikon", "two weeks", "2 vk", "två veckor"], ["2 week"]),
    (["12 kk", "12 months", "tolv månader", "kaksitoista kuukautta"], ["12 month"]),
    (["1.5.2026", "2026-05-01", "May 1, 2026", "1 maj 2026", "1. toukokuuta 2026", "1 May 2026", "den 1:e maj 2026"], ["2026-05-01"]),
    (["1.5.", "1. toukokuuta", "May 1", "1 maj"], ["--05-01"]),
    (["1.–3.5.2026"], ["2026-05-01", "2026-05-03"]),
    (["klo 9.00", "kl. 9", "9 am", "9:00", "klo 9", "9 a.m."], ["09:00"]),
    (["klo 9–17", "ma–pe 9–17", "mån–fre 9.00–17.00", "Mon-Fri 9-17", "9 am to 5 pm", "9–5 pm"], ["09:00", "17:00"]),
    (["25,5 %", "25.5%", "25,5 prosenttia", "25,5 procent"], ["25.5 %"]),
    (["040 123 4567", "+358 40 123 4567", "0401234567", "+358 (0)40 1234567", "00358401234567"], ["tel 0401234567"]),
    (["0,125", "0.125"], ["0.125"]), (["1.234", "1,234", "1 234"], ["1234"]), (["two options", "2 options"], ["2"]),
    (["−5 °C", "-5 °C"], ["-5 celsius"]),
    (["PX-200", "GX200", "IP68", "A4", "v2.1.3", "one of ours", "no numbers"], []),
])  # fmt: skip
def test_one_number_has_one_form_however_it_is_written(texts: list[str], expected: list[str]) -> None:
    assert {text: numbers(text) for text in texts} == dict.fromkeys(texts, expected)


def test_numbers_come_in_the_order_of_the_text() -> None:
    assert numbers("Hinta on 49,90 € ja toimitus kestää 3 päivää, soita 040 123 4567.") == ["49.90 EUR", "3 day", "tel 0401234567"]


@pytest.mark.parametrize(("claim", "evidence"), [
    ("Palautusaika on 14 päivää.", "You may return it within fourteen days."),
    ("Hinta on 49 €.", "Product: PX-200. Price: 49."),
    ("Avoinna klo 9–17.", "Mon–Fri 9-17"),
    ("Olemme kiinni 1.5.", "Closed on 1 May 2026."),
    ("It costs 49.", "Hinta 49 €"),
    ("No numbers at all.", ""),
])  # fmt: skip
def test_what_the_evidence_says_in_its_own_way_is_supported(claim: str, evidence: str) -> None:
    assert unsupported_numbers(claim, evidence) == []


@pytest.mark.parametrize(("claim", "evidence", "missing"), [
    ("Within 15 days.", "Within 14 days.", ["15 day"]),
    ("Within 14 weeks.", "Within 14 days.", ["14 week"]),
    ("14 business days", "14 days", ["14 business-day"]),
    ("Price 49 kr", "Price 49 €", ["49 SEK"]),
    ("Call 040 123 4567", "Call 040 123 4568, 0401234567890", ["tel 0401234567"]),
    ("Open until 18:00", "Open 9:00–17:00", ["18:00"]),
    ("1.6.2026", "1.5.2026", ["2026-06-01"]),
    ("20 %", "20 €", ["20 %"]),
    ("Two refunds", "One refund", ["2"]),
])  # fmt: skip
def test_what_it_does_not_say_is_named(claim: str, evidence: str, missing: list[str]) -> None:
    assert unsupported_numbers(claim, evidence) == missing


@given(st.text(alphabet=st.sampled_from("0123456789.,-–: €%krdaysklo/+"), max_size=60))
def test_a_text_always_supports_itself(text: str) -> None:
    assert unsupported_numbers(text, text) == []


@given(st.integers(min_value=0, max_value=9_999_999), st.integers(min_value=0, max_value=99))
def test_an_amount_survives_every_way_of_writing_it(whole: int, cents: int) -> None:
    grouped = f"{whole:,}"
    expected = [f"{whole}.{cents:02} EUR" if cents else f"{whole} EUR"]
    for written in (f"{whole},{cents:02} €", f"{grouped}.{cents:02} €", grouped.replace(",", " ") + f",{cents:02} €"):
        assert numbers(written) == expected
