"""``tandem bench writer``: the language model itself, past the whole pipeline; once an hour, for a chart of how it does."""

from pathlib import Path
from typing import Any

import click

from appliance.cli.common import json_option, load_settings, print_json

TABLE = click.Path(dir_okay=False, path_type=Path)


@click.command("writer")
@click.option("--prompt", default="", help="What the model is asked; a question of ours by default.")
@click.option("--count", default=5, show_default=True, type=click.IntRange(1, 10_000), help="Requests that are measured.")
@click.option("--warm-up", default=1, show_default=True, type=click.IntRange(0, 1_000), help="Requests before those, not counted.")
@click.option("--max-tokens", default=128, show_default=True, type=click.IntRange(1, 4096), help="The longest answer.")
@click.option("--temperature", default=0.0, show_default=True, type=click.FloatRange(0, 2), help="How freely it words them.")
@click.option("--stream/--whole", default=True, show_default=True, help="As it is written, or in one piece.")
@click.option("--model", default="", help="Another model of this machine: a name of 'tandem models list', or a folder.")
@click.option("--log", type=TABLE, help="A .csv that gets one line for this run.")
@json_option
@click.pass_context
def command(context: click.Context, /, model: str, log: Path | None, as_json: bool, **wishes: Any) -> None:
    """Ask the configured model directly: tokens a second, time to the first token, seconds; and mlx-lm alone in the same run.

    May be run while the appliance works, such as once an hour: 0 * * * * tandem bench writer --log writer.csv
    """
    from appliance.evals.bench import writer
    from appliance.evals.bench.trend import append
    from appliance.ground.clock import SystemClock
    from appliance.node.model_alone import model_alone

    wished = writer.Wishes(**{name: value for name, value in wishes.items() if name != "prompt" or value})
    clock = SystemClock()
    with model_alone(load_settings(context), model, clock) as (raw, folder):
        report = writer.run(raw, wished, folder)
    if log is not None:
        append(log, clock.now(), writer.trend(report))
    print_json(report) if as_json else click.echo(writer.rendered(report))
