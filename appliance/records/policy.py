"""What we may do: tiers, levers, verdicts."""

from enum import IntEnum, StrEnum

from appliance.records.base import Record


class Tier(IntEnum):
    """How far automation may go with a topic."""

    NEVER = 0  # payment disputes, legal, threats, personal data, medical: a person, always
    ROUTE = 1  # goes to a team, no answer
    TEMPLATE = 2  # a deterministic match and an approved template
    GROUNDED = 3  # an answer from cited knowledge


class Allowance(StrEnum):
    """The most that may be done with a case. Narrowing goes towards ``route``; nothing widens."""

    SEND = "send"
    REVIEW = "review"
    ROUTE = "route"


NARROWNESS: dict[Allowance, int] = {Allowance.SEND: 0, Allowance.REVIEW: 1, Allowance.ROUTE: 2}


class Reason(Record):
    """Why, as a code with numbers: fit for the journal, since it holds no customer's words.

    ``code`` has a sentence in fi/sv/en in the panel's table. ``names`` are our own words only: keys, rules, teams, passages.
    """

    code: str
    numbers: dict[str, float] = {}
    names: tuple[str, ...] = ()


class Verdict(Record):
    """What the policy says of a case before anything is written. ``rule`` is the rule that decided.

    ``trail`` holds everything that spoke against an automatic reply, in order, also what narrowed nothing any more.
    """

    allowance: Allowance
    tier: Tier
    reason: Reason
    team: str = ""
    rule: str = ""
    template: str = ""
    trail: tuple[Reason, ...] = ()


class Switches(Record):
    """The three levers, and the tap. The defaults are the careful ones: what could not be read counts as closed.

    ``safe_mode``: route only. ``automation_enabled`` False: no automatic reply. ``outbound_enabled`` False: nothing leaves,
    mail still comes in. ``intake_enabled`` False: the pollers rest while panel and API go on; taking mail in is always
    safe, so its careful value is open.
    """

    safe_mode: bool = True
    automation_enabled: bool = False
    outbound_enabled: bool = False
    intake_enabled: bool = True
    readable: bool = False


class SwitchState(Record):
    """One lever, who pulled it and when."""

    name: str
    on: bool
    by: str
    at: float


SWITCH_NAMES: tuple[str, ...] = ("safe_mode", "automation_enabled", "outbound_enabled", "intake_enabled")
