"""Who acts: a person, a program with a key, or the appliance itself."""

from enum import IntEnum

from appliance.records.base import Record


class Role(IntEnum):
    """Each role may do what the ones below it may."""

    VIEWER = 1
    AGENT = 2
    OPERATOR = 3
    ADMIN = 4


class Actor(Record):
    """Who does something. ``name`` stands in the journal: a person's or key's name, ``desk``, ``cli``."""

    name: str
    role: Role


class Approval(Record):
    """What a person decided about a case in review. ``text`` replaces the draft's words when it was edited."""

    case: str
    decision: str  # approve | reject | route
    by: str
    comment: str = ""
    text: str | None = None
    team: str = ""
