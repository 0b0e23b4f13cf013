"""People, keys and sessions of a node that lives in memory. Passwords stand here as they are: nothing but tests ever sees them."""

from typing import Any

import msgspec

from appliance.ground.clock import Clock
from appliance.ground.errors import Refused
from appliance.node.passwords import TooManyTries, WrongPassword
from appliance.policy import roles
from appliance.records.person import Actor, OpenSession, Person, Role

HOURS = 12
DAYS = 7
PASSWORD = "three words apart"
KEYS: dict[str, Actor] = {
    "key-of-a-viewer": Actor(name="dashboard", role=Role.VIEWER),
    "key-of-an-agent": Actor(name="Aino", role=Role.AGENT),
    "key-of-an-operator": Actor(name="Oskar", role=Role.OPERATOR),
    "key-of-an-admin": Actor(name="Maria", role=Role.ADMIN),
}


class PeopleTwin:
    """Mixed into the panel's twin. ``staff`` are the people with their passwords, ``browsers`` who is signed in by secret."""

    clock: Clock
    keys_in_use: dict[str, Actor]
    tokens: dict[str, Actor]
    position: int

    def start_people(self) -> None:
        self.staff: dict[str, tuple[Person, str]] = {}
        self.browsers: dict[str, OpenSession] = {}
        self.wrong = 0
        self.issued: list[dict[str, Any]] = []

    def hire(self, name: str, role: Role = Role.AGENT, password: str = PASSWORD) -> Person:
        """Somebody who can sign in, without anybody's leave."""
        person = Person(id=f"p-{len(self.staff) + 1:018d}", name=name, role=role)
        self.staff[person.id] = person, password
        return person

    def people(self, actor: Actor) -> list[Person]:
        _need(actor)
        return [msgspec.structs.replace(person, sessions=len(self._of(person.id))) for person, _ in self.staff.values()]

    def add_person(self, actor: Actor, name: str, role: int, password: str, email: str = "") -> Person:
        _need(actor)
        if any(person.name == name for person, _ in self.staff.values()):
            raise Refused("Somebody has that name already.", "Choose another.")
        person = self.hire(name, Role(role) if self.staff else Role.ADMIN, password)
        return self._put(msgspec.structs.replace(person, email=email))

    def change_person(self, actor: Actor, person: str, role: int | None = None, active: bool | None = None) -> Person:
        _need(actor)
        known = self._known(person)
        changed = msgspec.structs.replace(
            known, role=known.role if role is None else Role(role), active=known.active if active is None else active
        )
        if not changed.active:
            self.browsers = {secret: one for secret, one in self.browsers.items() if one.who != known.id}
        return self._put(changed)

    def set_profile(
        self, actor: Actor, person: str, email: str | None = None, signature: str | None = None, languages: Any = None
    ) -> Person:
        known = self._known(person)
        if known.id != actor.name:
            _need(actor)
        said = {"email": email, "signature": signature, "languages": None if languages is None else tuple(languages)}
        return self._put(msgspec.structs.replace(known, **{name: value for name, value in said.items() if value is not None}))

    def set_password(self, actor: Actor, person: str, password: str, old: str = "", keep: str = "") -> None:
        known = self._known(person)
        if known.id != actor.name:
            _need(actor)
        elif self.staff[known.id][1] != old:
            raise WrongPassword("The old password is wrong.", "Type it again.")
        self.staff[known.id] = known, password
        self._end(known.id, keep)

    def me(self, actor: Actor) -> Person | None:
        return self.staff[actor.name][0] if actor.name in self.staff else None

    def names(self) -> dict[str, str]:
        return {id: person.name for id, (person, _) in self.staff.items()}

    # Sessions

    def sign_in(self, name: str, password: str, address: str) -> str:  # noqa: ARG002  all addresses are one here
        if self.wrong >= 5:
            error = TooManyTries("Too many wrong passwords came.", "Wait.")
            error.wait_seconds = 7
            raise error
        wanted = (name, password, True)
        found = next((id for id, (person, known) in self.staff.items() if (person.name, known, person.active) == wanted), "")
        if not found:
            self.wrong += 1
            raise WrongPassword("The name or the password is wrong.", "Type both again.")
        return self._open(found)

    def sign_in_with_key(self, key: str) -> str:
        return self._open(key) if key in self.keys_in_use else ""

    def sign_in_with_token(self, token: str) -> str:
        actor = self.tokens.pop(token, None)
        if actor is None:
            return ""
        return self._open("owner", actor)

    def session_of(self, secret: str, used: bool = True) -> OpenSession | None:
        session, now = self.browsers.get(secret), self.clock.now()
        if session is None or session.until <= now:
            return None
        actor = session.actor if session.who == "owner" else self._actor(session.who)
        if actor is None:
            return None
        if used:
            until = min(now + HOURS * 3600, session.longest_until)
            session = self.browsers[secret] = msgspec.structs.replace(session, until=until, seen_at=now)
        return msgspec.structs.replace(session, actor=actor)

    def sign_out(self, secret: str) -> None:
        self.browsers.pop(secret, None)
        self.position += 1

    def sessions(self, actor: Actor, person: str = "") -> list[OpenSession]:
        if not person or person != actor.name:
            _need(actor)
        return [one for one in self.browsers.values() if person in ("", one.who)]

    def end_session(self, actor: Actor, session: str) -> None:
        found = next((secret for secret, one in self.browsers.items() if one.id == session), "")
        if not found or self.browsers[found].who != actor.name:
            _need(actor)
        if found:
            self.sign_out(found)

    def end_sessions(self, actor: Actor, person: str, keep: str = "") -> int:
        if person != actor.name:
            _need(actor)
        return self._end(person, keep)

    # Keys

    def actor_of(self, secret: str) -> Actor | None:
        return self.keys_in_use.get(secret)

    def keys(self) -> list[dict[str, Any]]:
        return list(self.issued)

    def issue_key(self, actor: Actor, name: str, role: int) -> dict[str, str]:
        _need(actor)
        key = {"key": f"k-{len(self.issued) + 1:018d}", "secret": f"secret-{len(self.issued) + 1}"}
        row = {"key": key["key"], "name": name, "role": role, "by": actor.name, "issued_at": self.clock.now(), "revoked_at": 0.0}
        self.issued.append(row)
        self.keys_in_use[key["secret"]] = Actor(name=name, role=Role(role))
        return key

    def revoke_key(self, actor: Actor, key: str) -> None:
        _need(actor)
        row = next((row for row in self.issued if row["key"] == key), None)
        if row is None:
            raise Refused(f"There is no key {key}.", "`tandem keys list` shows them.")
        row["revoked_at"] = self.clock.now()

    def _known(self, person: str) -> Person:
        found = next((known for known, _ in self.staff.values() if person in (known.id, known.name)), None)
        if found is None:
            raise Refused(f"There is no person {person}.", "`tandem people list` shows them.")
        return found

    def _put(self, person: Person) -> Person:
        self.staff[person.id] = person, self.staff[person.id][1]
        return person

    def _actor(self, who: str) -> Actor | None:
        if who in self.staff:
            person = self.staff[who][0]
            return Actor(name=person.id, role=person.role) if person.active else None
        return self.keys_in_use.get(who)

    def _of(self, who: str) -> list[OpenSession]:
        return [one for one in self.browsers.values() if one.who == who]

    def _open(self, who: str, actor: Actor | None = None) -> str:
        now, number = self.clock.now(), len(self.browsers) + 1
        actor = actor or self._actor(who)
        assert actor is not None
        ends = {"until": now + HOURS * 3600, "longest_until": now + DAYS * 86_400}
        secret = f"secret-of-browser-{number}-{now}"
        self.browsers[secret] = OpenSession(id=f"s-{number}", who=who, actor=actor, opened_at=now, seen_at=now, **ends)
        return secret

    def _end(self, who: str, keep: str) -> int:
        kept = {secret: one for secret, one in self.browsers.items() if one.who != who or one.id == keep}
        ended = len(self.browsers) - len(kept)
        self.browsers = kept
        self.position += 1
        return ended


def _need(actor: Actor) -> None:
    if not roles.may(actor.role, "manage_people"):
        raise Refused("Your role does not allow this.", "Ask an administrator.")
