"""Somebody changes what the company knows while the appliance runs: by file, by fact, and back; the desk answers accordingly."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pysqlite3
import pytest

from appliance.ground.errors import Refused
from appliance.node.node import Node
from appliance.records.person import Actor, Role
from appliance.settings.read import load
from tests.support.home import KNOWLEDGE, make_home, open_node, running_node

OSKAR = Actor(name="p-oskar", role=Role.OPERATOR)
NEWER = KNOWLEDGE.replace("Monday to Friday 9-17", "Monday to Saturday 8-20")
QUESTION = "What are your opening hours?"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with running_node(make_home(tmp_path / "home")) as node:
        yield node


def answer(node: Node, question: str = QUESTION) -> str:
    said = node.commands.ask(question, "en")
    return str(said["answer"]) if said["outcome"] == "send" else ""


def refreshed(home: Path, source: str) -> list[str]:
    """By whom the source was read anew, as the journal has it, oldest first."""
    with contextlib.closing(pysqlite3.connect(home / "tandem.db")) as connection:
        rows = connection.execute("SELECT payload FROM journal WHERE kind = 'source_refreshed' ORDER BY position").fetchall()
    entries = [json.loads(payload) for (payload,) in rows]
    return [str(entry["by"]) for entry in entries if entry["source"] == source]


def test_what_is_staged_is_answered_from_only_once_it_is_activated_and_no_longer_once_one_went_back(node: Node) -> None:
    staged = node.commands.stage_knowledge(OSKAR, "newer.md", NEWER.encode(), "en.md")
    assert [one.key for one in staged.diff.changed] == ["opening_hours"]
    assert "9-17" in answer(node)
    state = node.commands.activate_knowledge(OSKAR, staged.id)
    assert (state.name, state.passages, state.trouble) == ("en.md", 3, "")
    assert "Saturday 8-20" in answer(node)
    back = node.commands.stage_earlier(OSKAR, "en.md")
    assert "Saturday 8-20" in answer(node)
    node.commands.activate_knowledge(OSKAR, back.id)
    assert "9-17" in answer(node)
    change = node.commands.last_change("en.md")
    assert change is not None
    assert change.diff.changed[0].after.endswith("9-17.")
    assert refreshed(node.home, "en.md") == ["knowledge", "p-oskar", "p-oskar"]


def test_a_missing_fact_is_written_down_and_answered_at_once_and_after_a_restart(node: Node) -> None:
    question = "When does your night service answer?"
    assert not answer(node, question)
    staged = node.commands.stage_fact(OSKAR, "Night service", "Our night service answers from 18 to 6.", "en")
    node.commands.activate_knowledge(OSKAR, staged.id)
    assert "18 to 6" in answer(node, question)
    node.close()
    assert [source.path.name for source in load(home=node.home, environment={}).knowledge.source] == ["en.md", "fi.md", "added.en.csv"]
    again = open_node(node.home)
    try:
        assert "18 to 6" in answer(again, question)
        assert [state.name for state in again.library.states()] == ["en.md", "fi.md", "added.en.csv"]
    finally:
        again.close()


def test_a_new_language_is_live_without_a_restart_and_with_a_skeleton_to_begin_from(node: Node) -> None:
    empty = node.commands.skeleton("sv", "en.md")
    assert empty.name == "knowledge.sv.xlsx"
    with pytest.raises(Refused, match="No passage"):
        node.commands.stage_knowledge(OSKAR, empty.name, empty.data, "", "sv")
    text = "Nyckel;Värde\nopening_hours;Vi har öppet måndag till fredag 9-17.\n"
    staged = node.commands.stage_knowledge(OSKAR, "sv.csv", text.encode(), "", "sv")
    node.commands.activate_knowledge(OSKAR, staged.id)
    assert node.commands.search("öppet", "sv")[0].passage.source == "sv.csv"
    (node.home / "knowledge" / "sv.csv").write_text(text.replace("9-17", "8-16"), encoding="utf-8")
    node.commands.refresh()
    assert "8-16" in node.commands.search("öppet", "sv")[0].passage.text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT])
def test_who_is_no_operator_changes_nothing(node: Node, role: Role) -> None:
    somebody = Actor(name="Aino", role=role)
    staged = node.commands.stage_knowledge(OSKAR, "newer.md", NEWER.encode(), "en.md")
    for change in (
        lambda: node.commands.stage_knowledge(somebody, "newer.md", NEWER.encode(), "en.md"),
        lambda: node.commands.stage_fact(somebody, "A", "B.", "en"),
        lambda: node.commands.stage_earlier(somebody, "en.md"),
        lambda: node.commands.activate_knowledge(somebody, staged.id),
        lambda: node.commands.discard_knowledge(somebody, staged.id),
    ):
        with pytest.raises(Refused, match="may not"):
            change()
    assert [one.id for one in node.commands.staged_knowledge()] == [staged.id]


def test_a_broken_settings_file_loses_neither_what_is_live_nor_what_waits(node: Node) -> None:
    settings = node.home / "tandem.toml"
    good = settings.read_text(encoding="utf-8")
    staged = node.commands.stage_fact(OSKAR, "Night service", "It answers from 18 to 6.", "en")
    settings.write_text("[company\n", encoding="utf-8")
    with pytest.raises(Refused) as raised:
        node.commands.activate_knowledge(OSKAR, staged.id)
    assert raised.value.code == "source_not_named"
    assert settings.read_text(encoding="utf-8") == "[company\n"
    assert len(node.library.states()) == 2
    settings.write_text(good, encoding="utf-8")
    assert node.commands.activate_knowledge(OSKAR, staged.id).passages == 1


def tandem(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "appliance", "--home", str(home), "knowledge", *words],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_the_command_line_stages_activates_goes_back_and_discards_in_a_running_appliance(node: Node, tmp_path: Path) -> None:
    (file := tmp_path / "newer.md").write_text(NEWER, encoding="utf-8")
    staged = json.loads(tandem(node.home, "stage", str(file), "--source", "en.md", "--json").stdout)
    assert (staged["changed"], staged["added"], staged["by"]) == (1, 0, "cli")
    assert json.loads(tandem(node.home, "activate", staged["id"], "--json").stdout)["name"] == "en.md"
    assert "Saturday 8-20" in answer(node)
    back = json.loads(tandem(node.home, "back", "en.md", "--json").stdout)
    assert json.loads(tandem(node.home, "discard", back["id"], "--json").stdout) == {"staged": back["id"], "source": "en.md"}
    gone = tandem(node.home, "activate", back["id"])
    assert (gone.returncode, "Traceback" in gone.stderr, "What to do" in gone.stderr) == (1, False, True)
    told = tandem(node.home, "stage", str(file), "--source", "en.md")
    assert told.returncode == 0
    assert "0 new, 0 changed, 0 gone" in told.stdout
