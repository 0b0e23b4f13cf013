"""Shadow mode: what another writer would have said to a case. Nobody outside sees it, and nothing ever leaves by it."""

from appliance.records.answer import Decision, Draft, Usage
from appliance.records.base import Record
from appliance.records.policy import Reason


class Weighed(Record):
    """A candidate's outcome beside the one that counted. ``alike`` is 0 to 1: how many of the two drafts' words they share; None
    where one of them wrote nothing. ``failure`` is a code of why there is no outcome, "" when there is one.
    """

    writer: str
    prompt: str = ""
    decision: Decision | str = ""
    reason: Reason | None = None
    score: float | None = None
    alike: float | None = None
    usage: Usage = Usage()
    draft: Draft | None = None
    failure: str = ""


class CandidateRow(Record):
    """One look of a candidate at a case. ``decision`` and ``score`` are the candidate's, ``decided`` and ``scored`` those that counted.

    ``answered_at`` is 0.0 while it is under way, or for ever when the node ended meanwhile: it has used up the budget all the same.
    """

    number: int
    case: str
    asked_at: float
    answered_at: float
    writer: str
    prompt: str
    decision: str
    reason: str
    score: float | None
    alike: float | None
    seconds: float
    tokens: int
    failure: str
    decided: str = ""
    scored: float | None = None


class ShadowSummary(Record):
    """The candidate in numbers since the beginning of a span. ``asked_today`` of ``per_day`` is the budget, kept in the journal."""

    asked_today: int = 0
    per_day: int = 0
    answered: int = 0
    failed: int = 0
    same_decision: int = 0
    would_send: int = 0  # of those that were answered
    sends_more: int = 0  # it would have sent where a person was asked
    sends_less: int = 0  # it would have asked a person where a reply left
    alike: float | None = None  # the mean
    seconds: float | None = None  # the mean
