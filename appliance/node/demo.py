"""The demonstration: a sample company in a home of its own, and what became of its mails.

Nothing here is a short cut: the mails lie in a folder, as a user's may; they go through the same intake, desk, outbox and journal.
"""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from appliance.ground.assets import asset
from appliance.ground.errors import SettingsError, TandemError
from appliance.node.node import Node
from appliance.records.case import CaseState

UNDER_WAY = (CaseState.ARRIVED, CaseState.LISTENING, CaseState.WAITING, CaseState.CLAIMED, CaseState.REPLYING)
OUTCOME_OF: dict[CaseState, str] = {
    CaseState.REPLIED: "send",
    CaseState.REVIEW: "review",
    CaseState.UNCERTAIN: "review",
    CaseState.ROUTED: "route",
    CaseState.CLOSED: "close",
    CaseState.DEAD: "dead",
}
SETTLE_SECONDS = 300.0


def prepare(home: Path, company: Path | None) -> list[Path]:
    """Copy the company (the sample one by default) into ``home``; its mails are left out and returned, in order."""
    source = company or asset("demo")
    if not (source / "tandem.toml").is_file():
        raise SettingsError(f"{source} holds no company: there is no tandem.toml.", "Name a folder laid out like packaging/demo.")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copy(source / "tandem.toml", home / "tandem.toml")
    for name in ("policy.toml", "knowledge", "accounts.xlsx", "macros.toml", "playbook.toml", "brief.toml", "prices.csv", "contacts.csv"):
        if (source / name).is_dir():
            shutil.copytree(source / name, home / name, dirs_exist_ok=True)
        elif (source / name).is_file():
            shutil.copy(source / name, home / name)
    return sorted((source / "mails").glob("*.eml"))


def let_in(mail: Path, inbox: Path) -> None:
    """Put one mail into the folder that the appliance watches, in one step."""
    inbox.mkdir(parents=True, exist_ok=True)
    partial = inbox / f".{mail.name}.part"
    shutil.copy(mail, partial)
    partial.rename(inbox / mail.name)


def busy(node: Node, expected: int) -> int:
    """How many of the expected mails are not yet where they end or wait for a person."""
    counts = node.store.counts()
    return expected - sum(counts.get(state, 0) for state in OUTCOME_OF)


def wait_until_settled(node: Node, expected: int, tick: Any = None) -> None:
    """Wait until every mail has come to its end or to a person; raises when it takes over five minutes."""
    ends = node.clock.elapsed() + SETTLE_SECONDS
    while (left := busy(node, expected)) > 0:
        if tick is not None:
            tick(expected - left)
        if node.broken is not None:
            raise node.broken
        if node.clock.elapsed() > ends:
            raise TandemError(f"{left} of {expected} mails were not settled within five minutes.", "See the log in the demo's home.")
        node.clock.wait(node.ended, 0.05)


def summary(node: Node, mails: int, seconds: float) -> dict[str, Any]:
    """What became of the mails, whether the chain holds, and how long it took."""
    rows = node.store.rows(None, limit=10_000)
    verification = node.store.verify()
    return {
        "mails": mails,
        "outcomes": dict(Counter(OUTCOME_OF.get(row.state, str(row.state)) for row in rows)),
        "reasons": dict(Counter(row.reason for row in rows).most_common()),
        "languages": dict(Counter(row.language for row in rows)),
        "chain": "verified" if verification.ok else "broken",
        "entries": verification.entries,
        "seconds": round(seconds, 2),
    }
