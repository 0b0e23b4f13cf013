"""What every address of the chat shares: whose conversation a request is about, and how it is told."""

import json
from collections.abc import Callable
from functools import cached_property
from typing import Any

from litestar import Request, Response
from litestar.types import Scope

from appliance.ground.assets import asset
from appliance.ground.ids import new_id
from appliance.panel import words
from appliance.panel.chat.gate import VISITOR
from appliance.panel.chat.listening import Listening
from appliance.panel.chat.options import ChatOptions
from appliance.panel.chat.phrases import conversation, widget_words
from appliance.panel.chat.visitors import Visitors
from appliance.panel.doors.chat import ChatDoor
from appliance.panel.frame import templates
from appliance.panel.problems import Problem, problem_of
from appliance.panel.words import Voice
from appliance.records.chat import ChatView
from appliance.records.language import Code
from appliance.store.errors import ChatEnded, TooManyMessages

Call = Request[Any, Any, Any]
_SERVED_GOES_HERE = "/* served */ {}"


class ChatDesk:
    """One chat: its commands, its visitors, its words."""

    def __init__(self, commands: ChatDoor, options: ChatOptions, describe: Callable[[], dict[str, Any]]) -> None:
        self.commands = commands
        self.options = options
        self.visitors = Visitors(options.clock, options.sessions_per_hour, options.proxies)
        self.listening = Listening(commands)
        self._describe = describe

    @cached_property
    def description(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return self._describe()

    @cached_property
    def tables(self) -> dict[Code, words.Table]:
        return words.load(asset("web") / "words")

    @cached_property
    def script(self) -> bytes:
        """The widget with its words in all three languages, the company's name and the longest message."""
        source = (asset("web") / "chat" / "widget.js").read_text(encoding="utf-8")
        said = {code: widget_words(table) for code, table in self.tables.items()}
        served = {"words": said, "company": self.options.company, "characters": self.options.message_characters}
        return source.replace(_SERVED_GOES_HERE, json.dumps(served, ensure_ascii=False, sort_keys=True)).encode()

    @cached_property
    def looks(self) -> bytes:
        return (asset("web") / "chat" / "widget.css").read_bytes()

    def voice(self, request: Call, language: str = "") -> Voice:
        """The language of a request: what it asks for, what its browser prefers, the company's first."""
        default = self.options.languages[0] if self.options.languages else "en"
        wish = language or request.query_params.get("language", "")
        code = words.choose(wish, "", request.headers.get("accept-language", ""), default)
        return Voice(self.tables, code, self.options.zone, self.options.clock.now())

    def session_of(self, request: Call) -> str:
        """The conversation whose secret the request carries. Raises ``Problem`` for none and for a wrong one alike."""
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        session = self.commands.chat_session(secret.strip()) if kind.lower() == "bearer" else ""
        if not session:
            raise Problem(401, "conversation", "There is no such conversation, or it has ended.", "Begin a new one.")
        return session

    def begin(self, scope: Scope, language: str) -> dict[str, str]:
        """A new conversation, unless this address has begun too many."""
        if not self.visitors.sessions.take(address_of(scope)):
            raise Problem(429, "too_many", "Too many conversations were begun from this address.", "Try again in an hour.")
        return self.commands.chat_open(language)

    def told(self, view: ChatView, voice: Voice) -> dict[str, Any]:
        """The conversation as a page takes it."""
        return conversation(view, voice, self.options.zone)

    def page(
        self,
        request: Call,
        *,
        language: str = "",
        secret: str = "",
        view: ChatView | None = None,
        problem: Problem | None = None,
        kept: str = "",
    ) -> Response[bytes]:
        """The page that works without a script. ``kept`` are words that could not be taken, so that nobody types them twice."""
        voice = self.voice(request, language)
        html = (
            templates()
            .get_template("chat.html")
            .render(
                t=voice.text,
                voice=voice,
                company=self.options.company,
                secret=secret,
                chat=self.told(view, voice) if view is not None else None,
                key=new_id("k"),
                problem=voice.known(f"chat.problem.{problem.code}", "text", voice.text("chat.failed")) if problem else "",
                kept=kept,
                most=self.options.message_characters,
            )
        )
        code = problem.status if problem is not None else 200
        return Response(html.encode(), media_type="text/html; charset=utf-8", status_code=code)


def chat_problem(error: Exception) -> Problem:
    """The problem that an exception amounts to for a customer's page: whether to wait, or to begin anew."""
    if isinstance(error, TooManyMessages):
        return Problem(429, "too_many", error.message, error.remedy)
    if isinstance(error, ChatEnded):
        return Problem(401, "conversation", error.message, error.remedy)
    return problem_of(error)


def address_of(scope: Scope) -> str:
    """The address that asks, as the gate has found out."""
    extensions: Any = scope.get("extensions") or {}
    return str(extensions.get(VISITOR, ""))
