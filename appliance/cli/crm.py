"""``tandem crm``: what the CRM is told, what waits, what failed; and a stub of a CRM to try the way out."""

import os
from pathlib import Path
from typing import Any

import click

from appliance.cli.common import OWNER, ago, bad, good, json_option, leash_option, on_a_leash, print_json, print_table, reach

STATES = ("queued", "sending", "synced", "dead", "withdrawn")
STUB_PORT = 8488


@click.group("crm")
def command() -> None:
    """The CRM that is told of cases: what waits, what failed, and a stub to try it with."""


@command.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 500), help="At most so many, the newest.")
@json_option
@click.pass_context
def list_(context: click.Context, state: str | None, limit: int, as_json: bool) -> None:
    """Pushes, the newest first, and how the queue stands."""
    with reach(context) as commands:
        rows, counts, status = commands.push_rows(OWNER, state or "", limit), commands.push_counts(), commands.push_status()
    if as_json:
        print_json({"status": status, "counts": counts, "pushes": rows})
        return
    print_table(("badge", "push", "case", "tries", "code", "why", "subject"), [_row(push) for push in rows], "Nothing was pushed.")
    click.echo(f"{counts.depth} wait, {counts.synced} synced, {counts.failed} failed.")
    if not status["enabled"]:
        click.echo("The CRM is off: set crm.enabled in tandem.toml.")
    elif status["held"]:
        click.echo("Nothing leaves: the lever outbound is closed.")


def _row(push: Any) -> tuple[str, ...]:
    why = " ".join(filter(None, (push.reason, push.crm_error)))
    tries, code = str(push.attempts), str(push.response_code or "-")
    return (str(push.badge or "-"), push.id, push.case, tries, code, why or "-", push.subject)


@command.command("push")
@click.argument("case")
@click.option("--demo", is_flag=True, help="Mark it as made up, for showing.")
@json_option
@click.pass_context
def push(context: click.Context, case: str, demo: bool, as_json: bool) -> None:
    """Tell the CRM of CASE as it stands now."""
    with reach(context) as commands:
        made = commands.push_call(OWNER, case, demo)
    print_json({"case": case, "push": made}) if as_json else click.echo(f"Kept for the CRM as {made}.")


@command.command("retry")
@click.argument("push", required=False)
@click.option("--all", "every", is_flag=True, help="Every push that was given up.")
@json_option
@click.pass_context
def retry(context: click.Context, push: str | None, every: bool, as_json: bool) -> None:
    """Try PUSH, or --all that failed, again now."""
    if bool(push) == every:
        raise click.UsageError("Name one push, or say --all.")
    with reach(context) as commands:
        number = commands.retry_pushes(OWNER) if every else _retried(commands, push or "")
    print_json({"retried": number}) if as_json else click.echo(f"Tried again: {number}.")


def _retried(commands: Any, push: str) -> int:
    commands.retry_push(OWNER, push)
    return 1


@command.command("scrub")
@click.option("--case", default="", help="Of this case only.")
@click.option("--index", is_flag=True, help="Remove the index of reference material too; it is made anew from its sources.")
@json_option
@click.pass_context
def scrub(context: click.Context, case: str, index: bool, as_json: bool) -> None:
    """Remove what the CRM was told from this appliance; codes and numbers stay. What waits is left."""
    with reach(context) as commands:
        number = commands.scrub_pushes(OWNER, case)
        files = commands.scrub_reference(OWNER) if index else 0
    print_json({"scrubbed": number, "index_files": files}) if as_json else click.echo(f"Scrubbed: {number}.")


@command.command("reset")
@click.option("--keep-demo", is_flag=True, help="Keep the rows of demonstrations, as if they had never been tried.")
@json_option
@click.pass_context
def reset(context: click.Context, keep_demo: bool, as_json: bool) -> None:
    """Remove the pushes of demonstrations. Real ones are left."""
    with reach(context) as commands:
        number = commands.reset_demo(OWNER, keep_demo)
    print_json({"reset": number, "kept": keep_demo}) if as_json else click.echo(f"Reset: {number}.")


