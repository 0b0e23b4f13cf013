"""What engines cost, a claim that goes on while one works, and what a candidate made of a case."""

from appliance.records.answer import Usage
from appliance.records.events import CandidateAnswered, CandidateAsked, CaseSettled, ClaimRenewed
from appliance.store.effects.tables import Tables, case_no

QUARTER_SECONDS = 900
_USED = """INSERT INTO usages (quarter, tier, engine, cases, prompt_tokens, cached_tokens, completion_tokens, seconds)
    VALUES (?, ?, ?, 1, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET cases = cases + 1, prompt_tokens = prompt_tokens + excluded.prompt_tokens,
    cached_tokens = cached_tokens + excluded.cached_tokens, completion_tokens = completion_tokens + excluded.completion_tokens,
    seconds = seconds + excluded.seconds"""
_ASKED = """INSERT INTO candidates (no, case_no, asked_at, answered_at, writer, prompt, decision, decided, reason, score, alike, seconds,
    tokens, failure) VALUES (?, ?, ?, 0, ?, '', '', ?, '', NULL, NULL, 0, 0, '')"""
_ANSWERED = """UPDATE candidates SET answered_at = ?, writer = ?, prompt = ?, decision = ?, reason = ?, score = ?, alike = ?, seconds = ?,
    tokens = ?, failure = ? WHERE no = ?"""


def count_usage(to: Tables, event: CaseSettled) -> None:
    """What the writing took, added up by quarter of an hour, tier and engine."""
    used: Usage = event.usage
    if used.engine:
        quarter = int(event.at / QUARTER_SECONDS)
        numbers = (used.prompt_tokens, used.cached_tokens, used.completion_tokens, used.seconds)
        to.execute(_USED, (quarter, int(event.tier), used.engine, *numbers))


def claim_renewed(to: Tables, event: ClaimRenewed) -> None:
    """Only the claim that is meant goes on: one that ended meanwhile, and was made anew, is somebody else's."""
    still = "UPDATE cases SET claimed_until = ? WHERE no = ? AND state = 'claimed' AND claim = ?"
    to.execute(still, (event.until, case_no(event.case), event.claim))


def candidate_asked(to: Tables, event: CandidateAsked) -> None:
    """Its number is the position of the entry."""
    to.execute(_ASKED, (to.position, case_no(event.case), event.at, event.writer, event.decided))


def candidate_answered(to: Tables, event: CandidateAnswered) -> None:
    """The body beside it is the candidate's draft, when there is one: it goes with the case's words."""
    reason = event.reason.code if event.reason is not None else ""
    tokens = event.usage.prompt_tokens + event.usage.completion_tokens
    numbers = (event.score, event.alike, event.usage.seconds, tokens, event.failure, event.asked)
    to.execute(_ANSWERED, (event.at, event.writer, event.prompt, event.decision, reason, *numbers))
    to.line(case_no(event.case))
