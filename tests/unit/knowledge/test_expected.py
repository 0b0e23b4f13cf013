"""Expected keys: by name, never by guess."""

import pytest

from appliance.knowledge.expected import KeyNames
from appliance.records.language import Code
from tests.unit.knowledge.support import passage

KEYS = ("opening_hours", "return_policy", "delivery_time", "warranty", "pump_oil")


def names(language: Code) -> KeyNames:
    own = {"pump_oil": ("oil type", "öljyn tyyppi", "typ av olja")}
    return KeyNames([passage("…", key.replace("_", " "), key=key, language=language, aliases=own.get(key, ())) for key in KEYS], language)


@pytest.mark.parametrize(("language", "text", "keys"), [
    ("en", "When are you open?", ("opening_hours",)),
    ("en", "What are your opening hours and how long is the warranty?", ("opening_hours", "warranty")),
    ("en", "Which type of oil do I need?", ("pump_oil",)),
    ("en", "Can I return a pump?", ("return_policy",)),
    ("fi", "Milloin olette auki?", ("opening_hours",)),
    ("fi", "Mikä on aukioloaikanne ja toimitusaika?", ("opening_hours", "delivery_time")),
    ("fi", "Voinko palauttaa tuotteen?", ("return_policy",)),
    ("fi", "Minkä tyyppistä öljyä pumppuun tulee? Takuuaika?", ("warranty", "pump_oil")),
    ("sv", "Vilka är era öppettider?", ("opening_hours",)),
    ("sv", "Hur länge gäller garantin?", ("warranty",)),
    ("sv", "Har jag returrätt, och vad är leveranstiden?", ("return_policy", "delivery_time")),
    ("en", "What is the capital of Finland?", ()), ("fi", "Mikä on Suomen pääkaupunki?", ()), ("sv", "Vem är kungen?", ()),
    ("en", "Hello, thanks!", ()), ("en", "", ()),
])  # fmt: skip
def test_keys_are_found_by_their_names_in_the_customers_language(language: Code, text: str, keys: tuple[str, ...]) -> None:
    assert names(language).asked_for(text) == keys


def test_a_name_of_nothing_but_small_words_is_no_name() -> None:
    assert KeyNames([passage("…", "How", key="how_to")], "en").asked_for("How are you?") == ()


def test_all_words_of_a_name_must_be_there() -> None:
    known = KeyNames([passage("…", "spare wheel size", key="spare_wheel_size")], "en")
    assert known.asked_for("What size is the spare?") == ()
    assert known.asked_for("What size is the spare wheel?") == ("spare_wheel_size",)
