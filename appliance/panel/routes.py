"""How a route is declared: its action for the guard, and the answers that every operation may give."""

import asyncio
import functools
import inspect
import typing
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from litestar import Request, delete, get, post, put
from litestar.connection import ASGIConnection
from litestar.enums import RequestEncodingType
from litestar.handlers import BaseRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter

from appliance.panel.guard import form_of
from appliance.panel.problems import ErrorBody, Problem

CaseId = Annotated[str, PathParameter(description="The case's number.")]
Declaration = Callable[[Callable[..., Any]], Any]
_ANY = msgspec.json.Decoder[Any]()

_SAID = {
    400: "Not as described here.",
    401: "Nobody is signed in, or the key is not known.",
    403: "The role does not allow it, or the form or page is somebody else's.",
    404: "There is no such thing.",
    409: "Not now: what it is about has changed or does not allow it.",
    413: "The request is too large.",
    421: "The Host header names somebody else.",
    429: "Too many wrong keys came from this address.",
    500: "A fault of the appliance's own; it is in the error log.",
    503: "The node cannot do it at the moment.",
}
_ALWAYS = (400, 401, 403, 421, 429, 500, 503)


def said(*more: int) -> dict[int, ResponseSpec]:
    """The answers besides success: those any operation may give, and these."""
    return {status: ResponseSpec(ErrorBody, description=_SAID[status], generate_examples=False) for status in sorted({*_ALWAYS, *more})}


def page(path: str, *, action: str, summary: str) -> Declaration:
    """A page for people, read in a thread so that the event loop stays free."""
    return _declared(get, path, action, summary, "pages", 404, media_type="text/html")


def form(path: str, *, action: str, most_bytes: int | None = None) -> Declaration:
    """What a page's form does; it answers with a redirect or a page, and is no part of the API. ``most_bytes``: if it carries files."""
    size: dict[str, Any] = {} if most_bytes is None else {"request_max_body_size": most_bytes}
    return lambda function: post(path, opt={"action": action}, include_in_schema=False, guards=_readable(function), **size)(
        in_thread(function)
    )


def hidden(path: str, *, action: str) -> Declaration:
    """Something a page needs that is no page itself."""
    return lambda function: get(path, opt={"action": action}, include_in_schema=False)(in_thread(function))


def reads(path: str, *, action: str, summary: str, missing: bool = False, **options: Any) -> Declaration:
    """An operation that looks. ``missing``: what it looks at may not be there."""
    return _declared(get, path, action, summary, "api", *((404,) if missing else ()), **options)


def asks(path: str, *, action: str, summary: str) -> Declaration:
    """An operation that looks, and takes a body to do so."""
    return _declared(post, path, action, summary, "api", 413, status_code=200)


def does(path: str, *, action: str, summary: str, **options: Any) -> Declaration:
    """An operation that changes something."""
    return _declared(post, path, action, summary, "api", 404, 409, 413, status_code=200, **options)


def sets(path: str, *, action: str, summary: str) -> Declaration:
    """An operation that brings something into a state, however often it is done."""
    return _declared(put, path, action, summary, "api", 404, 409, 413)


def destroys(path: str, *, action: str, summary: str) -> Declaration:
    """An operation that cannot be undone."""
    return _declared(delete, path, action, summary, "api", 404, 409, status_code=200)


def _declared(method: Callable[..., Any], path: str, action: str, summary: str, group: str, *more: int, **options: Any) -> Declaration:
    def declare(function: Callable[..., Any]) -> Any:
        common: dict[str, Any] = {"opt": {"action": action}, "summary": summary, "tags": [group]}
        named = f"{group}_{function.__name__}"
        return method(path, responses=said(*more), operation_id=named, guards=_readable(function), **common, **options)(in_thread(function))

    return declare


def _readable(function: Callable[..., Any]) -> list[Callable[..., Any]]:
    """What stands before a handler with a body: Litestar stumbles over broken text and endless nesting."""
    data = typing.get_type_hints(function, include_extras=True).get("data")
    if data is None:
        return []
    if any(getattr(each, "media_type", RequestEncodingType.JSON) != RequestEncodingType.JSON for each in data.__metadata__):
        return [_as_form]
    return [_exactly(data.__origin__) if any(field.type is bool for field in msgspec.structs.fields(data.__origin__)) else _as_json]


async def _as_form(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    if isinstance(connection, Request):
        await form_of(connection)


def _exactly(body: type) -> Callable[..., Any]:
    """Refuses a JSON body that is not of this type to the letter: Litestar would take 0 or "no" for false."""
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(body)

    async def exact(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        await _as_json(connection, handler)  # the whole of it, and not only the fields of this type
        if isinstance(connection, Request):
            _decoded(decoder, await connection.body())

    return exact


async def _as_json(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    if isinstance(connection, Request):
        _decoded(_ANY, await connection.body())


def _decoded(decoder: "msgspec.json.Decoder[Any]", body: bytes) -> None:
    try:
        decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        words = "The body is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Problem(400, "invalid", f"{words}.", "/docs lists what each operation takes.") from error


def in_thread(function: Callable[..., Any]) -> Callable[..., Any]:
    """The handler, run outside the event loop: a command may wait for the disk. An async handler is left as it is.

    Not Litestar's ``sync_to_thread``: it wraps a handler twice when three methods share a path, and the answer is then a
    coroutine that nobody awaits.
    """
    if inspect.iscoroutinefunction(function):
        return function

    @functools.wraps(function)
    async def run(*positional: Any, **named: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(None, functools.partial(function, *positional, **named))

    return run
