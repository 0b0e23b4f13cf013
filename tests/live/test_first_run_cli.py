"""A bare home becomes a desk by the command line alone: at a terminal and without one, against a real Dovecot and a real Exim."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.evals.bench.process import free_port
from appliance.settings.change import backups
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.exim import Exim
from tests.live.servers.smtp_faults import FaultySmtp
from tests.support.home import KNOWLEDGE
from tests.support.terminal import Terminal


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "en.md").write_text(KNOWLEDGE, encoding="utf-8")
    (tmp_path / "secret").write_text("secret\n")
    (tmp_path / "secret").chmod(0o600)
    return tmp_path / "home"


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for one in opened:
        one.close()


def tandem(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
    return subprocess.run(
        [sys.executable, "-m", "appliance", "--home", str(home), *arguments],
        capture_output=True, text=True, timeout=120, env=environment, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def status(home: Path) -> dict[str, dict[str, Any]]:
    done = tandem(home, "setup", "status", "--json")
    assert done.returncode == 0, done.stderr
    return {step["name"]: step for step in json.loads(done.stdout)}


def imap(dovecot: Dovecot, user: str) -> list[str]:
    return ["--sender", f"{user}@pumps.example", "--mailbox-imap", "127.0.0.1", "--imap-port", str(dovecot.imap_port),
            "--imap-security", "none", "--imap-user", user]  # fmt: skip


def smtp(port: int) -> list[str]:
    return ["--mailbox-smtp", "127.0.0.1", "--smtp-port", str(port), "--smtp-security", "none"]


def test_questions_at_a_terminal_lead_from_nothing_to_a_desk(
    dovecot: Dovecot, exim: Exim, user: str, home: Path, terminals: list[Terminal]
) -> None:
    terminal = Terminal(home, "init")
    terminals.append(terminal)
    terminal.answer("company's name", "Test Pumps")
    terminal.answer("languages it answers in", "en, xx")
    terminal.wait_for("company.languages")
    terminal.answer("Try again?", "y")
    terminal.answer("company's name", "Test Pumps")
    terminal.answer("languages it answers in", "en")
    terminal.answer("time zone", "")
    terminal.answer("When people answer", "")
    for password in ("wrong", "secret"):
        terminal.answer("Where does mail come from", "imap")
        terminal.answer("address that customers write to", f"{user}@pumps.example")
        terminal.answer("The IMAP server", "127.0.0.1")
        terminal.answer("How the line is protected", "none")
        terminal.answer("Its port", str(dovecot.imap_port))
        terminal.answer("name to sign in with", user)
        terminal.answer("Its password", password)
        if password == "wrong":
            terminal.wait_for("→")
            assert not (home / "secrets" / "mailbox-0-imap-password").exists()
            terminal.answer("Try again?", "y")
    terminal.answer("How do replies leave", "smtp")
    terminal.answer("The SMTP server", "127.0.0.1")
    terminal.answer("How the line is protected", "none")
    terminal.answer("Its port", str(exim.port))
    terminal.answer("name to sign in with", "-")
    terminal.answer("Send one mail to ourselves", "y")
    terminal.wait_for("left and came in")
    terminal.answer("See whether two appliances", "y")
    terminal.answer("A file of knowledge in en", str(home.parent / "nothing.md"))
    terminal.answer("A file of knowledge in en", str(home.parent / "en.md"))
    terminal.answer("name of the first person", "Maria Kallio")
    terminal.answer("Their password", "a long enough one")
    terminal.answer("Repeat", "a long enough one")
    assert terminal.end() == 0, terminal.seen
    assert "secret" not in terminal.seen
    step = status(home)
    assert {name for name, one in step.items() if one["state"] in ("open", "trouble")} <= {"dry_day", "race"}
    assert step["dry_day"]["says"] == "dry_day_safe_mode"
    assert dovecot.messages(user) == []  # the mail to ourselves is gone again
    assert stat.S_IMODE((home / "secrets" / "mailbox-0-imap-password").stat().st_mode) == 0o600
    assert tandem(home, "config", "check").returncode == 0
    assert json.loads(tandem(home, "cases", "list", "--json").stdout) == []


def test_it_can_be_stopped_anywhere_and_goes_on_where_it_was(home: Path, terminals: list[Terminal]) -> None:
    first = Terminal(home, "init")
    terminals.append(first)
    first.answer("company's name", "Test Pumps")
    first.answer("languages it answers in", "en")
    first.wait_for("time zone")
    assert first.press_ctrl_c() == 130
    again = Terminal(home, "init")
    terminals.append(again)
    again.wait_for("Test Pumps, in en")
    again.wait_for("time zone")
    assert tandem(home, "config", "check").returncode == 0


def test_options_do_the_same_without_anybody_there(dovecot: Dovecot, exim: Exim, user: str, home: Path) -> None:
    secret = str(home.parent / "secret")
    done = tandem(
        home, "init", "--company", "Test Pumps", "--languages", "en", "--hours", "mon-fri 8-16", *imap(dovecot, user),
        "--imap-password-file", secret, *smtp(exim.port), "--knowledge", "en", str(home.parent / "en.md"), "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {step["name"] for step in json.loads(done.stdout)} == set(status(home))
    assert tandem(home, "setup", "try", "self_mail").returncode == 0
    assert status(home)["self_mail"]["state"] == "done"
    assert tandem(home, "setup", "skip", "race").returncode == 0
    assert status(home)["race"]["state"] == "skipped"
    assert tandem(home, "setup", "skip", "mail_in").returncode == 1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"--imap-user": "somebody-else"}, "refuse"),
        ({"--mailbox-imap": "no-such-host.invalid", "--imap-security": "tls"}, "no address is known"),
        ({"--imap-port": "CLOSED"}, "cannot be reached"),
        ({"--sender": "no address"}, "it is not a mail address"),
    ],
    ids=["wrong name", "wrong host", "closed port", "no address"],
)
def test_what_a_server_refuses_is_told_with_a_remedy_and_nothing_is_written(
    dovecot: Dovecot, user: str, home: Path, wrong: dict[str, str], says: str
) -> None:
    assert tandem(home, "init", "--company", "Test Pumps").returncode == 0
    before, kept = (home / "tandem.toml").read_bytes(), backups(home)
    options = imap(dovecot, user)
    for option, value in wrong.items():
        options[options.index(option) + 1] = str(free_port()) if value == "CLOSED" else value
    done = tandem(home, "init", *options, "--imap-password-file", str(home.parent / "secret"))
    assert done.returncode != 0
    assert says in done.stderr
    assert "What to do:" in done.stderr
    assert "Traceback" not in done.stderr
    assert (home / "tandem.toml").read_bytes() == before
    assert backups(home) == kept
    assert [path.name for path in home.rglob("*password*")] == []


def test_a_full_mailbox_is_told_as_one(dovecot: Dovecot, faulty: FaultySmtp, user: str, home: Path) -> None:
    secret = str(home.parent / "secret")
    faulty.plan("rcpt", "552 5.2.2 mailbox is full")
    done = tandem(home, "init", *imap(dovecot, user), "--imap-password-file", secret, *smtp(faulty.port))
    assert done.returncode == 0, done.stderr
    tried = tandem(home, "setup", "try", "self_mail")
    assert tried.returncode == 1
    assert "there is no room (552)" in tried.stdout
    assert "Make room in the mailbox" in tried.stdout
    assert status(home)["self_mail"]["tried"]["code"] == "mailbox_full"


def test_a_headless_init_that_is_told_nothing_writes_the_commented_file_once(home: Path) -> None:
    assert tandem(home, "init").returncode == 0
    again = tandem(home, "init")
    assert again.returncode == 2
    assert "is there already" in again.stderr
