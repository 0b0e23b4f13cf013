"""Searching what the company knows, over HTTP."""

from typing import Annotated, Any

from litestar.params import Body
from msgspec import Meta

from appliance.panel.frame import Panel
from appliance.panel.routes import asks, reads
from appliance.records.base import Record
from appliance.records.knowledge import SourceState
from appliance.records.language import Code


class Query(Record, forbid_unknown_fields=True):
    """What to look for. Without a language the company's first is taken."""

    query: Annotated[str, Meta(min_length=1, max_length=2_000)]
    language: Code | None = None
    limit: Annotated[int, Meta(ge=1, le=50)] = 8


class Hit(Record):
    """A passage, as ``tandem knowledge search --json`` prints it."""

    passage: str
    source: str
    score: float
    text: str
    title: str
    place: str
    language: str


class Hits(Record):
    """Best first."""

    results: list[Hit]


class Sources(Record):
    sources: list[SourceState]


def routes(panel: Panel) -> list[Any]:
    @asks("/ai/knowledge/search", action="search_knowledge", summary="Search the company's knowledge")
    def search(data: Annotated[Query, Body()]) -> Hits:
        language = data.language or (panel.options.languages[0] if panel.options.languages else "en")
        found = panel.commands.search(data.query, language, data.limit)
        return Hits(
            results=[
                Hit(
                    passage=row.passage.id, source=row.passage.source, score=round(row.score, 4), text=row.passage.text,
                    title=row.passage.title, place=row.passage.place, language=row.passage.language,
                )
                for row in found
            ]
        )  # fmt: skip

    @reads("/api/v1/knowledge/sources", action="see_status", summary="The sources as they stand")
    def sources() -> Sources:
        return Sources(sources=list(panel.commands.sources()))

    return [search, sources]
