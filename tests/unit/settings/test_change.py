"""Changing ``tandem.toml`` by key: what a person wrote stays, and what would not be good is never put in place."""

import stat
import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.ground.errors import ChannelError, SettingsError
from appliance.settings.change import BACKUPS_MOST, backups, changed_text, set_values
from appliance.settings.describe import template_toml
from appliance.settings.model import Settings
from appliance.settings.problems import SettingsInvalid
from appliance.settings.read import load
from tests.support.clock import FakeClock

WRITTEN = """# Ours; ask Maria before you touch it.
[company]
name = "Pohjola"   # as on the invoices
languages = ["fi", "sv"]

# The desk
[[mailbox]]
id = "support" # never changes
sender = "support@pumps.example"
[mailbox.folder]
inbox = "inbox"

[panel]
port = 9000
"""

_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40)
_CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "company.name": _TEXT,
    "company.signature": _TEXT,
    "company.languages": st.lists(st.sampled_from(["fi", "sv", "en"]), min_size=1, max_size=3),
    "company.hours": st.lists(_TEXT, max_size=3),
    "panel.time_zone": _TEXT,
    "panel.port": st.integers(0, 65535),
    "mailbox.0.sender": _TEXT,
    "mailbox.0.imap.host": _TEXT,
    "mailbox.0.imap.idle": st.booleans(),
    "mailbox.0.smtp.port": st.integers(1, 65535),
    "writer.kind": st.sampled_from(["grounded", "stub"]),
}
_FILES = ("", WRITTEN, template_toml(), "company.name = 'x'\n", "mailbox = [{id = 'a', imap = {host = 'b'}}]\n", "[mailbox]\n# wrong\n")


