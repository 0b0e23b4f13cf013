"""People at work on cases, with a running node: undo in time and too late, files in and out, notes, ready-made answers."""

import email.message
import email.policy
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli.main import tandem
from appliance.ground.errors import Refused
from appliance.node.node import Node
from appliance.records.case import CaseState
from appliance.records.person import Actor, Approval, Role
from appliance.records.work import File
from tests.support.home import make_home, open_node, running_node, sent, settled, take, wait_for, write_mail

AINO = Actor(name="aino", role=Role.AGENT)
GUEST = Actor(name="guest", role=Role.VIEWER)
QUESTION = "Do you also sell bicycles and garden tools?"
MACROS = """
version = 1
[[macro]]
id = "thanks"
title.en = "Thanks"
text.en = "Hello {customer_name}, thank you. {agent_name}, {company}, {case}"
"""
SECRET = "Zanzibar"


def home_with(folder: Path, undo_seconds: int) -> Path:
    home = make_home(folder / "home")
    file = home / "tandem.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("undo_seconds = 0", f"undo_seconds = {undo_seconds}"), encoding="utf-8")
    return home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return home_with(tmp_path, 3)


@pytest.fixture
def node(home: Path) -> Iterator[Node]:
    with running_node(home) as node:
        yield node


def in_review(node: Node, folder: Path, **headers: str) -> str:
    """A case that waits for a person."""
    row = take(node, write_mail(folder, QUESTION, **headers))
    assert row.state is CaseState.REVIEW
    return row.id


def approve(node: Node, case: str, text: str = "No, only pumps.", **along: object) -> None:
    node.commands.decide(AINO, Approval(case=case, decision="approve", by="aino", text=text, **along))  # type: ignore[arg-type]


def state(node: Node, case: str) -> CaseState:
    return next(row.state for row in node.commands.rows() if row.id == case)


def test_an_approval_undone_in_time_never_leaves(node: Node, home: Path, tmp_path: Path) -> None:
    case, other = in_review(node, tmp_path), in_review(node, tmp_path, sender="ben@example.fi")
    approve(node, case)
    approve(node, other, "Another reply.")
    assert node.commands.undo_until(case) > node.clock.now()
    assert node.commands.undo(AINO, case) == CaseState.REVIEW
    settled(node, other)  # what was approved after it has left, so its own time is over too
    assert [mail["To"] for mail in sent(home)] == ["<ben@example.fi>"]
    assert state(node, case) is CaseState.REVIEW
    approve(node, case, "No, but try the shop next door.")
    settled(node, case)
    assert len(sent(home)) == 2


def test_an_undo_that_comes_too_late_is_refused_and_the_reply_leaves_once(node: Node, home: Path, tmp_path: Path) -> None:
    case = in_review(node, tmp_path)
    approve(node, case)
    settled(node, case)
    with pytest.raises(Refused, match="cannot be undone"):
        node.commands.undo(AINO, case)
    assert state(node, case) is CaseState.REPLIED
    assert len(sent(home)) == 1


def test_a_reply_leaves_within_a_moment_of_the_end_of_its_time(node: Node, home: Path, tmp_path: Path) -> None:
    case = in_review(node, tmp_path)
    approve(node, case)
    until = node.commands.undo_until(case)
    wait_for(lambda: bool(sent(home)))
    (file,) = (home / "outbox").glob("*.eml")
    assert 0.0 <= file.stat().st_mtime - until < 3.0  # a second by design; two more for a machine that is busy


