"""``tandem knowledge``: sources, search, new versions with their difference, skeletons."""

from pathlib import Path
from typing import Any

import click

from appliance.cli.common import OWNER, ago, bad, good, json_option, load_settings, print_json, print_table, reach
from appliance.ground.clock import SystemClock
from appliance.ground.errors import KnowledgeError
from appliance.knowledge.staged import Staged
from appliance.records.knowledge import Passage, SourceState
from appliance.records.language import LANGUAGES, Code

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("knowledge")
def command() -> None:
    """What the company knows: sources, search, new versions, diff, skeletons."""


@command.command("list")
@json_option
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """The sources as they stand."""
    with reach(context) as commands:
        sources = commands.sources()
        accounts = () if as_json else [row for row in commands.health()["dependencies"] if row["name"] == "accounts"]
    if as_json:
        print_json(sources)
        return
    now = SystemClock().now()
    print_table(
        ("source", "lang", "passages", "read", "state"),
        [
            (_called(s), s.language, s.passages, f"{ago(now - s.read_at)} ago" if s.read_at else "never", s.trouble or "good")
            for s in sources
        ],
        "No sources. Add one: tandem knowledge add FILE --lang en",
    )
    for source in sources:
        if source.trouble and source.remedy:
            click.echo(f"{source.name} → {source.remedy}")
    for row in accounts:
        written = f"written {ago(now - row['modified_at'])} ago" if row["read_at"] else "never read"
        state = "good" if row["connected"] else f"{row['reason']} → {row['remedy']}"
        click.echo(f"The account sheet: {row['rows']} rows, {written}, {state}")


def _called(source: SourceState) -> str:
    """A file by its name, what lies on a web server by its address."""
    return source.path if "://" in source.path else source.name


class FileOrAddress(click.Path):
    """A file that is there, as a path, or a web address, as text."""

    name = "file or address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and value.lower().startswith(("http://", "https://")):
            return value
        return super().convert(value, param, ctx)


@command.command("add")
@click.argument("file", type=FileOrAddress(exists=True, dir_okay=False, path_type=Path))
@click.option("--lang", "language", required=True, type=click.Choice(["fi", "sv", "en"]))
@json_option
@click.pass_context
def add(context: click.Context, file: Path | str, language: Code, as_json: bool) -> None:
    """Use FILE, or the file at a web address, as a source from now on: checks that it can be read, then writes it into tandem.toml."""
    passages, target = added(context, file, language)
    if as_json:
        print_json({"file": str(file), "passages": passages, "settings": str(target)})
    else:
        name = file.name if isinstance(file, Path) else file
        click.echo(f"{name}: {passages} passages. Written to {target}; a running appliance takes it in at its next start.")


def added(context: click.Context, file: Path | str, language: Code) -> tuple[int, Path]:
    """Name a file, or a web address, as a source once it was read well: how many passages it has, and what was written to."""
    from appliance.settings.edit import add_source

    passages = _passages(file, language) if isinstance(file, Path) else _passages_there(file, language)
    target = add_source(load_settings(context).home, file.resolve() if isinstance(file, Path) else file, language)
    return len(passages), target


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


def _passages_there(url: str, language: Code) -> tuple[Passage, ...]:
    from appliance.knowledge.passages import passages_of
    from appliance.knowledge.reading import read
    from appliance.knowledge.remote import SignIn, address_of, fetch

    copy = fetch(address_of(url), SignIn())
    return passages_of(read(copy.name, copy.content, language).pieces, copy.name, language)


@command.command("stage")
@click.argument("file", type=EXISTING_FILE)
@click.option("--source", default="", help="The source whose place it takes, as knowledge list names it; a new one without.")
@click.option("--lang", "language", default="en", show_default=True, type=click.Choice(LANGUAGES), help="The language of a new source.")
@json_option
@click.pass_context
def stage(context: click.Context, file: Path, source: str, language: Code, as_json: bool) -> None:
    """Hand FILE in and see what it would change; nothing is answered from it before it is activated."""
    with reach(context) as commands:
        staged = commands.stage_knowledge(OWNER, file.name, _content(file), source, language)
    _tell(staged, as_json)


def _content(file: Path) -> bytes:
    """The bytes, or a clear word about a file that is too large to hand over."""
    from appliance.knowledge.staging import UPLOAD_BYTES_MOST

    if file.stat().st_size > UPLOAD_BYTES_MOST:
        raise KnowledgeError(f"{file.name} is larger than {UPLOAD_BYTES_MOST // (1024 * 1024)} MB.", "Split it into several sources.")
    return file.read_bytes()


@command.command("activate")
@click.argument("staged")
@json_option
@click.pass_context
def activate(context: click.Context, staged: str, as_json: bool) -> None:
    """Answer from what was staged as STAGED from now on; the version before is kept."""
    with reach(context) as commands:
        state = commands.activate_knowledge(OWNER, staged)
    print_json(state) if as_json else click.echo(good(f"{state.name}: {state.passages} passages are in use."))


@command.command("discard")
@click.argument("staged")
@json_option
@click.pass_context
def discard(context: click.Context, staged: str, as_json: bool) -> None:
    """Throw away what was staged as STAGED."""
    with reach(context) as commands:
        gone = commands.discard_knowledge(OWNER, staged)
    print_json({"staged": gone.id, "source": gone.source}) if as_json else click.echo(f"Thrown away; {gone.source} is as it was.")


@command.command("back")
@click.argument("source")
@click.option("--version", default="", help="Which earlier version; the newest by default.")
@json_option
@click.pass_context
def back(context: click.Context, source: str, version: str, as_json: bool) -> None:
    """Propose the version of SOURCE that was in use before, and see what it would change."""
    with reach(context) as commands:
        staged = commands.stage_earlier(OWNER, source, version)
    _tell(staged, as_json)


def _tell(staged: Staged, as_json: bool) -> None:
    """What a proposal would change, and how to say yes or no to it."""
    if as_json:
        print_json(staged)
        return
    for sign, rows in (("+", staged.diff.added), ("~", staged.diff.changed), ("-", staged.diff.removed)):
        for one in rows:
            click.echo(f"{sign} {one.key or one.title or one.id}")
    click.echo(f"{staged.source}: {staged.added} new, {staged.changed} changed, {staged.removed} gone; {staged.passages} passages then.")
    for note in staged.notes:
        click.echo(f"  {note}")
    for fact in staged.disagreements:
        click.echo(bad(f"  {fact.key} would be told in several ways: {' | '.join(fact.values)}"))
    click.echo(f"Staged as {staged.id}. tandem knowledge activate {staged.id}, or discard {staged.id}.")


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
