"""The questions of ``tandem init``. Each answer is checked and written at once, so that one may stop anywhere and go on later."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from appliance.cli.common import OWNER, good, reach
from appliance.cli.setup import NAMES, show, told
from appliance.ground.errors import SettingsError, TandemError
from appliance.records.first_run import Step, StepState
from appliance.records.language import LANGUAGES, Code

_PORTS = {"imap": {"tls": 993, "starttls": 143, "none": 143}, "smtp": {"tls": 465, "starttls": 587, "none": 25}}
_DONE = (StepState.DONE, StepState.NOT_NEEDED, StepState.SKIPPED)


def ask_everything(context: click.Context, again: bool = False) -> None:
    """Ask for what is not there yet, or for everything ``again``, step by step. Ctrl-C ends it; what was answered stays."""
    click.echo("This sets the appliance up. Enter takes what stands in brackets; Ctrl-C stops, and tandem init goes on from there.\n")
    with reach(context) as commands:
        for name, ask in _QUESTIONS.items():
            _step(commands, name, ask, again)
    _knowledge(context)
    with reach(context) as commands:
        _step(commands, "person", _person)
        found = commands.setup_steps(OWNER)
    click.echo("")
    show(found)
    click.echo("\nStart it with: tandem run. Open the panel with the link of: tandem keys sign-in. Go on there, under /setup.")


def _step(commands: Any, name: str, ask: Callable[[Any, Mapping[str, Any]], None], again: bool = False) -> None:
    """One step's questions, again until its answers hold or the person goes on without."""
    step = next(one for one in commands.setup_steps(OWNER) if one.name == name)
    if step.state in _DONE and not again:
        show([step])
        return
    while True:
        click.secho(f"\n{NAMES[name]}", bold=True)
        try:
            ask(commands, commands.setup_values(OWNER))
            return
        except TandemError as error:
            told(error)
            if not click.confirm("Try again?", default=True):
                return


def _company(commands: Any, now: Mapping[str, Any]) -> None:
    name = click.prompt("The company's name as customers know it", default=now["company.name"] or None)
    languages = click.prompt("The languages it answers in", default=",".join(now["company.languages"]))
    codes = [code.strip().lower() for code in languages.split(",") if code.strip()]
    _set(commands, "company", {"company.name": name, "company.languages": codes})


def _hours(commands: Any, now: Mapping[str, Any]) -> None:
    zone = click.prompt("The company's time zone", default=now["panel.time_zone"])
    hours = click.prompt('When people answer, such as "mon-fri 8-16, sat 10-14" (- says nothing)', default="mon-fri 8-16")
    lines = [] if hours.strip() == "-" else [line.strip() for line in hours.split(",") if line.strip()]
    _set(commands, "hours", {"panel.time_zone": zone, "company.hours": lines})
    if not lines:
        commands.skip_step(OWNER, "hours")


def _mail_in(commands: Any, now: Mapping[str, Any]) -> None:
    way = click.prompt("Where does mail come from", type=click.Choice(["imap", "folder", "later"]), default="imap")
    if way == "later":
        return
    sender = click.prompt("The address that customers write to", default=now["mailbox.0.sender"] or None)
    if way == "folder":
        inbox = click.prompt("The folder of .eml files", default=now["mailbox.0.folder.inbox"] or "inbox")
        _set(commands, "mail_in", {"mailbox.0.sender": sender, "mailbox.0.imap.host": None, "mailbox.0.folder.inbox": inbox})
        return
    values = {"mailbox.0.sender": sender, "mailbox.0.folder.inbox": None, **_server("imap", now, sender)}
    _set(commands, "mail_in", values, _password("imap", "Its password"))


def _mail_out(commands: Any, now: Mapping[str, Any]) -> None:
    way = click.prompt("How do replies leave", type=click.Choice(["smtp", "folder", "later"]), default="smtp")
    if way == "later":
        return
    if way == "folder":
        outbox = click.prompt("The folder that replies are written to", default=now["mailbox.0.folder.outbox"] or "outbox")
        _set(commands, "mail_out", {"mailbox.0.smtp.host": None, "mailbox.0.folder.outbox": outbox})
        return
    values = _server("smtp", now, now["mailbox.0.imap.user"] or "")
    secret = _password("smtp", "Its password (Enter: the mailbox's)", empty=True) if values["mailbox.0.smtp.user"] else {}
    _set(commands, "mail_out", {**values, "mailbox.0.folder.outbox": None}, secret)


