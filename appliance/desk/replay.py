"""Decide a case again from its recorded draft, on this node, now. The same must come out; where it does not, it is said what
took part then and now.

The writer is not asked again: what it wrote is on record, and the decision about it is what is repeated.
"""

from dataclasses import replace
from typing import Any

from appliance.desk.answer import answer, versions
from appliance.desk.compose import FAILURES, REFUSALS
from appliance.desk.desk import Desk
from appliance.engines.writer.protocol import Refusal, WritingRequest, Written
from appliance.ground.errors import EngineError
from appliance.records.account import AccountRecord, Miss
from appliance.records.answer import Draft, Outcome, Versions
from appliance.records.case import CaseFile
from appliance.records.policy import SWITCH_NAMES, Reason, Switches

_LEVERS = ("safe_mode", "automation_off", "outbound_off", "levers_unreadable")
_AT_THE_STORE = ("sender_limit", "hourly_limit", "no_draft", "not_a_message", "no_address", "earlier_unanswered")
_FAILURES = {reason: code for code, reason in FAILURES.items()}


class RecordedWriter:
    """A writer that gives what was written then."""

    def __init__(self, draft: Draft | None, outcome: Outcome) -> None:
        self.name, _, self.version = (draft.writer if draft is not None else outcome.versions.writer).rpartition(" ")
        self.prompt = outcome.versions.prompt
        self._sentences = draft.sentences if draft is not None else ()
        refused = next((reason for reason in outcome.stages if reason.code in (*REFUSALS, *_FAILURES)), None)
        self._refusal = Refusal(reason=refused.code, passages=refused.names) if refused is not None else None

    def write(self, request: WritingRequest) -> Written:
        """The recorded sentences, whatever is asked."""
        del request
        if self._refusal is not None and self._refusal.reason in _FAILURES:
            raise EngineError("It failed then.", code=_FAILURES[self._refusal.reason])
        return Written(sentences=self._sentences, refusal=self._refusal)


class RecordedAccounts:
    """Account records that say what they said then: the sheet may hold another status by now, or the order no more."""

    def __init__(self, said: AccountRecord | Miss) -> None:
        self._said = said

    def find(self, address: str, order: str) -> AccountRecord | Miss:
        """What was found then, whatever is asked."""
        del address, order
        return self._said


def replay(file: CaseFile, desk: Desk, switches: Switches) -> dict[str, Any]:
    """``same``, the decision and reason ``then`` and ``now``, and which versions differ. ``switches`` as they stand now are
    shown beside; decided is with the levers as they stood then."""
    outcome, case = file.outcome, file.case
    if outcome is None or case is None:
        return {"same": None, "why": "erased" if file.erased else "undecided", "then": None, "now": None, "differs": {}}
    draft = outcome.draft or file.draft
    recorded = replace(desk, writer=RecordedWriter(draft, outcome), accounts=_accounts_then(draft, outcome) or desk.accounts)
    again = answer(case, recorded, levers_then(outcome))
    narrowed = _narrowed_by_store(outcome)
    same = again.decision == outcome.decision or (narrowed is not None and again.decision == "send")
    return {
        "same": same,
        "then": {"decision": str(outcome.decision), "reason": outcome.reason.code, "score": outcome.score},
        "now": {"decision": str(again.decision), "reason": again.reason.code, "score": again.score},
        "narrowed_when_settled": narrowed.code if narrowed is not None else "",
        "differs": differences(outcome.versions, versions(desk)),
        "levers_now": {name: getattr(switches, name) for name in SWITCH_NAMES},
    }


def _accounts_then(draft: Draft | None, outcome: Outcome) -> RecordedAccounts | None:
    """None when nothing is on record about a look-up: then the accounts of today are asked."""
    if draft is not None and draft.account is not None:
        return RecordedAccounts(draft.account)
    missed = next((reason.code for reason in outcome.stages if reason.code in set(Miss)), None)
    return RecordedAccounts(Miss(missed)) if missed is not None else None


def differences(then: Versions, now: Versions) -> dict[str, dict[str, str]]:
    """The versions that are not the same any more."""
    pairs = {name: (getattr(then, name), getattr(now, name)) for name in Versions.__struct_fields__}
    return {name: {"then": before, "now": after} for name, (before, after) in pairs.items() if before != after}


def levers_then(outcome: Outcome) -> Switches:
    """The levers as they must have stood, from what they narrowed: a closed one always leaves its mark in the stages."""
    closed = {reason.code for reason in (*outcome.stages, outcome.reason)} & set(_LEVERS)
    if "levers_unreadable" in closed:
        return Switches()
    return Switches(
        safe_mode="safe_mode" in closed,
        automation_enabled="automation_off" not in closed,
        outbound_enabled="outbound_off" not in closed,
        readable=True,
    )


def _narrowed_by_store(outcome: Outcome) -> Reason | None:
    """The store narrows a reply when it queues it (limits, a lever pulled meanwhile) and puts its reason last."""
    last = outcome.stages[-1] if outcome.stages else None
    return last if last is not None and last == outcome.reason and last.code in (*_AT_THE_STORE, *_LEVERS) else None
