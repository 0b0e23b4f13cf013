"""Search: what is asked for verbatim is first, other forms of the words are found, other topics stay low."""

import csv
import json
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.knowledge.lexical import Index
from appliance.language.words import tokens
from appliance.records.knowledge import Passage
from appliance.records.language import Code
from tests.unit.knowledge.support import DATA, passage

FINNISH = [
    passage("Tuotteen voi palauttaa 14 päivän kuluessa. Sinulla on oikeus palauttaa käyttämätön tuote.", "Palautus", language="fi"),
    passage("Toimitusajat ovat 3–5 arkipäivää.", "Toimitus", language="fi"),
    passage("Olemme auki ma–pe 9–17.", "opening hours", key="opening_hours", language="fi"),
    passage("Pumput huolletaan Tampereella.", "Huolto", language="fi"),
    passage("Takuu on kaksi vuotta ostopäivästä.", "Takuu", language="fi"),
    passage("Maksutapoja ovat lasku, kortti ja verkkopankki.", "Maksaminen", language="fi"),
    passage("Voit vaihtaa osoitteen ottamalla yhteyttä.", "Toimitusosoitteen vaihto", language="fi"),
    passage("PX-200 maksaa 49 €.", "PX-200", language="fi"),
    passage("PX-300 maksaa 59 €.", "PX-300", language="fi"),
]
SWEDISH = [
    passage("Leveranstiden är 3–5 arbetsdagar.", "Leverans", language="sv"),
    passage("Du har rätt att returnera varan inom 14 dagar.", "Retur", language="sv"),
    passage("Vi har öppet mån–fre 9–17.", "Butik", language="sv"),
    passage("Garantin gäller i två år.", "Garanti", language="sv"),
    passage("Du kan betala med faktura.", "Betalning", language="sv"),
]
ENGLISH = [
    passage("We deliver in 3–5 business days.", "Delivery", language="en"),
    passage("You may return unused goods within 14 days.", "Returns", language="en"),
    passage("The warranty is two years.", "Warranty", language="en"),
    passage("We accept cards and invoices.", "How can I pay?", language="en"),
]
COMPANIES: dict[Code, list[Passage]] = {"fi": FINNISH, "sv": SWEDISH, "en": ENGLISH}


def titles(question: str, language: Code, limit: int = 8) -> list[str]:
    found = COMPANIES[language]
    return [found[hit.passage].title for hit in Index(found, language).search(question, limit)]


@pytest.mark.parametrize(("language", "question", "title"), [
    ("fi", "palautusoikeus", "Palautus"), ("fi", "Miten palautusoikeus toimii?", "Palautus"), ("fi", "oikeus palauttaa", "Palautus"),
    ("fi", "Mikä on toimitusaika?", "Toimitus"), ("fi", "toimitusajat", "Toimitus"), ("fi", "aukioloajat", "opening hours"),
    ("fi", "Milloin olette auki?", "opening hours"), ("fi", "Mistä saan huoltoa pumpulleni?", "Huolto"), ("fi", "pumpun huolto", "Huolto"),
    ("fi", "Onko takuuaikaa?", "Takuu"), ("fi", "voiko maksaa laskulla", "Maksaminen"), ("fi", "toimitsaika", "Toimitus"),
    ("fi", "palatus", "Palautus"), ("fi", "mitä maksaa px200", "PX-200"), ("fi", "PX 300 hinta", "PX-300"),
    ("fi", "toimitusosoite väärin", "Toimitusosoitteen vaihto"),
    ("sv", "leveranstid", "Leverans"), ("sv", "Hur lång är leveranstiden?", "Leverans"), ("sv", "returrätt", "Retur"),
    ("sv", "öppettider", "Butik"), ("sv", "garantitid", "Garanti"), ("sv", "fakturabetalning", "Betalning"), ("sv", "leverns", "Leverans"),
    ("en", "How long is the delivery time?", "Delivery"), ("en", "returning something", "Returns"), ("en", "waranty", "Warranty"),
    ("en", "payment by card", "How can I pay?"),
])  # fmt: skip
def test_compounds_inflections_and_slips_find_their_passage(language: Code, question: str, title: str) -> None:
    assert titles(question, language)[:1] == [title]


@pytest.mark.parametrize(("language", "question"), [
    ("fi", "Mikä on Suomen pääkaupunki?"), ("fi", "Haluan ostaa auton"), ("sv", "Vad heter Sveriges huvudstad?"),
    ("en", "Who won the football match?"), ("en", "Hello, how are you?"), ("en", ""), ("en", "!?"),
])  # fmt: skip
def test_a_question_about_nothing_we_know_finds_nothing_or_little(language: Code, question: str) -> None:
    assert all(hit.score < 0.3 for hit in Index(COMPANIES[language], language).search(question, 8))


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_a_passages_own_title_and_text_bring_it_first(language: Code) -> None:
    found = COMPANIES[language]
    index = Index(found, language)
    for number, one in enumerate(found):
        assert index.search(one.title, 1)[0].passage == number
        assert index.search(one.title, 1)[0].score == 1.0
        assert index.search(one.text, 1)[0].passage == number