def _server(kind: str, now: Mapping[str, Any], user: str) -> dict[str, Any]:
    at = f"mailbox.0.{kind}"
    host = click.prompt(f"The {kind.upper()} server", default=now[f"{at}.host"] or now["mailbox.0.imap.host"] or None)
    usual = "tls" if kind == "imap" else "starttls"
    security = click.prompt("How the line is protected", type=click.Choice(list(_PORTS[kind])), default=now[f"{at}.security"] or usual)
    port = click.prompt("Its port", type=click.IntRange(1, 65535), default=_PORTS[kind][security])
    asked = "The name to sign in with" if kind == "imap" else "The name to sign in with (- for none)"
    name = click.prompt(asked, default=now[f"{at}.user"] or user or None)
    return {f"{at}.host": host, f"{at}.port": port, f"{at}.security": security, f"{at}.user": "" if name == "-" else name}


def _password(kind: str, question: str, empty: bool = False) -> dict[str, str]:
    secret = click.prompt(question, hide_input=True, default="" if empty else None, show_default=False)
    return {f"mailbox.0.{kind}.password_file": secret} if secret else {}


def _self_mail(commands: Any, _: Mapping[str, Any]) -> None:
    _try(commands, "self_mail", "Send one mail to ourselves and wait for it, a minute at most?", default=True)


def _race(commands: Any, _: Mapping[str, Any]) -> None:
    _try(commands, "race", "See whether two appliances could share this mailbox? One alone needs no race.", default=False)


def _try(commands: Any, name: str, question: str, default: bool) -> None:
    step = next(one for one in commands.setup_steps(OWNER) if one.name == name)
    if step.says.endswith("_after"):
        show([step])
        return
    if not click.confirm(question, default=default):
        commands.skip_step(OWNER, name)
        return
    click.echo("Trying …")
    ended: Step = commands.try_step(OWNER, name, True)
    if ended.state is StepState.TROUBLE and ended.tried is not None:
        raise TandemError(ended.tried.detail, ended.tried.remedy)
    show([ended])


def _person(commands: Any, _: Mapping[str, Any]) -> None:
    name = click.prompt("The name of the first person, who is an admin (- for later)")
    if name.strip() != "-":
        person = commands.add_person(OWNER, name, 4, click.prompt("Their password", hide_input=True, confirmation_prompt=True))
        click.echo(good(f"{person.name} can sign in."))


def _knowledge(context: click.Context) -> None:
    """A file for each language that nothing is known in. Each is read before it is named in the configuration."""
    with reach(context) as commands:
        known = {source.language for source in commands.sources() if source.passages}
        languages = [code for code in commands.setup_values(OWNER)["company.languages"] if code not in known]
    if languages:
        click.secho(f"\n{NAMES['knowledge']}", bold=True)
    for code in (code for code in LANGUAGES if code in languages):
        while (path := click.prompt(f"A file of knowledge in {code} (- for later)", default="-")) != "-":
            if _added(context, Path(path).expanduser(), code):
                break


def _added(context: click.Context, path: Path, code: Code) -> bool:
    from appliance.cli.knowledge import added

    try:
        passages, _ = added(context, path, code)
    except OSError as error:
        told(SettingsError(f"{path} cannot be read ({error.strerror}).", "Type the whole path of a file that you may read."))
        return False
    except TandemError as error:
        told(error)
        return False
    click.echo(good(f"{path.name}: {passages} passages."))
    return True


def _set(commands: Any, step: str, values: Mapping[str, Any], secrets: Mapping[str, str] | None = None) -> None:
    if step in ("mail_in", "mail_out"):
        click.echo("Trying …")
    show([commands.set_up(OWNER, step, dict(values), dict(secrets or {}))])


_QUESTIONS: dict[str, Callable[[Any, Mapping[str, Any]], None]] = {
    "company": _company, "hours": _hours, "mail_in": _mail_in, "mail_out": _mail_out, "self_mail": _self_mail, "race": _race,
}  # fmt: skip
