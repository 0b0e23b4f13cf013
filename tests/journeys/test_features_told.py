"""What a person is told: who waits too long, copies and drafts that did not arrive, files and addresses that are nothing of ours."""

import email
import json
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import pytest
from click.testing import CliRunner, Result

from appliance.cli.main import tandem
from appliance.ground.assets import asset
from appliance.node import loops
from appliance.node.build import build
from appliance.node.node import Node
from appliance.panel import history, words
from appliance.panel.words import Voice
from appliance.records.case import CaseState
from appliance.records.person import Actor, Approval, Role
from appliance.settings.read import load
from tests.live.servers.smtp_faults import DROP, FaultySmtp
from tests.support.clock import FakeClock
from tests.support.home import make_home, open_node, running_node, take, wait_for, write_mail

OWNER = Actor(name="owner", role=Role.ADMIN)
TEAM = 'host = "127.0.0.1"\nport = {port}\nsecurity = "none"\ncopy_to_self = {copy}\ndrafts_to = "{drafts}"'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


@pytest.fixture
def faulty() -> Iterator[FaultySmtp]:
    server = FaultySmtp()
    yield server
    server.stop()


def smtp(server: FaultySmtp, *, copy: bool = False, drafts: str = "") -> str:
    return TEAM.format(port=server.port, copy=str(copy).lower(), drafts=drafts)


def run(home: Path, *words: str) -> Result:
    """The command as a person types it; also against a running node of this home."""
    return CliRunner().invoke(tandem, ["--home", str(home), *words])


def steps(node: Node, case: str, code: str = "en") -> list[tuple[str, str]]:
    """The case's history in the panel: what happened, and the remark on it."""
    voice = Voice(words.load(asset("web") / "words"), code, ZoneInfo("Europe/Helsinki"), node.clock.now())  # type: ignore[arg-type]
    file = node.commands.file(case)
    assert file is not None
    return [(step.what, step.remark) for step in history.history(file, voice)]


# Targets


def test_status_says_how_many_have_waited_longer_than_promised_and_health_stays_well(home: Path, tmp_path: Path) -> None:
    with (home / "tandem.toml").open("a", encoding="utf-8") as file:
        file.write("\n[targets]\nanswer_minutes = 10\nreview_minutes = 30\n")
    clock = FakeClock()
    node = build(load(home=home, environment={}), clock)
    try:
        node.take_files([str(write_mail(tmp_path, "Do you also repair bicycles and sell tickets to the opera?"))], "")
        clock.move(599)
        assert node.commands.status()["queue"]["late"] == 0
        clock.move(2)
        queue = node.commands.status()["queue"]
        assert (queue["late"], queue["targets"]["answer"]) == (1, {"minutes": 10, "oldest_seconds": 601.0, "late": 1})
        assert loops.answer_step("desk", node.store, node.desk, lambda: node.policy().limits, node.standing, lambda *_: None)
        assert node.store.counts()[CaseState.REVIEW] == 1
        assert node.commands.status()["queue"]["late"] == 0
        clock.move(1_800)
        queue = node.commands.status()["queue"]
        assert (queue["late"], queue["targets"]["review"]) == (1, {"minutes": 30, "oldest_seconds": 2_401.0, "late": 1})
        assert node.commands.health()["status"] == "ok"
    finally:
        node.close()


def test_a_target_of_zero_promises_nothing(home: Path, tmp_path: Path) -> None:
    with (home / "tandem.toml").open("a", encoding="utf-8") as file:
        file.write("\n[targets]\nanswer_minutes = 0\n")
    clock = FakeClock()
    node = build(load(home=home, environment={}), clock)
    try:
        node.take_files([str(write_mail(tmp_path, "When are you open?"))], "")
        clock.move(1_000_000)
        assert node.commands.status()["queue"]["late"] == 0
    finally:
        node.close()


def test_the_command_tells_who_is_late(home: Path, tmp_path: Path) -> None:
    node = build(load(home=home, environment={}), FakeClock(1_000_000_000.0))
    node.take_files([str(write_mail(tmp_path, "When are you open?"))], "")
    node.close()
    told = run(home, "status").output
    assert "1 case has waited for the desk longer than 15 min (targets.answer_minutes)" in click.unstyle(told)
    assert json.loads(run(home, "status", "--json").output)["queue"]["late"] == 1