def changed(tree: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """The change on a plain tree, by other means than the program's."""
    tree = deepcopy(tree)
    for key, value in values.items():
        parts = key.split(".")
        if parts[0] == "mailbox":
            boxes = tree.setdefault("mailbox", [])
            if not boxes:
                boxes.append({})
            inner, parts = boxes[0], parts[2:]
        else:
            inner = tree
        for part in parts[:-1]:
            inner = inner.setdefault(part, {})
        inner[parts[-1]] = value
    return tree


@given(text=st.sampled_from(_FILES), values=st.fixed_dictionaries({}, optional=_CHANGES))
def test_what_is_read_is_what_was_written_and_the_change_or_nothing_is_written(text: str, values: dict[str, Any]) -> None:
    try:
        written = changed_text(text, values)
    except SettingsError:
        assert text == _FILES[-1]
        assert any(key.startswith("mailbox") for key in values)
        return
    assert tomllib.loads(written) == changed(tomllib.loads(text), values)


@given(values=st.fixed_dictionaries({}, optional=_CHANGES))
def test_every_comment_and_the_order_of_what_a_person_wrote_stay(values: dict[str, Any]) -> None:
    written = changed_text(WRITTEN, values)
    comments = ("# Ours; ask Maria before you touch it.", "# as on the invoices", "# The desk", "# never changes")
    places = [written.index(each) for each in (*comments[:3], "[[mailbox]]", comments[3], "[panel]")]
    assert places == sorted(places)


def test_every_line_that_a_change_does_not_name_stays_as_it_was() -> None:
    written = changed_text(WRITTEN, {"company.name": "Pohjolan Pumput", "mailbox.0.smtp.host": "mx.pumps.example"})
    left = [line for line in WRITTEN.splitlines() if "Pohjola" not in line]
    assert [line for line in written.splitlines() if line in left] == left
    assert 'name = "Pohjolan Pumput"   # as on the invoices' in written


def test_a_key_is_taken_out_again_and_what_is_not_there_is_no_trouble() -> None:
    values = {"company.languages": None, "accounts.path": None, "mailbox.0.imap.host": None}
    assert changed_text(WRITTEN, values) == WRITTEN.replace('languages = ["fi", "sv"]\n', "")


def test_a_change_is_there_when_the_settings_are_read_and_the_old_file_lies_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "tandem.toml"
    file.write_text(WRITTEN, encoding="utf-8")
    done = set_values(tmp_path, {"company.name": "Pohjolan Pumput"}, environment={}, clock=FakeClock())
    assert load(home=tmp_path, environment={}).company.name == "Pohjolan Pumput"
    assert done.backup is not None
    assert done.backup.read_text(encoding="utf-8") == WRITTEN
    assert backups(tmp_path) == [done.backup]


def test_what_changes_nothing_leaves_no_copy(tmp_path: Path) -> None:
    (tmp_path / "tandem.toml").write_text(WRITTEN, encoding="utf-8")
    assert not set_values(tmp_path, {"company.name": "Pohjola"}, environment={}).changed
    assert backups(tmp_path) == []


def test_of_many_copies_only_the_newest_stay(tmp_path: Path) -> None:
    clock = FakeClock()
    for number in range(BACKUPS_MOST + 3):
        clock.move(1)
        set_values(tmp_path, {"company.name": f"Pohjola {number}"}, environment={}, clock=clock)
    assert len(backups(tmp_path)) == BACKUPS_MOST
    assert f"Pohjola {BACKUPS_MOST + 1}" in backups(tmp_path)[0].read_text(encoding="utf-8")


def names(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in home.rglob("*") if not path.name.endswith(".lock")}


@pytest.mark.parametrize(
    "values", [{"mailbox.0.sender": "no address"}, {"panel.port": 99999}, {"company.nmae": "x"}, {"mailbox.7.id": "x"}]
)
def test_what_would_not_be_good_is_refused_with_its_key_and_nothing_has_changed(tmp_path: Path, values: dict[str, Any]) -> None:
    file = tmp_path / "tandem.toml"
    file.write_text(WRITTEN, encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        set_values(tmp_path, values, {"mailbox.0.imap.password_file": "hunter2 hunter2"}, environment={})
    assert "hunter2" not in str(refused.value)
    if isinstance(refused.value, SettingsInvalid):
        assert {problem.where for problem in refused.value.problems} <= {"tandem.toml", ""}
    assert file.read_text(encoding="utf-8") == WRITTEN
    assert names(tmp_path) <= {"tandem.toml", "secrets"}


def test_a_check_sees_the_new_settings_and_its_no_leaves_the_old_ones(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "mailbox-0-imap-password").write_text("the old one\n")
    (tmp_path / "tandem.toml").write_text(WRITTEN, encoding="utf-8")
    seen: list[str] = []

    def refuse(settings: Settings) -> None:
        assert settings.mailbox[0].imap.password_file is not None
        seen.append(settings.mailbox[0].imap.password_file.read_text(encoding="utf-8"))
        raise ChannelError("The password is wrong.", "Type it again.")

    with pytest.raises(ChannelError):
        set_values(tmp_path, {}, {"mailbox.0.imap.password_file": "the new one"}, environment={}, check=refuse)
    assert seen == ["the new one\n"]
    assert (tmp_path / "tandem.toml").read_text(encoding="utf-8") == WRITTEN
    assert (tmp_path / "secrets" / "mailbox-0-imap-password").read_text() == "the old one\n"
    assert names(tmp_path) == {"tandem.toml", "secrets", "secrets/mailbox-0-imap-password"}


def test_a_secret_lies_in_a_file_of_its_owner_alone_and_never_in_the_configuration(tmp_path: Path) -> None:
    values = {"mailbox.0.id": "support", "mailbox.0.sender": "support@pumps.example", "mailbox.0.imap.host": "imap.example",
              "mailbox.0.imap.user": "support"}  # fmt: skip
    set_values(tmp_path, values, {"mailbox.0.imap.password_file": "hunter2"}, environment={})
    box = load(home=tmp_path, environment={}).mailbox[0]
    assert box.imap.password_file is not None
    assert box.imap.password_file.read_text() == "hunter2\n"
    assert stat.S_IMODE(box.imap.password_file.stat().st_mode) == 0o600
    assert "hunter2" not in (tmp_path / "tandem.toml").read_text(encoding="utf-8")


def test_a_file_that_is_no_toml_is_left_to_a_person(tmp_path: Path) -> None:
    (tmp_path / "tandem.toml").write_text("[company\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="by a program"):
        set_values(tmp_path, {"company.name": "x"}, environment={})
    assert (tmp_path / "tandem.toml").read_text(encoding="utf-8") == "[company\n"
