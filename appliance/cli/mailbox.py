"""``tandem mailbox``: the mailboxes, signing in to them at Microsoft or Google, and whether they work."""

import json
import threading
from typing import Any

import click
import msgspec

from appliance.cli.common import OWNER, bad, good, json_option, print_json, print_table, reach
from appliance.ground.clock import SystemClock
from appliance.ground.errors import Refused

LOOK_SECONDS = 1.0
_WORDS = {
    "not_needed": "by password",
    "none": "nobody has signed in",
    "waiting": "waits for the code",
    "signed_in": "signed in",
    "expired": "the code was not typed in time",
    "denied": "it was declined on the provider's page",
    "failed": "the provider refused it",
    "ended": "the provider has ended it",
}


@click.group("mailbox")
def command() -> None:
    """The mailboxes: list, sign in at Microsoft or Google, sign out, test."""


@command.command("list")
@json_option
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """The mailboxes of tandem.toml, and how each signs in."""
    with reach(context) as commands:
        boxes = commands.mailboxes(OWNER)
    if as_json:
        print_json(boxes)
        return
    rows = [(box["mailbox"], box["sender"], box["server"], box["auth"], _signs_in(box)) for box in boxes]
    print_table(("mailbox", "sender", "server", "auth", "sign-in"), rows, "No mailboxes. Add a [[mailbox]] to tandem.toml.")


def _signs_in(box: dict[str, Any]) -> str:
    return "not needed: a folder" if box["auth"] == "none" else _WORDS[box["sign_in"]]


@command.command("sign-in")
@click.argument("mailbox")
@json_option
@click.pass_context
def sign_in(context: click.Context, mailbox: str, as_json: bool) -> None:
    """Sign MAILBOX in at its provider: shows a code to type on the provider's page, and waits until that is done."""
    with reach(context) as commands:
        begun = commands.begin_sign_in(OWNER, mailbox)
        _show_code(begun, as_json)
        ended = _wait(commands, mailbox, as_json)
    if as_json:
        click.echo(json.dumps({"mailbox": mailbox, "state": str(ended.state), "code": ended.code}))
    if str(ended.state) != "signed_in":
        why = f" ({ended.code})" if ended.code else ""
        raise Refused(f"Mailbox {mailbox} is not signed in: {_WORDS[str(ended.state)]}{why}.", f"Run: tandem mailbox sign-in {mailbox}")
    if not as_json:
        click.echo(good(f"Mailbox {mailbox} is signed in."))


def _show_code(begun: Any, as_json: bool) -> None:
    """One line of JSON for programs; for a person the address and the code, each alone on its line."""
    if as_json:
        shown = {"user_code": begun.user_code, "verification_uri": begun.verification_uri, "expires_seconds": begun.expires_seconds}
        click.echo(json.dumps(shown))
        return
    click.echo("Open this page in any browser, sign in as the mailbox's user, and type the code:\n")
    click.secho(f"    {begun.verification_uri}", bold=True)
    click.secho(f"    {'  '.join(begun.user_code)}\n", bold=True)
    click.echo(f"    ({begun.user_code}; good for {begun.expires_seconds // 60} minutes)")


def _wait(commands: Any, mailbox: str, as_json: bool) -> Any:
    clock, never = SystemClock(), threading.Event()
    while str((now := commands.sign_in_state(OWNER, mailbox)).state) == "waiting":
        if not as_json:
            click.echo(f"\r    waiting, {now.expires_seconds:>4} s left ", nl=False, err=True)
        clock.wait(never, LOOK_SECONDS)
    if not as_json:
        click.echo("", err=True)
    return now


@command.command("sign-out")
@click.argument("mailbox")
@json_option
@click.pass_context
def sign_out(context: click.Context, mailbox: str, as_json: bool) -> None:
    """Delete the tokens of MAILBOX on this machine. On the provider's side the grant is removed in the account's own settings."""
    with reach(context) as commands:
        commands.sign_out_mailbox(OWNER, mailbox)
    print_json({"mailbox": mailbox, "state": "none"}) if as_json else click.echo(f"Mailbox {mailbox} is signed out here.")


@command.command("test")
@click.argument("mailbox")
@json_option
@click.pass_context
def test(context: click.Context, mailbox: str, as_json: bool) -> None:
    """Sign in to the servers of MAILBOX now and say what was found. Exit code 1 when something failed."""
    with reach(context) as commands:
        findings = commands.test_mailbox(OWNER, mailbox)
    if as_json:
        print_json(msgspec.to_builtins(findings))
    elif not findings:
        click.echo(f"Mailbox {mailbox} is a folder: there is no server to sign in to. See: tandem preflight")
    for finding in [] if as_json else findings:
        failed = finding["state"] == "failed"
        click.echo(f"{bad('✗') if failed else good('✓')} {finding['name']}: {finding['detail']}")
        if finding["remedy"]:
            click.echo(f"    → {finding['remedy']}")
    if any(finding["state"] == "failed" for finding in findings):
        context.exit(1)