# What left, and what did not arrive


def test_a_copy_that_the_server_refuses_is_told_in_the_history_and_in_the_explanation(tmp_path: Path, faulty: FaultySmtp) -> None:
    faulty.plan("rcpt", "250 ok", "550 no such mailbox")
    home = make_home(tmp_path / "home", smtp(faulty, copy=True))
    with running_node(home) as node:
        row = take(node, write_mail(tmp_path, "What are your opening hours?"))
        assert row.state is CaseState.REPLIED
        assert steps(node, row.id)[-1] == ("The reply was sent", "1 copy was refused by the mail server.")
        assert steps(node, row.id, "fi")[-1][1] == "Postipalvelin torjui 1 kopion."
        assert steps(node, row.id, "sv")[-1][1] == "E-postservern avvisade 1 kopia."
        assert "1 copy was refused by the mail server." in run(home, "cases", "show", row.id).output
        assert run(home, "cases", "explain", row.id).output.splitlines()[-1] == "1 copy was refused by the mail server."


@pytest.mark.parametrize(
    ("stage", "answer", "event", "reason"),
    [
        (
            "rcpt",
            "550 no such mailbox",
            "The draft could not be mailed to our own mailbox",
            "The draft could not be mailed",
        ),
        ("dot", DROP, "It is unknown whether the draft reached our own mailbox", "It is not known whether"),
    ],
)
def test_a_draft_that_never_came_to_the_own_mailbox_is_told_and_the_case_still_waits(
    tmp_path: Path, faulty: FaultySmtp, stage: str, answer: str, event: str, reason: str
) -> None:
    faulty.plan(stage, answer)
    home = make_home(tmp_path / "home", smtp(faulty, drafts="service@pumps.example"))
    with running_node(home) as node:
        node.commands.set_switch(OWNER, "automation_enabled", False)
        row = take(node, write_mail(tmp_path, "What are your opening hours?"))
        wait_for(lambda: node.commands.status()["queue"]["lost_drafts"] == 1)
        assert steps(node, row.id)[-1][0] == event
        assert run(home, "cases", "explain", row.id).output.splitlines()[-1].startswith(reason)
        assert "(draft)" in run(home, "cases", "show", row.id).output
        assert "1 draft did not reach the address in smtp.drafts_to" in click.unstyle(run(home, "status").output)
        assert node.commands.file(row.id).row.state is CaseState.REVIEW  # type: ignore[union-attr]
        node.commands.decide(OWNER, Approval(case=row.id, decision="approve", by="owner"))
        wait_for(lambda: node.commands.status()["queue"]["lost_drafts"] == 0)


def test_a_handover_is_called_one_in_the_history(tmp_path: Path, faulty: FaultySmtp) -> None:
    home = make_home(tmp_path / "home", smtp(faulty))
    with running_node(home) as node:
        row = take(node, write_mail(tmp_path, "Do you also repair bicycles and sell tickets to the opera?"))
        node.commands.decide(OWNER, Approval(case=row.id, decision="route", by="owner", team="orders"))
        wait_for(lambda: len(faulty.accepted) == 1)
        wait_for(lambda: steps(node, row.id)[-1][0] == "The case was mailed to the team")


def test_the_team_reads_when_a_mail_without_a_date_came_in(tmp_path: Path, faulty: FaultySmtp) -> None:
    home = make_home(tmp_path / "home", smtp(faulty))
    with running_node(home) as node:
        row = take(node, write_mail(tmp_path, "Do you also repair bicycles and sell tickets to the opera?"))
        assert node.commands.file(row.id).message.sent_at is None  # type: ignore[union-attr]
        node.commands.decide(OWNER, Approval(case=row.id, decision="route", by="owner", team="orders"))
        wait_for(lambda: len(faulty.accepted) == 1)
        text = email.message_from_bytes(faulty.accepted[0]).get_payload(0).get_payload(decode=True).decode()  # type: ignore[union-attr]
    came = email.utils.formatdate(row.received_at)[:-5]
    assert f"wrote on {came}" in text


