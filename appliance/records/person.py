"""Who acts: a person, a program with a key, or the appliance itself."""

from enum import IntEnum

from appliance.records.base import Record
from appliance.records.language import Code
from appliance.records.work import File


class Role(IntEnum):
    """Each role may do what the ones below it may."""

    VIEWER = 1
    AGENT = 2
    OPERATOR = 3
    ADMIN = 4


class Actor(Record):
    """Who does something. ``name`` stands in the journal: a person's id (``p-...``), a key's name, ``desk``, ``cli``."""

    name: str
    role: Role


PERSON = "p"


def is_person_id(name: str) -> bool:
    """Whether a name is, or could be taken for, the id that stands in the journal for a person."""
    return name.startswith(f"{PERSON}-")


class Person(Record):
    """Somebody who signs in with a name and a password. ``seen_at`` is when they last used a session (0.0: never), to the hour.

    ``signature`` are the last lines of replies that they approve; ``languages`` those they answer in, the panel's own first.
    """

    id: str
    name: str
    role: Role
    active: bool = True
    email: str = ""
    signature: str = ""
    languages: tuple[Code, ...] = ()
    seen_at: float = 0.0
    sessions: int = 0


class OpenSession(Record):
    """A browser that is signed in. ``who`` is a person's id, a key's id, or ``owner`` after a one-time token.

    It ends at ``until`` unless it is used before, and at ``longest_until`` in any case (Unix seconds).
    """

    id: str
    who: str
    actor: Actor
    opened_at: float
    seen_at: float
    until: float
    longest_until: float


class Approval(Record):
    """What a person decided about a case in review. ``text`` replaces the draft's words when it was edited.

    ``files`` go with the reply; ``signature`` is the person's own and stands above the company's.
    """

    case: str
    decision: str  # approve | reject | route
    by: str
    comment: str = ""
    text: str | None = None
    team: str = ""
    files: tuple[File, ...] = ()
    signature: str = ""
