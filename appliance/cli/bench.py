"""``tandem bench``: measure, as ratios in one run."""

import click

from appliance.cli.common import json_option, print_json


@click.command("bench", context_settings={"ignore_unknown_options": False})
@click.argument("name", required=False)
@click.option("--clients", type=click.IntRange(1, 512), help="accept: this many at once.")
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(1, 100), help="Interleaved rounds.")
@json_option
def command(name: str | None, clients: int | None, rounds: int, as_json: bool) -> None:
    """Measure NAME: ours, the peer, the limit, the median ratio of interleaved rounds, and the spread."""
    from appliance.evals.bench import BENCHES, render

    if name is None or name not in BENCHES:
        if name is not None:
            raise click.UsageError(f"There is no benchmark {name}. There are: {', '.join(BENCHES)}.")
        lines = {known: (bench.__doc__ or "").strip().splitlines()[0] for known, bench in BENCHES.items()}
        print_json(lines) if as_json else click.echo("\n".join(f"{known:10} {line}" for known, line in lines.items()))
        return
    arguments = {"rounds": rounds, **({"clients": clients} if clients else {})}
    report = BENCHES[name](**arguments)
    print_json(report) if as_json else click.echo(render(report))
