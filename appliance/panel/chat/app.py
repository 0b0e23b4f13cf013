"""The chat put together: the gate around a Litestar app that knows conversations and nothing else of the node."""

from typing import Any

from litestar import Request, Response
from litestar.handlers import BaseRouteHandler

from appliance.panel import bare
from appliance.panel.chat import page, talk
from appliance.panel.chat.desk import ChatDesk, chat_problem
from appliance.panel.chat.gate import Gate
from appliance.panel.chat.options import ChatOptions
from appliance.panel.describe import description
from appliance.panel.doors.chat import ChatDoor
from appliance.panel.front import ASGIApp

BODY_BYTES_MOST = 128 * 1024  # the longest message, with every letter escaped as JSON may have it, and room to spare
_BEARER = {"secret": {"type": "http", "scheme": "bearer", "description": "The conversation's secret, as its first message returned it."}}


def build_chat(commands: ChatDoor, options: ChatOptions) -> ASGIApp:
    """The app for the chat's own ``PanelServer``."""

    def describe() -> dict[str, Any]:
        return described(handlers(desk), options.version)

    desk = ChatDesk(commands, options, describe)

    def explain(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        problem = chat_problem(error)
        if request.url.path == page.PATH:
            return desk.page(request, problem=problem)
        return Response(problem.as_json(), status_code=problem.status, media_type="application/json", headers=problem.headers)

    app = bare.app(
        route_handlers=handlers(desk),
        exception_handlers={Exception: explain},
        request_max_body_size=BODY_BYTES_MOST,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    return Gate(app, options.origins, desk.visitors)


def handlers(desk: ChatDesk) -> list[BaseRouteHandler]:
    """Every operation and the page."""
    return [*talk.routes(desk), *page.routes(desk)]


def described(routes: list[BaseRouteHandler], version: str) -> dict[str, Any]:
    """The OpenAPI document of the chat: that of an API, with the secret of a conversation where that has a key."""
    document = description(routes, version)
    document["info"].update(
        title="Tandem chat", description="A customer's conversation. Its first message returns the secret of all others."
    )
    document["components"]["securitySchemes"] = _BEARER
    document["security"] = [{"secret": []}]
    document["paths"]["/api/ai/chat"]["post"]["security"] = [{}, {"secret": []}]  # without one it begins a conversation
    return document
