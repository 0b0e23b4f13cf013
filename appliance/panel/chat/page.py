"""The chat as a page of its own, which works without a script, and the two files that show it on other pages."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body

from appliance.ground.errors import TandemError
from appliance.panel.chat.desk import ChatDesk, chat_problem
from appliance.panel.problems import Problem
from appliance.panel.routes import in_thread

PATH = "/chat"
ANSWER_SECONDS = 3.0  # that a page without a script waits for the answer; the desk mostly needs a tenth of one
_MINUTES = "public, max-age=600"
_SHARED = {"cache-control": _MINUTES, "cross-origin-resource-policy": "cross-origin"}

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


def routes(desk: ChatDesk) -> list[Any]:
    commands = desk.commands

    @get(PATH, include_in_schema=False)
    @in_thread
    def page(request: Request[Any, Any, Any]) -> Response[bytes]:
        return desk.page(request)

    @post(PATH, include_in_schema=False, status_code=200)
    @in_thread
    def form(request: Request[Any, Any, Any], data: Form) -> Response[bytes]:
        """Say something, look again, ask for a person, leave an address. The secret travels in the form, never in an address."""
        said = {name: value for name, value in data.items() if isinstance(value, str)}
        secret, language = said.get("secret", ""), said.get("language", "")
        try:
            session = commands.chat_session(secret)
            if not session:
                begun = desk.begin(request.scope, desk.voice(request, language).code)
                session, secret = begun["session"], begun["secret"]
            _do(session, said)
            return desk.page(request, language=language, secret=secret, view=commands.chat_view(session))
        except (Problem, TandemError) as error:
            known = commands.chat_session(secret)
            view = commands.chat_view(known) if known else None
            return desk.page(
                request, language=language, secret=secret, view=view, problem=chat_problem(error), kept=said.get("message", "")
            )

    def _do(session: str, said: dict[str, str]) -> None:
        wish = said.get("do", "say")
        if wish == "person":
            commands.chat_ask_for_person(session)
        elif wish == "address":
            commands.chat_leave_address(session, said.get("address", ""))
        elif wish == "say":
            case = commands.chat_say(session, said.get("message", ""), said.get("id", ""))
            commands.chat_wait(session, case, ANSWER_SECONDS)

    @get("/widget.js", include_in_schema=False)
    async def script() -> Response[bytes]:
        """The widget. One tag on any page that chat.origins names is all that is needed."""
        return Response(desk.script, media_type="text/javascript; charset=utf-8", headers=_SHARED)

    @get("/widget.css", include_in_schema=False)
    async def looks() -> Response[bytes]:
        return Response(desk.looks, media_type="text/css; charset=utf-8", headers={**_SHARED, "access-control-allow-origin": "*"})

    return [page, form, script, looks]
