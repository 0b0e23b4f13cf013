"""People and their sessions: who they are, how they sign in, and how that ends."""

import re
import unicodedata
from typing import Any

from appliance.ground.errors import Refused
from appliance.ground.log import Log
from appliance.node import passwords
from appliance.node.control import command
from appliance.node.forward import NOBODY_LEADS, leads, shown_by_leader
from appliance.node.passwords import TooManyTries, WrongPassword
from appliance.node.patience import network_of
from appliance.node.topic import Topic
from appliance.records.language import LANGUAGES
from appliance.records.person import Actor, OpenSession, Person, Role, is_person_id
from appliance.store.errors import NoSuchPerson
from appliance.store.people import Known, Profile, compared
from appliance.store.sessions import OWNER

log = Log("people")

NAME_MOST = 80
SIGNATURE_MOST = 2_000
_EMAIL = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,255}")
_HOUR, _DAY = 3600.0, 86_400.0


class PeopleCommands(Topic):
    """The commands about people. Whoever guesses at passwords is made to wait by ``Node.patience``."""

    # People

    @command
    def people(self, actor: Actor) -> list[Person]:
        """Everybody who may sign in with a password, and those who no longer may."""
        self._allow(actor, "manage_people")
        return [known.shown() for known in self._node.store.people.all()]

    @command
    @leads
    def add_person(self, actor: Actor, name: str, role: int, password: str, email: str = "") -> Person:
        """Somebody new. The first person is an admin whatever is asked for."""
        self._allow(actor, "manage_people")
        profile = Profile(name=_name(name), email=_email(email))
        passwords.check(password, profile.name, profile.email)
        sealed = Profile(name=profile.name, email=profile.email, password=passwords.hash_of(password))
        return self._node.store.people.add(sealed, _role(role), actor.name, term=self._node.term)

    @command
    @leads
    def change_person(self, actor: Actor, person: str, role: int | None = None, active: bool | None = None) -> Person:
        """Another role; or out, which ends every session of theirs; or in again. The last active admin stays one."""
        self._allow(actor, "manage_people")
        wanted = None if role is None else _role(role)
        return self._node.store.people.change(person, actor.name, role=wanted, active=active, term=self._node.term)

    @command
    @leads
    def set_profile(
        self, actor: Actor, person: str, email: str | None = None, signature: str | None = None, languages: list[str] | None = None
    ) -> Person:
        """One's own address, signature and languages; an admin those of others too. None leaves a thing as it is."""
        known = self._own_or_managed(actor, person)
        said = {
            "email": None if email is None else _email(email),
            "signature": None if signature is None else _signature(signature),
            "languages": None if languages is None else _languages(languages),
        }
        changes = {name: value for name, value in said.items() if value is not None}
        return self._node.store.people.rewrite(known.id, actor.name, term=self._node.term, keep="", **changes)

    @command
    @leads
    def set_password(self, actor: Actor, person: str, password: str, old: str = "", keep: str = "") -> None:
        """Another password. One's own needs the old one; every session of theirs ends but ``keep``, which is the one at hand."""
        known = self._own_or_managed(actor, person)
        own = known.id == actor.name
        if own:
            self._check_patience(known.profile.name, "")
            if not passwords.fits(known.profile.password, old):
                self._node.patience.accounts.wrong(compared(known.profile.name))
                raise WrongPassword("The old password is wrong.", "Type it again, or have an admin set a new one.")
        passwords.check(password, known.profile.name, known.profile.email)
        hashed = passwords.hash_of(password)
        self._node.store.people.rewrite(known.id, actor.name, term=self._node.term, keep=keep if own else "", password=hashed)
        log.info("password_set", person=known.id, by=actor.name)

    @command
    def me(self, actor: Actor) -> Person | None:
        """Who the actor is; None for a key, or the machine's owner."""
        known = self._person_of(actor)
        return None if known is None else known.shown()

    @command
    def names(self) -> dict[str, str]:
        """The name of each person by their id: how a page says who did something."""
        return self._node.store.people.names()

    def _person_of(self, actor: Actor) -> Known | None:
        return next((known for known in self._node.store.people.all() if known.id == actor.name), None)

    def _own_or_managed(self, actor: Actor, person: str) -> Known:
        """The person, when it is the actor themselves or the actor manages people; nobody else learns who there is."""
        known = self._node.store.people.find(person)
        if known is None or known.id != actor.name:
            self._allow(actor, "manage_people")
        if known is None:
            raise Refused(f"There is no person {person}.", "`tandem people list` shows them.")
        return known

    # Signing in and out

    def sign_in(self, name: str, password: str, address: str) -> str:
        """The secret of a new session; of a visit at this machine while nobody leads. The work is the same for a name that nobody has.

        Raises ``TooManyTries`` while the account or the address has to wait, ``WrongPassword`` when they do not fit.
        """
        try:
            return self._sign_in(name, password, address)
        except Refused as error:
            if error.code != NOBODY_LEADS:
                raise
        known = self._proven(name, password, address)
        return self._visit(known.id, known.profile.password)

    @leads
    def _sign_in(self, name: str, password: str, address: str) -> str:
        known = self._proven(name, password, address)
        secret = self._open(known.id, known.id)
        now = self._node.store.people.find(known.id)
        if now is None or not now.active or now.profile.password != known.profile.password:
            self.sign_out(secret)  # they got another password, or were shut out, while this one was looked at
            raise WrongPassword("The password has just been changed.", "Sign in with the new one.")
        return secret

    def _proven(self, name: str, password: str, address: str) -> Known:
        """Who this is. Raises as ``sign_in`` does."""
        self._check_patience(name, address)
        known = self._node.store.people.find(name)
        fits = passwords.fits(known.profile.password if known is not None and known.active else "", password)
        if known is None or not fits:
            self._node.patience.accounts.wrong(_account(name))
            self._node.patience.addresses.wrong(network_of(address))
            log.warning("sign_in_refused", address=network_of(address))
            raise WrongPassword("The name or the password is wrong.", "Type both again; an admin can set a new password.")
        self._node.patience.accounts.right(_account(name))
        return known

    def _visit(self, who: str, proof: str = "") -> str:
        log.info("visit_began", who=who)
        return self._node.visits.begin(who, proof)

    @leads
    def sign_in_with_key(self, key: str) -> str:
        """The secret of a new session that lasts no longer than the key; "" when the key is not known."""
        who = self._node.store.people.sessions.key_of(key)
        return self._open(who, who) if who else ""

    def sign_in_with_token(self, token: str) -> str:
        """The secret of a new session of the machine's owner; "" when the token is not known, or used, or too old."""
        taken = self._node.tokens.take(token)
        if taken is None:
            return ""
        try:
            return self._open(OWNER, taken.name)
        except Refused as error:
            if error.code != NOBODY_LEADS:
                raise
        return self._visit(OWNER)

    @leads
    def _open(self, who: str, by: str) -> str:
        panel = self._node.settings.panel
        ends = {"idle": panel.session_idle_hours * _HOUR, "longest": panel.session_days * _DAY}
        return self._node.store.people.sessions.open(who, by, **ends, term=self._node.term)

    def session_of(self, secret: str, used: bool = True) -> OpenSession | None:
        """The open session of this cookie, with what its actor may do now. Now and then it is written down that it is ``used``."""
        sessions, idle = self._node.store.people.sessions, self._node.settings.panel.session_idle_hours * _HOUR
        session = sessions.of_secret(secret)
        if session is None:
            return self._visiting(secret)
        if used and sessions.is_stale(session, idle):
            self._prolong(session.id, session.actor.name, idle)
        return session

    def _visiting(self, secret: str) -> OpenSession | None:
        """The visit with this secret, with what whoever pays it may do now."""
        pair = self._node.pair
        visit = self._node.visits.find(secret, pair is None or pair.forward.somebody_leads())
        if visit is None:
            return None
        known = next((known for known in self._node.store.people.all() if known.id == visit.who), None)
        if known is not None and known.active and known.profile.password == visit.proof:
            actor = Actor(name=known.id, role=known.role)
        elif visit.who == OWNER:
            actor = Actor(name=OWNER, role=Role.ADMIN)
        else:
            return None
        times = {"opened_at": visit.began, "seen_at": visit.began, "until": visit.until, "longest_until": visit.until}
        return OpenSession(id=visit.id, who=visit.who, actor=actor, **times)

    @shown_by_leader
    def _prolong(self, session: str, by: str, idle: float) -> None:
        """Who reads at the standby is told to the leader; while nobody leads it is written down another time."""
        if self._node.standing.may_act():
            self._node.store.people.sessions.use(session, by, idle=idle, term=self._node.term)

    def sign_out(self, secret: str) -> None:
        """End the session of this cookie."""
        if not self._node.visits.end(secret):
            self._sign_out(secret)

    @leads
    def _sign_out(self, secret: str) -> None:
        sessions = self._node.store.people.sessions
        session = sessions.of_secret(secret)
        if session is not None:
            sessions.end(session.id, session.actor.name, term=self._node.term)

    @command
    def sessions(self, actor: Actor, person: str = "") -> list[OpenSession]:
        """Who is signed in: of one person, or with "" of everybody. One's own anybody may see."""
        who = self._who(actor, person)
        if not who or who != actor.name:
            self._allow(actor, "manage_people")
        return list(self._node.store.people.sessions.all(who))

    @command
    @leads
    def end_session(self, actor: Actor, session: str) -> None:
        """Sign one browser out."""
        found = next((one for one in self._node.store.people.sessions.all() if one.id == session), None)
        if found is None or found.who != actor.name:
            self._allow(actor, "manage_people")
        if found is not None:
            self._node.store.people.sessions.end(session, actor.name, term=self._node.term)

    @command
    @leads
    def end_sessions(self, actor: Actor, person: str, keep: str = "") -> int:
        """Sign somebody out everywhere, but for the session ``keep``; how many sessions ended."""
        who = self._who(actor, person)
        if who != actor.name:
            self._allow(actor, "manage_people")
        return self._node.store.people.sessions.end_all(who, actor.name, but=keep, term=self._node.term)

    def _who(self, actor: Actor, person: str) -> str:
        """Whose sessions are meant: a person by name or id, a key by its id, or the machine's owner."""
        if not person or person == actor.name:
            return person
        known = self._node.store.people.find(person)
        if known is not None:
            return known.id
        keys = self._node.store.keys()
        if person != OWNER and all(key["key"] != person for key in keys):
            raise NoSuchPerson(f"There is nobody and no key called {person}.", "`tandem people list` and `tandem keys list` show them.")
        return person

    def _check_patience(self, name: str, address: str) -> None:
        patience = self._node.patience
        wait = max(patience.accounts.wait_seconds(_account(name)), patience.addresses.wait_seconds(network_of(address)))
        if wait:
            error = TooManyTries("Too many wrong passwords came.", f"Wait {wait} seconds, then try the right one.")
            error.wait_seconds = wait
            raise error


