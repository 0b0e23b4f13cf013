"""Signing in: with a name and a password, with a key, or with a one-time token in the address. And signing out."""

import asyncio
from collections.abc import Callable
from typing import Any

from litestar import Response, get

from appliance.panel.frame import LANGUAGE_COOKIE, LANGUAGE_SECONDS, Call, Panel, own_path, session_of, wants_page
from appliance.panel.guard import PUBLIC, SIGNED_IN, client_address, form_of
from appliance.panel.problems import Problem
from appliance.panel.routes import form, said

TOKEN_LENGTH_MOST = 200
PASSWORD_LENGTH_MOST = 1_000


def routes(panel: Panel) -> list[Any]:
    @get("/sign-in", opt={"action": PUBLIC}, media_type="text/html", responses=said(), status_code=200, include_in_schema=False)
    async def sign_in_page(request: Call) -> Response[bytes]:
        """The form; or, with ``?token=``, straight in: such a token is good once."""
        token = request.query_params.get("token", "")
        then = own_path(request.query_params.get("next", "/"))
        if token and request.method == "GET":
            return await _by_token(panel, request, token, then)
        return panel.bare_page(request, "sign_in.html", here="/sign-in", next=then, typed="", wrong="", problem=None)

    @form("/sign-in", action=PUBLIC)
    async def sign_in(request: Call) -> Response[bytes]:
        fields = await form_of(request)
        then, name, key = (str(fields.get(field) or "") for field in ("next", "name", "key"))
        try:
            if key:
                secret = await _by_key(panel, request, key.strip())
            else:
                password = str(fields.get("password") or "")[:PASSWORD_LENGTH_MOST]
                secret = await panel.guard.sign_in(name, password, client_address(request.scope))
        except Problem as problem:
            if not wants_page(request):
                raise
            return panel.problem(request, problem, own_path(then), name[:PASSWORD_LENGTH_MOST])
        return await _entered(panel, request, secret, own_path(then))

    @form("/sign-out", action=SIGNED_IN)
    async def sign_out(request: Call) -> Response[bytes]:
        session = session_of(request)
        if session is not None:
            await _asked(panel.commands.sign_out, session.secret)
            panel.guard.sessions.forget(session.secret)
        return _redirect("/sign-in", {"set-cookie": panel.guard.cookie_header(request.scope, "")})

    return [sign_in_page, sign_in, sign_out]


async def _by_key(panel: Panel, request: Call, key: str) -> str:
    await panel.guard.actor_of(key, client_address(request.scope))  # raises, and counts, when it is nobody's
    return str(await _asked(panel.commands.sign_in_with_key, key))


async def _by_token(panel: Panel, request: Call, token: str, then: str) -> Response[bytes]:
    """A token of the machine always works, whoever guesses keys and passwords meanwhile: 256 bits are not guessed."""
    secret = await _asked(panel.commands.sign_in_with_token, token[:TOKEN_LENGTH_MOST])
    if not secret:
        raise Problem(
            401,
            "used_token",
            "This link has been used, or is too old.",
            "Ask for a new one with tandem keys sign-in, or sign in with your name.",
        )
    return await _entered(panel, request, secret, then)


async def _entered(panel: Panel, request: Call, secret: str, to: str) -> Response[bytes]:
    """In, and in the language that the person chose for the panel."""
    response = _redirect(to, {"set-cookie": panel.guard.cookie_header(request.scope, secret)})
    session = await _asked(panel.guard.sessions.ask, secret)
    person = await _asked(panel.commands.me, session.actor) if session is not None else None
    if person is not None and person.languages:
        response.set_cookie(LANGUAGE_COOKIE, person.languages[0], max_age=LANGUAGE_SECONDS, httponly=True, samesite="lax", path="/")
    return response


async def _asked(command: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, command, *arguments)


def _redirect(to: str, headers: dict[str, str]) -> Response[bytes]:
    return Response(b"", status_code=303, headers={"location": to, **headers})
