"""Signing in: with a one-time token in the address, or with a key in a form. And signing out."""

import asyncio
from typing import Any

from litestar import Response, get

from appliance.panel.frame import Call, Panel, own_path
from appliance.panel.guard import PUBLIC, SIGNED_IN, client_address
from appliance.panel.problems import Problem
from appliance.panel.routes import form, said

TOKEN_LENGTH_MOST = 200


def routes(panel: Panel) -> list[Any]:
    @get("/sign-in", opt={"action": PUBLIC}, media_type="text/html", responses=said(), status_code=200, include_in_schema=False)
    async def sign_in_page(request: Call) -> Response[bytes]:
        """The form; or, with ``?token=``, straight in: such a token is good once."""
        token = request.query_params.get("token", "")
        if token and request.method == "GET":
            return await _by_token(panel, request, token)
        return panel.bare_page(
            request, "sign_in.html", here="/sign-in", next=own_path(request.query_params.get("next", "/")), wrong=False, problem=None
        )

    @form("/sign-in", action=PUBLIC)
    async def sign_in(request: Call) -> Response[bytes]:
        fields = await request.form()
        key = str(fields.get("key") or "").strip()
        actor = await panel.guard.actor_of(key, client_address(request.scope))
        return _entered(panel, request, panel.guard.sessions.open(actor, key), own_path(str(fields.get("next") or "/")))

    @form("/sign-out", action=SIGNED_IN)
    async def sign_out(request: Call) -> Response[bytes]:
        panel.guard.sessions.close(panel.guard.secret_of(request.scope))
        return _redirect("/sign-in", {"set-cookie": panel.guard.cookie_header(request.scope, "")})

    return [sign_in_page, sign_in, sign_out]


async def _by_token(panel: Panel, request: Call, token: str) -> Response[bytes]:
    address = client_address(request.scope)
    panel.guard.check_patience(address)
    taken = asyncio.get_running_loop().run_in_executor(None, panel.commands.take_token, token[:TOKEN_LENGTH_MOST])
    actor = await taken
    if actor is None:
        panel.guard.strikes.wrong(address)
        raise Problem(
            401,
            "used_token",
            "This link has been used, or is too old.",
            "Ask for a new one with tandem keys sign-in, or sign in with a key.",
        )
    return _entered(panel, request, panel.guard.sessions.open(actor), own_path(request.query_params.get("next", "/")))


def _entered(panel: Panel, request: Call, secret: str, to: str) -> Response[bytes]:
    return _redirect(to, {"set-cookie": panel.guard.cookie_header(request.scope, secret)})


def _redirect(to: str, headers: dict[str, str]) -> Response[bytes]:
    return Response(b"", status_code=303, headers={"location": to, **headers})