def _account(name: str) -> str:
    return compared(name[:NAME_MOST])


def _name(name: str) -> str:
    said = " ".join(unicodedata.normalize("NFC", name).split())
    if not 1 <= len(said) <= NAME_MOST or not said.isprintable() or is_person_id(compared(said)):
        raise Refused(f"A name has 1 to {NAME_MOST} letters and does not look like an id.", "Write it as people say it: Aino Laine.")
    return said


def _email(address: str) -> str:
    said = address.strip()
    if said and not _EMAIL.fullmatch(said):
        raise Refused("This is no mail address.", "Write it as in aino@example.com, or leave it empty.")
    return said


def _signature(text: str) -> str:
    said = text.replace("\r\n", "\n").strip()
    if len(said) > SIGNATURE_MOST or not said.replace("\n", "").isprintable():
        raise Refused(f"A signature has at most {SIGNATURE_MOST} plain letters.", "Shorten it.")
    return said


def _languages(codes: list[str]) -> tuple[Any, ...]:
    if len(codes) > len(LANGUAGES) or any(code not in LANGUAGES for code in codes):
        raise Refused(f"The languages are {', '.join(LANGUAGES)}.", "Choose among these.")
    return tuple(dict.fromkeys(codes))


def _role(number: int) -> Role:
    try:
        return Role(number)
    except ValueError as error:
        raise Refused(f"There is no role {number}.", "1 viewer, 2 agent, 3 operator, 4 admin.") from error
