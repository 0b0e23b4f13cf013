"""Which node this is."""

from pathlib import Path

from appliance.node.identity import NAMES, node_id


def test_a_node_keeps_its_name(tmp_path: Path) -> None:
    assert node_id(tmp_path) == node_id(tmp_path)


def test_a_name_is_a_word_and_four_characters(tmp_path: Path) -> None:
    word, _, rest = node_id(tmp_path / "home").partition("-")
    assert word in NAMES
    assert len(rest) == 4


def test_two_homes_have_two_names(tmp_path: Path) -> None:
    assert len({node_id(tmp_path / str(number)) for number in range(50)}) == 50
