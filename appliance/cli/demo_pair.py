"""``tandem demo --pair``: two nodes and a witness on this machine, with the sample company's mail.

Each of the three is a process of its own and is started again when it dies: so the button that kills the leader kills it, the other one
takes over, and the dead one comes back as the standby.
"""

import signal
import threading
import webbrowser
from collections import Counter
from pathlib import Path
from typing import Any

import click

from appliance.cli.common import good, print_json
from appliance.ground.errors import TandemError
from appliance.node.demo import OUTCOME_OF, let_in
from appliance.node.sandbox import SandboxPair

SETTLE_SECONDS = 240.0
AT_ONCE = 12
SECONDS_BETWEEN = 1.5


def show(base: Path, company: Path | None, port: int, browser: bool) -> None:
    """Serve both panels while the mails come in, until Ctrl-C."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    pair = SandboxPair(base, company, port)
    try:
        pair.start(click.echo)
        links = {name: pair.link(name) for name in pair.nodes}
        for name, link in links.items():
            click.echo(f"The panel of node {name} is at {click.style(link, bold=True)}")
        click.echo("(each link is good once, for two minutes; kill the leader on the page Pair, and watch; Ctrl-C ends the demo)")
        if browser:
            webbrowser.open(links["a"])
        mails, due = iter(pair.mails), 0.0
        for _ in range(AT_ONCE):
            if (mail := next(mails, None)) is not None:
                let_in(mail, pair.inbox)
        while not stop.wait(0.2):
            pair.look_after(click.echo)
            if pair.clock.elapsed() >= due and (mail := next(mails, None)) is not None:
                let_in(mail, pair.inbox)
                due = pair.clock.elapsed() + SECONDS_BETWEEN
    finally:
        pair.stop()
    click.echo("The demo has ended.")


def run_through(base: Path, company: Path | None, as_json: bool) -> None:
    """Pair, let the mails in, kill the leader half-way, wait until all is settled, and say what came of it."""

    def say(text: str) -> None:
        click.echo(text, err=as_json)

    pair = SandboxPair(base, company, 0)
    try:
        pair.start(say)
        half = len(pair.mails) // 2
        for mail in pair.mails[:half]:
            let_in(mail, pair.inbox)
        first = pair.leader()
        say(f"Node {first} leads. Half of the mails are in; now it is killed.")
        pair.nodes[first].kill()
        killed = pair.clock.elapsed()
        other = "b" if first == "a" else "a"
        for mail in pair.mails[half:]:
            let_in(mail, pair.inbox)
        pair.until(lambda: pair.leader() == other, "the other node did not take over")
        took_over = pair.clock.elapsed() - killed
        say(good(f"Node {other} leads, {took_over:.1f} s later."))
        pair.nodes[first].start()
        settled = _settled(pair, other)
        pair.until(lambda: pair.told(other)["peer"]["in_sync"], "the dead node did not come back")
        result = _summary(pair, other, took_over, settled)
    finally:
        pair.stop()
    print_json(result) if as_json else click.echo(_told(result))
    if result["doubled"] or result["lost"]:
        raise TandemError("A mail was lost or answered twice.", "This is a fault of the appliance; please report it.")


def _settled(pair: SandboxPair, name: str) -> dict[str, int]:
    def ended() -> bool:
        counts = pair.commands(name).counts()
        return bool(sum(counts.get(str(state), 0) for state in OUTCOME_OF) >= len(pair.mails))

    pair.until(ended, "not every mail was settled", SETTLE_SECONDS)
    return dict(pair.commands(name).counts())


def _summary(pair: SandboxPair, leader: str, took_over: float, counts: dict[str, int]) -> dict[str, Any]:
    outcomes: Counter[str] = Counter()
    for state, outcome in OUTCOME_OF.items():
        outcomes[outcome] += counts.get(str(state), 0)
    chains = {name: pair.commands(name).verify() for name in pair.nodes}
    replies = pair.replies()
    return {
        "mails": len(pair.mails),
        "outcomes": {name: number for name, number in outcomes.items() if number},
        "uncertain": counts.get("uncertain", 0),
        "replies": sum(replies.values()),
        "doubled": sum(number - 1 for number in replies.values()),
        "lost": max(0, len(pair.mails) - sum(outcomes.values())),
        "takeover_seconds": round(took_over, 2),
        "leader": leader,
        "chains": {name: "verified" if chain["ok"] else "broken" for name, chain in chains.items()},
        "entries": {name: chain["entries"] for name, chain in chains.items()},
    }


def _told(result: dict[str, Any]) -> str:
    lines = [
        f"{result['mails']} mails; the leader was killed half-way and the other node led {result['takeover_seconds']} s later.",
        f"  {result['replies']:>3}  replies left, {result['doubled']} of them twice; {result['lost']} mails were lost",
        f"  {result['uncertain']:>3}  sends of unknown outcome, held for a person",
    ]
    chains = ", ".join(f"{name} {state} ({result['entries'][name]} entries)" for name, state in result["chains"].items())
    return "\n".join([*lines, f"  Both journals: {chains}"])
