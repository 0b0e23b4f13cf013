"""The daemon is killed around laying a draft down and taking it out: no draft lies there twice, and nothing is sent twice."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.ground.faults import POINTS
from appliance.node.commands import Commands
from appliance.node.control import ControlClient
from appliance.records.person import Actor, Approval, Role
from tests.live.servers.child import free_port
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.smtp_faults import FaultySmtp
from tests.support.home import running_node, wait_for
from tests.support.mailbox_home import customer_mail, in_folder, make_mailbox_home

AINO = Actor(name="aino", role=Role.AGENT)
APPEND = ("drafts.before_append", "drafts.after_append")
REMOVAL = ("drafts.before_removal", "drafts.after_removal")


class World:
    """A home whose daemon can be killed, and the mailbox that it serves."""

    def __init__(self, home: Path, dovecot: Dovecot, user: str) -> None:
        self.home, self.dovecot, self.user = home, dovecot, user
        self.commands = ControlClient(home, Commands)

    @contextmanager
    def daemon(self, fault: str = "") -> Iterator[subprocess.Popen[bytes]]:
        """The daemon, until it dies of its fault or the block ends."""
        environment = {**os.environ, "TANDEM_HOME": str(self.home), "TANDEM_FAULT": fault}
        with (self.home / "stderr").open("ab") as words:
            process = subprocess.Popen([sys.executable, "-m", "appliance", "run"], env=environment, stdout=subprocess.DEVNULL, stderr=words)
        try:
            wait_for(lambda: process.poll() is not None or self.commands.answers(), 60)
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(30)

    def dies_of(self, process: subprocess.Popen[bytes]) -> None:
        assert process.wait(60) == -signal.SIGKILL, "the point was never reached"

    def drafts(self) -> int:
        return len(in_folder(self.dovecot, self.user, "Drafts"))

    def states(self) -> Counter[str]:
        return +Counter(self.commands.counts())

    def decide(self, decision: str) -> None:
        (row,) = self.commands.rows()
        self.commands.decide(AINO, Approval(case=row.id, decision=decision, by="aino"))


@pytest.fixture
def world(dovecot: Dovecot, user: str, faulty: FaultySmtp, tmp_path: Path) -> World:
    home = make_mailbox_home(tmp_path / "home", dovecot.imap_port, faulty.port, user=user, panel_port=free_port())
    with (home / "tandem.toml").open("a") as settings:
        settings.write(f"[chat]\nenabled = false\n[pair]\nport = {free_port()}\n")
    with running_node(home) as node:  # the lines of the inbox and of Sent are drawn
        wait_for(lambda: node.store.cursor("support", "INBOX") is not None and node.store.cursor("support", "Sent") is not None)
    return World(home, dovecot, user)


def test_each_point_around_drafts_is_killed_at_here() -> None:
    assert {point for point in POINTS if point.startswith("drafts.")} == {*APPEND, *REMOVAL}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("point", APPEND)
def test_a_kill_around_the_append_leaves_one_draft(world: World, faulty: FaultySmtp, point: str) -> None:
    world.dovecot.deliver(world.user, customer_mail(1))
    with world.daemon(f"{point}:1") as process:
        world.dies_of(process)
    assert world.drafts() == (point == "drafts.after_append")
    with world.daemon():
        wait_for(lambda: world.drafts() > 0, 60)
        wait_for(lambda: "delivery_sent" in [line.kind for line in world.commands.file(world.commands.rows()[0].id).lines], 30)
        assert world.drafts() == 1
        assert world.states() == {"review": 1}
    assert faulty.dotted == []


@pytest.mark.timeout(180)
@pytest.mark.parametrize("point", REMOVAL)
def test_a_kill_around_the_removal_before_data_sends_nothing_by_itself(world: World, faulty: FaultySmtp, point: str) -> None:
    world.dovecot.deliver(world.user, customer_mail(1))
    with world.daemon(f"{point}:1") as process:
        wait_for(lambda: world.drafts() == 1, 60)
        wait_for(lambda: world.states() == {"review": 1})
        world.decide("approve")
        world.dies_of(process)
    with world.daemon():
        wait_for(lambda: world.states() == {"uncertain": 1}, 60)
        wait_for(lambda: world.drafts() == 0)
        assert faulty.dotted == []
        (row,) = world.commands.rows()
        wait_for(lambda: "draft_removed" in [line.kind for line in world.commands.file(row.id).lines])
        world.commands.resolve(AINO, row.id, "resend")
        wait_for(lambda: world.states() == {"replied": 1}, 30)
    assert len(faulty.accepted) == 1


@pytest.mark.timeout(180)
@pytest.mark.parametrize("point", REMOVAL)
def test_a_kill_around_the_removal_of_a_draft_that_is_not_wanted_any_more_is_made_good(world: World, point: str) -> None:
    world.dovecot.deliver(world.user, customer_mail(1))
    with world.daemon(f"{point}:1") as process:
        wait_for(lambda: world.drafts() == 1, 60)
        wait_for(lambda: world.states() == {"review": 1})
        world.decide("reject")
        world.dies_of(process)
    with world.daemon():
        (row,) = world.commands.rows()
        wait_for(lambda: "draft_removed" in [line.kind for line in world.commands.file(row.id).lines], 60)
        assert world.drafts() == 0
        assert world.states() == {"closed": 1}
