"""Two real nodes with a model each: the one that leads hands writing to the other one's engine, and takes it back when that one dies."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.node.sandbox import SandboxPair
from appliance.records.case import CaseState
from tests.support.home import KNOWLEDGE, POLICY, wait_for

pytestmark = pytest.mark.timeout(180)

MODEL = Path(__file__).parents[1] / "data" / "models" / "writer"
SETTINGS = f"""
[company]
name = "Test Pumps"
[[mailbox]]
id = "support"
sender = "support@pumps.example"
[mailbox.folder]
inbox = "inbox"
outbox = "outbox"
archive = "archive"
[[knowledge.source]]
path = "en.md"
language = "en"
[policy]
safe_mode = false
automation_enabled = true
[writer]
kind = "quoting"
model = "{MODEL}"
fallback = []
[review]
undo_seconds = 0
"""
MAIL = "From: c{number}@customer.example\r\nTo: support@pumps.example\r\nMessage-ID: <e{number}@customer.example>\r\n\r\n{text}\r\n"
OPEN = (CaseState.ARRIVED, CaseState.WAITING, CaseState.CLAIMED)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[SandboxPair]:
    company = tmp_path / "company"
    company.mkdir()
    (company / "tandem.toml").write_text(SETTINGS, encoding="utf-8")
    (company / "policy.toml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "a").mkdir(mode=0o700)
    (tmp_path / "a" / "en.md").write_text(KNOWLEDGE, encoding="utf-8")
    made = SandboxPair(tmp_path, company, 0)
    made.inbox.mkdir(parents=True)
    try:
        made.start(lambda _: None)
        yield made
    finally:
        made.stop()


def write_mails(pair: SandboxPair, first: int, last: int) -> None:
    for number in range(first, last):
        text = "When are you open?" if number % 2 else "What is the delivery time?"
        (pair.inbox / f"{number}.eml").write_text(MAIL.format(number=number, text=text))


def decided(pair: SandboxPair, leader: str, number: int) -> bool:
    counts = pair.commands(leader).counts()
    return bool(sum(counts.values()) == number and not any(counts.get(str(state), 0) for state in OPEN))


def writer(pair: SandboxPair, node: str) -> dict[str, Any]:
    told: dict[str, Any] = pair.commands(node).engines()["writer"]
    return told


def test_both_nodes_engines_are_used_and_one_that_dies_is_done_without(pair: SandboxPair) -> None:
    leader = pair.leader()
    other = "b" if leader == "a" else "a"
    write_mails(pair, 0, 16)
    wait_for(lambda: decided(pair, leader, 16), seconds=60)
    assert writer(pair, leader)["lent"] > 0
    assert writer(pair, other)["process"]["asked"] > 0
    # Each decision names what took part in it, and the other node comes to the same one from what is recorded.
    wait_for(lambda: pair.told(leader)["peer"]["in_sync"])
    for row in pair.commands(leader).rows(limit=5):
        versions = pair.commands(leader).file(row.id).outcome.versions
        assert versions.writer.startswith("quoting ")
        assert versions.prompt.startswith("quoting@")
        assert versions.policy
        assert versions.knowledge
        assert versions.thresholds
        again = pair.commands(other).replay(row.id)
        assert again["same"]
        assert again["differs"] == {}
    # Its engine is killed: what was on it is done here, and its next request starts it anew.
    os.kill(writer(pair, other)["process"]["pid"], signal.SIGKILL)
    write_mails(pair, 16, 24)
    wait_for(lambda: decided(pair, leader, 24), seconds=60)
    # The whole node is gone, with whatever it was at.
    pair.processes[list(pair.nodes).index(other)].signal(signal.SIGKILL)
    write_mails(pair, 24, 32)
    wait_for(lambda: pair.leader() != "", seconds=30)
    wait_for(lambda: decided(pair, pair.leader(), 32), seconds=60)
    rows = pair.commands(pair.leader()).rows(limit=100)
    assert not [row for row in rows if row.reason in ("writer_failed", "writer_timeout", "gave_up")]