def test_an_approval_by_csv_can_be_undone_by_command(home: Path, tmp_path: Path) -> None:
    with running_node(home) as node:
        case = in_review(node, tmp_path)
    (home / "tandem.toml").write_text((home / "tandem.toml").read_text().replace("undo_seconds = 3", "undo_seconds = 60"))
    runner = CliRunner()
    text = ["--home", str(home), "review", "edit", case, "--text", "No, only pumps."]
    assert runner.invoke(tandem, text, catch_exceptions=False).exit_code == 0
    done = runner.invoke(tandem, ["--home", str(home), "review", "undo", case], catch_exceptions=False)
    assert (done.exit_code, done.output.strip()) == (0, f"{case}: review")
    (tmp_path / "approvals.csv").write_text(f"id,decision,comment,decided_at\n{case},rejected,,\n", encoding="utf-8")
    assert runner.invoke(tandem, ["--home", str(home), "review", "import", str(tmp_path / "approvals.csv")]).exit_code == 0
    done = runner.invoke(tandem, ["--home", str(home), "review", "undo", case], catch_exceptions=False)
    assert (done.exit_code, done.output.strip()) == (0, f"{case}: review")
    with pytest.raises(Refused):
        runner.invoke(tandem, ["--home", str(home), "review", "undo", case], catch_exceptions=False, standalone_mode=False)
    assert sent(home) == []


def test_a_node_killed_between_the_approval_and_the_sending_sends_once_after_its_restart(tmp_path: Path) -> None:
    home = home_with(tmp_path, 3)
    with running_node(home) as node:
        case = in_review(node, tmp_path)
    script = (
        "import sys, time; from pathlib import Path; from tests.journeys.test_working_on_cases import *\n"
        "node = open_node(Path(sys.argv[1])); node.start(); approve(node, sys.argv[2]); print('approved', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", script, str(home), case], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        assert any("approved" in line for line in child.stdout)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert sent(home) == []
    with running_node(home) as node:
        settled(node, case)
        assert state(node, case) is CaseState.REPLIED
        time.sleep(1.5)  # a second reply would have a whole round of the loop to leave
        assert len(sent(home)) == 1


def test_files_come_in_and_go_out_as_they_are(node: Node, home: Path, tmp_path: Path) -> None:
    mail = email.message.EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = "aino@example.fi", "support@pumps.example", "Broken", "<1@example.fi>"
    mail.set_content(QUESTION)
    mail.add_attachment(b"\x89PNG picture", maintype="image", subtype="png", filename="pumppu – rikki.png")
    (tmp_path / "mail.eml").write_bytes(mail.as_bytes())
    case = take(node, tmp_path / "mail.eml").id
    opened = node.commands.file(case)
    assert opened is not None
    assert opened.message is not None
    assert [(one.name, one.kept) for one in opened.message.attachments] == [("pumppu – rikki.png", True)]
    assert node.commands.attachment(AINO, case, 0) == File(name="pumppu – rikki.png", media_type="image/png", data=b"\x89PNG picture")
    with pytest.raises(Refused):
        node.commands.attachment(GUEST, case, 0)
    manual = File(name="Käyttöohje.pdf", media_type="application/pdf", data=bytes(range(256)) * 100)
    approve(node, case, files=(manual,), signature="Aino Virtanen\nService")
    settled(node, case)
    (reply,) = sent(home)
    whole = email.message_from_bytes(reply.as_bytes(), policy=email.policy.default)
    assert isinstance(whole, email.message.EmailMessage)
    body = whole.get_body(("plain",))
    assert body is not None
    assert str(body.get_content()).rstrip().endswith("-- \nAino Virtanen\nService\nTest Pumps, customer service")
    (file,) = whole.iter_attachments()
    assert (file.get_filename(), file.get_content_type(), file.get_content()) == (manual.name, manual.media_type, manual.data)


def test_a_note_is_seen_by_the_others_and_leaves_with_no_mail(node: Node, home: Path, tmp_path: Path) -> None:
    case, routed = in_review(node, tmp_path), in_review(node, tmp_path, sender="ben@example.fi")
    for one in (case, routed):
        node.commands.note(AINO, one, f"{SECRET} is on holiday.")
    assert [(note.by, note.text) for note in node.commands.notes(AINO, case)] == [("aino", f"{SECRET} is on holiday.")]
    approve(node, case)
    node.commands.decide(AINO, Approval(case=routed, decision="route", by="aino", team="orders"))
    wait_for(lambda: len(sent(home)) == 2)
    for path in (home / "outbox").glob("*.eml"):
        assert SECRET.encode() not in path.read_bytes()
    with pytest.raises(Refused):
        node.commands.note(GUEST, case, "x")


