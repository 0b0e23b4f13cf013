"""A node at a real mailbox: what it asks of its account, and that no mail is answered twice or missed whatever the server does."""

import email
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.records.case import CaseState
from tests.live.servers.child import CannotStart
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.smtp_faults import FaultySmtp
from tests.live.servers.wire import Wire
from tests.support.home import make_home, running_node, wait_for

NEEDED = {  # LIST finds the Sent folder, where people's own answers are seen
    "CAPABILITY", "ID", "LOGIN", "AUTHENTICATE", "ENABLE", "LIST", "SELECT", "EXAMINE", "STATUS", "UID", "IDLE", "NOOP", "LOGOUT",
}  # fmt: skip
NEEDED_BY_UID = {"SEARCH", "FETCH", "STORE"}


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    try:
        server = Dovecot.start()
    except CannotStart as reason:
        pytest.skip(str(reason))
    server.add_user("support")
    yield server
    server.stop()


@pytest.fixture
def faulty() -> Iterator[FaultySmtp]:
    server = FaultySmtp()
    yield server
    server.stop()


@pytest.fixture
def wire(dovecot: Dovecot) -> Iterator[Wire]:
    """What the node says to the server can be read here."""
    cable = Wire(dovecot.imap_port)
    yield cable
    cable.stop()


@pytest.fixture
def home(tmp_path: Path, wire: Wire, faulty: FaultySmtp) -> Path:
    home = make_home(tmp_path / "home", f'host = "127.0.0.1"\nport = {faulty.port}\nsecurity = "none"\ncopy_to_self = false')
    (home / "secret").write_text("secret")
    (home / "secret").chmod(0o600)
    imap = f'[mailbox.imap]\nhost = "127.0.0.1"\nport = {wire.port}\nsecurity = "none"\nuser = "support"\npassword_file = "secret"\n'
    settings = (home / "tandem.toml").read_text(encoding="utf-8")
    folders = settings[settings.index("[mailbox.folder]") : settings.index("[mailbox.smtp]")]
    (home / "tandem.toml").write_text(settings.replace(folders, f"{imap}poll_seconds = 1\n"), encoding="utf-8")
    return home


def question(sender: str) -> bytes:
    head = f"From: {sender}@example.fi\r\nTo: support@pumps.example\r\nSubject: Hours\r\nMessage-ID: <{sender}@example.fi>\r\n"
    return f"{head}\r\nWhat are your opening hours?\r\n".encode()


def answered(faulty: FaultySmtp) -> list[str]:
    """The Message-IDs that got a reply."""
    return sorted(str(email.message_from_bytes(raw)["In-Reply-To"]) for raw in faulty.accepted)


def test_the_account_is_used_for_nothing_but_reading_and_claiming_in_its_folder_and_sending_as_itself(
    home: Path, dovecot: Dovecot, wire: Wire, faulty: FaultySmtp
) -> None:
    with running_node(home) as node:
        wait_for(lambda: node.store.cursor("support", "INBOX") is not None)
        dovecot.deliver("support", question("aino"))
        wait_for(lambda: len(faulty.accepted) == 1)
        wait_for(lambda: node.store.counts()[CaseState.REPLIED] == 1)
    said = re.findall(rb"^\S+ ([A-Za-z]+)(?: ([A-Za-z]+))?", wire.said.replace(b"DONE\r\n", b""), re.MULTILINE)
    verbs = {verb.decode().upper() for verb, _ in said}
    assert {"SELECT", "UID"} <= verbs <= NEEDED
    assert {second.decode().upper() for verb, second in said if verb.upper() == b"UID"} <= NEEDED_BY_UID
    assert b"\\Seen" not in wire.said
    assert b"\\Deleted" not in wire.said
    assert len(dovecot.messages("support")) == 1
    senders = [command for command in faulty.commands if command.startswith("MAIL")]
    assert senders
    assert all(command.startswith("MAIL FROM:<support@pumps.example>") for command in senders)


def test_after_a_changed_numbering_known_mail_is_not_answered_again_and_unknown_older_mail_waits_for_a_person(
    home: Path, dovecot: Dovecot, faulty: FaultySmtp
) -> None:
    dovecot.deliver("support", question("before-going-live"))
    yesterday = time.time() - 86_400
    for mail in dovecot.files("support"):
        os.utime(mail, (yesterday, yesterday))  # a maildir keeps there when the mail arrived
    with running_node(home) as node:
        wait_for(lambda: node.store.cursor("support", "INBOX") is not None)
        dovecot.deliver("support", question("aino"))
        wait_for(lambda: node.store.counts()[CaseState.REPLIED] == 1)
    dovecot.deliver("support", question("while-we-were-down"))
    dovecot.renumber("support")
    with running_node(home) as node:
        wait_for(lambda: node.store.counts()[CaseState.REVIEW] == 1)
        dovecot.deliver("support", question("new"))
        wait_for(lambda: node.store.counts()[CaseState.REPLIED] == 2)
        senders = {row.sender: row.state for row in node.store.rows()}
    assert answered(faulty) == ["<aino@example.fi>", "<new@example.fi>"]
    assert "before-going-live@example.fi" not in senders  # it is not ours to take, whatever the numbering
    assert senders["while-we-were-down@example.fi"] is CaseState.REVIEW


def test_what_another_mail_program_reads_and_repeats_is_answered_once(home: Path, dovecot: Dovecot, faulty: FaultySmtp) -> None:
    with running_node(home) as node:
        wait_for(lambda: node.store.cursor("support", "INBOX") is not None)
    dovecot.deliver("support", question("aino"))
    dovecot.deliver("support", question("aino"))
    dovecot.deliver("support", question("ben").replace(b"Message-ID: <ben@example.fi>\r\n", b""))
    with dovecot.client("support") as client:
        client.store("1:*", "+FLAGS", "\\Seen")
    with running_node(home) as node:
        wait_for(lambda: len(node.store.rows()) == 3)
        wait_for(lambda: node.store.counts()[CaseState.REPLIED] == 2)
        assert node.store.counts()[CaseState.CLOSED] == 1
    assert len(faulty.accepted) == 2