WORDS = st.sampled_from([
    "pumppu", "pumpun", "palautus", "toimitus", "toimitusaika", "lasku", "laskun", "missä", "on", "ja", "PX-200", "14", "takuuaika",
])  # fmt: skip
TITLE = st.lists(WORDS, min_size=1, max_size=5).map(" ".join)


@given(st.lists(st.tuples(TITLE, st.lists(WORDS, min_size=1, max_size=12).map(" ".join)), min_size=1, max_size=12))
def test_a_verbatim_title_is_always_first(made: list[tuple[str, str]]) -> None:
    found = [passage(text, title, language="fi", number=number) for number, (title, text) in enumerate(made)]
    index = Index(found, "fi")
    for title, _ in made:
        for asked in (title, f"  {title.upper()}?"):
            first = index.search(asked, 3)[0]
            assert first.score == 1.0
            assert tokens(found[first.passage].title) == tokens(title)


@given(st.lists(st.tuples(TITLE, TITLE), min_size=1, max_size=10), TITLE, st.integers(min_value=1, max_value=5))
def test_hits_come_best_first_and_within_bounds(made: list[tuple[str, str]], question: str, limit: int) -> None:
    hits = Index([passage(text, title, language="fi") for title, text in made], "fi").search(question, limit)
    assert len(hits) <= limit
    assert len({hit.passage for hit in hits}) == len(hits)
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0.0 < score <= 1.0 for score in scores)


@given(st.text(max_size=200))
def test_any_question_can_be_asked(question: str) -> None:
    Index(FINNISH, "fi").search(question, 5)


def test_one_shared_word_alone_is_no_proof_of_the_topic() -> None:
    index = Index([*ENGLISH, passage("Our office plants are watered by the neighbour.", number=9)], "en")
    assert index.search("neighbour", 1)[0].score < 0.75
    assert index.search("Who waters your office plants, the neighbour?", 1)[0].score > index.search("neighbour", 1)[0].score


def test_an_empty_index_finds_nothing() -> None:
    assert Index([], "en").search("anything", 5) == []


def test_an_alias_names_its_passage_verbatim() -> None:
    index = Index([passage("14 days.", "returns", key="returns", aliases=("money back",)), passage("Money, back and forth", "other")], "en")
    assert [(hit.passage, hit.score) for hit in index.search("Money back?", 1)] == [(0, 1.0)]


# Real questions of real people. The figures are those of the day they were measured; they may only get better.


def reciprocal_ranks(index: Index, asked: list[tuple[str, set[int]]]) -> list[float]:
    ranks = []
    for question, right in asked:
        hits = [hit.passage for hit in index.search(question, 50)]
        ranks.append(next((1 / place for place, number in enumerate(hits, 1) if number in right), 0.0))
    return ranks


def tops(index: Index, questions: list[str]) -> list[float]:
    return [hits[0].score if (hits := index.search(question, 1)) else 0.0 for question in questions]


def swefaq() -> list[dict[str, str]]:
    return [json.loads(line) for line in (DATA / "faq" / "swefaq" / "questions.jsonl").read_text("utf-8").splitlines()]


def covid() -> list[dict[str, str]]:
    with open(DATA / "faq" / "oval-covid" / "faq_db.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_swedish_questions_find_their_answers_as_well_as_they_did() -> None:
    items = swefaq()
    index = Index([passage(item["answer"], language="sv", number=number) for number, item in enumerate(items)], "sv")
    asked = [(item["question"], {number}) for number, item in enumerate(items)]
    assert statistics.mean(reciprocal_ranks(index, asked)) >= 0.70


def test_english_visitors_find_their_answers_as_well_as_they_did() -> None:
    items = covid()
    index = Index([passage(item["Answer"], item["Question"], number=number) for number, item in enumerate(items)], "en")
    place = {item["ID"]: number for number, item in enumerate(items)}
    visitors = [json.loads(line) for line in (DATA / "faq" / "oval-covid" / "queries.dev.jsonl").read_text("utf-8").splitlines()]
    asked = [
        (visitor["Question"], {place[name.strip()] for name in visitor["Answer"].split(",") if name.strip() in place})
        for visitor in visitors
        if visitor["Answer"] != "-1"
    ]
    assert statistics.mean(reciprocal_ranks(index, asked)) >= 0.65


def test_every_real_question_verbatim_is_first() -> None:
    items = covid()
    index = Index([passage(item["Answer"], item["Question"], number=number) for number, item in enumerate(items)], "en")
    for item in items:
        assert items[index.search(item["Question"], 1)[0].passage]["Question"] == item["Question"]


def test_questions_about_another_trade_score_below_the_companys_own() -> None:
    swedish = swefaq()
    index = Index([passage(item["answer"], language="sv", number=number) for number, item in enumerate(swedish)], "sv")
    own = tops(index, [item["question"] for item in swedish])
    others = tops(index, ["spela musik i vardagsrummet", "vad blir det för väder i helgen", "boka ett bord på restaurangen",
                          "hur många kalorier har en banan", "ring min syster", "tänd lampan i köket", "läs upp nyheterna"])  # fmt: skip
    assert statistics.median(own) > 0.5
    assert max(others) < statistics.median(own)
    assert statistics.median(others) < 0.3
