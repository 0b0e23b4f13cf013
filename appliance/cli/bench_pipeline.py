"""``tandem bench pipeline``: the desk's whole way over a data set of yours, mail by mail."""

from contextlib import ExitStack
from pathlib import Path

import click

from appliance.cli.common import json_option, load_settings, print_json

TABLE = click.Path(dir_okay=False, path_type=Path)
HERE = click.Path(exists=True, path_type=Path)


@click.command("pipeline")
@click.option("--dataset", required=True, type=HERE, help="A .csv or .xlsx with a column body, a mail, or a folder of mails.")
@click.option(
    "--count", default=0, type=click.IntRange(0, 100_000), help="Mails that are measured, going round; all of them once by default."
)
@click.option("--warm-up", default=5, show_default=True, type=click.IntRange(0, 10_000), help="Mails before those, not counted.")
@click.option(
    "--prompts", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A folder of prompts to try, released or not."
)
@click.option("--report", type=TABLE, help="An .xlsx with a row for each mail and a summary.")
@click.option("--log", type=TABLE, help="A .csv that gets one line for this run.")
@json_option
@click.pass_context
def command(
    context: click.Context,
    dataset: Path,
    count: int,
    warm_up: int,
    prompts: Path | None,
    report: Path | None,
    log: Path | None,
    as_json: bool,
) -> None:
    """Decide every mail of a data set and say where the time goes: language, tier, decision, score, milliseconds a stage.

    Nothing is stored and nothing is sent; every sender counts as vouched for and every lever as open.
    """
    from appliance.evals.bench import pipeline
    from appliance.evals.bench.trend import append, workbook
    from appliance.ground.clock import SystemClock
    from appliance.node.bare_desk import bare_desk
    from appliance.node.model_alone import candidate_writer

    settings, clock = load_settings(context), SystemClock()
    if report is not None and report.suffix.lower() != ".xlsx":
        raise click.UsageError("The report's name must end in .xlsx.")
    with ExitStack() as ends:
        desk = ends.enter_context(bare_desk(settings, clock, candidate_writer(settings, prompts, clock) if prompts else None))
        result = pipeline.run(desk, dataset, count, warm_up)
    if report is not None:
        workbook(report, pipeline.sheets(result))
    if log is not None:
        append(log, clock.now(), pipeline.trend(result))
    print_json(result) if as_json else click.echo(pipeline.rendered(result))
