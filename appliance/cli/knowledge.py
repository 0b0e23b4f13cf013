"""``tandem knowledge``: sources, search, refresh, diff, skeletons."""

from pathlib import Path

import click

from appliance.cli.common import ago, bad, good, json_option, load_settings, print_json, print_table, reach
from appliance.ground.clock import SystemClock
from appliance.records.knowledge import Passage
from appliance.records.language import LANGUAGES, Code

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("knowledge")
def command() -> None:
    """What the company knows: sources, search, refresh, diff, skeletons."""


@command.command("list")
@json_option
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """The sources as they stand."""
    with reach(context) as commands:
        sources = commands.sources()
    if as_json:
        print_json(sources)
        return
    now = SystemClock().now()
    print_table(
        ("source", "lang", "passages", "read", "state"),
        [(s.name, s.language, s.passages, f"{ago(now - s.read_at)} ago" if s.read_at else "never", s.trouble or "good") for s in sources],
        "No sources. Add one: tandem knowledge add FILE --lang en",
    )
    for source in sources:
        if source.trouble and source.remedy:
            click.echo(f"{source.name} → {source.remedy}")


@command.command("add")
@click.argument("file", type=EXISTING_FILE)
@click.option("--lang", "language", required=True, type=click.Choice(["fi", "sv", "en"]))
@json_option
@click.pass_context
def add(context: click.Context, file: Path, language: Code, as_json: bool) -> None:
    """Use FILE as a source from now on: checks that it can be read, then writes it into tandem.toml."""
    from appliance.settings.edit import add_source

    passages = _passages(file, language)
    target = add_source(load_settings(context).home, file.resolve(), language)
    if as_json:
        print_json({"file": str(file), "passages": len(passages), "settings": str(target)})
    else:
        click.echo(f"{file.name}: {len(passages)} passages. Written to {target}; a running daemon takes it at its next start.")


@command.command("search")
@click.argument("text", nargs=-1, required=True)
@click.option("--lang", "language", default="en", show_default=True, type=click.Choice(["fi", "sv", "en"]))
@click.option("--limit", default=8, show_default=True, type=click.IntRange(1, 50))
@json_option
@click.pass_context
def search(context: click.Context, text: tuple[str, ...], language: Code, limit: int, as_json: bool) -> None:
    """Passages that speak of TEXT, best first."""
    with reach(context) as commands:
        found = commands.search(" ".join(text), language, limit)
    if as_json:
        print_json(
            [{"passage": f.passage.id, "source": f.passage.source, "score": round(f.score, 4), "text": f.passage.text} for f in found]
        )
        return
    print_table(("score", "passage", "text"), [(f"{f.score:.2f}", f.passage.id, f.passage.text) for f in found], "Nothing speaks of this.")


@command.command("refresh")
@json_option
@click.pass_context
def refresh(context: click.Context, as_json: bool) -> None:
    """Look at every source now."""
    with reach(context) as commands:
        changes = commands.refresh()
    if as_json:
        print_json(changes)
        return
    for change in changes:
        state = bad(change["trouble"]) if change["trouble"] else good(f"{change['passages']} passages")
        click.echo(
            f"{change['source']}: {state}; {len(change['added'])} new, {len(change['changed'])} changed, {len(change['removed'])} gone"
        )
    if not changes:
        click.echo("Nothing changed.")


@command.command("diff")
@click.argument("old", type=EXISTING_FILE)
@click.argument("new", type=EXISTING_FILE)
@click.option("--lang", "language", default="en", show_default=True, type=click.Choice(["fi", "sv", "en"]))
@json_option
def diff(old: Path, new: Path, language: Code, as_json: bool) -> None:
    """What the file NEW says that OLD does not, and the other way round."""
    from appliance.knowledge import compare

    found = compare.diff(_passages(old, language), _passages(new, language))
    told = {name: compare.names(getattr(found, name)) for name in ("added", "changed", "removed")}
    if as_json:
        print_json(told)
        return
    for sign, name in (("+", "added"), ("~", "changed"), ("-", "removed")):
        for passage in told[name]:
            click.echo(f"{sign} {passage}")
    if not found:
        click.echo("They say the same.")


def _passages(file: Path, language: Code) -> tuple[Passage, ...]:
    from appliance.knowledge.passages import passages_of
    from appliance.knowledge.reading import read

    return passages_of(read(file.name, file.read_bytes(), language).pieces, file.name, language)


@command.command("skeleton")
@click.option("--langs", "--lang", "first", default="fi", help="fi, sv, en, one after the other or with commas.")
@click.argument("more", nargs=-1)
@click.option("--from", "source", type=EXISTING_FILE, help="Take the keys of this source; without it, those of nearly every company.")
@click.option("--from-lang", default="en", show_default=True, type=click.Choice(LANGUAGES), help="The language of that source.")
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Where to; this folder by default.")
@json_option
def skeleton(first: str, more: tuple[str, ...], source: Path | None, from_lang: Code, folder: Path, as_json: bool) -> None:
    """Write an empty workbook per language, with the keys filled in and the values left to you: --langs fi sv en."""
    from appliance.knowledge import skeleton as making

    languages = tuple(dict.fromkeys(word for part in (first, *more) for word in part.replace(",", " ").split()))
    unknown = [word for word in languages if word not in LANGUAGES]
    if unknown:
        raise click.UsageError(f"{unknown[0]} is no language of this appliance; there are {', '.join(LANGUAGES)}.")
    written = making.skeleton([code for code in LANGUAGES if code in languages], source, folder, from_lang)
    print_json([str(path) for path in written]) if as_json else click.echo("\n".join(f"Wrote {path}" for path in written))
