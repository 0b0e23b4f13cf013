"""What the widget asks for: saying something, hearing the answer, a person, leaving an address, the end."""

import asyncio
import json
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, asgi, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Body
from litestar.types import Receive, Scope, Send
from msgspec import Meta

from appliance.ground.errors import TandemError
from appliance.ground.ids import new_id
from appliance.panel.chat.desk import Call, ChatDesk, address_of, chat_problem
from appliance.panel.problems import ErrorBody, Problem
from appliance.panel.routes import in_thread
from appliance.records.base import Record
from appliance.records.chat import ChatState
from appliance.records.language import Code

_SAID = {
    400: "Not as described here.",
    401: "No secret, a wrong one, or the conversation has ended.",
    403: "This web page may not use the chat.",
    409: "Not now: the conversation does not allow it.",
    413: "The request is too large.",
    429: "Too many requests, conversations or messages.",
    500: "A fault of the appliance's own.",
    503: "The node cannot do it at the moment.",
}
_RESPONSES = {status: ResponseSpec(ErrorBody, description=text, generate_examples=False) for status, text in _SAID.items()}


class Entry(Record):
    """One thing that was said, and the titles of what a reply rests on."""

    id: str
    who: Literal["customer", "desk", "person"]
    text: str
    at: float
    sources: list[str] = []


class Conversation(Record):
    """A conversation as it stands. ``secret`` is told once, with the first message; ``opens`` says when a person is
    there; of two answers the one with the higher ``position`` is newer."""

    session: str
    state: ChatState
    case: str
    entries: list[Entry]
    wants_person: bool
    closed: bool
    has_address: bool
    opens: str
    position: int
    secret: str = ""


class Saying(Record, forbid_unknown_fields=True):
    """Something a customer says. ``id`` is the page's own name for it: sent twice under one name, it was said once."""

    message: Annotated[str, Meta(min_length=1, max_length=20_000)]
    id: Annotated[str, Meta(pattern=r"^([A-Za-z0-9_-]{8,64})?$")] = ""
    name: Annotated[str, Meta(max_length=80)] = ""
    language: Code | None = None


class Leaving(Record, forbid_unknown_fields=True):
    """A mail address for a later answer."""

    address: Annotated[str, Meta(min_length=3, max_length=254)]


def routes(desk: ChatDesk) -> list[Any]:
    commands = desk.commands

    def as_it_stands(request: Call, session: str, secret: str = "") -> Conversation:
        told = desk.told(commands.chat_view(session), desk.voice(request))
        return msgspec.convert({**told, "secret": secret}, Conversation)

    @post("/api/ai/chat", status_code=200, summary="Say something; without a secret, in a new conversation", **_described("say"))
    @in_thread
    def say(request: Request[Any, Any, Any], data: Annotated[Saying, Body()]) -> Conversation:
        begun: dict[str, str] = {}
        if not request.headers.get("authorization"):
            begun = desk.begin(request.scope, data.language or "")
        session = begun.get("session") or desk.session_of(request)
        commands.chat_say(session, data.message, data.id or new_id("k"), data.name)
        return as_it_stands(request, session, begun.get("secret", ""))

    @get("/chat/conversation", summary="The conversation as it stands", **_described("look"))
    @in_thread
    def look(request: Request[Any, Any, Any]) -> Conversation:
        return as_it_stands(request, desk.session_of(request))

    @post("/chat/person", status_code=200, summary="Ask for a person", **_described("person"))
    @in_thread
    def person(request: Request[Any, Any, Any]) -> Conversation:
        session = desk.session_of(request)
        commands.chat_ask_for_person(session)
        return as_it_stands(request, session)

    @post("/chat/address", status_code=200, summary="Leave a mail address for a later answer", **_described("address"))
    @in_thread
    def address(request: Request[Any, Any, Any], data: Annotated[Leaving, Body()]) -> Conversation:
        session = desk.session_of(request)
        commands.chat_leave_address(session, data.address)
        return as_it_stands(request, session)

    @post("/chat/end", status_code=200, summary="End the conversation", **_described("end"))
    @in_thread
    def end(request: Request[Any, Any, Any]) -> Conversation:
        session = desk.session_of(request)
        commands.chat_end(session)
        return as_it_stands(request, session)

    @get("/openapi.json", summary="This description", **_described("openapi"))
    async def openapi() -> Response[bytes]:
        return Response(msgspec.json.encode(desk.description), media_type="application/json")

    @asgi("/chat/events", copy_scope=False)
    async def events(scope: Scope, receive: Receive, send: Send) -> None:
        """Server-sent events: the conversation whenever something about it changes."""
        await _listen(desk, scope, receive, send)

    return [say, look, person, address, end, openapi, events]


def _described(name: str) -> dict[str, Any]:
    return {"operation_id": f"chat_{name}", "tags": ["chat"], "responses": _RESPONSES}


async def _listen(desk: ChatDesk, scope: Scope, receive: Receive, send: Send) -> None:
    """One page's line. An ASGI route has no exception handler, so what is wrong is said here."""
    request: Call = Request(scope)
    loop, visitor = asyncio.get_running_loop(), address_of(scope)
    if request.method != "GET":
        return await _refuse(send, Problem(405, "method", "This address does not take that method.", "Use GET.", {"allow": "GET"}))
    if not desk.visitors.enter(visitor):
        return await _refuse(send, Problem(429, "too_many", "Too many pages are open at this address.", "Close some of them."))
    try:
        session = await loop.run_in_executor(None, desk.session_of, request)
        voice = desk.voice(request)

        def told(session: str) -> tuple[bytes, bool]:
            view = desk.commands.chat_view(session)
            return json.dumps(desk.told(view, voice), ensure_ascii=False, separators=(",", ":")).encode(), view.closed

        async def tell(session: str) -> tuple[bytes, bool]:
            return await loop.run_in_executor(None, told, session)

        await desk.listening.serve(scope, receive, send, session, tell)
    except (Problem, TandemError) as error:
        await _refuse(send, chat_problem(error))
    finally:
        desk.visitors.leave(visitor)


async def _refuse(send: Send, problem: Problem) -> None:
    headers = [(b"content-type", b"application/json"), *((name.encode(), value.encode()) for name, value in problem.headers.items())]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": problem.as_json(), "more_body": False})
