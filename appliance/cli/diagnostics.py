"""``tandem diagnostics``: one zip for somebody who helps from outside."""

from pathlib import Path
from typing import Any

import click

from appliance.cli.common import OWNER, bad, home_of, json_option, print_json, print_table, reach
from appliance.ground.errors import SettingsError, TandemError
from appliance.ground.files import new_file


@click.command("diagnostics")
@click.option("--to", "target", type=click.Path(dir_okay=False, path_type=Path), help="Where to write it; by default into this folder.")
@click.option("--with-hosts", is_flag=True, help="With the names of the servers, where the helper needs them.")
@json_option
@click.pass_context
def command(context: click.Context, target: Path | None, with_hosts: bool, as_json: bool) -> None:
    """Make a zip that says how this appliance is, without a customer's words, a name, an address or a secret.

    It is written here and sent nowhere. Exit code 0 when the file is there, also when the appliance itself could not be opened.
    """
    made = _made(context, with_hosts)
    path = target or Path(made.name)
    _write(path, made.data)
    if as_json:
        print_json({"file": str(path), "bytes": len(made.data), "files": made.files})
        return
    print_table(("file", "bytes", "trouble"), [(one.name, one.size_bytes, one.trouble) for one in made.files], "")
    click.echo(f"Written to {path} ({len(made.data)} bytes). Nothing was sent. README.txt in it says what is in it and what is not.")


def _made(context: click.Context, with_hosts: bool) -> Any:
    """From the appliance; where it cannot be opened, from what lies in its home: then a helper is needed most."""
    from appliance.ground.clock import SystemClock
    from appliance.node.diagnostics import of_home

    home = home_of(context)
    try:
        with reach(context) as commands:
            return commands.diagnostics(OWNER, with_hosts)
    except TandemError as error:
        if not home.is_dir():
            raise
        click.echo(bad(f"The appliance could not be opened: {error.message}") + " The file says what can be said without.", err=True)
        return of_home(home, SystemClock(), error)


def _write(path: Path, data: bytes) -> None:
    try:
        with new_file(path) as partial:
            partial.write_bytes(data)
    except FileExistsError:
        raise SettingsError(f"{path} is there already, and is not replaced.", "Name another file with --to.") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be written ({error.strerror}).", "Name another file with --to.") from error
