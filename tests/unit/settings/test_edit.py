"""A command may add a source to tandem.toml; what a person wrote there stays."""

from pathlib import Path

import pytest

from appliance.ground.errors import SettingsError
from appliance.settings.edit import add_source
from appliance.settings.read import load


def test_a_source_is_added_to_a_home_without_a_file(tmp_path: Path) -> None:
    home = tmp_path / "home"
    add_source(home, tmp_path / "facts.xlsx", "sv")
    (source,) = load(None, {}, home).knowledge.source
    assert (source.path, source.language) == (tmp_path / "facts.xlsx", "sv")


def test_what_a_person_wrote_stays_word_for_word(tmp_path: Path) -> None:
    mine = '# mine\n[panel]\nport = 9000 # because\n\n[[knowledge.source]]\npath = "a.csv"\n'
    (tmp_path / "tandem.toml").write_text(mine)
    file = add_source(tmp_path, tmp_path / 'odd "name".csv', "fi")
    assert file.read_text().startswith(mine.rstrip())
    assert [source.path.name for source in load(None, {}, tmp_path).knowledge.source] == ["a.csv", 'odd "name".csv']


def test_a_source_is_not_named_twice(tmp_path: Path) -> None:
    for _ in range(2):
        add_source(tmp_path, tmp_path / "facts.csv", "en")
    assert len(load(None, {}, tmp_path).knowledge.source) == 1


def test_a_web_address_is_added_once_beside_a_file(tmp_path: Path) -> None:
    url = "https://share.example.com/kb/en.xlsx"
    add_source(tmp_path, tmp_path / "facts.csv", "en")
    for _ in range(2):
        add_source(tmp_path, url, "sv")
    file, share = load(None, {}, tmp_path).knowledge.source
    assert (file.path, share.url, share.path, share.language) == (tmp_path / "facts.csv", url, Path(), "sv")


@pytest.mark.parametrize("text", ["[panel\n", 'knowledge = "x"\n', 'knowledge = {source = [{path = "a.csv"}]}\n', "[[knowledge.source]]\n"])
def test_a_file_that_cannot_be_added_to_is_left_alone(text: str, tmp_path: Path) -> None:
    (tmp_path / "tandem.toml").write_text(text)
    with pytest.raises(SettingsError, match="by hand"):
        add_source(tmp_path, tmp_path / "facts.csv", "en")
    assert (tmp_path / "tandem.toml").read_text() == text
