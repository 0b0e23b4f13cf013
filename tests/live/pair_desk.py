"""A whole desk on two real nodes: their panels, their chats, and the mail that both see."""

import contextlib
import ctypes
import email
import email.message
import email.policy
import http.client
import itertools
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import BrowserContext, Page, expect

from appliance.node.sandbox import OWNER, Process, SandboxPair
from appliance.records.case import CaseRow, CaseState
from appliance.settings.read import load
from tests.support.home import KNOWLEDGE, POLICY, wait_for

PASSWORD = "seventeen blue pumps"
UNDER_WAY = (CaseState.ARRIVED, CaseState.WAITING, CaseState.CLAIMED, CaseState.REPLYING)
SETTINGS = """
[company]
name = "Test Pumps"
signature = "Test Pumps, customer service"
[[mailbox]]
id = "support"
sender = "support@pumps.example"
[mailbox.folder]
inbox = "inbox"
outbox = "outbox"
archive = "archive"
[mailbox.smtp]
password_file = "secrets/mailbox"
[[knowledge.source]]
path = "en.md"
language = "en"
[chat]
origins = [{origins}]
sessions_per_hour = 1000
[policy]
safe_mode = false
automation_enabled = true
[review]
undo_seconds = 6
"""
MACROS = 'version = 1\n[[macro]]\nid = "thanks"\ntitle.en = "{title}"\ntext.en = "Hello {{customer_name}}, thank you for writing."\n'
ANY_TOUCH = 0x001 | 0x002 | 0x020 | 0x040 | 0x200  # IN_ACCESS, IN_MODIFY, IN_OPEN, IN_MOVED_FROM, IN_DELETE
_NUMBERS = itertools.count(1)


@dataclass
class Answer:
    """What came back, and how long it took, in seconds."""

    status: int
    text: str
    headers: Mapping[str, str]
    seconds: float

    @property
    def told(self) -> Any:
        return json.loads(self.text)


@dataclass
class Visitor:
    """A browser without a screen: it keeps its cookie, and knows the token that forms carry."""

    address: str
    cookie: str = ""
    key: str = ""
    csrf: str = ""

    def call(self, method: str, path: str, fields: Mapping[str, str] | None = None, told: Any = None, seconds: float = 30.0) -> Answer:
        line = http.client.HTTPConnection(self.address.removeprefix("http://"), timeout=seconds)
        headers = {"Accept": "application/json" if self.key or told is not None else "text/html", "Accept-Language": "en"}
        headers |= {"Cookie": self.cookie} if self.cookie else {}
        headers |= {"X-API-Key": self.key} if self.key else {}
        body = ""
        if told is not None:
            headers["Content-Type"], body = "application/json", json.dumps(told)
        elif fields is not None:
            headers["Content-Type"], body = "application/x-www-form-urlencoded", urlencode({"csrf": self.csrf, **fields})
        began = time.monotonic()
        try:
            line.request(method, path, body.encode(), headers)
            answer = line.getresponse()
            text = answer.read().decode()
        finally:
            line.close()
        took = time.monotonic() - began
        given = re.search(r"(tandem-\d+)=([^;,]*)", answer.getheader("set-cookie") or "")
        if given:
            self.cookie = f"{given[1]}={given[2]}" if given[2] else ""
        token = re.search(r'name="csrf" value="([0-9a-f]+)"', text)
        self.csrf = token[1] if token else self.csrf
        return Answer(answer.status, text, dict(answer.getheaders()), took)

    def get(self, path: str, seconds: float = 30.0) -> Answer:
        return self.call("GET", path, seconds=seconds)

    def post(self, path: str, **fields: str) -> Answer:
        return self.call("POST", path, fields)

    @property
    def is_in(self) -> bool:
        return self.get("/me").status == 200


