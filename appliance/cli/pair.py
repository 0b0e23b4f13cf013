"""``tandem pair``: make two machines one appliance, see how they stand, and move the lead."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from appliance.cli.common import OWNER, ago, bad, good, home_of, json_option, must_be_there, print_json, print_table, reach, running
from appliance.cli.soak import command as soak
from appliance.ground.clock import Clock, SystemClock
from appliance.ground.errors import Refused, TandemError

LOOK_SECONDS = 0.5
GRACE_SECONDS = 60.0
"""While a joining node puts another database in its place it may not answer; for longer it is a fault."""
JOIN_SECONDS = 3_600.0
LEAD_SECONDS = 60.0
DRILL_SECONDS = 600.0
SURE = "Is the other machine switched off, and have you seen it yourself? Then type off"
DRILLS = ("handover", "kill", "pause", "cut")
GRAVE = ("lease_ended", "peer_never_seen", "waits_for_person", "not_in_sync", "peer_and_witness_lost", "clock_went_back", "rules_differ")

Pair = dict[str, Any]
clock: Clock = SystemClock()
secret_option = click.option(
    "--secret-file", type=click.Path(), help="Instead of a code: a long random text in this file, the same on both machines."
)


@click.group("pair")
def command() -> None:
    """Two machines as one appliance: pair them, see how they stand, move the lead."""


@command.command("start")
@secret_option
@json_option
@click.pass_context
def start(context: click.Context, secret_file: str | None, as_json: bool) -> None:
    """Show a code for the other machine, and wait until it has joined. Exit code 1 when nobody came in time."""
    with running(context) as commands:
        shown = commands.pair_start(OWNER, _whole(secret_file))
        _show_code(shown, as_json)
        seconds = float(shown["expires_seconds"])
        met = _wait(commands, _is_over, seconds + GRACE_SECONDS if seconds >= 0 else JOIN_SECONDS)
        if met is None or not met["paired"]:
            raise Refused("Nobody has joined: the code is good for nothing any more.", "Show a new one: tandem pair start")
        done = _until_in_step(commands, as_json)
    _tell(done, as_json, f"Paired with {done['peer']['node']}; both hold everything.")


@command.command("join")
@click.argument("code", required=False, default="")
@click.option("--address", default="", metavar="HOST:PORT", help="Where the other machine is, when it is not found by itself.")
@secret_option
@json_option
@click.pass_context
def join(context: click.Context, code: str, address: str, secret_file: str | None, as_json: bool) -> None:
    """Join the machine that shows CODE, and wait until both hold everything. This machine must be empty."""
    if bool(code) == bool(secret_file):
        raise click.UsageError("Give the code that the other machine shows, or --secret-file with it.")
    with running(context) as commands:
        commands.pair_join(OWNER, code, address, _whole(secret_file))
        done = _until_in_step(commands, as_json)
    _tell(done, as_json, f"Paired with {done['peer']['node']}; both hold everything.")


@command.command("cancel")
@json_option
@click.pass_context
def cancel(context: click.Context, as_json: bool) -> None:
    """The code that is shown is good for nothing any more."""
    with reach(context) as commands:
        commands.pair_cancel(OWNER)
    print_json({"cancelled": True}) if as_json else click.echo("The code is good for nothing any more.")


@command.command("witness-key")
@click.pass_context
def witness_key(context: click.Context) -> None:
    """The line by which a witness knows this pair: hand it to tandem witness add, and to nobody else."""
    with reach(context) as commands:
        click.echo(commands.witness_key(OWNER))


@command.command("status")
@json_option
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """Both machines, who leads and why, the witness, the last events."""
    with reach(context) as commands:
        pair = look(commands)
    if as_json:
        print_json(pair)
        return
    for line in lines(pair):
        click.echo(line)
    if pair["history"]:
        click.echo()
        now = clock.now()
        rows = [(f"{ago(now - row['at'])} ago", _event(row), row["node"], row["term"]) for row in pair["history"][:10]]
        print_table(("when", "what", "node", "term"), rows, "")


@command.command("handover")
@json_option
@click.pass_context
def handover(context: click.Context, as_json: bool) -> None:
    """Let the other machine lead. Nothing is lost and nothing is sent twice."""
    with reach(context) as commands:
        began = clock.elapsed()
        commands.pair_handover(OWNER)
        done = _wait(commands, lambda pair: pair["role"] != "leader" and pair["peer"]["role"] == "leader", LEAD_SECONDS)
        if done is None:
            raise Refused(f"The other machine does not lead after {LEAD_SECONDS:.0f} s.", "See why: tandem pair status")
    _tell(done, as_json, f"{done['peer']['node']} leads now, {clock.elapsed() - began:.1f} s later.")


@command.command("takeover")
@click.option("--other-is-off", is_flag=True, help="You have seen that the other machine is switched off.")
@json_option
@click.pass_context
def takeover(context: click.Context, other_is_off: bool, as_json: bool) -> None:
    """Lead on your word that the other machine is switched off. If it still runs, both could answer customers."""
    if not other_is_off and not as_json:
        other_is_off = click.prompt(SURE, default="", show_default=False) == "off"
    if not other_is_off:
        raise Refused("Nobody has said that the other machine is switched off.", "Go and look; then: tandem pair takeover --other-is-off")
    with reach(context) as commands:
        commands.pair_takeover(OWNER, True)
        done = _wait(commands, lambda pair: pair["role"] == "leader", LEAD_SECONDS)
        if done is None:
            raise Refused(f"This machine does not lead after {LEAD_SECONDS:.0f} s.", "See why: tandem pair status")
    _tell(done, as_json, f"{done['me']['node']} leads now, in term {done['term']}.")


@command.command("leave")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--twin", is_flag=True, help="This home cannot start in its pair: it was copied, or what it kept of the pair is damaged.")
@json_option
@click.pass_context
def leave(context: click.Context, yes: bool, twin: bool, as_json: bool) -> None:
    """End the pair for this machine. Afterwards only one of the two may read the mailbox."""
    if not yes and not as_json:
        click.confirm("Each machine works alone afterwards. End the pair?", abort=True)
    elif not yes:
        raise Refused("A program says that it means it.", "tandem pair leave --yes --json")
    if twin:
        _leave_as_twin(context)
        print_json({"left": True}) if as_json else click.echo(
            "This home is in no pair any more. Start it only where no other Tandem reads the mailbox."
        )
        return
    with reach(context) as commands:
        commands.pair_leave(OWNER)
    print_json({"left": True}) if as_json else click.echo("The pair has ended. This machine works alone.")


def _leave_as_twin(context: click.Context) -> None:
    """Without a node, for none can be built of such a home; refused while one runs."""
    from appliance.node.commands import Commands
    from appliance.node.control import ControlClient
    from appliance.pair.meeting.membership import forget

    home = home_of(context)
    must_be_there(home)
    if ControlClient(home, Commands).answers():
        raise Refused("The appliance of this home runs, so it is no twin.", "End the pair with: tandem pair leave")
    forget(home)


@command.command("drill")
@click.argument("kind", type=click.Choice(DRILLS))
@click.option("--sandbox", is_flag=True, help="On a pair of its own on this machine; nothing real is touched.")
@json_option
@click.pass_context
def drill(context: click.Context, kind: str, sandbox: bool, as_json: bool) -> None:
    """Rehearse KIND on made-up messages and wait for the result. Exit code 1 when it failed.

    \b
    handover  the lead is handed over
    kill      the leader's process ends at once; its supervisor starts it again
    pause     the leader stands still for 8 s
    cut       the leader hears and is heard by nobody for 8 s
    """
    with reach(context) as commands:
        before = {_mark(row) for row in look(commands)["drills"]["last"]}
        commands.pair_drill(OWNER, kind, sandbox)
        done = _wait(commands, lambda pair: any(_mark(row) not in before for row in pair["drills"]["last"]), DRILL_SECONDS)
    if done is None:
        raise Refused(f"The drill has no result after {DRILL_SECONDS:.0f} s.", "See how the pair stands: tandem pair status")
    result = next(row for row in done["drills"]["last"] if _mark(row) not in before)
    if as_json:
        print_json(result)
    else:
        click.echo(_drilled(result))
    if not result["ok"]:
        context.exit(1)


@command.command("drills")
@click.option("--verify", is_flag=True, help="Exit code 1 when the signature of one does not hold.")
@json_option
@click.pass_context
def drills(context: click.Context, verify: bool, as_json: bool) -> None:
    """The newest drills, how they went, and whether their records are as they were signed."""
    with reach(context) as commands:
        told = look(commands)["drills"]
    if as_json:
        print_json(told)
    else:
        print_drills(told["last"])
        if told["overdue"]:
            click.echo(overdue(told))
    if verify and not all(row["signature"] for row in told["last"]):
        context.exit(1)


def print_drills(rows: list[Pair]) -> None:
    """How each went, and whether its signature holds."""
    now = clock.now()
    cells = [
        (
            f"{ago(now - row['at'])} ago",
            row["kind"] + (" in a sandbox" if row.get("sandbox") else ""),
            "passed" if row["ok"] else f"failed {row.get('reason', '')}".strip(),
            "" if row["seconds"] is None else f"{row['seconds']:.1f} s",
            f"{row['lost']}/{row['doubled']}/{row['held']}",
            "holds" if row["signature"] else "does not hold",
        )
        for row in rows
    ]
    print_table(("when", "drill", "result", "took", "lost/doubled/held", "signature"), cells, "There has been no drill yet.")


def overdue(told: Pair) -> str:
    """That the pair has not been rehearsed for too long."""
    return f"No drill of the pair was passed for more than {told['every_days']} days. → tandem pair drill handover"


def look(commands: Any) -> Pair:
    """The pair in plain values, whether a daemon answered or a node that was opened here."""
    told: Pair = msgspec.to_builtins(commands.pair())
    return told


def lines(pair: Pair) -> list[str]:
    """How the pair stands, in two lines, and a third when a drill is overdue; one for a machine that is in none."""
    if not pair["paired"]:
        return ["In no pair. tandem pair start shows a code for a second machine."]
    me, peer, witness = pair["me"], pair["peer"], pair["witness"]
    grave = pair["reason"] in GRAVE
    first = f"Pair: {me['node']} ({_role(pair['role'])}) and {peer['node']} ({_peer(peer)}). "
    lease = f"lease {pair['lease_seconds']:.1f} of {pair['lease_length']:.0f} s"
    second = f"      {_step_of(pair)}; witness {_witness(witness)}; {lease}; term {pair['term']}."
    drilled = pair.get("drills") or {}
    warning = [f"      {overdue(drilled)}"] if drilled.get("overdue") else []
    return [first + (bad(pair["sentence"]) if grave else pair["sentence"]), second, *warning]


def _role(role: str) -> str:
    return "leads" if role == "leader" else "stands by"


def _peer(peer: Pair) -> str:
    if peer["seen"]:
        return _role(peer["role"])
    return "never seen" if peer["seen_seconds"] is None else f"not seen for {ago(peer['seen_seconds'])}"


def _step_of(pair: Pair) -> str:
    peer, progress = pair["peer"], pair["progress"]
    if progress is not None:
        return f"{progress['step'].replace('_', ' ')} {progress['done']} of {progress['total']}"
    if not peer["seen"]:
        return "no line between them"
    return good("in step") if peer["in_sync"] else f"{peer['lag']} entries behind"


def _witness(witness: Pair) -> str:
    if witness["kind"] == "none":
        return "none"
    return f"{witness['kind']} {'answers' if witness['seen'] else 'does not answer'}"


def _event(row: Pair) -> str:
    said = str(row["kind"]).replace("_", " ")
    return said if row["seconds"] is None else f"{said} in {row['seconds']:.1f} s"


def _drilled(row: Pair) -> str:
    outcome = good("passed") if row["ok"] else bad("failed")
    seconds = "" if row["seconds"] is None else f" in {row['seconds']:.1f} s"
    return f"Drill {row['kind']}: {outcome}{seconds}; lost {row['lost']}, doubled {row['doubled']}, held {row['held']}."


def _mark(row: Pair) -> tuple[Any, Any]:
    return row["at"], row["kind"]


def _whole(file: str | None) -> str:
    """The path as the daemon finds it, which stands somewhere else."""
    return str(Path(file).absolute()) if file else ""


def _is_over(pair: Pair) -> bool:
    """Somebody has joined, or nobody can any more."""
    pairing = pair["pairing"]
    return bool(pair["paired"] or pairing is None or pairing["state"] in ("expired", "void"))


def _show_code(shown: Pair, as_json: bool) -> None:
    """At once: whoever reads our output waits for it, and the other machine for the code."""
    if as_json:
        print_json(shown)
    elif shown["code"]:
        click.echo(f"Code: {click.style(shown['code'], bold=True)}   (good for {shown['expires_seconds']:.0f} s)")
        click.echo(f"On the other machine: tandem pair join {str(shown['code']).replace(' ', '')}")
    else:
        click.echo("Waiting for the machine that has the same secret.")


def _until_in_step(commands: Any, as_json: bool) -> Pair:
    """Wait until both hold everything, with progress for a person. Raises ``Refused`` when the pair ends on the way."""
    told = ""

    def arrived(pair: Pair) -> bool:
        nonlocal told
        step = "" if pair["progress"] is None else _step_of(pair)
        if step and step != told and not as_json:
            click.echo(f"{step[:1].upper()}{step[1:]}", err=True)
        told = step
        return not pair["paired"] or (pair["mode"] == "pair" and bool(pair["peer"]["in_sync"]))

    _wait(commands, lambda pair: bool(pair["paired"]), GRACE_SECONDS)  # a node that has agreed is built anew before it says so
    done = _wait(commands, arrived, JOIN_SECONDS)
    if done is None or not done["paired"]:
        raise Refused("The machines do not hold the same yet, and nothing moves.", "See why: tandem pair status; then join again.")
    return done


def _wait(commands: Any, arrived: Callable[[Pair], bool], seconds: float) -> Pair | None:
    """Look until it has come true; None when it has not in time. A node that is silent for a moment is asked again."""
    until, nobody = clock.elapsed() + seconds, threading.Event()
    silent_since: float | None = None
    while True:
        pair: Pair | None = None
        try:
            pair = look(commands)
            silent_since = None
        except (OSError, TandemError):
            silent_since = clock.elapsed() if silent_since is None else silent_since
            if clock.elapsed() - silent_since > GRACE_SECONDS:
                raise
        if pair is not None and arrived(pair):
            return pair
        if clock.elapsed() >= until:
            return None
        clock.wait(nobody, LOOK_SECONDS)


def _tell(pair: Pair, as_json: bool, sentence: str) -> None:
    print_json(pair) if as_json else click.echo(sentence)


command.add_command(soak)
