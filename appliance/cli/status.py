"""``tandem status``: the node at a glance."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from appliance.cli import pair as pairing
from appliance.cli.common import ago, bad, good, json_option, load_settings, print_json, print_table, reach
from appliance.cli.switch import LEVERS
from appliance.ground.clock import SystemClock

DAY_SECONDS = 86_400.0
_WAITED_FOR = {"answer": "the desk", "review": "a person"}


@click.command("status")
@click.option("--errors", is_flag=True, help="The errors of the last 24 hours instead, by kind.")
@json_option
@click.pass_context
def command(context: click.Context, errors: bool, as_json: bool) -> None:
    """The node at a glance: role, queue, levers, health."""
    if errors:
        show_errors(load_settings(context).home / "logs" / "errors.log", as_json)
        return
    with reach(context) as commands:
        status = commands.status()
        health = commands.health()
        pair = pairing.look(commands) if status["paired"] and not as_json else None
    if as_json:
        print_json(status)
        return
    for line in lines(status, health, pair):
        click.echo(line)


def troubles(queue: dict[str, Any]) -> list[str]:
    """Who has waited longer than was promised, drafts that got lost on the way to our own mailbox, what gathers while paused."""
    told = [late(name, target) for name, target in queue["targets"].items() if target["late"]]
    if lost := queue["lost_drafts"]:
        which = "1 draft" if lost == 1 else f"{lost} drafts"
        told.append(bad(f"{which} did not reach the address in smtp.drafts_to") + " → tandem review list; check that address.")
    if left := queue["in_mailboxes"]:
        gathered = ", ".join(f"{number} in {mailbox}" for mailbox, number in left.items())
        told.append(f"Taking mail in is paused; unread meanwhile: {gathered}.")
    return told


def late(name: str, target: dict[str, Any]) -> str:
    """One broken promise: how many, for whom they wait, since when."""
    waits = "1 case has waited" if target["late"] == 1 else f"{target['late']} cases have waited"
    promised, oldest = f"{target['minutes']} min (targets.{name}_minutes)", ago(target["oldest_seconds"])
    return bad(f"{waits} for {_WAITED_FOR[name]} longer than {promised}, the oldest since {oldest}.")


def leaves(status: dict[str, Any]) -> str:
    """What may leave now, in a sentence."""
    switches = status["switches"]
    if not status["may_send"]:
        return bad("Nothing leaves now.")
    if switches["safe_mode"]:
        return "Nothing is answered by itself: safe mode is on, everything goes to a team."
    if not switches["automation_enabled"]:
        return "Nothing is answered by itself: automation is off. What a person approves leaves."
    return good("Answers leave by themselves.")


def show_errors(file: Path, as_json: bool) -> None:
    """What the error log holds of the last 24 hours, the most frequent first."""
    found = recent_errors(file, SystemClock().now() - DAY_SECONDS)
    if as_json:
        print_json([{"event": event, "count": count, "last": last} for event, (count, last) in found.items()])
        return
    rows = [(event, count, last) for event, (count, last) in found.items()]
    print_table(("error", "times", "last"), rows, "No errors in the last 24 hours.")


def recent_errors(file: Path, since: float) -> dict[str, tuple[int, str]]:
    """Event to how often it was logged since then and when last; lines that are none are passed over."""
    found: dict[str, tuple[int, str]] = {}
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if file.exists() else []:
        try:
            record = json.loads(line)
            event, at = str(record["event"]), str(record["time"])
            if datetime.fromisoformat(at).timestamp() >= since:
                found[event] = (found.get(event, (0, ""))[0] + 1, at)
        except (ValueError, KeyError, TypeError):
            continue
    return dict(sorted(found.items(), key=lambda pair: -pair[1][0]))


def lines(status: dict[str, Any], health: dict[str, Any], pair: dict[str, Any] | None = None) -> list[str]:
    """The status as a person reads it; the pair, if there is one, in two lines."""
    queue, switches = status["queue"], status["switches"]
    state = "runs" if status["running"] else "does not run (tandem run starts it)"
    told = [
        f"Node {status['node']} {state}; role {status['role']}, term {status['term']}, journal at {status['position']}.",
        *(pairing.lines(pair) if pair is not None else ()),
        f"{queue['waiting']} waiting, {queue['review']} for a person, {queue['dead']} dead letters"
        + (f"; the oldest since {ago(queue['oldest_seconds'])}." if queue["oldest_seconds"] else "."),
        "Levers: " + ", ".join(f"{lever} {'on' if switches[name] else 'off'}" for lever, name in LEVERS.items()) + ".",
        leaves(status),
        *troubles(queue),
    ]
    for row in health["dependencies"]:
        if not row["connected"]:
            told.append(bad(f"{row['name']}: {row['reason']}") + (f" → {row['remedy']}" if row["remedy"] else ""))
    return told
