"""A thousand mails through a real Dovecot and a real SMTP server while the daemon is killed at every named point of its path.

Whatever happens: every mail ends replied, held or dead letter, no Message-ID arrives twice, and a kill leaves at most one
delivery uncertain.
"""

import email
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.ground import faults
from tests.live.servers.child import CannotStart
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.exim import Exim

MAILS = 1000
ELSEWHERE = (  # by test_drafts_never_twice, test_one_call, test_crm, test_pair_never_twice
    "drafts.", "voice.", "push.", "store.after_ship", "store.before_confirm", "office.", "pair.", "follow.",
)  # fmt: skip
POINTS = [point for point in faults.POINTS if not point.startswith(ELSEWHERE)]
SETTLE_SECONDS = 420.0

QUESTIONS = (
    ("Opening hours", "Hello,\n\nwhat are your opening hours?\n\nRegards\nCustomer {n}", "reply"),
    ("Return", "Hi, how many days do I have to return a pump? Thanks, number {n}", "reply"),
    ("Toimitusaika", "Hei,\n\nmikä on toimitusaika?\n\nYstävällisin terveisin\nAsiakas {n}", "reply"),
    ("Weather", "Could you tell me whether it will rain on the moon tomorrow? {n}", "held"),
    ("Lawyer", "My lawyer will take you to court over this invoice. {n}", "held"),
)
KNOWLEDGE_EN = (
    "| Key | Value |\n|---|---|\n"
    "| Opening hours | Our opening hours are Monday to Friday 9-17. |\n"
    "| Return | You have 14 days to return a pump. |\n"
)
KNOWLEDGE_FI = "| Avain | Arvo |\n|---|---|\n| Toimitusaika | Toimitusaika on 3-5 arkipäivää. |\n"
POLICY = "version = 1\n[limits]\nreplies_per_hour = 100000\n"


class World:
    """A mailbox that customers write to, a server that takes replies, and the appliance's home between them."""

    def __init__(self, folder: Path, dovecot: Dovecot, exim: Exim) -> None:
        self.dovecot, self.exim, self.home = dovecot, exim, folder / "home"
        self.home.mkdir(mode=0o700)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (self.home / "en.md").write_text(KNOWLEDGE_EN, encoding="utf-8")
        (self.home / "fi.md").write_text(KNOWLEDGE_FI, encoding="utf-8")
        (self.home / "policy.toml").write_text(POLICY, encoding="utf-8")
        (self.home / "secret").write_text("secret")
        (self.home / "secret").chmod(0o600)
        (self.home / "tandem.toml").write_text(self._settings(), encoding="utf-8")
        self.kills = 0

    def _settings(self) -> str:
        return f"""
[company]
name = "Test Pumps"
signature = "Test Pumps"
[panel]
port = {self.port}
[[mailbox]]
id = "support"
sender = "support@pumps.example"
[mailbox.imap]
host = "127.0.0.1"
port = {self.dovecot.imap_port}
security = "none"
user = "support"
password_file = "secret"
start = "now"
poll_seconds = 1
[mailbox.smtp]
host = "127.0.0.1"
port = {self.exim.port}
security = "none"
copy_to_self = true
[[knowledge.source]]
path = "en.md"
language = "en"
[[knowledge.source]]
path = "fi.md"
language = "fi"
[policy]
safe_mode = false
automation_enabled = true
"""

    def write(self, number: int) -> None:
        subject, text, _ = QUESTIONS[number % len(QUESTIONS)]
        mail = email.message.EmailMessage()
        mail["From"] = f"Customer {number} <customer{number}@example.com>"
        mail["To"] = "support@pumps.example"
        mail["Subject"] = subject
        mail["Message-ID"] = f"<{number}@example.com>"
        mail.set_content(text.format(n=number))
        self.dovecot.deliver("support", mail.as_bytes())

    def start(self, fault: str = "") -> subprocess.Popen[bytes]:
        environment = {**os.environ, "TANDEM_HOME": str(self.home), "TANDEM_FAULT": fault}
        return subprocess.Popen(
            [sys.executable, "-m", "appliance", "run"], env=environment, stdout=subprocess.DEVNULL, stderr=(self.home / "stderr").open("ab")
        )

    def wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        _until(lambda: process.poll() is not None or self._status("/readyz") == 200, 60, "the daemon to be ready")

    def _status(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def states(self) -> Counter[str]:
        """The cases by state, as the running daemon counts them."""
        from appliance.node.commands import Commands
        from appliance.node.control import ControlClient

        return Counter(ControlClient(self.home, Commands).counts())

    def run_until_killed(self, fault: str) -> bool:
        """Start with a fault and wait for the kill; False when the point was not reached in time and the daemon was stopped."""
        process = self.start(fault)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait(30)
            return False
        self.kills += process.returncode == -signal.SIGKILL
        return process.returncode == -signal.SIGKILL


def _until(true, seconds: float, what: str) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        threading.Event().wait(0.05)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    try:
        dovecot = Dovecot.start()
    except CannotStart as reason:
        pytest.skip(str(reason))
    try:
        dovecot.add_user("support")
        exim = Exim.start(maildirs=dovecot.folder / "mail")
        try:
            yield World(tmp_path, dovecot, exim)
        finally:
            exim.stop()
    except CannotStart as reason:
        pytest.skip(str(reason))
    finally:
        dovecot.stop()


def _settled(states: Counter[str]) -> int:
    return sum(states[state] for state in ("replied", "review", "routed", "uncertain", "dead", "closed"))


@pytest.mark.timeout(900)
def test_a_thousand_mails_and_a_kill_at_every_point_lose_nothing_and_send_nothing_twice(world: World) -> None:
    first = world.start()  # the go-live line is drawn before the customers write
    world.wait_until_ready(first)
    _until(lambda: (world.home / "run").exists() and world.states() is not None, 20, "the control socket")
    first.terminate()
    first.wait(30)
    share = MAILS // len(POINTS)
    for turn, point in enumerate(POINTS):
        for number in range(turn * share, (turn + 1) * share if turn + 1 < len(POINTS) else MAILS):
            world.write(number)
        times = 1 if point.startswith("intake") else 2 + turn % 3
        assert world.run_until_killed(f"{point}:{times}"), f"{point} was never reached; is it still on the path?"
    process = world.start()
    try:
        world.wait_until_ready(process)
        _until(lambda: _settled(world.states()) >= MAILS or process.poll() is not None, SETTLE_SECONDS, "every mail to end")
        states = world.states()
    finally:
        process.terminate()
        process.wait(30)
    assert process.returncode == 0
    assert sum(states.values()) == MAILS, f"lost or doubled cases: {states}"
    assert _settled(states) == MAILS
    received = [mail for raw in world.exim.received() if "customer" in str((mail := email.message_from_bytes(raw))["Envelope-to"])]
    replies = Counter(mail["Message-ID"] for mail in received)
    answered = Counter(mail["In-Reply-To"] for mail in received)
    assert max(replies.values()) == 1, "a reply arrived twice"
    assert max(answered.values()) == 1, "a mail was answered twice"
    assert len(answered) >= states["replied"]
    assert states["uncertain"] <= world.kills
    expected = sum(QUESTIONS[number % len(QUESTIONS)][2] == "reply" for number in range(MAILS))
    assert states["replied"] + states["uncertain"] == expected
    verify = [sys.executable, "-m", "appliance", "--home", str(world.home), "verify"]
    verified = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr
