"""Shadow mode: another writer, or another prompt, answers some of the day's cases unseen, and is compared with what counted.

It works on what is over: cases that the desk has just settled, when nothing waits. How many a day is counted in the journal
(``store.candidates``), so that the budget holds over restarts and whichever node leads. Nothing ever leaves by it.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from appliance.desk import compose
from appliance.desk.answer import answer
from appliance.desk.desk import Desk
from appliance.desk.replay import levers_then
from appliance.engines.writer.protocol import Writer
from appliance.ground.clock import Clock
from appliance.ground.log import Log
from appliance.node import days
from appliance.node.roles import Standing
from appliance.records.answer import Draft, Outcome
from appliance.records.candidate import Weighed
from appliance.records.case import Case, CaseState
from appliance.store.store import Store

log = Log("shadow")

REMEMBERED = 200  # cases that were settled a moment ago; when more come than are looked at, the oldest are passed over
FAILURES = frozenset(compose.FAILURES.values())


class Shadow:
    """One candidate. ``settled`` is told each case that the desk settled; ``step`` looks at one."""

    def __init__(
        self, candidate: Writer, desk: Callable[[], Desk], store: Store, standing: Standing, clock: Clock, per_day: int, time_zone: str
    ) -> None:
        self._candidate = candidate
        self._desk = desk
        self._store = store
        self._standing = standing
        self._clock = clock
        self._per_day = per_day
        self._time_zone = time_zone
        self._settled: deque[tuple[Case, Outcome]] = deque(maxlen=REMEMBERED)
        self.wake = threading.Event()

    @property
    def writer(self) -> str:
        """The candidate's name and version."""
        return f"{self._candidate.name} {self._candidate.version}"

    def settled(self, case: Case, outcome: Outcome) -> None:
        """Remember a case that a writer was asked about; any thread may tell."""
        if outcome.draft is not None or any(reason.code in FAILURES for reason in outcome.stages):
            self._settled.append((case, outcome))
            self.wake.set()

    def step(self) -> bool:
        """Look at one case when nothing waits for the desk and the day's budget allows; True when it did."""
        if not self._settled or not self._standing.may_act() or self._store.counts().get(CaseState.WAITING, 0):
            return False
        case, outcome = self._settled.pop()
        number = self._store.candidates.reserve(
            case.id, self.writer, str(outcome.decision), self.midnight(), self._per_day, term=self._standing.term
        )
        if not number:
            return False
        weighed = weigh(case, outcome, self._desk(), self._candidate)
        self._store.candidates.answered(number, case.id, weighed, term=self._standing.term)
        log.info("candidate_answered", case=case.id, decision=weighed.decision, same=weighed.decision == outcome.decision)
        return True

    def midnight(self) -> float:
        """When the budget's day began, in Unix seconds."""
        return days.midnight(self._clock.now(), self._time_zone)


def weigh(case: Case, then: Outcome, desk: Desk, candidate: Writer) -> Weighed:
    """What the desk would have made of the case with this candidate, the levers as they stood, beside what counted."""
    now = answer(case, replace(desk, writer=candidate), levers_then(then))
    failure = next((reason.code for reason in now.stages if reason.code in FAILURES), "")
    return Weighed(
        writer=f"{candidate.name} {candidate.version}",
        prompt=candidate.prompt,
        decision=now.decision,
        reason=now.reason,
        score=now.score,
        alike=likeness(then.draft, now.draft),
        usage=now.usage,
        draft=now.draft,
        failure=failure,
    )


def likeness(one: Draft | None, other: Draft | None) -> float | None:
    """The share of words that two drafts have in common (Jaccard), courtesies left aside; None where one of them says nothing."""
    if one is None or other is None:
        return None
    said = [_words(draft) for draft in (one, other)]
    if not all(said):
        return None
    return round(len(said[0] & said[1]) / len(said[0] | said[1]), 4)


def _words(draft: Draft) -> set[str]:
    told = " ".join(sentence.text for sentence in draft.sentences if not sentence.courtesy)
    return set(told.casefold().split())
