"""The playbook and the briefs: brought up by words in any inflection, used once, and wrong files named by their key."""

from datetime import date

import pytest

from appliance.desk import brief, cues
from appliance.desk.heard import Heard
from appliance.ground.assets import asset
from appliance.policy.errors import PolicyError

PLAYBOOK = """
[[cue]]
id = "price"
words.fi = ["hinta", "takuu*"]
words.en = ["price", "how much"]
title.fi = "Hinta"
title.en = "Price"
text.fi = "Hinta on 100 €."
text.en = "The price is 100 EUR."
[[cue]]
id = "return"
words.en = ["return"]
title.en = "Return"
text.en = "Returning is free."
"""
BRIEF = """
[[brief]]
id = "pump"
until = 2026-12-31
words.en = ["heat pump"]
title.en = "Heat pump"
values.en = ["Warm", "Quiet"]
promotion.en = "Half price."
price.en = "From 1,490 EUR."
"""


def brought_up(text: str, code: str = "en", used: tuple[str, ...] = ()) -> list[tuple[str, str, bool]]:
    return [(cue.id, cue.heard, cue.used) for cue in cues.fresh(cues.load(PLAYBOOK), Heard(text, code), used)]  # type: ignore[arg-type]


def test_a_word_brings_its_cue_up_in_whatever_inflection() -> None:
    assert brought_up("What are your prices?") == [("price", "prices", False)]
    assert brought_up("How much is it to return it?") == [("price", "how much", False), ("return", "return", False)]
    assert brought_up("Mitä hinnat ovat", "fi") == [("price", "hinnat", False)]
    assert brought_up("Entä takuuaika", "fi") == [("price", "takuuaika", False)]


def test_no_word_brings_nothing_up_and_neither_does_another_language() -> None:
    assert brought_up("Good morning") == []
    assert brought_up("price", "sv") == []
    assert brought_up("") == []


def test_a_used_cue_stays_there_greyed_though_its_word_is_gone() -> None:
    assert brought_up("Good morning", used=("price",)) == [("price", "", True)]


def test_a_brief_is_one_piece_of_text_and_its_promotion_ends() -> None:
    heard = Heard("We want a heat pump", "en")
    (running,) = brief.fitting(brief.load(BRIEF), heard, (), date(2026, 12, 31))
    assert running.text == "Heat pump\n- Warm\n- Quiet\nHalf price.\nFrom 1,490 EUR."
    (over,) = brief.fitting(brief.load(BRIEF), heard, ("pump",), date(2027, 1, 1))
    assert (over.promotion, over.used, "Half price" in over.text) == ("", True, False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nonsense", "not TOML"),
        ("version = 2", "version"),
        ("[[cue]]\n", "cue\\[1\\].id"),
        ('[[cue]]\nid = "Ä"', "'Ä' is no id"),
        (PLAYBOOK + PLAYBOOK.replace("version", "#"), "two called 'price'"),
        ('[[cue]]\nid = "a"\ntitle.en = "A"\ntext.en = "b"', "no word that brings it up"),
        ('[[cue]]\nid = "a"\nwords.en = ["x"]\ntitle.en = "A"', "nothing to say"),
        ('[[cue]]\nid = "a"\nwords.en = ["x"]\ntext.en = "b"', "no title"),
        ('[[cue]]\nid = "a"\nwords.en = ["x*y"]\ntitle.en = "A"\ntext.en = "b"', "a \\*"),
        ('[[cue]]\nid = "a"\nwords.en = ["!?"]\ntitle.en = "A"\ntext.en = "b"', "is no word"),
        ('[[cue]]\nid = "a"\nwords.en = ["x"]\ntitle.en = "A"\ntext.en = "b"\ntexts = 1', "no such key"),
    ],
)
def test_a_bad_playbook_names_the_key_and_the_remedy(text: str, told: str) -> None:
    with pytest.raises(PolicyError, match=told) as error:
        cues.load(text, "playbook.toml")
    assert "playbook.toml" in error.value.message
    assert error.value.remedy


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("2026-12-31", '"soon"'), "expected a day"),
        (('values.en = ["Warm", "Quiet"]', ""), "no reason to buy"),
        (('title.en = "Heat pump"', ""), "no title"),
        (('"Warm"', '""'), "empty"),
    ],
)
def test_a_bad_brief_names_the_key(change: tuple[str, str], told: str) -> None:
    with pytest.raises(PolicyError, match=told):
        brief.load(BRIEF.replace(*change))


def test_the_sample_company_has_a_playbook_and_a_brief_in_three_languages() -> None:
    rules = cues.load((asset("demo") / "playbook.toml").read_text(encoding="utf-8"))
    briefs = brief.load((asset("demo") / "brief.toml").read_text(encoding="utf-8"))
    for code, said in (
        ("fi", "Paljonko lämpöpumppu maksaa?"),
        ("sv", "Vad kostar en värmepump?"),
        ("en", "What is the price of a heat pump?"),
    ):
        heard = Heard(said, code)  # type: ignore[arg-type]
        assert [cue.id for cue in cues.fresh(rules, heard, ())] == ["price"], code
        assert [one.id for one in brief.fitting(briefs, heard, (), date(2026, 11, 20))] == ["heat-pump"], code


@pytest.mark.parametrize("text", ["a = " + "[" * 50_000, "x = " + "9" * 5_000])
def test_a_playbook_that_is_nested_without_end_is_refused_like_any_other(text: str) -> None:
    with pytest.raises(PolicyError, match="not TOML"):
        cues.load(text)
