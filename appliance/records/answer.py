"""What the desk made of a case: the draft, what was checked, what was decided and why."""

from enum import StrEnum

from appliance.records.account import AccountRecord
from appliance.records.base import Record
from appliance.records.knowledge import Citation
from appliance.records.language import Code, Language
from appliance.records.policy import Reason, Tier


class DraftSentence(Record):
    """One sentence and the ids of the passages that it rests on. A greeting or a signature rests on none and is marked."""

    text: str
    passages: tuple[str, ...] = ()
    courtesy: bool = False


class Draft(Record):
    """A proposed reply: words, sealed like the customer's. ``text`` is the sentences laid out as the customer would read them.

    ``account`` is what the customer's record said when it was filled in; None where none was.
    """

    language: Code
    subject: str
    text: str
    sentences: tuple[DraftSentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    writer: str = ""
    account: AccountRecord | None = None


class Check(Record):
    """One thing that must hold of a draft. ``score`` is 0 to 1, or None when it could not be had, which is a failed check."""

    name: str
    passed: bool
    score: float | None
    reason: Reason | None = None


class Decision(StrEnum):
    """What happens with a case next."""

    SEND = "send"
    REVIEW = "review"
    ROUTE = "route"
    CLOSE = "close"  # nothing to answer: a bounce, an automatic message


class Versions(Record):
    """What took part in the decision, so that it can be decided again."""

    program: str = ""
    policy: str = ""
    knowledge: str = ""
    writer: str = ""
    prompt: str = ""
    lexicons: str = ""
    thresholds: str = ""


class Usage(Record):
    """What the writing took. Tokens are the engine's own count, 0 where there are none; ``cached_tokens`` of those that went in were
    not worked on again. ``seconds`` is the time in the engine. ``cause`` is why another engine than the first one answered, as a code.
    """

    engine: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    cause: str = ""


class Outcome(Record):
    """The desk's answer to a case. All but ``draft`` may stand in the journal."""

    decision: Decision
    reason: Reason
    language: Language
    tier: Tier
    rule: str = ""
    team: str = ""
    draft: Draft | None = None
    checks: tuple[Check, ...] = ()
    score: float | None = None
    missing_keys: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()
    versions: Versions = Versions()
    milliseconds: dict[str, float] = {}
    stages: tuple[Reason, ...] = ()  # each narrowing on the way, in order: what ``explain`` prints
    usage: Usage = Usage()
