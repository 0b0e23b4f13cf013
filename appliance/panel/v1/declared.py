"""How an operation of ``/v1`` is declared: its action for the guard, its body for the description, and the errors it may give."""

from collections.abc import Callable
from typing import Any

from litestar import get, post
from litestar.openapi.datastructures import ResponseSpec

from appliance.panel.routes import in_thread
from appliance.records.base import Record

Declaration = Callable[[Callable[..., Any]], Any]
JSON, EVENTS = "application/json", "text/event-stream"


class V1Words(Record):
    """What went wrong, of which kind it is, the field it is about, and a code that does not change with the words."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class V1Error(Record):
    """The body of every answer under ``/v1`` that is no success."""

    error: V1Words


_SAID = {
    400: "The request is not of the right form, or asks for something that is not done here; ``param`` names the field.",
    401: "The key is not known.",
    403: "The key's role does not allow it.",
    404: "There is no such model.",
    413: "The request is too large.",
    421: "The Host header names somebody else.",
    429: "As many requests wait as may, or too many wrong keys came from this address.",
    500: "A fault of the appliance's own; it is in the error log.",
    502: "The engine's answer cannot be used.",
    503: "The engine is not there, or cannot work at the moment.",
}


def looks(path: str, *, action: str, summary: str) -> Declaration:
    """An operation that takes no body."""
    return lambda function: get(path, **_common(path, action, summary))(in_thread(function))


def asks(path: str, *, action: str, summary: str, body: Any, answers: tuple[str, ...] = (JSON, EVENTS), **more: Any) -> Declaration:
    """An operation that takes a body of this type and answers in one of these media types; ``more`` are the route's own options.

    The body is read by the handler and not by the framework: what is wrong with it has to name a field.
    """
    common = _common(path, action, summary)
    common["opt"] |= {"body": body, "answers": answers, "form": more.pop("form", False)}
    return lambda function: post(path, status_code=200, **common, **more)(function)


def _common(path: str, action: str, summary: str) -> dict[str, Any]:
    return {
        "opt": {"action": action},
        "summary": summary,
        "tags": ["v1"],
        "operation_id": "v1_" + path.removeprefix("/v1/").partition("{")[0].strip("/").replace("/", "_") + ("_one" if "{" in path else ""),
        "responses": {status: ResponseSpec(V1Error, description=words, generate_examples=False) for status, words in _SAID.items()},
    }
