"""``tandem pair soak``: a pair of its own on this machine, thousands of mails, and a seeded hand that breaks what it can."""

import shutil
import signal
import tempfile
import threading
from pathlib import Path
from typing import Any

import click
import msgspec

from appliance.cli.common import bad, good, json_option, print_json
from appliance.ground.errors import TandemError

WORDS = {
    "send": "replied",
    "review": "held for a person",
    "route": "routed to a team",
    "close": "closed",
    "dead": "dead letters",
}


@click.command("soak")
@click.option("--minutes", default=5.0, show_default=True, type=click.FloatRange(0.5, 24 * 60), help="How long faults happen.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="The same seed, the same faults at the same times.")
@click.option("--rate", default=4.0, show_default=True, type=click.FloatRange(0.1, 100), help="Mails in a second.")
@click.option("--keep", type=click.Path(file_okay=False), help="Put everything into this folder, which must be empty, and leave it there.")
@json_option
@click.pass_context
def command(context: click.Context, minutes: float, seed: int, rate: float, keep: str | None, as_json: bool) -> None:
    """Break a made-up pair on this machine again and again while it answers mail, and check every promise at the end.

    Exit code 1 when one was broken; everything that was written is kept then. No real mail and no real node is touched.
    """
    from appliance.node.soak import Soak

    base = _folder(keep)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    keeps = keep is not None
    try:
        outcome = Soak(base, minutes * 60, seed, rate, lambda text: click.echo(text, err=as_json), stop).run()
        keeps = keeps or not outcome.ok
    except TandemError:
        keeps = keeps or not stop.is_set()
        raise
    finally:
        if not keeps:
            shutil.rmtree(base, ignore_errors=True)
        else:
            click.echo(f"Everything is in {base}", err=as_json)
    print_json({**msgspec.to_builtins(outcome), "ok": outcome.ok}) if as_json else click.echo(told(outcome))
    if not outcome.ok:
        context.exit(1)


def _folder(keep: str | None) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="tandem-soak-"))
    base = Path(keep).absolute()
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(base.iterdir()):
        raise TandemError(f"{base} is not empty.", "Name a new folder.")
    return base


def told(outcome: Any) -> str:
    """The outcome as a person reads it."""
    lines = [
        "",
        f"{outcome.mails} mails and {sum(outcome.faults.values())} faults in {outcome.seconds / 60:.1f} min; seed {outcome.seed}",
        "",
        *(_row(number, kind.replace("_", " ")) for kind, number in outcome.faults.items()),
        "",
        *(_row(number, WORDS.get(name, name)) for name, number in outcome.outcomes.items()),
        *(_row(number, f"because of {reason}") for reason, number in outcome.held_because.items()),
        _row(outcome.replies, "replies left"),
        _row(outcome.uncertain, "sends of unknown outcome, held for a person"),
        "",
        _row(outcome.entries, f"entries in each journal, of {outcome.terms} terms"),
        _row(outcome.set_aside, "entries of one node alone that lost, and were put aside"),
        _row(
            int(outcome.gaps["times"]),
            f"times nobody might send: half of them up to {outcome.gaps['p50']} s, at most {outcome.gaps['max']} s",
        ),
        _row(outcome.looks, "looks at both, for two that might send at once"),
        _row(len(outcome.ended_by_themselves), f"times a process ended by itself {', '.join(outcome.ended_by_themselves)}".rstrip()),
        *(_row(number, f"not done, {why}") for why, number in outcome.commands_refused.items()),
        "",
    ]
    for promise in outcome.promises:
        lines.append(f"  {bad('broken') if promise.broken else good('kept  ')}  {promise.name}")
        lines += [f"          {each}" for each in promise.broken[:20]]
        if len(promise.broken) > 20:
            lines.append(f"          and {len(promise.broken) - 20} more")
    return "\n".join(lines)


def _row(number: int, what: str) -> str:
    return f"  {number:>6}  {what}"
