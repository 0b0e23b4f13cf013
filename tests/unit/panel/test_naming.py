"""How people and machines are called on a page."""

from zoneinfo import ZoneInfo

import pytest

from appliance.ground.assets import asset
from appliance.panel import naming, words
from appliance.panel.words import Voice
from appliance.records.language import LANGUAGES, Code

TABLES = words.load(asset("web") / "words")


@pytest.mark.parametrize(
    ("sender", "who"),
    [
        ("Anna Virtanen <anna@example.fi>", "Anna Virtanen"),
        ('"Virtanen, Anna" <anna@example.fi>', "Virtanen, Anna"),
        ("anna@example.fi", "anna@example.fi"),
        (" <anna@example.fi>", "anna@example.fi"),
        ("A <b> C <anna@example.fi>", "A <b> C"),
        ("", "—"),
        ("<>", "—"),
    ],
)
def test_a_name_is_preferred_over_an_address(sender: str, who: str) -> None:
    assert naming.who(sender) == who


@pytest.mark.parametrize(
    ("name", "peer", "label"),
    [
        ("kallio-7m9q", "", "Kallio"),
        ("kallio-7m9q", "sampo-2k4d", "Kallio"),
        ("kallio-7m9q", "kallio-2k4d", "kallio-7m9q"),
        ("öljymäki", "", "Öljymäki"),
        ("", "", ""),
    ],
)
def test_a_node_is_called_by_its_word_unless_its_peer_has_the_same(name: str, peer: str, label: str) -> None:
    assert naming.node_label(name, peer) == label


@pytest.mark.parametrize(("code", "first"), [("fi", "Ensikäynnistys"), ("sv", "Första starten"), ("en", "First start")])
def test_what_the_settings_pulled_was_the_first_start(code: Code, first: str) -> None:
    voice = Voice(TABLES, code, ZoneInfo("Europe/Helsinki"), 0.0)
    assert naming.actor(voice, "settings") == first
    assert naming.actor(voice, "Maria_K") == "Maria_K"
    assert code in LANGUAGES


@pytest.mark.parametrize(
    ("noted", "told"),
    [
        ("sheet Tiedot, row 9", "taulukko Tiedot, rivi 9"),
        ("sheet Hinnat, row 2024, row 3", "taulukko Hinnat, row 2024, rivi 3"),
        ("row 3", "rivi 3"),
        ("line 5", "rivi 5"),
        ("line 5, table row 2", "rivi 5, taulukon rivi 2"),
        ("page 4", "page 4"),
        ("", ""),
    ],
)
def test_where_a_passage_stands_is_told_in_the_readers_language(noted: str, told: str) -> None:
    assert naming.place(Voice(TABLES, "fi", ZoneInfo("Europe/Helsinki"), 0.0), noted) == told