@dataclass
class PairDesk:
    """The two, by what each of them does at this moment."""

    pair: SandboxPair
    origin: str = ""
    _killed: set[str] = field(default_factory=set)

    @property
    def witness(self) -> Process:
        return self.pair.processes[-1]

    def leader(self) -> str:
        """The node that leads, once one does."""
        wait_for(lambda: self.pair.leader() != "", 30.0)
        return self.pair.leader()

    def standby(self) -> str:
        return "b" if self.leader() == "a" else "a"

    def roles(self) -> tuple[str, str]:
        leader = self.leader()
        return leader, "b" if leader == "a" else "a"

    def home(self, name: str) -> Path:
        return self.pair.base / name

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.pair.panel_ports['ab'.index(name)]}"

    def chat(self, name: str) -> str:
        return f"http://127.0.0.1:{load(home=self.home(name), environment={}).panel.chat_port}"

    def told(self, name: str) -> dict[str, Any]:
        return self.pair.told(name)

    def commands(self, name: str) -> Any:
        return self.pair.commands(name)

    # People

    def by_token(self, name: str) -> Visitor:
        """The machine's owner before this node's panel."""
        visitor = Visitor(self.address(name))
        answer = visitor.get(f"/sign-in?token={self.commands(name).new_token()}&next=/me")
        assert answer.status == 303, answer.text
        visitor.get("/me")
        return visitor

    def by_name(self, name: str, person: str = "Maria", password: str = PASSWORD) -> tuple[Visitor, Answer]:
        visitor = Visitor(self.address(name))
        answer = visitor.post("/sign-in", name=person, password=password, next="/me")
        if answer.status == 303:
            visitor.get("/me")
        return visitor, answer

    def enter(self, window: BrowserContext, name: str, person: str = "Maria", then: str = "/review") -> Page:
        """A page of this node's panel that has signed in by name and password."""
        page = window.new_page()
        page.goto(f"{self.address(name)}/sign-in?next={then}")
        page.get_by_label("Name").fill(person)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.locator("#main")).to_be_visible()
        return page

    def enter_by_token(self, window: BrowserContext, name: str, then: str = "/") -> Page:
        page = window.new_page()
        page.goto(f"{self.address(name)}/sign-in?token={self.commands(name).new_token()}&next={then}")
        return page

    # Mail

    def writes(self, customer: str, text: str) -> None:
        """A customer's mail lies in the folder that both nodes can see."""
        mail = email.message.EmailMessage()
        mail["From"], mail["To"] = f"{customer.capitalize()} <{customer}@example.com>", "support@pumps.example"
        mail["Subject"], mail["Message-ID"] = f"Question of {customer}", f"<{customer}@example.com>"
        mail.set_content(text)
        inbox = self.pair.inbox
        partial = inbox / f".{customer}.part"
        partial.write_bytes(mail.as_bytes())
        partial.rename(inbox / f"{next(_NUMBERS):04}-{customer}.eml")

    def row(self, customer: str, name: str = "") -> CaseRow | None:
        rows = self.commands(name or self.leader()).rows(limit=500)
        return next((row for row in rows if row.sender == f"{customer}@example.com"), None)

    def case_of(self, customer: str) -> str:
        """The id of this customer's case, which must be there."""
        leader = self.leader()
        found = self.row(customer, leader)
        assert found is not None, (leader, [(row.id, row.sender, row.state) for row in self.commands(leader).rows(limit=500)])
        return found.id

    def came_to(self, customer: str, *states: CaseState, seconds: float = 30.0) -> CaseRow:
        """The case of this customer, once it is in one of these states."""
        wait_for(lambda: (row := self.row(customer)) is not None and row.state in states, seconds)
        row = self.row(customer)
        assert row is not None
        return row

    def received(self, customer: str) -> list[email.message.EmailMessage]:
        """The replies that left for this customer."""
        return [mail for _, mail in self.sent(f"{customer}@example.com")]

    def sent(self, to: str = "") -> list[tuple[Path, email.message.EmailMessage]]:
        parse: Any = email.message_from_bytes
        found = [(path, parse(path.read_bytes(), policy=email.policy.default)) for path in sorted(self.pair.outbox.glob("*.eml"))]
        return [(path, mail) for path, mail in found if to in str(mail["To"])]

    def got(self, customer: str, seconds: float = 30.0) -> email.message.EmailMessage:
        """The one reply of this customer, once it is there."""
        wait_for(lambda: bool(self.received(customer)), seconds)
        (mail,) = self.received(customer)
        return mail

    # Whole nodes

    def kill(self, name: str) -> None:
        self.pair.nodes[name].kill()

    def start(self, name: str) -> None:
        self.pair.nodes[name].start()
        wait_for(lambda: self.pair.commands(name).answers(), 30.0)

    def whole(self) -> None:
        """Everything runs, both hold everything and the witness knows."""
        for process in self.pair.processes:
            if not process.runs:
                process.start()

        def whole() -> bool:
            told = [self.told(name) for name in self.pair.nodes]
            return (
                {one["role"] for one in told} == {"leader", "standby"}
                and all(one["mode"] == "pair" and one["peer"]["in_sync"] for one in told)
                and any(one["witness"]["in_sync"] for one in told)
                and all(one["peer"]["panel"] for one in told)
            )

        self.pair.until(whole, "the two did not become whole again")

    def logged(self, name: str, event: str, since: float = 0.0) -> list[dict[str, Any]]:
        """The lines of this event in the log of a node, from this time on (Unix seconds)."""
        path = self.home(name) / "logs" / "tandem.log"
        lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if f'"{event}"' in line)
        return [line for line in lines if line.get("event") == event and at_of(line) >= since]


