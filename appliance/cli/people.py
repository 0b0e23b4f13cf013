"""``tandem people``: who may sign in with a name and a password."""

import sys
from pathlib import Path

import click

from appliance.cli.common import OWNER, ago, json_option, print_json, print_table, reach
from appliance.ground.clock import SystemClock
from appliance.ground.errors import SettingsError
from appliance.records.person import Person, Role

PASSWORD_BYTES_MOST = 4096
role_choice = click.Choice([role.name.lower() for role in Role])
password_option = click.option(
    "--password-file", type=click.Path(allow_dash=True), help="Read the password from this file's first line; - is standard input."
)


@click.group("people")
def command() -> None:
    """Who may sign in with a name and a password."""


@command.command("add")
@click.argument("name")
@click.option("--role", default="agent", show_default=True, type=role_choice, help="The first person is an admin in any case.")
@click.option("--email", default="", help="Their mail address.")
@password_option
@json_option
@click.pass_context
def add(context: click.Context, name: str, role: str, email: str, password_file: str | None, as_json: bool) -> None:
    """Add NAME. The password is asked for, or read from a file; it never stands in the command."""
    password = password_from(password_file)
    with reach(context) as commands:
        person = commands.add_person(OWNER, name, int(Role[role.upper()]), password, email)
    _print(person, as_json, f"{person.name} is added as {person.role.name.lower()}.")


@command.command("list")
@json_option
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """Everybody who may sign in, and those who no longer may."""
    with reach(context) as commands:
        people = commands.people(OWNER)
    if as_json:
        print_json(people)
        return
    now = SystemClock().now()
    rows = [(one.name, _role_of(one), f"{ago(now - one.seen_at)} ago" if one.seen_at else "never", one.sessions, one.id) for one in people]
    print_table(("name", "role", "last seen", "sessions", "id"), rows, "Nobody. The first: tandem people add NAME")


@command.command("role")
@click.argument("name")
@click.argument("role", type=role_choice)
@json_option
@click.pass_context
def role_(context: click.Context, name: str, role: str, as_json: bool) -> None:
    """Give NAME another ROLE."""
    with reach(context) as commands:
        person = commands.change_person(OWNER, name, role=int(Role[role.upper()]))
    _print(person, as_json, f"{person.name} is {person.role.name.lower()} now.")


@command.command("deactivate")
@click.argument("name")
@click.option("--undo", is_flag=True, help="Let them in again.")
@json_option
@click.pass_context
def deactivate(context: click.Context, name: str, undo: bool, as_json: bool) -> None:
    """Shut NAME out and end every session of theirs."""
    with reach(context) as commands:
        person = commands.change_person(OWNER, name, active=undo)
    _print(person, as_json, f"{person.name} may sign in again." if undo else f"{person.name} is shut out.")


@command.command("password")
@click.argument("name")
@password_option
@json_option
@click.pass_context
def password_(context: click.Context, name: str, password_file: str | None, as_json: bool) -> None:
    """Set another password for NAME; every session of theirs ends."""
    password = password_from(password_file)
    with reach(context) as commands:
        commands.set_password(OWNER, name, password)
    print_json({"person": name, "changed": True}) if as_json else click.echo(f"{name} has a new password.")


@command.command("sessions")
@click.argument("name", required=False, default="")
@json_option
@click.pass_context
def sessions(context: click.Context, name: str, as_json: bool) -> None:
    """Who is signed in: NAME, or everybody."""
    with reach(context) as commands:
        found = commands.sessions(OWNER, name)
        people = {person.id: person.name for person in commands.people(OWNER)}
    if as_json:
        print_json(found)
        return
    now = SystemClock().now()
    rows = [(people.get(one.who, one.actor.name), f"{ago(now - one.seen_at)} ago", f"in {ago(one.until - now)}", one.id) for one in found]
    print_table(("who", "last used", "ends", "session"), rows, f"{name} is not signed in." if name else "Nobody is signed in.")


@command.command("sign-out")
@click.argument("name")
@json_option
@click.pass_context
def sign_out(context: click.Context, name: str, as_json: bool) -> None:
    """End every session of NAME: a person, a key's id, or owner."""
    with reach(context) as commands:
        ended = commands.end_sessions(OWNER, name)
    print_json({"ended": ended}) if as_json else click.echo(f"Sessions ended: {ended}.")


def password_from(file: str | None) -> str:
    """The password from a file's first line, from standard input, or asked for twice; never from the arguments."""
    if file is None:
        if not sys.stdin.isatty():
            raise SettingsError("There is nobody to ask for the password.", "Name a file: --password-file FILE, or - for standard input.")
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    try:
        content = sys.stdin.buffer.read(PASSWORD_BYTES_MOST) if file == "-" else Path(file).read_bytes()[:PASSWORD_BYTES_MOST]
        return content.decode("utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The password file {file} cannot be read.", "Check its path and its rights; it is plain text.") from error


def _role_of(person: Person) -> str:
    return person.role.name.lower() if person.active else "shut out"


def _print(person: Person, as_json: bool, sentence: str) -> None:
    print_json(person) if as_json else click.echo(sentence)
