"""What the company knows: its sources, a search, what the desk would answer; one source; one passage."""

from typing import Annotated, Any

from litestar import Response
from litestar.params import PathParameter, QueryParameter
from msgspec import Meta

from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.knowing import Answered, answered, marked, passage_address, source_address
from appliance.panel.pages.forms import FORM
from appliance.panel.problems import not_found
from appliance.panel.routes import form, page
from appliance.panel.troubles import Told
from appliance.policy import roles
from appliance.records.base import Record
from appliance.records.knowledge import Found
from appliance.records.language import LANGUAGES, Code

FOUND_MOST = 12
A_PAGE = 25
QUESTION_LENGTH_MOST = 2_000
TextWish = Annotated[str, QueryParameter(name="text", max_length=200, description="Words to look for.")]
LanguageWish = Annotated[str, QueryParameter(name="language", max_length=2, description="The language to search in.")]
Start = Annotated[int, QueryParameter(name="start", ge=0, le=1_000_000, description="How many passages to pass over.")]
Name = Annotated[str, PathParameter(description="A source's name, or a passage's id.")]


class QuestionForm(Record):
    """A question as a customer might ask it. ``language`` "": as detected."""

    question: Annotated[str, Meta(max_length=QUESTION_LENGTH_MOST)]
    language: Annotated[str, Meta(max_length=2)] = ""
    csrf: str = ""


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @page("/knowledge", action="search_knowledge", summary="What the company knows")
    def knowledge(request: Call, text: TextWish = "", language: LanguageWish = "") -> Response[bytes]:
        return shown(panel, request, text=text, language=language)

    @form("/knowledge/ask", action="ask")
    def ask(request: Call, data: Annotated[QuestionForm, FORM]) -> Response[bytes]:
        """The page itself and no redirect: what a customer wrote belongs into no address."""
        question, language = data.question.strip(), _code(data.language) or ""
        reply = answered(commands.ask(question, language), panel.voice(panel.language_of(request))) if question else None
        return shown(panel, request, question=question, asked_in=language, reply=reply)

    @page("/knowledge/source/{name:path}", action="search_knowledge", summary="One source, passage by passage")
    def source(request: Call, name: Name, text: TextWish = "", start: Start = 0) -> Response[bytes]:
        return source_shown(panel, request, name.removeprefix("/"), text=text, start=start)

    @page("/knowledge/passage/{name:path}", action="search_knowledge", summary="One passage")
    def passage(request: Call, name: Name) -> Response[bytes]:
        found = commands.passage(name.removeprefix("/"))
        if found is None:
            raise not_found("passage of that id")
        others = [one for one in commands.disagreements() if found.id in one.passages]
        return panel.page(request, "knowledge_passage.html", passage=found, disagreements=others, **addresses())

    return [knowledge, ask, source, passage]


def shown(
    panel: Panel,
    request: Call,
    *,
    code: int = 200,
    text: str = "",
    language: str = "",
    question: str = "",
    asked_in: str = "",
    reply: Answered | None = None,
    wrong: Told | None = None,
    draft: Any = None,
) -> Response[bytes]:
    """The page. ``wrong``: why what was just handed in was not taken; ``draft``: the fact that was, so that nobody types it twice."""
    commands = panel.commands
    spoken = _code(language) or panel.language_of(request)
    may_change = roles.may(actor_of(request).role, "change_knowledge")
    sources = commands.sources()
    return panel.page(
        request,
        "knowledge.html",
        code=code,
        sources=sources,
        changes={source.name: change for source in sources if (change := commands.last_change(source.name)) is not None},
        disagreements=commands.disagreements(),
        staged=commands.staged_knowledge(),
        text=text,
        spoken=spoken,
        codes=LANGUAGES,
        found=_search(panel, text, spoken),
        question=question,
        asked_in=asked_in,
        reply=reply,
        wrong=wrong,
        draft=draft,
        on_server=any("://" in source.path for source in sources),
        may_change=may_change,
        path="/knowledge",
        **addresses(),
    )


def source_shown(
    panel: Panel, request: Call, name: str, *, code: int = 200, text: str = "", start: int = 0, wrong: Told | None = None
) -> Response[bytes]:
    """The page of one source."""
    commands = panel.commands
    state = next((one for one in commands.sources() if one.name == name), None)
    if state is None:
        raise not_found("source of that name")
    return panel.page(
        request,
        "knowledge_source.html",
        code=code,
        source=state,
        leaf=commands.source_page(name, text, start, A_PAGE),
        a_page=A_PAGE,
        text=text,
        path=source_address(name),
        change=commands.last_change(name),
        versions=commands.earlier_versions(name),
        staged=[one for one in commands.staged_knowledge() if one.source == name],
        wrong=wrong,
        may_change=roles.may(actor_of(request).role, "change_knowledge"),
        **addresses(),
    )


def addresses() -> dict[str, Any]:
    """What the templates of these pages need besides their own."""
    return {"source_address": source_address, "passage_address": passage_address, "marked": marked}


def _search(panel: Panel, text: str, language: Code) -> tuple[Found, ...]:
    return panel.commands.search(text, language, FOUND_MOST) if text.strip() else ()


def _code(wish: str) -> Code | None:
    return next((code for code in LANGUAGES if code == wish), None)
