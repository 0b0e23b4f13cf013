"""``tandem witness``: the third voice of a pair, as a tiny process on any machine that is always on.

On that machine:   tandem witness add          paste the key of the pair, which a node shows with: tandem pair witness-key
                   tandem witness              listen until it is stopped
"""

from pathlib import Path
from typing import Any

import click

from appliance.cli.common import good, home_of, json_option, leash_option, on_a_leash, print_json, print_table

PORT = 8487
FOLDER = "witness"


@click.group("witness", invoke_without_command=True)
@click.option("--listen", default=f"0.0.0.0:{PORT}", show_default=True, metavar="HOST:PORT", help="Where the two nodes reach it.")
@click.option("--home", "own_home", type=click.Path(path_type=Path), help="Where it keeps its keys and records, instead of the home.")
@leash_option
@click.pass_context
def command(context: click.Context, listen: str, own_home: Path | None, leash: bool) -> None:
    """Be the third voice of a pair: on a machine that is neither of the two. Runs until it is stopped.

    It knows nothing but who leads, and believes only pairs whose key was added.
    """
    context.meta["tandem.witness"] = own_home or home_of(context)
    if context.invoked_subcommand is None:
        if leash:
            on_a_leash()
        _run(context, listen)


def _run(context: click.Context, listen: str) -> None:
    import signal
    import threading

    from appliance.ground import log as logging
    from appliance.ground.clock import SystemClock
    from appliance.ground.errors import Refused
    from appliance.ground.files import exclusive_lock
    from appliance.ground.log import Log
    from appliance.pair.witness.tcp_server import WitnessServer

    host, port = _address(listen)
    shelf = _shelf(context)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    logging.configure(None)
    with exclusive_lock(shelf.folder / "lock") as held:
        if held is None:
            raise Refused(f"A witness runs already with the folder {shelf.folder}.", "Stop it first, or name another folder with --home.")
        server = WitnessServer(host, port, shelf.folder, SystemClock())
        server.start()
        Log("witness").info("witness_listens", host=host, port=server.port, pairs=len(shelf.pairs()))
        if not shelf.pairs():
            click.echo("No pair is known yet. In another terminal: tandem witness add", err=True)
        stop.wait()
        server.stop()
        Log("witness").info("witness_stopped")


@command.command("add")
@click.argument("key_file", required=False, type=click.File("r"))
@json_option
@click.pass_context
def add(context: click.Context, key_file: Any, as_json: bool) -> None:
    """Add a pair by its key, which a node of it shows: tandem pair witness-key. Reads KEY_FILE (- for standard input), or asks.

    A running witness knows it at once.
    """
    from appliance.pair.witness.keys import read_line

    text = key_file.readline(500) if key_file is not None else click.prompt("Key of the pair", hide_input=True)
    key = read_line(text)
    new = _shelf(context).add(key)
    if as_json:
        print_json({"pair": key.pair, "added": new})
    else:
        click.echo(good(f"The pair {key.pair} is known now.") if new else f"The pair {key.pair} was known already.")


@command.command("list")
@json_option
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """The pairs it knows, and who leads each by its record."""
    from appliance.pair.witness.shelf import WitnessDamaged

    shelf, rows = _shelf(context), []
    for pair in shelf.pairs():
        row: dict[str, Any] = {"pair": pair, "leader": "", "term": 0, "in_sync": False, "trouble": ""}
        try:
            key = shelf.key(pair)
            if key is not None:
                record = shelf.record(key)
                row |= {"leader": record.holder, "term": record.term, "in_sync": record.in_sync}
        except WitnessDamaged as damaged:
            row["trouble"] = str(damaged)
        rows.append(row)
    if as_json:
        print_json(rows)
        return
    cells = [(row["pair"], row["leader"] or "-", row["term"], "yes" if row["in_sync"] else "no", row["trouble"]) for row in rows]
    print_table(("pair", "leader", "term", "other in sync", "trouble"), cells, "No pair is known yet. Run: tandem witness add")


@command.command("forget")
@click.argument("pair")
@json_option
@click.pass_context
def forget(context: click.Context, pair: str, as_json: bool) -> None:
    """Forget PAIR: its key and its record. Added again it begins empty, which grants nothing until both nodes are together."""
    from appliance.ground.errors import Refused

    shelf = _shelf(context)
    if not shelf.forget(pair):
        raise Refused(f"There is no pair {pair} here.", f"Known: {', '.join(shelf.pairs()) or 'none'}.")
    print_json({"pair": pair, "forgotten": True}) if as_json else click.echo(f"The pair {pair} is forgotten.")


def _shelf(context: click.Context) -> Any:
    """The witness's own folder, made when it is not there yet: readable by its owner alone."""
    from appliance.ground.errors import StoreError
    from appliance.pair.witness.shelf import Shelf

    folder = context.meta["tandem.witness"] / FOLDER
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"The folder {folder} cannot be made ({error.strerror}).", "Name another with --home.") from error
    return Shelf(folder)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise click.BadParameter(f"{text!r} is not HOST:PORT, such as 0.0.0.0:{PORT}.", param_hint="--listen")
    return host.strip("[]"), int(port)
