"""People: who may sign in with a name and a password, and as what.

A person's name, address, signature and password hash are sealed under a key of their own, made from the home's print key, so
that neither the journal nor the database holds them in clear. There are few people, so whoever looks for a name opens all.
"""

import unicodedata
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.ground.clock import Clock
from appliance.ground.errors import StoreError
from appliance.ground.ids import new_id, random_bytes
from appliance.records.base import Record
from appliance.records.events import Event, PersonSet, SessionEnded
from appliance.records.language import Code
from appliance.records.person import PERSON, Person, Role
from appliance.store.books import Books
from appliance.store.errors import LastAdmin, NameTaken, NoSuchPerson, WrongState
from appliance.store.prints import Prints
from appliance.store.reading import Readers
from appliance.store.sessions import Sessions
from appliance.store.sqlite import Connection

PEOPLE_MOST = 200
_NONCE = 12
_ROWS = """SELECT id, role, active, sealed, seen_at, (SELECT count(*) FROM sessions WHERE who = people.id AND until > ?)
    FROM people ORDER BY added_at, id"""


class Profile(Record):
    """What is sealed of a person. ``password`` is the encoded hash; "" signs nobody in."""

    name: str
    email: str = ""
    signature: str = ""
    languages: tuple[Code, ...] = ()
    password: str = ""


class Known(NamedTuple):
    """A person with the profile opened."""

    id: str
    role: Role
    active: bool
    profile: Profile
    seen_at: float
    sessions: int

    def shown(self) -> Person:
        """The person without the password's hash."""
        profile = self.profile
        return Person(
            id=self.id, role=self.role, active=self.active, seen_at=self.seen_at, sessions=self.sessions,
            name=profile.name, email=profile.email, signature=profile.signature, languages=profile.languages,
        )  # fmt: skip


class Seal:
    """Seals and opens profiles; the person's id is bound into each."""

    def __init__(self, prints: Prints) -> None:
        self._cipher = AESGCM(blake2b(key=prints.key, digest_size=32, person=b"people").digest())

    def close(self, person: str, profile: Profile) -> bytes:
        nonce = random_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, msgspec.json.encode(profile), person.encode())

    def open(self, person: str, sealed: bytes) -> Profile:
        try:
            words = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], person.encode())
        except InvalidTag as error:
            raise StoreError(f"The profile of {person} was exchanged or damaged.", "Run `tandem verify`: it names the entry.") from error
        return msgspec.json.decode(words, type=Profile)


