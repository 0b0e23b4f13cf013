"""``tandem bench``: measure, as ratios in one run."""

import importlib
from inspect import signature
from typing import Any

import click

from appliance.cli.common import json_option, print_json

# Those with wishes of their own: module below appliance.cli, and what they measure. They read this home's settings.
OWN = {
    "writer": ("bench_writer", "The language model by itself: tokens a second, time to the first one; a line for a chart (E53)."),
    "pipeline": ("bench_pipeline", "The desk over a data set of yours, mail by mail and stage by stage, with a workbook (E52)."),
}


class _Bench(click.Command):
    """Hands over to a benchmark's own command when it has one."""

    def make_context(self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any) -> click.Context:
        if args and args[0] in OWN:
            own: click.Command = importlib.import_module(f"appliance.cli.{OWN[args[0]][0]}").command
            return own.make_context(f"{info_name} {args[0]}", args[1:], parent=parent, **extra)
        return super().make_context(info_name, args, parent=parent, **extra)


@click.command("bench", cls=_Bench, context_settings={"ignore_unknown_options": False})
@click.argument("name", required=False)
@click.option("--clients", type=click.IntRange(1, 512), help="accept: this many at once.")
@click.option("--pair", is_flag=True, help="accept: on two nodes against one.")
@click.option("--entries", type=click.IntRange(1_000, 10_000_000), help="replicate: so many entries behind.")
@click.option("--turns", is_flag=True, help="relay: how much of a conversation's prompt the engine reads again.")
@click.option("--model", type=click.Path(), help="transcribe: the folder of the Whisper model; relay: that of the language model.")
@click.option("--clip", type=click.Path(exists=True, dir_okay=False), help="transcribe: the sound file that is heard.")
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(1, 100), help="Interleaved rounds.")
@json_option
def command(
    name: str | None,
    clients: int | None,
    pair: bool,
    entries: int | None,
    turns: bool,
    model: str | None,
    clip: str | None,
    rounds: int,
    as_json: bool,
) -> None:
    """Measure NAME: ours, the peer, the limit, the median ratio of interleaved rounds, and the spread."""
    from appliance.evals.bench import BENCHES, render

    if name is None or name not in BENCHES:
        if name is not None:
            raise click.UsageError(f"There is no benchmark {name}. There are: {', '.join([*BENCHES, *OWN])}.")
        lines = {known: (bench.__doc__ or "").strip().splitlines()[0] for known, bench in BENCHES.items()}
        lines |= {known: line for known, (_, line) in OWN.items()}
        print_json(lines) if as_json else click.echo("\n".join(f"{known:10} {line}" for known, line in lines.items()))
        return
    wishes = {"clients": clients, "pair": pair, "entries": entries, "turns": turns, "model": model, "clip": clip}
    foreign = [option for option, wish in wishes.items() if wish and option not in signature(BENCHES[name]).parameters]
    if foreign:
        raise click.UsageError(f"The benchmark {name} knows no --{foreign[0]}.")
    report = BENCHES[name](rounds=rounds, **{option: wish for option, wish in wishes.items() if wish})
    print_json(report) if as_json else click.echo(render(report))