@command.command("snapshot")
@click.argument("case")
@click.option("--output", type=click.Path(path_type=Path), help="A file for it, mode 0600; else it is printed.")
@click.pass_context
def snapshot(context: click.Context, case: str, output: Path | None) -> None:
    """The last document of CASE, the five before it and how the transcription did, as JSON. It holds the customer's words."""
    import json

    from appliance.ground.files import write_atomically

    with reach(context) as commands:
        told = commands.push_payloads(OWNER, case)
    if output is None:
        print_json(told)
        return
    write_atomically(output, (json.dumps(told, ensure_ascii=False, indent=2) + "\n").encode(), 0o600)
    click.echo(f"Written: {output}")


@command.command("report")
@json_option
@click.pass_context
def report(context: click.Context, as_json: bool) -> None:
    """The ops log as a report in Markdown, with what somebody should look at. Ends with 1 when there is something."""
    with reach(context) as commands:
        told = commands.push_report()
    print_json(told) if as_json else click.echo(told["markdown"], nl=False)
    context.exit(1 if told["warnings"] else 0)


@command.command("secret")
@click.argument("path", type=click.Path(path_type=Path))
def secret(path: Path) -> None:
    """Make a new secret to sign with, in a file of mode 0600 at PATH, which must not be there yet."""
    from appliance.channels.crm.signature import new_secret
    from appliance.ground.errors import Refused

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Refused(f"{path} is there already.", "Name another file; the old one goes under crm.old_secret_file.") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{new_secret()}\n")
    click.echo(good(f"Written: {path}"))
    click.echo("Name it under crm.secret_file, and give the same secret to the CRM.")


@command.command("stub")
@click.option("--port", default=STUB_PORT, show_default=True, type=click.IntRange(0, 65535), help="Where it listens; 0 takes any free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address that it listens on.")
@click.option("--fault", default="none", show_default=True, help="What goes wrong; --faults lists them.")
@click.option("--times", default=-1, help="The fault happens so many times, then all is well. Always, unless said.")
@click.option("--secret-file", type=click.Path(exists=True, path_type=Path), help="Check signatures with this secret.")
@click.option("--faults", is_flag=True, help="List the faults.")
@leash_option
def stub(port: int, host: str, fault: str, times: int, secret_file: Path | None, faults: bool, leash: bool) -> None:
    """Be a CRM that keeps nothing: it takes pushes, knows each by its id, and goes wrong as asked. Runs until it is stopped."""
    from appliance.channels.crm.stub import FAULTS

    if faults:
        print_table(("fault", "what it does"), list(FAULTS.items()), "")
        return
    if fault not in FAULTS:
        raise click.UsageError(f"There is no fault {fault}; there are {', '.join(FAULTS)}.")
    if leash:
        on_a_leash()
    _run_stub(host, port, fault, times, secret_file)


def _run_stub(host: str, port: int, fault: str, times: int, secret_file: Path | None) -> None:
    import signal
    import threading

    from appliance.channels.crm.signature import key_of
    from appliance.channels.crm.stub import CrmStub
    from appliance.ground.clock import SystemClock
    from appliance.settings.secret import read_secret

    stop, clock = threading.Event(), SystemClock()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    keys = [key_of(read_secret(secret_file))] if secret_file is not None else []
    standing = CrmStub(clock, keys, host, port)
    standing.fault, standing.faults_left = fault, times
    standing.start()
    click.echo(f"The stub listens: {standing.url}")
    if not keys:
        click.echo(bad("Signatures are not checked: name --secret-file to do so."))
    told: set[str] = set()
    while not clock.wait(stop, 0.2):
        for one in standing.taken():
            if one.id not in told:
                click.echo(f"{one.id}  {one.document.get('data', {}).get('case', '')}  {ago(clock.now() - one.at)} ago")
        told = {one.id for one in standing.taken()}
    standing.stop()
