"""A case is pushed to a CRM over real HTTP: through, in vain, again, held, killed on the way; and what is written down of it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appliance.channels.crm.signature import key_of
from appliance.channels.crm.stub import CrmStub
from appliance.cli.main import tandem
from appliance.ground.clock import SystemClock
from appliance.ground.faults import POINTS
from appliance.node.commands import Commands
from appliance.node.control import ControlClient
from appliance.node.node import Node
from appliance.records.ops import OpsLine
from appliance.records.person import Actor, Role
from appliance.records.push import Badge, Push
from tests.live.servers.child import free_port
from tests.support.home import make_home, open_node, running_node, take, wait_for, write_mail

AINO = Actor(name="aino", role=Role.AGENT)
OWNER = Actor(name="owner", role=Role.ADMIN)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WORDS = ("Virtanen", "purple", "pumps.example", "aino@example.fi")


@pytest.fixture
def stub() -> Iterator[CrmStub]:
    stub = CrmStub(SystemClock(), [key_of(SECRET)])
    stub.start()
    yield stub
    stub.stop()


@pytest.fixture
def home(tmp_path: Path, stub: CrmStub) -> Path:
    home = make_home(tmp_path / "home")
    (home / "secret").write_text(f"{SECRET}\n", encoding="ascii")
    (home / "secret").chmod(0o600)
    with (home / "tandem.toml").open("a", encoding="utf-8") as settings:
        settings.write(
            f'[crm]\nenabled = true\nurl = "{stub.url}"\nsecret_file = "secret"\ntimeout_seconds = 1\nattempts_most = 2\n'
            f"[panel]\nport = {free_port()}\n[pair]\nport = {free_port()}\n[chat]\nenabled = false\n"
        )
    return home


def a_case(node: Node) -> str:
    path = write_mail(node.home / "inbox", "How long is the delivery time of the purple pump? Regards, Virtanen")
    return take(node, path).id


def last(node: Node, case: str) -> Push:
    return node.commands.pushes(AINO, case)[0]


def comes_to(node: Node, case: str, badge: Badge) -> Push:
    wait_for(lambda: last(node, case).badge is badge and last(node, case).state != "sending")
    return last(node, case)


def log_of(home: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (home / "logs" / "crm.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_case_comes_to_the_crm_with_what_was_said_and_answered(home: Path, stub: CrmStub) -> None:
    with running_node(home) as node:
        case = a_case(node)
        push = node.commands.push_call(AINO, case)
        assert comes_to(node, case, Badge.SYNCED).id == push
        (taken,) = stub.taken()
        assert taken.id == push
        data = taken.document["data"]
        assert (taken.document["type"], data["case"], data["channel"], data["language"]) == ("case.saved", case, "mail", "en")
        assert "purple pump" in data["message"]
        assert data["contact"]["address"] == "aino@example.fi"
        assert (data["draft"] != "") or data["state"] == "review"
        assert {"partial_transcript", "final_transcript", "quote", "cues_used", "versions", "reply"} <= data.keys()
        assert json.loads(last(node, case).payload) == taken.document
        assert next(row for row in node.commands.health()["dependencies"] if row["name"] == "crm")["connected"]
        assert node.store.verify(tables=True).ok


@pytest.mark.parametrize("fault", ["500", "drop", "forget", "wrong"])
def test_what_failed_is_told_and_one_press_brings_it_through_under_the_same_id(home: Path, stub: CrmStub, fault: str) -> None:
    stub.fault = fault
    with running_node(home) as node:
        case = a_case(node)
        push = node.commands.push_call(AINO, case)
        told = comes_to(node, case, Badge.RETRYING)
        assert told.reason
        row = next(row for row in node.commands.health()["dependencies"] if row["name"] == "crm")
        assert (row["connected"], row["code"]) == (False, f"crm_{told.reason}")
        stub.fault = "none"
        node.commands.retry_push(AINO, push)
        assert comes_to(node, case, Badge.SYNCED).id == push
        assert [one.id for one in stub.taken()] == [push]


def test_a_push_that_was_given_up_waits_for_a_person_and_is_told_in_the_report(home: Path, stub: CrmStub) -> None:
    stub.fault = "410"
    with running_node(home) as node:
        case = a_case(node)
        node.commands.push_call(AINO, case)
        assert (comes_to(node, case, Badge.FAILED).response_code, last(node, case).crm_error) == (410, "gone")
        wait_for(lambda: node.commands.push_report()["lines"] == 2)
        assert any("given up" in warning for warning in node.commands.push_report()["warnings"])
        stub.fault = "none"
        assert node.commands.retry_pushes(AINO) == 1
        comes_to(node, case, Badge.SYNCED)
        assert node.commands.push_report()["warnings"] == []


def test_nothing_leaves_while_the_lever_is_closed_and_it_leaves_by_itself_once_it_is_open(home: Path, stub: CrmStub) -> None:
    with running_node(home) as node:
        case = a_case(node)
        node.commands.set_switch(OWNER, "outbound_enabled", False)
        node.commands.push_call(AINO, case)
        push_loop = next(loop for loop in node.loops if loop.name == "push")
        turns = push_loop._turns
        wait_for(lambda: push_loop._turns > turns + 1)
        assert (last(node, case).badge, stub.requests) == (Badge.CACHED, 0)
        assert node.commands.push_status()["held"]
        node.commands.set_switch(OWNER, "outbound_enabled", True)
        comes_to(node, case, Badge.SYNCED)


def test_without_a_crm_a_push_is_kept_and_nothing_is_tried(home: Path, stub: CrmStub) -> None:
    text = (home / "tandem.toml").read_text(encoding="utf-8")
    (home / "tandem.toml").write_text(text.replace("[crm]\nenabled = true", "[crm]\nenabled = false"), encoding="utf-8")
    with running_node(home) as node:
        case = a_case(node)
        node.commands.push_call(AINO, case)
        assert last(node, case).badge is Badge.CACHED
        assert [loop.name for loop in node.loops if loop.name == "push"] == []
        assert all(row["name"] != "crm" for row in node.commands.health()["dependencies"])
    assert stub.requests == 0


def test_each_point_of_pushing_is_killed_at_here() -> None:
    assert {point for point in POINTS if point.startswith("push.")} == {"push.after_start", "push.after_send", "push.after_written"}


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("point", "times"), [("push.after_start", 1), ("push.after_send", 2), ("push.after_written", 1)])
def test_a_kill_between_sending_and_writing_down_sends_again_with_the_same_id_and_loses_nothing(
    home: Path, stub: CrmStub, point: str, times: int
) -> None:
    node = open_node(home)
    try:
        node.take_files([str(write_mail(home / "inbox", "How long is the delivery time? Regards, Virtanen"))], "support")
        (row,) = node.store.rows()
        push = node.commands.push_call(AINO, row.id)
    finally:
        node.close()
    environment = {**os.environ, "TANDEM_HOME": str(home), "TANDEM_FAULT": point}
    with (home / "stderr").open("wb") as words:
        daemon = subprocess.Popen([sys.executable, "-m", "appliance", "run", "--no-panel"], env=environment, stdout=words, stderr=words)
    assert daemon.wait(60) == -signal.SIGKILL, (home / "stderr").read_text()
    with running_node(home) as again:
        assert comes_to(again, row.id, Badge.SYNCED).id == push
        assert again.store.verify(tables=True).ok
    (taken,) = stub.taken()
    assert (taken.id, taken.times) == (push, times)


def test_the_ops_log_has_the_kept_fields_for_each_event_and_no_word_of_a_customers(home: Path, stub: CrmStub) -> None:
    stub.fault, stub.faults_left = "500", 1
    with running_node(home) as node:
        case = a_case(node)
        push = node.commands.push_call(AINO, case, demo=True)
        comes_to(node, case, Badge.RETRYING)
        wait_for(lambda: len(log_of(home)) == 2)  # each line is written once what it tells is safe
        node.commands.retry_push(AINO, push)
        comes_to(node, case, Badge.SYNCED)
        wait_for(lambda: len(log_of(home)) == 4)
        assert node.commands.scrub_pushes(OWNER) == 1
        assert node.commands.reset_demo(OWNER) == 1
        lines = log_of(home)
        assert [line["event"] for line in lines] == ["queued", "retrying", "retried", "synced", "scrubbed", "reset"]
        assert all(set(line) == set(OpsLine.__struct_fields__) for line in lines)
        failed, synced = lines[1], lines[3]
        assert (failed["queue_depth"], failed["error"], failed["response_code"], failed["crm_error"], failed["attempts"]) == (
            1,
            "server_error",
            500,
            "internal_error",
            1,
        )
        assert (failed["last_success"], synced["queue_depth"], synced["attempts"], synced["status"]) == ("", 0, 2, "Synced")
        assert synced["last_success"]
        report = node.commands.push_report()
        assert "| server_error | 500 | internal_error | 1 |" in report["markdown"]
    told = (home / "logs" / "crm.jsonl").read_text(encoding="utf-8") + report["markdown"] + _logs(home)
    assert not [word for word in WORDS if word in told]


def _logs(home: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in (home / "logs").glob("*.log"))


def test_a_snapshot_holds_the_last_document_and_its_history_and_is_gone_once_scrubbed(home: Path, stub: CrmStub) -> None:
    with running_node(home) as node:
        case = a_case(node)
        for number in range(8):
            node.commands.push_call(AINO, case)
            comes_to(node, case, Badge.SYNCED)
            assert len(stub.taken()) == number + 1
        told = node.commands.push_payloads(AINO, case)
        assert len(told["history"]) == 5
        assert told["last_payload"]["payload"]["data"]["case"] == case
        assert node.commands.scrub_pushes(OWNER, case) == 6
        told = node.commands.push_payloads(AINO, case)
        assert [one["payload"] for one in (told["last_payload"], *told["history"])] == [None] * 6


def test_the_command_line_pushes_lists_tries_again_scrubs_and_resets(home: Path, stub: CrmStub) -> None:
    stub.fault = "400"
    with running_node(home) as node:
        case = a_case(node)
        assert _tandem(home, "push", case, "--demo").exit_code == 0
        comes_to(node, case, Badge.FAILED)
        listed = json.loads(_tandem(home, "list", "--json").output)
        assert (listed["counts"]["failed"], listed["pushes"][0]["reason"]) == (1, "refused")
        assert "Failed" in _tandem(home, "list").output
        assert _tandem(home, "report").exit_code == 1
        stub.fault = "none"
        assert "Tried again: 1." in _tandem(home, "retry", "--all").output
        comes_to(node, case, Badge.SYNCED)
        assert _tandem(home, "snapshot", case, "--output", str(home / "snapshot.json")).exit_code == 0
        assert (home / "snapshot.json").stat().st_mode & 0o777 == 0o600
        assert "Scrubbed: 1." in _tandem(home, "scrub").output
        assert "Reset: 1." in _tandem(home, "reset").output
        assert _tandem(home, "report").exit_code == 0
    made = _tandem(home, "secret", str(home / "secrets" / "crm"))
    assert made.exit_code == 0
    assert (home / "secrets" / "crm").stat().st_mode & 0o777 == 0o600
    assert "whsec_" not in made.output
    assert _tandem(home, "secret", str(home / "secrets" / "crm")).exit_code == 1


def _tandem(home: Path, *words: str) -> Result:
    return CliRunner().invoke(tandem, ["--home", str(home), "crm", *words])


def test_the_daemon_answers_the_commands_of_the_crm_by_its_socket(home: Path, stub: CrmStub) -> None:
    with running_node(home) as node:
        case = a_case(node)
        remote = ControlClient(home, Commands)
        assert remote.answers()
        remote.push_call(AINO, case)
        comes_to(node, case, Badge.SYNCED)
        (push,) = remote.pushes(AINO, case)
        assert (push.badge, push.payload) == (Badge.SYNCED, last(node, case).payload)
        assert remote.push_counts().synced == 1
    assert len(stub.taken()) == 1
