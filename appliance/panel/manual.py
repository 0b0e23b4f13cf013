"""The operator's manual, served offline: Markdown files in three languages, drawn as pages once each."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.ground.assets import asset
from appliance.records.base import Record
from appliance.records.language import Code

if TYPE_CHECKING:
    from markdown_it.token import Token

FIRST = "start"


class Chapter(Record):
    """One page of the manual: its name in addresses, its title, and its text as HTML without the title."""

    name: str
    title: str
    html: str


@lru_cache(maxsize=4)
def chapters(language: Code) -> dict[str, Chapter]:
    """Every chapter by its name, in the order of reading: the first steps, then by title."""
    found = [_read(path) for path in (asset("web") / "help" / language).glob("*.md")]
    found.sort(key=lambda chapter: (chapter.name != FIRST, chapter.title.casefold()))
    return {chapter.name: chapter for chapter in found}


def _read(path: Path) -> Chapter:
    from markdown_it import MarkdownIt  # late: only who reads the manual needs it

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(path.read_text(encoding="utf-8"))
    title = tokens[1].content if len(tokens) > 2 and tokens[0].type == "heading_open" else path.stem
    _point_here(tokens)
    html = markdown.renderer.render(tokens[3:], markdown.options, {})
    # A long line is scrolled inside its block, and what scrolls must be within reach of the keyboard.
    return Chapter(name=path.stem, title=title, html=html.replace("<pre>", '<pre tabindex="0">'))


def _point_here(tokens: "Sequence[Token]") -> None:
    """Links between the files become links between the pages."""
    for token in tokens:
        address = str(token.attrs.get("href", ""))
        if token.type == "link_open" and address.endswith(".md") and "/" not in address:
            token.attrs["href"] = f"/help/{address.removesuffix('.md')}"
        _point_here(token.children or ())
