"""The pipeline log: one line for each case the desk decided, off unless a path is set.

It holds what the journal holds, in the form people feed to a spreadsheet: numbers and codes, never a customer's words. It is
written after the decision is safe, and a disk that refuses it stops nothing.
"""

import os
from pathlib import Path

import msgspec

from appliance.ground.log import Log, Trouble
from appliance.records.answer import Decision, Outcome

log = Log("pipeline")


class PipelineLog:
    """Appends lines to a file; with no path it does nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._trouble = Trouble(log, "pipeline_log")

    def write(self, case: str, agent: str, decision: Decision, outcome: Outcome, at: float) -> None:
        """One whole line in one write, so that two workers never mix theirs."""
        if self._path is None:
            return
        line = {
            "at": at,
            "case": case,
            "agent": agent,
            "decision": decision,
            "reason": outcome.reason.code,
            "language": outcome.language.code,
            "tier": int(outcome.tier),
            "score": outcome.score,
            "missing_keys": outcome.missing_keys,
            "milliseconds": round(sum(outcome.milliseconds.values()), 2),
            "engine": outcome.usage.engine,
            "prompt_tokens": outcome.usage.prompt_tokens,
            "completion_tokens": outcome.usage.completion_tokens,
            "engine_seconds": round(outcome.usage.seconds, 3),
        }
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, msgspec.json.encode(line) + b"\n")
            finally:
                os.close(descriptor)
        except OSError as error:
            self._trouble.broke(f"{error.strerror}")
        else:
            self._trouble.healed()
