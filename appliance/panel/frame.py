"""What every page and every operation shares: the panel put together, and how a page is rendered in its frame."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.types import ASGIApp, Scope

from appliance.ground.assets import asset
from appliance.panel import naming, pushed, troubles, words
from appliance.panel.door import Commands, PanelOptions
from appliance.panel.feed import Feed
from appliance.panel.guard import Guard, content_policy
from appliance.panel.pair_view import other_panel
from appliance.panel.problems import Problem
from appliance.panel.sessions import Session
from appliance.panel.short import short
from appliance.panel.static import Static
from appliance.panel.words import Voice
from appliance.policy import roles
from appliance.records.base import Record
from appliance.records.language import Code
from appliance.records.person import Actor

Call = Request[Any, Any, Any]
LANGUAGE_COOKIE = "tandem-language"
LANGUAGE_SECONDS = 365 * 86400
_FOR_PROGRAMS = ("/api/", "/ai/", "/v1/", "/health", "/info", "/metrics", "/openapi.json", "/livez", "/readyz")


#: The pages in the navigation: address, name, and the action that one must be allowed ("" for everybody who is signed in).
PLACES: tuple[tuple[str, str, str], ...] = (
    ("/", "overview", "see_status"),
    ("/review", "review", "see_cases"),
    ("/cases", "cases", "see_cases"),
    ("/call", "calls", "see_cases"),
    ("/escalations", "escalations", "see_cases"),
    ("/knowledge", "knowledge", "search_knowledge"),
    ("/analytics", "analytics", "see_numbers"),
    ("/pushes", "pushes", "see_cases"),
    ("/pair", "pair", "see_status"),
    ("/models", "models", "see_status"),
    ("/admin", "appliance", "see_status"),
    ("/people", "people", "manage_people"),
    ("/help", "help", ""),
)
APART: frozenset[str] = frozenset({"knowledge", "pair", "help"})  # each begins a group: the work, what it draws on, the machines, help
FOOT: frozenset[str] = frozenset({"overview", "review", "cases", "knowledge"})  # on a phone the others stand behind "more"


@cache
def templates() -> Environment:
    """The templates, each compiled when it is first needed and then kept. Autoescape is on whatever their names end in."""
    return Environment(
        loader=FileSystemLoader(asset("web") / "templates"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class Undo(Record):
    """A decision that can still be taken back: until when (Unix seconds), and for how many seconds more."""

    case: str
    until: float
    seconds: int


@dataclass(frozen=True)
class Panel:
    """The panel of one node."""

    commands: Commands
    options: PanelOptions
    guard: Guard
    feed: Feed
    static: Static
    describe: Callable[[], dict[str, Any]]  # the API's description, made when somebody asks for it

    @cached_property
    def description(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return self.describe()

    @cached_property
    def tables(self) -> dict[Code, words.Table]:
        return words.load(asset("web") / "words")

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.options.time_zone)

    def voice(self, language: Code) -> Voice:
        return Voice(self.tables, language, self.zone, self.options.clock.now())

    def language_of(self, request: Call) -> Code:
        accept = request.headers.get("accept-language", "")
        default = self.options.languages[0] if self.options.languages else "en"
        return words.choose(request.query_params.get("lang", ""), request.cookies.get(LANGUAGE_COOKIE, ""), accept, default)

    def page(self, request: Call, name: str, *, code: int = 200, **context: Any) -> Response[bytes]:
        """One page in the frame: navigation, the levers' state, the sentence about what was just done."""
        frame = self._frame(request)
        response = self._rendered(request, name, code, {**frame, **context})
        if frame["other"]:
            response.headers["content-security-policy"] = content_policy(frame["other"])
        return response

    def bare_page(self, request: Call, name: str, *, code: int = 200, **context: Any) -> Response[bytes]:
        """A page for somebody who may be nobody yet: it tells nothing about the node."""
        return self._rendered(request, name, code, {**self._common(request), **context})

    def _rendered(self, request: Call, name: str, code: int, context: dict[str, Any]) -> Response[bytes]:
        html = templates().get_template(name).render(context)
        response = Response(html.encode(), media_type="text/html; charset=utf-8", status_code=code)
        wish = request.query_params.get("lang", "")
        if wish and wish == context["voice"].code:
            response.set_cookie(LANGUAGE_COOKIE, wish, max_age=LANGUAGE_SECONDS, httponly=True, samesite="lax", path="/")
        return response

    def _common(self, request: Call) -> dict[str, Any]:
        voice = self.voice(self.language_of(request))
        return {
            "voice": voice,
            "static": self.static.address,
            "t": voice.text,
            "n": voice.count,
            "who": naming.who,
            "by": lambda name: naming.actor(voice, name, self.commands.names),
            "node_label": naming.node_label,
            "place_of": lambda noted: naming.place(voice, noted),
            "dependency": lambda name: words.dependency(voice, name),
            "reason": lambda code: short(code, voice),
            "language_name": lambda code: voice.known("language", code),
            "channel_name": lambda channel: voice.known("channel", channel),
            "trouble": lambda row: troubles.of_dependency(row, voice),
            "source_trouble": lambda source: troubles.of_source(source, voice),
            "company": self.options.company,
            "places": PLACES,
            "foot": FOOT,
            "apart": APART,
            "push_tones": pushed.TONES,
            "push_signs": pushed.SIGNS,
            "path": _page_address(request),
            "languages": words.NAMES,
        }

    def _frame(self, request: Call) -> dict[str, Any]:
        actor, session, status = actor_of(request), session_of(request), self.commands.status()
        return {
            **self._common(request),
            "actor": actor,
            "csrf": session.csrf if session else "",
            "signed_in_by_browser": session is not None,
            "notice": session.take_notice() if session and request.headers.get("x-live") is None else None,
            "undo": self._undo(session),
            "status": status,
            "other": other_panel(status),
            "may": lambda action: roles.may(actor.role, action),
        }

    def _undo(self, session: Session | None) -> Undo | None:
        """What this browser decided last, while it can be taken back."""
        if session is None or not session.decided:
            return None
        until, now = self.commands.undo_until(session.decided), self.options.clock.now()
        return Undo(case=session.decided, until=until, seconds=max(1, round(until - now))) if until > now else None

    def refuse(self, scope: Scope, problem: Problem) -> ASGIApp:
        """The answer to a request that is not let in: a page for browsers, JSON for everybody else."""
        return _Plain(self.problem(Request(scope), problem))

    def problem(self, request: Call, problem: Problem, then: str = "", name: str = "", written: str = "") -> Response[bytes]:
        """The answer in the shape the client reads. ``then``: where to go once signed in; ``name``: who was typed there;
        ``written``: what a person had written, so that they do not lose it by the refusal."""
        if not wants_page(request):
            body = problem.as_openai_json() if request.url.path.startswith("/v1/") else problem.as_json()
            return Response(body, status_code=problem.status, media_type="application/json", headers=problem.headers)
        voice = self.voice(self.language_of(request))
        words_ = f"problem.{problem.code}"
        response = self.bare_page(
            request,
            "sign_in.html" if problem.status == 401 else "problem.html",
            code=problem.status,
            message=voice.known(words_, "message", problem.message),
            remedy=voice.known(words_, "remedy", problem.remedy),
            here=request.url.path if request.method == "GET" else "/",
            next=then or _here(request),
            typed=name,
            written=written,
            wrong=problem.code,
            problem=problem,
        )
        for name, value in problem.headers.items():
            response.headers[name] = value
        return response


