"""``tandem prompts``: which prompts are in use, and the gate that a changed one goes through."""

from pathlib import Path
from typing import Any

import click

from appliance.cli.common import bad, json_option, load_settings, print_json

WRITERS = click.Choice(["mlx", "openai", "quoting"])
writer_option = click.option("--writer", "kind", type=WRITERS, help="Judge by this writer instead of the configured one.")
model_option = click.option("--model", default="", help="Judge by this model: a name of 'tandem models list', or a folder.")


@click.group("prompts")
def command() -> None:
    """The prompts that writers work from. A changed one is used only when it was released."""


@command.command("list")
@json_option
@click.pass_context
def show(context: click.Context, as_json: bool) -> None:
    """Every prompt: whose it is, and whether it was released."""
    from appliance.evals.table import table
    from appliance.node.prompt_gate import book

    prompts = book(load_settings(context)).all()
    if as_json:
        told = [{"name": one.name, "own": one.own, "released": one.released, "sha256": one.digest} for one in prompts]
        print_json(told)
        return
    rows = [
        [one.name, "yours" if one.own else "the program's", "released" if one.released else bad("not released"), one.digest[:12]]
        for one in prompts
    ]
    click.echo(table(["prompt", "whose", "", "digest"], rows))


@command.command("check")
@writer_option
@model_option
@json_option
@click.pass_context
def check(context: click.Context, kind: Any, model: str, as_json: bool) -> None:
    """Run the gate: the questions to the sample company, through the writer and the prompts as they lie there.

    Nothing is stored, sent or released. The exit code is 1 when the gate is shut.
    """
    gate = _judged(load_settings(context), kind, model, as_json)
    if gate.why_not:
        context.exit(1)


@command.command("release")
@click.argument("names", nargs=-1)
@click.option("--back", is_flag=True, help="Undo the last release of NAMES; no gate, for what was in use before had passed it.")
@writer_option
@model_option
@json_option
@click.pass_context
def release(context: click.Context, names: tuple[str, ...], back: bool, kind: Any, model: str, as_json: bool) -> None:
    """Put changed prompts into use: NAMES (write.fi.md), or all that wait; only when the gate is open.

    A running daemon works from them after its next start.
    """
    settings = load_settings(context)
    if back:
        _back(settings, names, as_json)
        return
    from appliance.node.prompt_gate import judges, unreleased

    kind = kind or settings.writer.kind
    waiting = [prompt for prompt in unreleased(settings) if not names or prompt.name in names]
    if not waiting:
        raise click.UsageError("No prompt of that name waits for its release." if names else "No prompt waits for its release.")
    foreign = [prompt.name for prompt in waiting if not judges(kind, prompt)]
    if foreign:
        raise click.UsageError(
            f"The writer {kind} does not work from {', '.join(foreign)}; name one that does by --writer, or other NAMES."
        )
    gate = _judged(settings, kind, model, as_json)
    if gate.why_not:
        context.exit(1)
    _let_through(settings, waiting)
    if not as_json:
        click.echo(f"Released: {', '.join(prompt.name for prompt in waiting)}. In use from the daemon's next start.")


def _judged(settings: Any, kind: Any, model: str, as_json: bool) -> Any:
    from appliance.evals.prompt_gate import as_dict
    from appliance.ground.clock import SystemClock
    from appliance.node.prompt_gate import judge

    gate = judge(settings, SystemClock(), kind, model)
    if as_json:
        print_json(as_dict(gate))
        return gate
    kept = f"{gate.held} kept for a person, {len(gate.wrong)} wrong"
    told = f"{gate.asked} questions: {gate.right} answered rightly, {kept}; {gate.seconds:.0f} s"
    click.echo(f"{gate.writer}, {gate.prompt}\n{told}")
    for question in gate.wrong:
        click.echo(bad(f"  wrong: {question}"))
    click.echo(bad(f"The gate is shut. {gate.why_not}") if gate.why_not else "The gate is open.")
    return gate


def _let_through(settings: Any, waiting: list[Any]) -> None:
    from appliance.engines.prompt_releases import release as let_through
    from appliance.ground.assets import asset

    places: dict[Path, list[Any]] = {}
    for prompt in waiting:
        places.setdefault(settings.writer.prompts if prompt.own else asset("models") / "prompts", []).append(prompt)
    for folder, prompts in places.items():
        let_through(folder, tuple(prompts))


def _back(settings: Any, names: tuple[str, ...], as_json: bool) -> None:
    from appliance.engines.prompt_releases import back

    if not names:
        raise click.UsageError("--back needs the NAMES of prompts, such as write.fi.md.")
    now = {name: back(settings.writer.prompts, name) for name in names}
    if as_json:
        print_json(now)
        return
    for name, digest in now.items():
        click.echo(
            f"{name}: {f'your release {digest[:12]}' if digest else 'the program’s own prompt'} is in use from the daemon's next start."
        )
