"""The daemon as its supervisor sees it."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.evals.bench.process import Daemon, free_port, running
from appliance.node.commands import Commands
from appliance.node.control import ControlClient
from appliance.records.person import Actor, Role
from tests.support.home import make_home, sent, wait_for, write_mail

OWNER = Actor(name="owner", role=Role.ADMIN)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


@pytest.fixture
def daemon(home: Path) -> Iterator[Daemon]:
    with running(home) as daemon:
        daemon.seconds_until("/readyz")
        yield daemon


def get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_healthz_answers_without_a_key_and_says_nothing_but_its_state(daemon: Daemon) -> None:
    status, body = get(daemon.port, "/healthz")
    assert (status, json.loads(body)) == (200, {"status": "ok", "model_loaded": True})


def test_everything_else_asks_who_is_there(daemon: Daemon) -> None:
    assert get(daemon.port, "/api/v1/status")[0] == 401
    assert get(daemon.port, "/health")[0] == 401


def test_sigterm_ends_it_cleanly_within_seconds(daemon: Daemon) -> None:
    assert daemon.stop() < 5.0
    assert daemon.process.returncode == 0


def test_a_second_daemon_on_the_same_home_is_refused_with_the_first_ones_process(daemon: Daemon, home: Path) -> None:
    environment = {**os.environ, "TANDEM_PANEL__PORT": str(free_port())}
    second = subprocess.run(
        [sys.executable, "-m", "appliance", "--home", str(home), "run"],
        capture_output=True, text=True, timeout=30, check=False, env=environment,
    )  # fmt: skip
    assert second.returncode == 1
    assert str(daemon.process.pid) in second.stderr
    assert get(daemon.port, "/healthz")[0] == 200


def test_after_kill_9_it_starts_again_and_verifies(daemon: Daemon, home: Path) -> None:
    daemon.process.send_signal(signal.SIGKILL)
    daemon.process.wait()
    with running(home) as again:
        again.seconds_until("/readyz")
        assert ControlClient(home, Commands).verify()["ok"] is True


def test_a_node_that_cannot_answer_its_own_question_is_healthy_but_not_ready(home: Path) -> None:
    rule = '[[rule]]\nname = "everything"\ntier = 1\nteam = "orders"\n[rule.words]\nen = ["opening", "return", "delivery"]\n'
    (home / "policy.toml").write_text((home / "policy.toml").read_text() + rule)
    with running(home) as daemon:
        daemon.seconds_until("/healthz")
        wait_for(lambda: ControlClient(home, Commands).answers())
        assert ControlClient(home, Commands).status()["ready"] is False
        assert get(daemon.port, "/readyz")[0] == 503


@pytest.mark.parametrize(("lever", "on"), [("outbound_enabled", False), ("safe_mode", True), ("automation_enabled", False)])
def test_a_lever_pulled_through_the_socket_holds_for_the_next_mail_within_two_seconds(
    daemon: Daemon, home: Path, lever: str, on: bool
) -> None:
    assert daemon.process.poll() is None
    client = ControlClient(home, Commands)
    started = time.monotonic()
    client.set_switch(OWNER, lever, on)
    assert client.status()["switches"][lever] is on
    assert time.monotonic() - started < 2.0
    client.take_files(OWNER, [str(write_mail(home, "What are your opening hours?"))], "support")
    wait_for(lambda: client.status()["queue"]["waiting"] == 0)
    assert client.counts().get("replied", 0) == 0
    assert not [mail for mail in sent(home) if "aino@example.fi" in str(mail["To"])]


def test_with_the_tap_closed_the_mailbox_is_left_alone_and_the_rest_goes_on(daemon: Daemon, home: Path) -> None:
    assert daemon.process.poll() is None
    client = ControlClient(home, Commands)
    client.set_switch(OWNER, "intake_enabled", False)
    write_mail(home / "inbox", "What are your opening hours?")
    time.sleep(3.0)  # longer than the folder's two seconds to settle: nothing may happen in it
    assert not any(client.counts().values())
    assert client.ask("What are your opening hours?")["outcome"] == "send"
    client.set_switch(OWNER, "intake_enabled", True)
    wait_for(lambda: client.counts().get("replied", 0) == 1)


def test_an_edited_policy_is_in_force_without_a_restart_and_a_broken_one_is_told_and_changes_nothing(daemon: Daemon, home: Path) -> None:
    assert daemon.process.poll() is None
    client = ControlClient(home, Commands)
    assert client.ask("Do you like strawberries at our opening hours?")["tier"] == 3
    policy = home / "policy.toml"
    policy.write_text(policy.read_text() + '\n[[rule]]\nname = "berries"\ntier = 1\nteam = "orders"\n[rule.words]\nen = ["strawberries"]\n')
    wait_for(lambda: client.ask("Do you like strawberries at our opening hours?")["tier"] == 1)
    policy.write_text("version = 'no'\n")
    wait_for(lambda: any(row["name"] == "policy" and not row["connected"] for row in client.health()["dependencies"]))
    assert client.ask("Do you like strawberries at our opening hours?")["tier"] == 1