# Commands


def test_erasing_somebody_unknown_says_so_and_is_no_failure(home: Path) -> None:
    done = run(home, "erase", "nobody@example.fi", "--yes")
    assert done.exit_code == 0
    assert done.output.splitlines()[0] == "Nobody of that address is known; nothing to erase."
    assert "key:" not in done.output
    assert str(home / "archive") in done.output
    assert json.loads(run(home, "erase", "nobody@example.fi", "--yes", "--json").output)["known"] is False


def test_erasing_a_customer_names_the_steps(home: Path, tmp_path: Path) -> None:
    node = open_node(home)
    node.take_files([str(write_mail(tmp_path, "When are you open?"))], "")
    node.close()
    told = run(home, "erase", "aino@example.fi", "--yes").output
    assert "Nobody" not in told
    assert "key: destroyed (1)" in told


def test_a_revoked_key_is_told_as_json_too(home: Path) -> None:
    key = json.loads(run(home, "keys", "add", "Till", "--json").output)["key"]
    assert json.loads(run(home, "keys", "revoke", key, "--json").output) == {"key": key, "revoked": True}


def test_a_mail_that_could_not_be_read_is_shown_as_that_with_the_way_to_the_kept_one(home: Path, tmp_path: Path) -> None:
    mail = tmp_path / "broken.eml"
    mail.write_bytes(b"\x93\x1b]0;owned\x07 no header, no words \xff\xfe\n")
    with running_node(home) as node:
        row = take(node, mail)
        shown = run(home, "cases", "show", row.id).output
        assert f"This mail could not be read. It is kept as it came: tandem cases raw {row.id} FILE.eml" in shown
        assert "no words" not in shown
        assert run(home, "cases", "raw", row.id, str(tmp_path / "kept.eml")).exit_code == 0
    assert (tmp_path / "kept.eml").read_bytes() == mail.read_bytes()


def test_files_that_are_no_mails_are_named_with_the_reason_and_the_rest_is_taken(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    folder.mkdir()
    write_mail(folder, "When are you open?")
    (folder / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n\0")
    done = run(home, "intake", str(folder))
    assert done.exit_code == 1
    assert "1 message is in the journal." in done.output
    assert f"{folder / 'photo.png'} is no mail and no table. → Taken are .csv, .eml" in click.unstyle(done.output)
    assert [Path(row["file"]).name for row in json.loads(run(home, "intake", str(folder), "--json").output)["refused"]] == ["photo.png"]


def test_an_added_source_is_taken_in_at_the_next_start_as_the_command_says(home: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.csv"
    more.write_text("Key,Value\nparking,Parking is free for two hours.\n", encoding="utf-8")
    with running_node(home) as node:
        done = run(home, "knowledge", "add", str(more), "--lang", "en")
        assert "a running appliance takes it in at its next start" in done.output
        node.commands.refresh()
        assert "more.csv" not in [source.name for source in node.commands.sources()]
    node = open_node(home)
    assert "more.csv" in [source.name for source in node.commands.sources()]
    node.close()


# What is broken has a code


def test_health_gives_what_is_broken_a_code_with_what_fills_its_gaps(tmp_path: Path, faulty: FaultySmtp) -> None:
    home = make_home(tmp_path / "home", smtp(faulty))
    with running_node(home) as node:
        faulty.stop()
        (home / "en.md").unlink()
        node.take_files([str(write_mail(tmp_path, "What are your opening hours?"))], "support")
        wait_for(lambda: {"outbox:support", "knowledge:en.md"} <= set(broken(node)))
        told = {name: (row["code"], row["gaps"]) for name, row in broken(node).items()}
        assert told == {
            "outbox:support": ("unreachable", {"mailbox": "support"}),
            "knowledge:en.md": ("source_missing", {"name": "en.md"}),
        }
        assert "cannot be reached" in run(home, "status").output  # the command line stays with the whole English sentence


def broken(node: Node) -> dict[str, dict[str, object]]:
    return {row["name"]: row for row in node.commands.health()["dependencies"] if not row["connected"]}
