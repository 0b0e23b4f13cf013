"""``tandem init``: from a bare machine to a desk at work, by questions or by options."""

import sys
from pathlib import Path
from typing import Any

import click

from appliance.cli.common import OWNER, home_of, json_option, print_json, reach
from appliance.cli.people import password_from
from appliance.ground.errors import SettingsError
from appliance.ground.files import write_atomically
from appliance.records.language import LANGUAGES

_SECURITY = click.Choice(["tls", "starttls", "none"])
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SECRET = click.Path(allow_dash=True)


@click.command("init")
@click.option("--company", help="The company's name as customers know it.")
@click.option("--languages", help="The languages it answers in, the first one the usual: fi,sv,en.")
@click.option("--signature", help="The last lines of every reply; without it the company's name.")
@click.option("--time-zone", help="Such as Europe/Helsinki.")
@click.option("--hours", multiple=True, help='When people answer, such as "mon-fri 8-16"; may be given several times.')
@click.option("--sender", help="The address that replies come from.")
@click.option("--mailbox-imap", metavar="HOST", help="The IMAP server of the mailbox.")
@click.option("--imap-port", type=click.IntRange(1, 65535))
@click.option("--imap-security", type=_SECURITY)
@click.option("--imap-user", help="The name to sign in with.")
@click.option("--imap-password-file", type=_SECRET, help="Its password is copied from this file's first line; - is standard input.")
@click.option("--mailbox-smtp", metavar="HOST", help="The SMTP server that replies leave by.")
@click.option("--smtp-port", type=click.IntRange(1, 65535))
@click.option("--smtp-security", type=_SECURITY)
@click.option("--smtp-user", help="The name to sign in with; without a password of its own the mailbox's is used.")
@click.option("--smtp-password-file", type=_SECRET, help="Its password, if it is another.")
@click.option("--mailbox-folder", metavar="PATH", help="A folder of .eml files instead of a mailbox.")
@click.option("--outbox-folder", metavar="PATH", help="A folder that replies are written to instead of an SMTP server.")
@click.option("--knowledge", "sources", multiple=True, type=(click.Choice(LANGUAGES), _FILE), help="A language and a file; repeatable.")
@click.option("--person", help="The first person, who is an admin.")
@click.option("--person-password-file", type=_SECRET, help="Their password.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--again", is_flag=True, help="Ask also what is answered already.")
@json_option
@click.pass_context
def command(context: click.Context, /, yes: bool, again: bool, as_json: bool, **options: Any) -> None:
    """Set the appliance up: asks at a terminal, else takes the options. It may be stopped and begun again; nothing is lost.

    No password is ever taken from the command itself. A server is tried at once: when it says no, nothing is written.
    """
    given = {name: value for name, value in options.items() if value not in (None, ())}
    fresh = _template(home_of(context))
    if given:
        _by_options(context, given)
    elif sys.stdin.isatty() and sys.stdout.isatty() and not (yes or as_json):
        from appliance.cli.wizard import ask_everything

        ask_everything(context, again)
        return
    elif not fresh:
        file = home_of(context) / "tandem.toml"
        raise SettingsError(f"{file} is there already.", "Edit it, or move it away first; tandem config check judges it.")
    if given or as_json:
        _report(context, as_json)
        return
    click.echo(f"Wrote {home_of(context) / 'tandem.toml'}. Fill in the company and the mailbox, then: tandem config check")


def _template(home: Path) -> bool:
    """Write the commented file if there is none; whether it was written now."""
    from appliance.settings.describe import template_toml

    file = home / "tandem.toml"
    if file.exists():
        return False
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(file, template_toml().encode("utf-8"))
    return True


#: The options of each step, and the keys they set.
KEYS: dict[str, dict[str, str]] = {
    "company": {"company": "company.name", "languages": "company.languages", "signature": "company.signature"},
    "hours": {"time_zone": "panel.time_zone", "hours": "company.hours"},
    "mail_in": {
        "sender": "mailbox.0.sender", "mailbox_imap": "mailbox.0.imap.host", "imap_port": "mailbox.0.imap.port",
        "imap_security": "mailbox.0.imap.security", "imap_user": "mailbox.0.imap.user", "mailbox_folder": "mailbox.0.folder.inbox",
    },
    "mail_out": {
        "mailbox_smtp": "mailbox.0.smtp.host", "smtp_port": "mailbox.0.smtp.port", "smtp_security": "mailbox.0.smtp.security",
        "smtp_user": "mailbox.0.smtp.user", "outbox_folder": "mailbox.0.folder.outbox",
    },
}  # fmt: skip
PASSWORDS = {
    "mail_in": ("imap_password_file", "mailbox.0.imap.password_file"),
    "mail_out": ("smtp_password_file", "mailbox.0.smtp.password_file"),
}


def _by_options(context: click.Context, given: dict[str, Any]) -> None:
    from appliance.cli import knowledge

    if "languages" in given:
        given["languages"] = [code.strip() for code in given["languages"].split(",")]
    with reach(context) as commands:
        for step, keys in KEYS.items():
            values = {key: _plain(given[option]) for option, key in keys.items() if option in given}
            option, key = PASSWORDS.get(step, ("", ""))
            secrets = {key: password_from(given[option])} if option in given else {}
            if values or secrets:
                commands.set_up(OWNER, step, values, secrets)
        if "person" in given:
            commands.add_person(OWNER, given["person"], 4, password_from(given.get("person_password_file")))
    for language, file in given.get("sources", ()):
        knowledge.added(context, file, language)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _report(context: click.Context, as_json: bool) -> None:
    from appliance.cli.setup import show

    with reach(context) as commands:
        found = commands.setup_steps(OWNER)
    print_json(found) if as_json else show(found)