def test_ready_made_answers_are_live_and_filled_in(node: Node, home: Path, tmp_path: Path) -> None:
    case = in_review(node, tmp_path, sender="Ben Berg <ben@example.fi>")
    assert node.commands.macros(AINO, case) == []
    (home / "macros.toml").write_text(MACROS, encoding="utf-8")
    (offered,) = node.commands.macros(AINO, case)
    assert offered.text == f"Hello Ben Berg, thank you. aino, Test Pumps, {case}"
    (home / "macros.toml").write_text(MACROS.replace("{case}", "{number}"), encoding="utf-8")
    assert len(node.commands.macros(AINO, case)) == 1
    row = next(row for row in node.commands.health()["dependencies"] if row["name"] == "macros")
    assert not row["connected"]
    assert "{number}" in row["reason"]


def test_people_see_who_is_at_a_case_and_take_care_of_it(node: Node, home: Path, tmp_path: Path) -> None:
    case = in_review(node, tmp_path)
    oskar = Actor(name="oskar", role=Role.AGENT)
    assert node.commands.editing(AINO, case) == {case: []}
    assert node.commands.editing(oskar, case) == {case: ["aino"]}
    assert node.commands.presence() == {case: ["aino", "oskar"]}
    assert node.commands.editing(AINO, case, "gone") == {case: ["oskar"]}
    with pytest.raises(Refused):
        node.commands.editing(AINO, "c-none")
    assert node.commands.assign(AINO, case, " oskar ") == "oskar"
    assert [row.id for row in node.commands.rows(assigned="oskar")] == [case]
    person = node.commands.add_person(Actor(name="owner", role=Role.ADMIN), "Sanna Salo", int(Role.AGENT), "three words apart here")
    assert node.commands.assign(AINO, case, "sanna salo") == person.id
    assert [row.assigned for row in node.commands.rows(assigned=person.id)] == [person.id]
    (home / "macros.toml").write_text(MACROS, encoding="utf-8")
    (offered,) = node.commands.macros(Actor(name=person.id, role=Role.AGENT), case)
    assert "Sanna Salo, Test Pumps" in offered.text


def test_a_case_answered_by_mistake_is_opened_again_and_what_was_corrected_is_told(node: Node, home: Path, tmp_path: Path) -> None:
    case = in_review(node, tmp_path)
    approve(node, case)
    settled(node, case)
    assert node.commands.reopen(AINO, case) == CaseState.REVIEW
    approve(node, case, "We are sorry: yes, we do.")
    settled(node, case)
    assert len({mail["Message-ID"] for mail in sent(home)}) == 2
    for correction in node.commands.corrections(AINO):
        assert correction.after == "We are sorry: yes, we do."


def test_the_command_line_works_on_cases(home: Path, tmp_path: Path) -> None:
    with running_node(home) as node:
        case = in_review(node, tmp_path)
    runner = CliRunner()

    def run(*words: str) -> str:
        done = runner.invoke(tandem, ["--home", str(home), *words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    assert run("review", "assign", case, "aino") == f"{case}: aino\n"
    assert run("review", "assign", case) == f"{case}: nobody in particular\n"
    run("review", "note", case, "Ask first.")
    assert "Ask first." in run("review", "note", case)
    run("review", "reject", case)
    assert run("cases", "reopen", case) == f"{case}: review\n"
    assert run("cases", "corrections", "--json").strip() == "[]"


def test_the_standing_of_an_undo_survives_a_restart(tmp_path: Path) -> None:
    home = home_with(tmp_path, 60)
    with running_node(home) as node:
        case = in_review(node, tmp_path)
        approve(node, case)
    node = open_node(home)
    try:
        assert node.commands.undo(AINO, case) == CaseState.REVIEW
    finally:
        node.close()
    assert sent(home) == []
