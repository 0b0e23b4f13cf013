"""``tandem bench``: measure, as ratios in one run."""

from inspect import signature

import click

from appliance.cli.common import json_option, print_json


@click.command("bench", context_settings={"ignore_unknown_options": False})
@click.argument("name", required=False)
@click.option("--clients", type=click.IntRange(1, 512), help="accept: this many at once.")
@click.option("--pair", is_flag=True, help="accept: on two nodes against one.")
@click.option("--entries", type=click.IntRange(1_000, 10_000_000), help="replicate: so many entries behind.")
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(1, 100), help="Interleaved rounds.")
@json_option
def command(name: str | None, clients: int | None, pair: bool, entries: int | None, rounds: int, as_json: bool) -> None:
    """Measure NAME: ours, the peer, the limit, the median ratio of interleaved rounds, and the spread."""
    from appliance.evals.bench import BENCHES, render

    if name is None or name not in BENCHES:
        if name is not None:
            raise click.UsageError(f"There is no benchmark {name}. There are: {', '.join(BENCHES)}.")
        lines = {known: (bench.__doc__ or "").strip().splitlines()[0] for known, bench in BENCHES.items()}
        print_json(lines) if as_json else click.echo("\n".join(f"{known:10} {line}" for known, line in lines.items()))
        return
    wishes = {"clients": clients, "pair": pair, "entries": entries}
    foreign = [option for option, wish in wishes.items() if wish and option not in signature(BENCHES[name]).parameters]
    if foreign:
        raise click.UsageError(f"The benchmark {name} knows no --{foreign[0]}.")
    report = BENCHES[name](rounds=rounds, **{option: wish for option, wish in wishes.items() if wish})
    print_json(report) if as_json else click.echo(render(report))
