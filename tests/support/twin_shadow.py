"""Shadow mode of a node that lives in memory: a candidate that has looked at a few cases."""

from appliance.ground.clock import Clock
from appliance.records.candidate import CandidateRow, ShadowSummary
from appliance.records.case import CaseFile
from appliance.records.person import Actor


class TwinShadow:
    clock: Clock
    files: dict[str, CaseFile]
    candidate_rows: list[CandidateRow] | None = None

    def shadow(self, past_days: int = 7) -> ShadowSummary:
        del past_days
        if self.candidate_rows == []:
            return ShadowSummary()
        return ShadowSummary(
            asked_today=18,
            per_day=50,
            answered=96,
            failed=2,
            same_decision=84,
            would_send=51,
            sends_more=7,
            sends_less=5,
            alike=0.62,
            seconds=3.4,
        )

    def candidates(self, actor: Actor, limit: int = 50) -> list[CandidateRow]:
        del actor
        if self.candidate_rows is None:
            cases = list(self.files)[:3]
            self.candidate_rows = [self._look(number, case) for number, case in enumerate(cases)]
        return self.candidate_rows[:limit]

    def _look(self, number: int, case: str) -> CandidateRow:
        at = self.clock.now() - 600.0 * number
        sends = number % 2 == 0
        return CandidateRow(
            number=90 - number, case=case, asked_at=at, answered_at=at + 3.0, writer="mlx qwen3-4b", prompt="write 2",
            decision="send" if sends else "review", reason="answered" if sends else "low_score", score=0.93 if sends else 0.55, alike=0.7,
            seconds=3.2, tokens=880, failure="" if number < 2 else "writer_timeout", decided="review", scored=0.6,
        )  # fmt: skip
