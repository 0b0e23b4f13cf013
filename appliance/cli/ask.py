"""``tandem ask``: what would the desk answer?"""

import click

from appliance.cli.common import json_option, print_json, reach


@click.command("ask")
@click.argument("text", nargs=-1, required=True)
@click.option("--lang", "language", type=click.Choice(["fi", "sv", "en"]), help="Take this language instead of detecting it.")
@json_option
@click.pass_context
def command(context: click.Context, text: tuple[str, ...], language: str | None, as_json: bool) -> None:
    """What the desk would do with TEXT, were it a mail. Nothing is stored or sent."""
    with reach(context) as commands:
        answer = commands.ask(" ".join(text), language or "")
    if as_json:
        print_json(answer)
        return
    click.secho(f"{answer['outcome']}: {answer['reason']} (language {answer['language'] or 'unsure'}, tier {answer['tier']})", bold=True)
    if answer["answer"]:
        click.echo(f"\n{answer['answer']}\n")
    if answer["stood_in_because"]:
        click.echo(f"  another writer stood in: {answer['writer']} ({answer['stood_in_because']}; see tandem preflight)")
    for citation in answer["citations"]:
        click.echo(f"  cites {citation['passage']} in {citation['source']} ({citation['score']:.2f})")
    for name, check in answer["checks"].items():
        click.echo(f"  {'✓' if check['passed'] else '✗'} {name}" + (f" {check['score']:.2f}" if check["score"] is not None else ""))
