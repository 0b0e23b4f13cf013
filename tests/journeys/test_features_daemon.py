"""What a running daemon says and does, seen from outside: probes, levers, queue, errors, stopping."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from appliance.node.commands import Commands
from appliance.node.control import ControlClient
from appliance.records.case import CaseRow, CaseState
from appliance.records.person import Actor, Approval, Role
from tests.support.home import make_home, sent, wait_for, write_mail

OWNER = Actor(name="owner", role=Role.ADMIN)
LEVER_SECONDS = 2.0
UNDER_WAY = (CaseState.ARRIVED, CaseState.WAITING, CaseState.CLAIMED, CaseState.REPLYING)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Daemon:
    """``tandem run`` in a process of its own, and the ways a person reaches it."""

    def __init__(self, home: Path, wait_for_ready: bool = True, **environment: str) -> None:
        self.home, self.port = home, free_port()
        self.environment = {**os.environ, "TANDEM_PANEL__PORT": str(self.port), **environment}
        with (home / "stderr").open("ab") as words:
            command = [sys.executable, "-m", "appliance", "--home", str(home), "run"]
            self.process = subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL, stderr=words)
        self.commands = cast(Commands, ControlClient(home, Commands))
        wait_for(lambda: self.get("/readyz")[0] == 200 if wait_for_ready else self.commands_answer(), 60.0)

    def commands_answer(self) -> bool:
        return ControlClient(self.home, Commands).answers()

    def get(self, path: str, key: str = "") -> tuple[int, Any]:
        """Status and JSON body; 0 when nobody listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path, headers={"X-API-Key": key} if key else {})
            answer = connection.getresponse()
            body = answer.read()
            return answer.status, json.loads(body) if body[:1] in b"{[" else body
        except OSError:
            return 0, None
        finally:
            connection.close()

    def tandem(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command as a person types it beside the daemon."""
        command = [sys.executable, "-m", "appliance", "--home", str(self.home), *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=60)

    def pull(self, lever: str, on: bool) -> None:
        """Pull a lever over the control socket; what comes after this call finds it pulled."""
        began = time.monotonic()
        self.commands.set_switch(OWNER, lever, on)
        assert time.monotonic() - began < LEVER_SECONDS

    def post(self, text: str, sender: str = "aino@example.fi") -> Path:
        """A customer's mail into the folder that the daemon watches."""
        beside = self.home / "written"
        beside.mkdir(exist_ok=True)
        mail = write_mail(beside, text, sender=sender)
        return mail.rename(self.home / "inbox" / f"{time.monotonic_ns()}.eml")

    def case_of(self, sender: str) -> CaseRow:
        """The sender's case, once no loop has anything to do with it any more."""
        wait_for(lambda: any(row.sender == sender and row.state not in UNDER_WAY for row in self.commands.rows()))
        return next(row for row in self.commands.rows() if row.sender == sender)

    def replies(self) -> list[str]:
        """Who got a reply."""
        return [str(mail["To"]) for mail in sent(self.home)]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(make_home(tmp_path / "home"))
    yield daemon
    daemon.stop()


def test_healthz_says_ok_and_that_the_model_is_loaded(daemon: Daemon) -> None:
    assert daemon.get("/healthz") == (200, {"status": "ok", "model_loaded": True})


def test_a_daemon_that_cannot_answer_its_own_question_is_healthy_and_never_ready(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    (home / "en.md").write_text("| Key | Value |\n|---|---|\n| My lawyer will sue you | The court decides. |\n", encoding="utf-8")
    daemon = Daemon(home, wait_for_ready=False)
    try:
        wait_for(lambda: "node_not_ready" in (home / "logs" / "tandem.log").read_text())
        daemon.post("Do you also repair bicycles and sell tickets to the opera?")
        assert daemon.case_of("aino@example.fi").state is CaseState.REVIEW  # it has been at work for a while
        assert daemon.get("/healthz")[0] == 200
        assert daemon.get("/readyz")[0] == 503
        assert daemon.commands.status()["ready"] is False
    finally:
        daemon.stop()


def test_health_names_each_dependency_of_the_daemon_and_each_is_connected(daemon: Daemon) -> None:
    assert daemon.get("/health")[0] == 401
    secret = json.loads(daemon.tandem("keys", "add", "watch", "--role", "viewer", "--json").stdout)["secret"]
    status, health = daemon.get("/health", secret)
    assert (status, health["status"]) == (200, "ok")
    named = {row["name"]: row["connected"] for row in health["dependencies"]}
    assert {"store", "levers", "policy", "knowledge:en.md", "knowledge:fi.md", "intake:support", "deliver"} <= set(named)
    assert set(named.values()) == {True}


def test_health_says_which_dependency_is_not_connected_why_and_what_to_do(daemon: Daemon) -> None:
    (daemon.home / "en.md").unlink()
    wait_for(lambda: daemon.commands.health()["status"] == "degraded")
    (broken,) = (row for row in daemon.commands.health()["dependencies"] if not row["connected"])
    assert broken["name"] == "knowledge:en.md"
    assert broken["reason"]
    assert broken["remedy"]
    assert "knowledge:en.md" in daemon.tandem("status").stdout


def test_safe_mode_routes_the_very_next_mail_and_off_answers_again(daemon: Daemon) -> None:
    daemon.pull("safe_mode", True)
    daemon.post("What are your opening hours?", "aino@example.fi")
    assert daemon.case_of("aino@example.fi").state is CaseState.ROUTED
    assert not any("aino@" in to for to in daemon.replies())
    daemon.pull("safe_mode", False)
    daemon.post("What are your opening hours?", "ben@example.fi")
    assert daemon.case_of("ben@example.fi").state is CaseState.REPLIED


def test_with_automation_off_nothing_leaves_by_itself_and_a_person_goes_on(daemon: Daemon) -> None:
    daemon.pull("automation_enabled", False)
    daemon.post("What are your opening hours?")
    row = daemon.case_of("aino@example.fi")
    assert row.state is CaseState.REVIEW
    assert daemon.replies() == []
    daemon.commands.decide(OWNER, Approval(case=row.id, decision="approve", by="owner"))
    wait_for(lambda: len(daemon.replies()) == 1)


def test_with_outbound_off_mail_is_still_taken_in_and_even_an_approved_reply_waits(daemon: Daemon) -> None:
    daemon.pull("automation_enabled", False)
    daemon.pull("outbound_enabled", False)
    daemon.post("What are your opening hours?", "aino@example.fi")
    row = daemon.case_of("aino@example.fi")
    daemon.commands.decide(OWNER, Approval(case=row.id, decision="approve", by="owner"))
    daemon.post("How many days do I have to return a pump?", "ben@example.fi")
    assert daemon.case_of("ben@example.fi").state is CaseState.REVIEW  # taken in and thought about, with the reply due all the while
    assert daemon.commands.status()["may_send"] is False
    assert daemon.replies() == []
    daemon.pull("outbound_enabled", True)
    wait_for(lambda: len(daemon.replies()) == 1)


def test_the_poller_pauses_and_goes_on_while_panel_and_commands_never_stop(daemon: Daemon) -> None:
    assert daemon.tandem("switch", "intake", "off").returncode == 0
    waiting = daemon.post("What are your opening hours?", "aino@example.fi")
    by_hand = write_mail(daemon.home, "How many days do I have to return a pump?", sender="ben@example.fi")
    assert daemon.tandem("intake", "--mailbox", "support", str(by_hand)).returncode == 0
    assert daemon.case_of("ben@example.fi").state is CaseState.REPLIED
    assert daemon.get("/healthz")[0] == 200
    assert daemon.tandem("status").returncode == 0
    assert waiting.exists()
    assert [row.sender for row in daemon.commands.rows()] == ["ben@example.fi"]
    assert daemon.tandem("switch", "intake", "on").returncode == 0
    assert daemon.case_of("aino@example.fi").state is CaseState.REPLIED


def test_a_daemon_with_an_empty_queue_waits_takes_what_comes_and_stops_cleanly(daemon: Daemon) -> None:
    assert set(daemon.commands.counts().values()) == {0}
    daemon.post("What are your opening hours?")
    assert daemon.case_of("aino@example.fi").state is CaseState.REPLIED
    assert daemon.stop() == 0
    assert "node_stopped" in (daemon.home / "logs" / "tandem.log").read_text()
    assert "Traceback" not in (daemon.home / "stderr").read_text()


def test_the_log_is_json_with_a_level_and_errors_are_a_log_of_their_own_that_status_counts(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    daemon = Daemon(home)
    try:
        daemon.post("What are your opening hours?")
        wait_for(lambda: bool(daemon.commands.rows()) and daemon.commands.rows()[0].state is not CaseState.WAITING)
    finally:
        daemon.stop()
    lines = [json.loads(line) for line in (home / "logs" / "tandem.log").read_text().splitlines()]
    assert {"time", "level", "event"} <= set.intersection(*(set(line) for line in lines))
    assert "aino@example.fi" not in (home / "logs" / "tandem.log").read_text()
    with (home / "logs" / "errors.log").open("a") as errors:
        for age in (60, 90_000):
            moment = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - age))
            errors.write(json.dumps({"time": moment, "level": "error", "event": "smtp_failed"}) + "\n")
    found = json.loads(daemon.tandem("status", "--errors", "--json").stdout)
    assert {line["event"]: line["count"] for line in found}["smtp_failed"] == 1
    assert all(line["level"] == "error" for line in map(json.loads, (home / "logs" / "errors.log").read_text().splitlines()))
    assert "smtp_failed" in daemon.tandem("status", "--errors").stdout


def test_older_environment_names_configure_the_daemon_and_are_noted_in_its_log(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    other = tmp_path / "other.csv"
    other.write_text("Key;Value\nopening hours;Our opening hours are Monday to Friday 11-12.\n", encoding="utf-8")
    daemon = Daemon(home, KNOWLEDGE_SOURCE_EN=str(other), PIPELINE_LOG_PATH=str(tmp_path / "pipeline.jsonl"))
    try:
        assert {source.language: source.name for source in daemon.commands.sources()}["en"] == "other.csv"
        daemon.post("What are your opening hours?")
        assert daemon.case_of("aino@example.fi").state is CaseState.REPLIED
    finally:
        daemon.stop()
    assert "11-12" in sent(home)[0].as_string()
    assert json.loads((tmp_path / "pipeline.jsonl").read_text())["decision"] == "send"
    notes = (home / "logs" / "tandem.log").read_text()
    assert "KNOWLEDGE_SOURCE_EN" in notes
    assert "PIPELINE_LOG_PATH" in notes
    assert str(other) not in "".join(line for line in notes.splitlines() if "KNOWLEDGE_SOURCE_EN" in line)
