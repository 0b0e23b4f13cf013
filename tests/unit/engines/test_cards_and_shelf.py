"""Cards are read and checked, the shelf gives out whole models only, and memory is looked at before it is taken."""

from pathlib import Path

import pytest

from appliance.engines import memory
from appliance.engines.cards import card, cards, read_card
from appliance.engines.errors import CardInvalid, ModelMissing
from appliance.engines.shelf import Shelf
from appliance.ground.assets import asset
from tests.support.models import CARD, home_with_card, lay_down

OURS = sorted((asset("models") / "cards").glob("*.toml"))


@pytest.mark.parametrize("path", OURS, ids=[path.stem for path in OURS])
def test_each_of_our_cards_can_be_read_and_says_what_a_person_must_know(path: Path) -> None:
    one = read_card(path)
    assert one.licence
    assert one.languages
    if not one.built_in:
        assert one.about
        assert one.licence_url.startswith("https://")
        assert one.needs
        assert one.memory_megabytes
        assert one.repository or one.package or one.note
        assert one.task != "embedder" or one.dimensions


def test_the_built_in_writer_and_judge_have_cards_without_files() -> None:
    known = cards()
    assert known["grounded"].built_in
    assert known["rules"].task == "judge"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("memory_megabyte = 3", "key memory_megabyte cannot be used: there is no such key"),
        ('task = "poet"', "key task cannot be used"),
        ("memory_megabytes = -1", "key memory_megabytes cannot be used"),
        ('[[files]]\nname = "../x"', r"key files\[0\]\.name cannot be used"),
        ('[[files]]\nname = "x"\nsha256 = "abc"', r"key files\[0\]\.sha256 cannot be used"),
        ('[[files]]\nname = "x"\nsha265 = ""', r"key files\[0\]\.sha265 cannot be used"),
        ("[sampling]\nheat = 2", r"key sampling\.heat cannot be used"),
        ('name = "another"', "it must be the file's own name, small"),
        ('licence = ""', "without a stated licence"),
        ("= 3", "it is no TOML"),
    ],
)
def test_a_card_that_cannot_be_used_is_told_with_file_and_key(tmp_path: Path, line: str, words: str) -> None:
    key = line.partition(" =")[0]
    text = "\n".join(each for each in CARD.splitlines() if not each.startswith(f"{key} =")) + f"\n{line}\n"
    shelf = home_with_card(tmp_path, text)
    with pytest.raises(CardInvalid, match=words) as told:
        shelf.cards()
    assert str(tmp_path / "models" / "cards" / "small.toml") in told.value.message


def test_a_persons_own_card_wins_over_ours_of_the_same_name(tmp_path: Path) -> None:
    home_with_card(tmp_path, CARD.replace('name = "small"', 'name = "minilm"'), "minilm")
    mine = card("minilm", tmp_path / "models" / "cards")
    assert mine is not None
    assert mine.title == "A small one"


def test_a_missing_model_is_told_with_the_commands_that_bring_it(tmp_path: Path) -> None:
    shelf = home_with_card(tmp_path)
    for name in ("small", "maker/model"):
        with pytest.raises(ModelMissing) as told:
            shelf.path_of(name)
        assert "tandem models pull small" in told.value.remedy
        assert "tandem models import" in told.value.remedy
    for name in ("nobody", "", "../small", ".partial", "cards"):
        with pytest.raises(ModelMissing, match="no card of it"):
            shelf.path_of(name)


def test_a_model_may_be_named_by_the_path_of_its_folder(tmp_path: Path) -> None:
    folder = lay_down(tmp_path / "anywhere")
    assert Shelf(tmp_path / "models").path_of(str(folder)) == folder
    with pytest.raises(ModelMissing, match="no model folder"):
        Shelf(tmp_path / "models").path_of(str(tmp_path / "nowhere"))


def test_half_a_model_is_no_model(tmp_path: Path) -> None:
    shelf = home_with_card(tmp_path)
    lay_down(shelf.place("small"))
    with pytest.raises(ModelMissing):
        shelf.path_of("small")
    assert shelf.installed() == {}


def test_what_does_not_fit_into_memory_is_said_in_words() -> None:
    assert memory.fits(3_500, 16_000_000_000) == ""
    assert memory.fits(3_500, 3_600_000_000) == "It needs about 3500 MB of memory, and 3088 MB are to spare now."
    assert memory.fits(0, 0) == ""
    assert not memory.ever_fits(20_000, 16_000_000_000)
    assert 0 < memory.available_bytes() <= memory.total_bytes()
