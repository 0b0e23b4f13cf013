"""The ``tandem`` command: finds the group that was asked for, loads it alone, and turns errors into words.

Exit codes: 0 done; 1 it failed, with the reason and the remedy on standard error; 2 the call or the configuration is wrong.
"""

import importlib
import sys
from typing import NoReturn

import click

from appliance import __version__
from appliance.ground.errors import TandemError

# The command, where below appliance.cli it is (module, or module:name), and its line in the help. A module is imported when its
# command is called.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "Set the appliance up: by questions, or by options."),
    "setup": ("setup", "The steps of the first run: how far it is, try one, pass one by."),
    "run": ("run", "Run the appliance until it is stopped."),
    "demo": ("demo", "Try it: a sample company, sample mails, the panel. Needs nothing."),
    "desktop": ("desktop", "The panel in a window of its own."),
    "status": ("status", "The node at a glance."),
    "pair": ("pair", "Two machines as one appliance: pair them, see how they stand, move the lead."),
    "preflight": ("preflight", "Check everything this machine needs before work starts."),
    "ask": ("ask", "What would the desk answer to this question?"),
    "intake": ("intake", "Take mail files in by hand."),
    "cases": ("cases", "List cases, open one, ask why, decide again."),
    "explain": ("cases:explain", "Why does a case stand where it stands?"),
    "replay": ("cases:replay", "Decide a case again from its recorded draft."),
    "review": ("review", "Decide what waits for a person."),
    "knowledge": ("knowledge", "Sources, search, refresh, diff, skeletons."),
    "accounts": ("accounts", "The sheet of customers' orders: is it good?"),
    "models": ("models", "The models of this machine: list, pull, import, verify, remove."),
    "voice": ("voice", "What customers say: the ear at a glance, clips brought in."),
    "transcribe": ("transcribe", "What is said in a clip? Nothing is kept."),
    "mailbox": ("mailbox", "The mailboxes: list, sign in at Microsoft or Google, test."),
    "switch": ("switch", "Pull a lever: safe-mode, automation, outbound, intake."),
    "diagnostics": ("diagnostics", "A zip for a helper from outside, without anybody's words or secrets."),
    "service": ("service", "The appliance as a service of this machine: install, status, logs, restart."),
    "update": ("update", "Put a new version in, on both machines, while mail goes on; or go back to the one before."),
    "witness": ("witness", "The third voice of a pair, on a machine of its own."),
    "verify": ("verify", "Walk the journal's chain and say what was tampered with."),
    "erase": ("erase", "Destroy every word of one customer."),
    "people": ("people", "Who may sign in with a name and a password."),
    "escalations": ("escalations", "Cases that somebody higher up must know of."),
    "crm": ("crm", "The CRM that is told of cases: what waits, what failed, and a stub to try it with."),
    "keys": ("keys", "API keys and one-time sign-in."),
    "shadow": ("shadow", "A candidate that answers unseen, beside what counted."),
    "eval": ("eval", "Judge how mails and replies of a folder are read."),
    "bench": ("bench", "Measure, as ratios in one run."),
    "prompts": ("prompts", "The prompts that writers work from, and the gate for a changed one."),
    "config": ("config", "Check the configuration, or write a commented one."),
}


class _Lazy(click.Group):
    """Knows every command by name, and imports one only to run it or to show its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature, here and below
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(f"appliance.cli.{module}"), name or "command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tandem")
@click.option("--home", type=click.Path(), envvar="TANDEM_HOME", help="Where the appliance keeps its state.")
@click.pass_context
def tandem(context: click.Context, home: str | None) -> None:
    """Tandem answers customers' mail from the company's own knowledge, on this machine, under your policy."""
    context.obj = home


def main() -> NoReturn:
    """The entry point of the installed command."""
    try:
        # Without its standalone mode click gives back the code that a command chose by context.exit; else 0 or None.
        code = tandem.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except TandemError as error:
        click.secho(f"Error: {error.message}", err=True, fg="red" if sys.stderr.isatty() else None)
        if error.remedy:
            click.echo(f"What to do: {error.remedy}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        sys.stderr.close()
        sys.exit(0)
    sys.exit(code if isinstance(code, int) else 0)
