"""People, keys and sessions over HTTP."""

from typing import Annotated, Any

from litestar.params import Body, PathParameter
from msgspec import Meta

from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.guard import SIGNED_IN
from appliance.panel.routes import destroys, does, reads, sets
from appliance.records.base import Record
from appliance.records.person import OpenSession, Person

PersonId = Annotated[str, PathParameter(description="The person's id or name.")]
KeyId = Annotated[str, PathParameter(description="The key's id.")]
RoleNumber = Annotated[int, Meta(ge=1, le=4, description="1 viewer, 2 agent, 3 operator, 4 admin.")]


class NewPerson(Record, forbid_unknown_fields=True):
    """Somebody who is to sign in with a name and a password."""

    name: Annotated[str, Meta(min_length=1, max_length=80)]
    role: RoleNumber
    password: Annotated[str, Meta(min_length=12, max_length=256)]
    email: Annotated[str, Meta(max_length=320)] = ""


class WantedRole(Record, forbid_unknown_fields=True):
    role: RoleNumber


class WantedActive(Record, forbid_unknown_fields=True):
    """``false`` shuts somebody out and ends every session of theirs."""

    active: bool


class NewKey(Record, forbid_unknown_fields=True):
    """A program that is to have a key."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    role: RoleNumber


class People(Record):
    people: list[Person]


class Keys(Record):
    keys: list[dict[str, Any]]


class OpenSessions(Record):
    sessions: list[OpenSession]


class Me(Record):
    """Who asks: ``name`` as it stands in the journal. ``person`` is missing for a key."""

    name: str
    role: int
    person: Person | None


class Ended(Record):
    ended: int


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @reads("/api/v1/me", action=SIGNED_IN, summary="Who asks")
    def me(request: Call) -> Me:
        actor = actor_of(request)
        return Me(name=actor.name, role=int(actor.role), person=commands.me(actor))

    @reads("/api/v1/people", action="manage_people", summary="Everybody who may sign in, and those who no longer may")
    def people(request: Call) -> People:
        return People(people=commands.people(actor_of(request)))

    @does("/api/v1/people", action="manage_people", summary="Add somebody")
    def add_person(request: Call, data: Annotated[NewPerson, Body()]) -> Person:
        return commands.add_person(actor_of(request), data.name, data.role, data.password, data.email)

    @sets("/api/v1/people/{person:str}/role", action="manage_people", summary="Give somebody another role")
    def put_role(request: Call, person: PersonId, data: Annotated[WantedRole, Body()]) -> Person:
        return commands.change_person(actor_of(request), person, role=data.role)

    @sets("/api/v1/people/{person:str}/active", action="manage_people", summary="Shut somebody out, or let them in again")
    def put_active(request: Call, person: PersonId, data: Annotated[WantedActive, Body()]) -> Person:
        return commands.change_person(actor_of(request), person, active=data.active)

    @reads("/api/v1/people/{person:str}/sessions", action="manage_people", summary="Where somebody is signed in")
    def sessions(request: Call, person: PersonId) -> OpenSessions:
        return OpenSessions(sessions=commands.sessions(actor_of(request), person))

    @destroys("/api/v1/people/{person:str}/sessions", action="manage_people", summary="Sign somebody out everywhere")
    def end_sessions(request: Call, person: PersonId) -> Ended:
        return Ended(ended=commands.end_sessions(actor_of(request), person))

    @reads("/api/v1/keys", action="manage_keys", summary="The API keys, without their secrets")
    def keys() -> Keys:
        return Keys(keys=commands.keys())

    @does("/api/v1/keys", action="manage_keys", summary="Issue a key; its secret is told this once")
    def issue_key(request: Call, data: Annotated[NewKey, Body()]) -> dict[str, str]:
        return commands.issue_key(actor_of(request), data.name, data.role)

    @destroys("/api/v1/keys/{key:str}", action="manage_keys", summary="Revoke a key")
    def revoke_key(request: Call, key: KeyId) -> dict[str, str]:
        commands.revoke_key(actor_of(request), key)
        return {"revoked": key}

    return [me, people, add_person, put_role, put_active, sessions, end_sessions, keys, issue_key, revoke_key]