def at_of(line: Mapping[str, Any]) -> float:
    """When a line was logged, in Unix seconds."""
    from datetime import datetime

    return datetime.fromisoformat(str(line["time"])).timestamp()


def took(what: Callable[[], object], seconds: float = 30.0) -> float:
    """How long until it is true, in seconds."""
    began = time.monotonic()
    wait_for(lambda: bool(what()), seconds)
    return time.monotonic() - began


def company(folder: Path, origins: tuple[str, ...] = ()) -> Path:
    """A small company, laid out as the sample one is."""
    (folder / "mails").mkdir(parents=True)
    said = ", ".join(f'"{origin}"' for origin in origins)
    (folder / "tandem.toml").write_text(SETTINGS.format(origins=said), encoding="utf-8")
    (folder / "policy.toml").write_text(POLICY, encoding="utf-8")
    (folder / "macros.toml").write_text(MACROS.format(title="Thanks"), encoding="utf-8")
    return folder


@contextmanager
def pair_desk(base: Path, origins: tuple[str, ...] = ()) -> Iterator[PairDesk]:
    """Two nodes and a witness that are a pair; Maria is an admin, Vera looks on. They were made on the leader."""
    home = base / "a"
    (home / "secrets").mkdir(mode=0o700, parents=True)
    (home / "en.md").write_text(KNOWLEDGE, encoding="utf-8")
    write_secret(home, "the first secret")
    pair = SandboxPair(base, company(base / "company", origins), 0)
    pair.inbox.mkdir(parents=True)
    try:
        pair.start(lambda _: None)
        desk = PairDesk(pair)
        for name, role in (("Maria", 4), ("Vera", 1)):
            desk.commands(desk.leader()).add_person(OWNER, name, role, PASSWORD)
        yield desk
    finally:
        pair.stop()


@contextmanager
def untouched(folder: Path) -> Iterator[None]:
    """Nobody opens the folder, lists it or takes anything from it meanwhile (inotify(7))."""
    c = ctypes.CDLL(None, use_errno=True)
    watching = c.inotify_init1(os.O_NONBLOCK)
    try:
        assert c.inotify_add_watch(watching, os.fsencode(folder), ANY_TOUCH) >= 0, os.strerror(ctypes.get_errno())
        yield
        with contextlib.suppress(BlockingIOError):
            assert os.read(watching, 65_536) == b"", f"somebody touched {folder}"
    finally:
        os.close(watching)


def write_secret(home: Path, secret: str) -> None:
    """The mailbox's password as a person writes it anew: a file of its own, put in the old one's place."""
    path = home / "secrets" / "mailbox"
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(f"{secret}\n")
    fresh.rename(path)