def _page_address(request: Call) -> str:
    """Where the page that is shown can be opened again: what answers a form stands at the form's address, which opens nothing."""
    if request.method == "GET":
        return request.url.path
    section = request.url.path.split("/")[1]
    return "/people" if section == "keys" else f"/{section}"


class _Plain:
    """Sends a finished response without an app around it."""

    def __init__(self, response: Response[bytes]) -> None:
        self._response = response

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        headers = [
            (b"content-type", str(self._response.media_type).encode()),
            (b"content-length", str(len(self._response.content)).encode()),
        ]
        headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in self._response.headers.items()]
        headers += [(b"set-cookie", cookie.to_header(header="").encode()) for cookie in self._response.cookies]
        await send({"type": "http.response.start", "status": self._response.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else self._response.content})


Routes = Callable[[Panel], list[Any]]


def actor_of(request: Call) -> Actor:
    """Who asks; the guard has seen to it that there is somebody."""
    actor: Actor = request.scope["user"]
    return actor


def session_of(request: Call) -> Session | None:
    """The browser's session; None for a program with a key."""
    session: Session | None = request.scope["auth"]
    return session


def _here(request: Call) -> str:
    """Where a person wanted to go, to be led there after signing in; a form that was sent is not sent again."""
    query = f"?{request.url.query}" if request.url.query else ""
    return own_path(f"{request.url.path}{query}") if request.method == "GET" else "/"


def wants_page(request: Call) -> bool:
    """Whether the answer is read by a person: a browser asks for HTML, and the API's addresses never give it."""
    return not request.url.path.startswith(_FOR_PROGRAMS) and "text/html" in request.headers.get("accept", "")


def own_path(address: str) -> str:
    """The address if it stays in this panel, else the overview: a link must not lead elsewhere after signing in."""
    fine = address.startswith("/") and not address.startswith(("//", "/\\")) and not address.startswith("/sign-")
    return address if fine and address.isprintable() else "/"
