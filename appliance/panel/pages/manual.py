"""The manual and what else a phone's foot has no room for."""

from typing import Annotated, Any

from litestar import Response
from litestar.params import PathParameter
from markupsafe import Markup

from appliance.panel.frame import Call, Panel
from appliance.panel.guard import SIGNED_IN
from appliance.panel.manual import FIRST, chapters
from appliance.panel.problems import not_found
from appliance.panel.routes import page

ChapterName = Annotated[str, PathParameter(description="A chapter of the manual.")]


def routes(panel: Panel) -> list[Any]:
    def shown(request: Call, name: str) -> Response[bytes]:
        manual = chapters(panel.language_of(request))
        chapter = manual.get(name)
        if chapter is None:
            raise not_found("chapter of that name")
        text = Markup(chapter.html)  # our own files, drawn with HTML switched off
        return panel.page(request, "help.html", chapters=manual.values(), chapter=chapter, text=text)

    @page("/help", action=SIGNED_IN, summary="The manual, from its beginning")
    def manual(request: Call) -> Response[bytes]:
        return shown(request, FIRST)

    @page("/help/{chapter:str}", action=SIGNED_IN, summary="A chapter of the manual")
    def one_chapter(request: Call, chapter: ChapterName) -> Response[bytes]:
        return shown(request, chapter)

    @page("/more", action=SIGNED_IN, summary="The pages that a phone's foot has no room for")
    def more(request: Call) -> Response[bytes]:
        return panel.page(request, "more.html")

    return [manual, one_chapter, more]
