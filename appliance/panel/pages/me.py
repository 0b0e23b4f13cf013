"""One's own page: signature, language, password, and where one is signed in."""

from typing import Annotated, Any

from litestar import Response
from msgspec import Meta

from appliance.panel.frame import LANGUAGE_COOKIE, LANGUAGE_SECONDS, Call, Panel, actor_of, session_of
from appliance.panel.guard import SIGNED_IN
from appliance.panel.pages.forms import FORM, Short, notice, redirect
from appliance.panel.pages.people import Nothing, Password
from appliance.panel.problems import Problem
from appliance.panel.routes import form, page
from appliance.records.base import Record
from appliance.records.language import LANGUAGES, Code
from appliance.records.person import Person


class ProfileForm(Record):
    """What a person says about themselves. ``language`` is the panel's; the others they answer in stay as they are."""

    language: Code
    signature: Annotated[str, Meta(max_length=4_000)] = ""
    email: Annotated[str, Meta(max_length=320)] = ""
    csrf: str = ""


class OwnPasswordForm(Record):
    """``again`` is the new one once more, so that a slip locks nobody out."""

    old: Password
    password: Password
    again: Password
    csrf: str = ""


class SessionForm(Record):
    session: Short
    csrf: str = ""


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @page("/me", action=SIGNED_IN, summary="One's own page")
    def me(request: Call) -> Response[bytes]:
        actor, session = actor_of(request), session_of(request)
        person = commands.me(actor)
        this = session.id if session else ""
        own = commands.sessions(actor, actor.name) if person is not None else []
        own.sort(key=lambda one: one.id != this)
        return panel.page(request, "me.html", person=person, sessions=own, this=this, choices=LANGUAGES)

    @form("/me/profile", action=SIGNED_IN)
    def set_profile(request: Call, data: Annotated[ProfileForm, FORM]) -> Response[bytes]:
        person = _somebody(panel, request)
        languages: list[str] = [data.language, *(code for code in person.languages if code != data.language)]
        commands.set_profile(actor_of(request), person.id, email=data.email, signature=data.signature, languages=languages)
        notice(request, "done.profile_saved")
        response = redirect("/me")
        response.set_cookie(LANGUAGE_COOKIE, data.language, max_age=LANGUAGE_SECONDS, httponly=True, samesite="lax", path="/")
        return response

    @form("/me/password", action=SIGNED_IN)
    def set_own_password(request: Call, data: Annotated[OwnPasswordForm, FORM]) -> Response[bytes]:
        person, session = _somebody(panel, request), session_of(request)
        if data.password != data.again:
            raise Problem(400, "password_twice", "The two new passwords are not the same.", "Write the same one twice.")
        commands.set_password(actor_of(request), person.id, data.password, old=data.old, keep=session.id if session else "")
        notice(request, "done.own_password")
        return redirect("/me")

    @form("/me/sessions/end", action=SIGNED_IN)
    def end_own_session(request: Call, data: Annotated[SessionForm, FORM]) -> Response[bytes]:
        commands.end_session(actor_of(request), data.session)
        notice(request, "done.session_ended")
        return redirect("/me")

    @form("/me/sessions/end-others", action=SIGNED_IN)
    def end_other_sessions(request: Call, data: Annotated[Nothing, FORM]) -> Response[bytes]:  # noqa: ARG001  the guard read it
        person, session = _somebody(panel, request), session_of(request)
        commands.end_sessions(actor_of(request), person.id, keep=session.id if session else "")
        notice(request, "done.sessions_ended")
        return redirect("/me")

    return [me, set_profile, set_own_password, end_own_session, end_other_sessions]


def _somebody(panel: Panel, request: Call) -> Person:
    person = panel.commands.me(actor_of(request))
    if person is None:
        raise Problem(409, "no_person", "You are signed in with a key or a link, not as a person.", "Sign in with a name and a password.")
    return person
