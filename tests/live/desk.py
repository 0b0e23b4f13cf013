"""A whole desk for browsers: a daemon in a home of its own, its mailbox on a real Dovecot, its mail server a real Exim."""

import email.message
import email.policy
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from appliance.evals.bench.process import TANDEM_RUN, Daemon, free_port, running
from appliance.node.commands import Commands
from appliance.node.control import ControlClient
from appliance.records.case import CaseRow, CaseState
from appliance.records.person import Actor, Role
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.exim import Exim
from tests.live.test_people import told
from tests.support.home import wait_for
from tests.support.mailbox_home import make_mailbox_home

OWNER = Actor(name="cli", role=Role.ADMIN)
PASSWORD = "seventeen blue pumps"
SIGNATURE = "Maria Kallio\nThe tall one"
UNDER_WAY = (CaseState.ARRIVED, CaseState.WAITING, CaseState.CLAIMED, CaseState.REPLYING)
MACROS = """
version = 1
[[macro]]
id = "thanks"
title.en = "Thanks"
text.en = "Hello {customer_name}, thank you for writing to {company}."
"""
_NUMBERS = itertools.count(1)


@dataclass
class Desk:
    """The running desk and the world around it. ``mailbox`` is the user on the Dovecot."""

    daemon: Daemon
    dovecot: Dovecot
    exim: Exim
    mailbox: str
    commands: ControlClient = field(init=False)

    def __post_init__(self) -> None:
        self.commands = ControlClient(self.daemon.home, Commands)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.daemon.port}"

    @property
    def chat_address(self) -> str:
        return f"http://127.0.0.1:{self.daemon.chat_port}/chat"

    def restart(self, meanwhile: Callable[[], None]) -> None:
        """The daemon dies and comes again on its ports."""
        self.daemon.kill()
        meanwhile()
        self.daemon = Daemon(self.daemon.home, self.daemon.port, TANDEM_RUN, self.daemon.chat_port)
        self.daemon.seconds_until("/readyz")

    def writes(self, customer: str, text: str, subject: str = "Question") -> None:
        """A customer's mail lies in the mailbox."""
        mail = email.message.EmailMessage()
        mail["From"] = f"{customer.capitalize()} <{customer}@example.com>"
        mail["To"] = "support@pumps.example"
        mail["Subject"] = subject
        mail["Message-ID"] = f"<{customer}@example.com>"
        mail.set_content(text)
        self.dovecot.append(self.mailbox, mail.as_bytes())

    def row(self, customer: str) -> CaseRow | None:
        """The case of this customer, once there is one."""
        rows: Sequence[CaseRow] = self.commands.rows(limit=200)
        return next((row for row in rows if row.sender == f"{customer}@example.com"), None)

    def came_to(self, customer: str, *states: CaseState) -> CaseRow:
        """Wait until the case of this customer is in one of these states."""
        wait_for(lambda: (row := self.row(customer)) is not None and row.state in states, 30.0)
        row = self.row(customer)
        assert row is not None
        return row

    def held(self, *customers: str) -> list[CaseRow]:
        """The cases of these customers, once all of them wait for a person."""
        return [self.came_to(customer, CaseState.REVIEW) for customer in customers]

    def received(self, customer: str) -> list[email.message.EmailMessage]:
        """What has been delivered to this customer."""
        parse = email.message_from_bytes
        return [parse(raw, policy=email.policy.default) for raw in self.exim.received(customer)]  # type: ignore[misc]

    def got(self, customer: str, count: int = 1) -> list[email.message.EmailMessage]:
        """The same, once there are so many."""
        wait_for(lambda: len(self.received(customer)) >= count, 30.0)
        return self.received(customer)

    def quiet(self) -> None:
        """Wait until nothing is under way: whatever was to leave has left, but for what a lever holds back."""
        wait_for(lambda: not any(self.commands.counts().get(state, 0) for state in UNDER_WAY), 30.0)

    def enter(self, window: BrowserContext, name: str = "Maria", then: str = "/review") -> Page:
        """A page that has signed in by name and password."""
        page = window.new_page()
        page.goto(f"{self.address}/sign-in?next={then}")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.locator("#main")).to_be_visible()
        return page


@contextmanager
def desk_of(home: Path, dovecot: Dovecot, exim: Exim, *, undo_seconds: int = 10, people: Sequence[tuple[str, str]] = ()) -> Iterator[Desk]:
    """A desk with automation off, so that every mail waits for a person. Maria is its first person, an admin."""
    mailbox = f"desk{next(_NUMBERS)}"
    dovecot.add_user(mailbox)
    make_mailbox_home(home, dovecot.imap_port, exim.port, user=mailbox, drafts=False, undo_seconds=undo_seconds)
    (home / "macros.toml").write_text(MACROS, encoding="utf-8")
    for name, role in (("Maria", "admin"), *people):
        told(home, "people", "add", name, "--role", role, "--password-file", "-", typed=PASSWORD)
    with running(home, chat_port=free_port()) as daemon:
        daemon.seconds_until("/readyz")
        desk = Desk(daemon, dovecot, exim, mailbox)
        try:
            yield desk
        finally:
            desk.daemon.stop()
