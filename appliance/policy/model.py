"""A policy as the program holds it: checked, frozen, with its rules ready to match."""

from dataclasses import dataclass, field

import msgspec

from appliance.policy.accounts import AccountPolicy
from appliance.policy.escalation import Criterion
from appliance.policy.terms import Matcher
from appliance.records.base import Record
from appliance.records.language import Code
from appliance.records.person import Role
from appliance.records.policy import Tier

Words = dict[Code, str]


class Team(Record):
    """Who takes what is routed. ``address`` is where the handover mail goes; "" when the team works in the panel only."""

    id: str
    name: Words
    address: str = ""
    purpose: Words = {}


class Template(Record):
    """A reply in approved words, for a Tier 2 rule. A language without a text is not answered in.

    ``needs_account``: it shows the customer's own record, by gaps such as ``{account.status}``.
    """

    name: str
    approved_by: str
    approved_on: str
    text: Words
    needs_account: bool = False


class Rule(Record):
    """One topic and how far automation may go with it. ``needs_account``: an answer would need the customer's own records."""

    name: str
    tier: Tier
    team: str = ""
    template: str = ""
    needs_account: bool = False


class Thresholds(Record):
    """From where on something is good enough. All are 0 to 1."""

    score: float = 0.7  # of the whole reply; below it a person looks
    search: float = 0.55  # of the best passage for a question; below it we know nothing
    grounded: float = 0.9  # of the least supported sentence
    language: float = 0.6  # confidence of the language found
    speech: float = 0.5  # how sure the ear was of what was said; below it a person listens


class Limits(Record):
    """How much at most."""

    replies_per_sender_per_day: int = 1
    replies_per_hour: int = 200
    attempts: int = 5  # of the desk at one case before a person gets it
    question_characters: int = 6000
    question_parts: int = 4
    reply_characters: int = 4000
    passages_per_part: int = 8
    chat_replies_per_session_per_day: int = 40
    chat_replies_per_hour: int = 400

    def of(self, channel: str) -> "Limits":
        """The limits on one channel. A chat is a conversation: one automatic reply a day would be silence."""
        if channel != "chat":
            return self
        per_day, per_hour = self.chat_replies_per_session_per_day, self.chat_replies_per_hour
        return msgspec.structs.replace(self, replies_per_sender_per_day=per_day, replies_per_hour=per_hour)


@dataclass(frozen=True)
class Policy:
    """Everything that was decided about what we may do. ``version`` is a digest: equal versions decide alike."""

    rules: tuple[Rule, ...]
    teams: dict[str, Team]
    templates: dict[str, Template]
    thresholds: Thresholds
    weights: dict[str, float]
    limits: Limits
    levers: dict[str, Role]
    default_team: str
    version: str
    lexicons: str
    thresholds_version: str
    matcher: Matcher = field(compare=False, repr=False)
    accounts: AccountPolicy = field(default_factory=AccountPolicy)
    escalation: tuple[Criterion, ...] = ()

    def rule(self, name: str) -> Rule | None:
        """The rule of that name."""
        return next((rule for rule in self.rules if rule.name == name), None)

    def team_name(self, team: str, language: Code) -> str:
        """The team's name for a reader of that language; the id when it has none."""
        known = self.teams.get(team)
        return known.name.get(language, team) if known else team
