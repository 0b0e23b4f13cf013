"""Asking the desk over HTTP: what it would answer, were this a mail. Nothing is stored or sent."""

from typing import Annotated, Any

from litestar.params import Body
from msgspec import Meta

from appliance.panel.frame import Panel
from appliance.panel.routes import asks
from appliance.records.base import Record
from appliance.records.language import Code


class Question(Record, forbid_unknown_fields=True):
    """A question in a customer's words. Without a language it is detected."""

    text: Annotated[str, Meta(min_length=1, max_length=20_000)]
    language: Code | None = None


def routes(panel: Panel) -> list[Any]:
    @asks("/api/v1/ask", action="ask", summary="What the desk would answer")
    def ask(data: Annotated[Question, Body()]) -> dict[str, Any]:
        return panel.commands.ask(data.text, data.language or "")

    return [ask]