def compared(name: str) -> str:
    """A name as it is compared: capitals, spaces around it and ways of writing the same letter do not matter."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def everybody(connection: Connection, seal: Seal, now: float) -> tuple[Known, ...]:
    """All people, in the order they were added."""
    rows = connection.execute(_ROWS, (now,)).fetchall()
    return tuple(Known(id, Role(role), bool(active), seal.open(id, sealed), *rest) for id, role, active, sealed, *rest in rows)


def find(people: Iterable[Known], wanted: str) -> Known | None:
    """The person of this id or name."""
    name = compared(wanted)
    return next((one for one in people if one.id == wanted or compared(one.profile.name) == name), None)


def add(books: Books, seal: Seal, profile: Profile, role: Role, by: str, term: int, now: float) -> Known:
    """A new person. The first is an admin whatever was asked for: somebody must be able to add the next."""
    people = everybody(books.connection, seal, now)
    if len(people) >= PEOPLE_MOST:
        raise WrongState(f"There are {len(people)} people, and {PEOPLE_MOST} is the most.", "Rename somebody who has left.")
    _check_free(people, profile.name, "")
    known = Known(new_id(PERSON), role if people else Role.ADMIN, True, profile, 0.0, 0)
    _put(books, seal, known, by, term, now)
    return known


def change(books: Books, seal: Seal, person: str, role: Role | None, active: bool | None, by: str, term: int, now: float) -> Known:
    """Another role, or out, or in again. Refused when nobody would be left who may undo it."""
    people = everybody(books.connection, seal, now)
    known = _of(people, person)
    changed = known._replace(role=known.role if role is None else role, active=known.active if active is None else active)
    if changed != known:
        _check_admin_left(people, changed)
        _put(books, seal, changed, by, term, now)
    return changed


def rewrite(books: Books, seal: Seal, person: str, changes: dict[str, Any], keep: str, by: str, term: int, now: float) -> Known:
    """Other words in the profile. With another password every session of theirs ends but ``keep``."""
    people = everybody(books.connection, seal, now)
    known = _of(people, person)
    changed = known._replace(profile=msgspec.structs.replace(known.profile, **changes))
    _check_free(people, changed.profile.name, known.id)
    _put(books, seal, changed, by, term, now)
    if changed.profile.password != known.profile.password:
        books.append(SessionEnded(at=now, by=by, who=known.id, session=keep), term=term)
    return changed


def _put(books: Books, seal: Seal, known: Known, by: str, term: int, now: float) -> None:
    sealed = seal.close(known.id, known.profile)
    books.append(PersonSet(at=now, by=by, person=known.id, role=int(known.role), active=known.active, sealed=sealed), term=term)


def _of(people: tuple[Known, ...], person: str) -> Known:
    known = find(people, person)
    if known is None:
        raise NoSuchPerson(f"There is no person {person}.", "`tandem people list` shows them.")
    return known


def _check_free(people: tuple[Known, ...], name: str, but: str) -> None:
    if any(compared(one.profile.name) == compared(name) and one.id != but for one in people):
        raise NameTaken("Somebody has that name already.", "Choose another, or change the one there is.")


def _check_admin_left(people: tuple[Known, ...], changed: Known) -> None:
    after = [changed if one.id == changed.id else one for one in people]
    if not any(one.active and one.role is Role.ADMIN for one in after):
        raise LastAdmin("Nobody would be left who may manage people.", "Make somebody else an admin first.")


class People:
    """The people of one home, and their sessions. May be asked from any thread."""

    def __init__(self, run: Callable[[Callable[[Books], Any]], Any], readers: Readers, prints: Prints, clock: Clock) -> None:
        self._run = run
        self._readers = readers
        self._clock = clock
        self._seal = Seal(prints)
        self._changes = 0
        self._names: tuple[int, dict[str, str]] = (-1, {})  # as of so many changes
        self.sessions = Sessions(run, readers, prints, clock)

    def committed(self, kinds: set[type[Event]]) -> None:
        """On the writer's thread: names that were kept may have changed."""
        if PersonSet in kinds:
            self._changes += 1

    def all(self) -> tuple[Known, ...]:
        now = self._clock.now()
        return self._readers.ask(lambda connection: everybody(connection, self._seal, now))

    def find(self, wanted: str) -> Known | None:
        """The person of this id or name."""
        return find(self.all(), wanted)

    def names(self) -> dict[str, str]:
        """The name of each person by their id; kept until somebody is changed."""
        changes, (known, names) = self._changes, self._names
        if known != changes:
            names = {one.id: one.profile.name for one in self.all()}
            self._names = changes, names
        return names

    def add(self, profile: Profile, role: Role, by: str, *, term: int) -> Person:
        now = self._clock.now()
        known: Known = self._run(lambda books: add(books, self._seal, profile, role, by, term, now))
        return known.shown()

    def change(self, person: str, by: str, *, role: Role | None = None, active: bool | None = None, term: int) -> Person:
        """Another role, or out (``active=False``), or in again."""
        now = self._clock.now()
        known: Known = self._run(lambda books: change(books, self._seal, person, role, active, by, term, now))
        return known.shown()

    def rewrite(self, person: str, by: str, *, term: int, keep: str = "", **changes: Any) -> Person:
        """Other words in the profile: ``name``, ``email``, ``signature``, ``languages``, ``password`` (its hash)."""
        now = self._clock.now()
        known: Known = self._run(lambda books: rewrite(books, self._seal, person, changes, keep, by, term, now))
        return known.shown()
