"""From a verdict and the checks to a decision. Nothing here widens: the verdict is the policy's, and each finding narrows it."""

from collections.abc import Iterable, Mapping

import msgspec

from appliance.engines.writer.protocol import Refusal
from appliance.policy import Policy, narrow
from appliance.records.answer import Check, Decision, Draft, Outcome
from appliance.records.policy import Allowance, Reason, Verdict

_DECISIONS: dict[Allowance, Decision] = {
    Allowance.SEND: Decision.SEND,
    Allowance.REVIEW: Decision.REVIEW,
    Allowance.ROUTE: Decision.ROUTE,
}


_LEVERS = frozenset({"automation_off", "outbound_off"})


def score(checks: Iterable[Check], weights: Mapping[str, float]) -> float | None:
    """The reply's score: that of its worst check. A weight below 1 softens a check that is only a likelihood; a check without a
    score, or no check at all, leaves the reply without one."""
    shares = []
    for check in checks:
        if check.score is None:
            return None
        shares.append(1.0 - weights.get(check.name, 1.0) * (1.0 - check.score))
    return round(min(shares), 4) if shares else None


def decide(
    verdict: Verdict, draft: Draft | None, checks: tuple[Check, ...], refusal: Refusal | None, policy: Policy, base: Outcome
) -> Outcome:
    """What happens with the case. Only what the policy allowed, was written whole, and passed every check may be sent."""
    total = score(checks, policy.weights)
    for reason in _against(draft, checks, refusal, total, policy):
        verdict = narrow(verdict, Allowance.REVIEW, reason)
    sends = verdict.allowance is Allowance.SEND
    return msgspec.structs.replace(
        base,
        decision=_DECISIONS[verdict.allowance],
        reason=_answered(total, draft) if sends else _telling(verdict),
        draft=draft,
        checks=checks,
        score=total,
        citations=draft.citations if draft is not None else (),
        stages=verdict.trail,
    )


def _against(
    draft: Draft | None, checks: tuple[Check, ...], refusal: Refusal | None, total: float | None, policy: Policy
) -> Iterable[Reason]:
    """Everything that speaks against sending, the plainest cause first."""
    if refusal is not None:
        numbers = {"unanswered": float(len(refusal.unanswered))} if refusal.unanswered else {}
        yield Reason(code=refusal.reason, numbers=numbers, names=refusal.passages)
    if draft is None:
        if refusal is None:
            yield Reason(code="no_draft")
        return
    for check in checks:
        if not check.passed:
            yield check.reason or Reason(code="check_failed", names=(check.name,))
    if total is None:
        yield Reason(code="score_missing")
    elif total < policy.thresholds.score:
        yield Reason(code="low_score", numbers={"score": total, "least": policy.thresholds.score})


def _telling(verdict: Verdict) -> Reason:
    """The reason that tells a person most: that a lever is closed holds every case, so what else speaks against this one goes first."""
    return next((reason for reason in verdict.trail if reason.code not in _LEVERS), verdict.reason)


def _answered(total: float | None, draft: Draft | None) -> Reason:
    if draft is not None and draft.account is not None:
        return Reason(code="answered_account")
    return Reason(code="answered", numbers={"score": total or 0.0, "passages": len(draft.citations) if draft is not None else 0})
