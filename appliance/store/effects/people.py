"""People and their sessions."""

from appliance.records.events import PersonSet, SessionEnded, SessionOpened, SessionUsed
from appliance.store.effects.tables import Tables

_PERSON = """INSERT INTO people (id, role, active, sealed, added_at, seen_at) VALUES (?, ?, ?, ?, ?, 0)
    ON CONFLICT DO UPDATE SET role = excluded.role, active = excluded.active, sealed = excluded.sealed"""
_SESSION = "INSERT INTO sessions (id, digest, who, opened_at, seen_at, until, longest_until) VALUES (?, ?, ?, ?, ?, ?, ?)"
_SEEN = "UPDATE people SET seen_at = ? WHERE id = ?"


def person_set(to: Tables, event: PersonSet) -> None:
    """Whoever is shut out has no sessions either, and comes in again without any."""
    stays = event.active and to.execute("SELECT 1 FROM people WHERE id = ? AND active = 1", (event.person,)).fetchone()
    to.execute(_PERSON, (event.person, event.role, int(event.active), event.sealed, event.at))
    if not stays:
        to.execute("DELETE FROM sessions WHERE who = ?", (event.person,))


def session_opened(to: Tables, event: SessionOpened) -> None:
    """The table is swept of what has run out, so that it stays small."""
    to.execute("DELETE FROM sessions WHERE until <= ?", (event.at,))
    to.execute(_SESSION, (event.session, event.digest, event.who, event.at, event.at, event.until, event.longest_until))
    to.execute(_SEEN, (event.at, event.who))


def session_used(to: Tables, event: SessionUsed) -> None:
    to.execute("UPDATE sessions SET seen_at = ?, until = ? WHERE id = ?", (event.at, event.until, event.session))
    to.execute("UPDATE people SET seen_at = ? WHERE id = (SELECT who FROM sessions WHERE id = ?)", (event.at, event.session))


def session_ended(to: Tables, event: SessionEnded) -> None:
    if event.who:
        to.execute("DELETE FROM sessions WHERE who = ? AND id <> ?", (event.who, event.session))
    else:
        to.execute("DELETE FROM sessions WHERE id = ?", (event.session,))
