"""People and keys: who may come in, as what, and out again."""

from typing import Annotated, Any

from litestar import Response
from msgspec import Meta

from appliance.panel.api.people import KeyId, PersonId
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.pages.forms import FORM, Short, notice, redirect
from appliance.panel.routes import form, page
from appliance.records.base import Record
from appliance.records.person import Role

MANAGE = "manage_people"
Password = Annotated[str, Meta(max_length=1_000)]


RoleNumber = Annotated[int, Meta(ge=1, le=4)]


class AddForm(Record):
    """Somebody new."""

    name: Short
    role: RoleNumber
    password: Password
    email: Annotated[str, Meta(max_length=320)] = ""
    csrf: str = ""


class RoleForm(Record):
    role: RoleNumber
    csrf: str = ""


class ActiveForm(Record):
    active: bool
    csrf: str = ""


class PasswordForm(Record):
    password: Password
    csrf: str = ""


class KeyForm(Record):
    """A new key for a program."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    role: RoleNumber
    csrf: str = ""


class Nothing(Record):
    csrf: str = ""


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @page("/people", action=MANAGE, summary="People and keys")
    def people(request: Call) -> Response[bytes]:
        return _shown(panel, request, None)

    @form("/people/add", action=MANAGE)
    def add(request: Call, data: Annotated[AddForm, FORM]) -> Response[bytes]:
        person = commands.add_person(actor_of(request), data.name, data.role, data.password, data.email)
        notice(request, "done.person_added", name=person.name)
        return redirect("/people")

    @form("/people/{person:str}/role", action=MANAGE)
    def change_role(request: Call, person: PersonId, data: Annotated[RoleForm, FORM]) -> Response[bytes]:
        changed = commands.change_person(actor_of(request), person, role=data.role)
        notice(request, "done.person_role", name=changed.name)
        return redirect("/people")

    @form("/people/{person:str}/active", action=MANAGE)
    def change_active(request: Call, person: PersonId, data: Annotated[ActiveForm, FORM]) -> Response[bytes]:
        changed = commands.change_person(actor_of(request), person, active=data.active)
        notice(request, "done.person_in" if data.active else "done.person_out", name=changed.name)
        return redirect("/people")

    @form("/people/{person:str}/password", action=MANAGE)
    def set_password(request: Call, person: PersonId, data: Annotated[PasswordForm, FORM]) -> Response[bytes]:
        commands.set_password(actor_of(request), person, data.password)
        notice(request, "done.person_password", name=commands.names().get(person, person))
        return redirect("/people")

    @form("/people/{person:str}/sign-out", action=MANAGE)
    def sign_out_person(request: Call, person: PersonId, data: Annotated[Nothing, FORM]) -> Response[bytes]:  # noqa: ARG001  the guard read it
        commands.end_sessions(actor_of(request), person)
        notice(request, "done.person_signed_out", name=commands.names().get(person, person))
        return redirect("/people")

    @form("/keys/add", action="manage_keys")
    def issue_key(request: Call, data: Annotated[KeyForm, FORM]) -> Response[bytes]:
        """The page itself and no redirect: the secret is shown this once and kept nowhere."""
        return _shown(panel, request, commands.issue_key(actor_of(request), data.name.strip(), data.role))

    @form("/keys/{key:str}/revoke", action="manage_keys")
    def revoke_key(request: Call, key: KeyId, data: Annotated[Nothing, FORM]) -> Response[bytes]:  # noqa: ARG001  the guard read it
        commands.revoke_key(actor_of(request), key)
        notice(request, "done.key_revoked")
        return redirect("/people")

    return [people, add, change_role, change_active, set_password, sign_out_person, issue_key, revoke_key]


def _shown(panel: Panel, request: Call, issued: dict[str, str] | None) -> Response[bytes]:
    actor, commands = actor_of(request), panel.commands
    issued_keys = commands.keys()
    return panel.page(
        request,
        "people.html",
        people=commands.people(actor),
        keys=[key for key in issued_keys if not key["revoked_at"]],
        others=[session for session in commands.sessions(actor) if session.who not in commands.names()],
        issued=issued,
        roles=list(Role),
    )
