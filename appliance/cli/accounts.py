"""``tandem accounts``: the sheet of customers' orders, as numbers."""

from typing import Any

import click

from appliance.cli.common import ago, bad, good, home_of, json_option, load_settings, must_be_there, print_json
from appliance.ground.clock import SystemClock
from appliance.ground.errors import KnowledgeError


@click.group("accounts")
def command() -> None:
    """The sheet of customers' orders."""


@command.command("check")
@json_option
@click.pass_context
def check(context: click.Context, as_json: bool) -> None:
    """Read the account sheet as it is now and count: rows, duplicates, rows without address or order, missing columns."""
    from appliance.node import account_watch
    from appliance.node.policies import load_policy

    must_be_there(home_of(context))
    settings, clock = load_settings(context), SystemClock()
    policy, accounts = load_policy(settings), account_watch.make(settings, clock)
    accounts.refresh()
    state = accounts.state()
    lacking = [name for name in (*state.missing, *policy.accounts.fields) if name not in state.columns] if state.read_at else []
    fault = account_watch.fault(state, policy)
    found: dict[str, Any] = {
        "file": state.path,
        **account_watch.numbers(state),
        "columns": list(state.columns),
        "missing_columns": list(dict.fromkeys(lacking)),
        "good": fault is None and bool(state.read_at) and not lacking,
        "trouble": fault.message if fault else "",
    }
    print_json(found) if as_json else _tell(found, clock.now())
    if fault is not None:
        raise fault
    if not state.read_at:
        raise KnowledgeError(f"There is no account sheet {state.path}.", "Put it there, or name it under [accounts] in tandem.toml.")
    if lacking:
        remedy = "Add the columns, or name yours under [accounts.columns] in tandem.toml."
        raise KnowledgeError(f"policy.toml shows fields that the sheet has no column for: {', '.join(lacking)}.", remedy)


def _tell(found: dict[str, Any], now: float) -> None:
    if not found["read_at"]:
        return
    click.echo(f"{found['file']}, written {ago(now - found['modified_at'])} ago: {good('readable')}")
    click.echo(f"  {found['rows']:>7}  rows that can be answered from")
    click.echo(f"  {_warned(found['duplicates'])}  rows left out because customer and order stand twice")
    click.echo(f"  {_warned(found['incomplete'])}  rows left out because address or order is missing")
    click.echo(f"  columns: {', '.join(found['columns'])}")


def _warned(count: int) -> str:
    return bad(f"{count:>7}") if count else f"{count:>7}"
