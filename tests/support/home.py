"""A small company in a home of its own, for tests that run a whole node."""

import email.message
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.node.build import build
from appliance.node.node import Node
from appliance.records.case import CaseRow, CaseState
from appliance.settings.read import load

KNOWLEDGE = """| Key | Value | Aliases |
|---|---|---|
| Opening hours | Our opening hours are Monday to Friday 9-17. | open |
| Return period | You have 14 days to return a pump. | return |
| Delivery time | The delivery time is 3 working days. | delivery |
"""
KNOWLEDGE_FI = """| Avain | Arvo |
|---|---|
| Toimitusaika | Toimitusaika on 3 arkipäivää. |
"""
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
authserv_id = "mx.pumps.example"
{smtp}
[[knowledge.source]]
path = "en.md"
language = "en"
[[knowledge.source]]
path = "fi.md"
language = "fi"
[policy]
safe_mode = false
automation_enabled = true
[review]
undo_seconds = 0
"""
POLICY = 'version = 1\n[teams.orders]\nname = { en = "Orders" }\naddress = "orders@pumps.example"\n'


def make_home(home: Path, smtp: str = "") -> Path:
    """The company's files."""
    home.mkdir(mode=0o700, exist_ok=True)
    (home / "inbox").mkdir(exist_ok=True)
    (home / "tandem.toml").write_text(SETTINGS.format(smtp=smtp), encoding="utf-8")
    (home / "policy.toml").write_text(POLICY, encoding="utf-8")
    (home / "en.md").write_text(KNOWLEDGE, encoding="utf-8")
    (home / "fi.md").write_text(KNOWLEDGE_FI, encoding="utf-8")
    return home


def open_node(home: Path) -> Node:
    """The node of this home, not started."""
    return build(load(home=home, environment={}))


@contextmanager
def running_node(home: Path) -> Iterator[Node]:
    """The node of this home with its loops."""
    node = open_node(home)
    try:
        node.start()
        yield node
    finally:
        node.close()


def write_mail(folder: Path, text: str, *, sender: str = "aino@example.fi", subject: str = "Question", **headers: str) -> Path:
    """A mail file; further headers by name, with ``_`` for ``-``."""
    mail = email.message.EmailMessage()
    mail["From"] = sender
    mail["To"] = "support@pumps.example"
    mail["Subject"] = subject
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    if "Message-ID" not in mail:
        mail["Message-ID"] = f"<{abs(hash((text, sender, subject)))}@example.fi>"
    mail.set_content(text)
    path = folder / f"{len(list(folder.glob('*.eml'))):04}.eml"
    path.write_bytes(mail.as_bytes())
    return path


def take(node: Node, path: Path) -> CaseRow:
    """Take a mail in and return its case once the desk has settled it."""
    known = {row.id for row in node.store.rows(limit=1000)}
    node.take_files([str(path)], "support")
    wait_for(lambda: len(node.store.rows(limit=1000)) > len(known))
    (case,) = (row.id for row in node.store.rows(limit=1000) if row.id not in known)
    return settled(node, case)


def settled(node: Node, case: str) -> CaseRow:
    """The case once no loop of the node has anything to do with it any more."""
    under_way = (CaseState.ARRIVED, CaseState.LISTENING, CaseState.WAITING, CaseState.CLAIMED, CaseState.REPLYING)

    def done() -> bool:
        return next(row for row in node.store.rows(limit=1000) if row.id == case).state not in under_way

    wait_for(done)
    return next(row for row in node.store.rows(limit=1000) if row.id == case)


def wait_for(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Return as soon as it is true; fail when it has not become so in time."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"it did not come true within {seconds} s"
        time.sleep(0.01)


def sent(home: Path) -> list[email.message.Message]:
    """What lies in the outbox folder."""
    return [email.message_from_bytes(path.read_bytes()) for path in sorted((home / "outbox").glob("*.eml"))]
