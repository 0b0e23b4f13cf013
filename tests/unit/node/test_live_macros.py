"""Macros in force: a change of the file is live, a bad one changes nothing and is told."""

import os
from pathlib import Path

from appliance.node.macros import LiveMacros

ONE = '[[macro]]\nid = "one"\ntitle.en = "One"\ntext.en = "1"\n'


def write(path: Path, text: str, second: int) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, (second, second))


def test_a_changed_file_is_live_and_a_bad_one_leaves_the_last_good_ones_in_force(tmp_path: Path) -> None:
    path = tmp_path / "macros.toml"
    macros = LiveMacros(path)
    assert macros() == ()
    assert macros.trouble.error is None
    write(path, ONE, 1)
    assert [piece.id for piece in macros()] == ["one"]
    write(path, ONE + "[[macro]]\n", 2)
    assert [piece.id for piece in macros()] == ["one"]
    assert "macro[2].id" in macros.trouble.reason
    assert macros.trouble.error is not None
    write(path, ONE.replace("one", "two"), 3)
    assert [piece.id for piece in macros()] == ["two"]
    assert macros.trouble.error is None
    path.unlink()
    assert macros() == ()


def test_a_file_that_is_no_text_is_told_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "macros.toml"
    macros = LiveMacros(path)
    path.write_bytes(b"\xff\xfe\x00")
    assert macros() == ()
    assert "cannot be read" in macros.trouble.reason
