"""The levers, and the API keys: small tables that are asked all the time."""

from appliance.ground.ids import new_id, new_token
from appliance.records.events import KeyIssued, KeyRevoked, SwitchSet
from appliance.records.person import Actor, Role
from appliance.records.policy import SWITCH_NAMES, Switches, SwitchState
from appliance.store.books import Books
from appliance.store.errors import NoSuchCase, WrongState
from appliance.store.sqlite import Connection

SETTINGS = "settings"


def set_switch(books: Books, name: str, on: bool, by: str, term: int, now: float) -> None:
    """Pull a lever."""
    books.check_term(term)
    if name not in SWITCH_NAMES:
        raise WrongState(f"There is no lever {name}.", f"The levers are {', '.join(SWITCH_NAMES)}.")
    books.append(SwitchSet(at=now, by=by, name=name, on=on), term=term)


def set_first(books: Books, wanted: dict[str, bool], term: int, now: float) -> None:
    """Give levers that nobody ever pulled their first position."""
    pulled = {state.name for state in states(books.connection)}
    for name, on in wanted.items():
        if name not in pulled:
            set_switch(books, name, on, SETTINGS, term, now)


def states(connection: Connection) -> tuple[SwitchState, ...]:
    """Each lever that was ever pulled, who pulled it and when."""
    rows = connection.execute("SELECT name, is_on, by, at FROM switches ORDER BY name").fetchall()
    return tuple(SwitchState(name=name, on=bool(on), by=by, at=at) for name, on, by, at in rows)


def switches(connection: Connection) -> Switches:
    """The levers as they stand; one that was never pulled has its careful value."""
    pulled = {state.name: state.on for state in states(connection)}
    careful = Switches()
    return Switches(readable=True, **{name: pulled.get(name, getattr(careful, name)) for name in SWITCH_NAMES})


def issue_key(books: Books, name: str, role: Role, by: str, term: int, now: float) -> tuple[str, str]:
    """A new API key: its id, and its secret, which is told this once and kept nowhere."""
    books.check_term(term)
    key, secret = new_id("k"), new_token()
    books.append(KeyIssued(at=now, by=by, key=key, name=name, role=int(role), digest=books.prints.secret(secret)), term=term)
    return key, secret


def revoke_key(books: Books, key: str, by: str, term: int, now: float) -> None:
    """The key opens nothing any more. A repeat changes nothing."""
    books.check_term(term)
    row = books.connection.execute("SELECT revoked_at FROM keys WHERE id = ?", (key,)).fetchone()
    if row is None:
        raise NoSuchCase(f"There is no key {key}.", "`tandem keys list` shows them.")
    if not row[0]:
        books.append(KeyRevoked(at=now, by=by, key=key), term=term)


def actor_of(row: tuple[str, int] | None) -> Actor | None:
    """Whose key it is, from its name and role."""
    return None if row is None else Actor(name=row[0], role=Role(row[1]))
