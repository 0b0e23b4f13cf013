"""The gate of the prompts: questions to the sample company, asked through a writer that works from them.

Half of the questions are answered by a source, and half by none. A reply that would be sent and does not rest on the right fact is a
wrong one, and a single wrong one shuts the gate. So does a gate that nothing went through: a writer that fails, or that refuses
everything, has shown nothing about its prompt.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from appliance.desk.answer import answer
from appliance.desk.desk import Desk
from appliance.ground.assets import asset
from appliance.records.answer import Decision, Outcome
from appliance.records.base import Record
from appliance.records.case import Case, CaseState, History
from appliance.records.message import Address, Message, Trust
from appliance.records.policy import Switches

OPEN = Switches(safe_mode=False, automation_enabled=True, outbound_enabled=True, readable=True)
RIGHT_LEAST = 30  # of the 60 questions that a source answers; a model that draws lots gets about 20


class Probe(NamedTuple):
    """A question. ``language`` and ``key`` name the fact that answers it; both are "" when no source does."""

    text: str
    language: str = ""
    key: str = ""


class Gate(Record):
    """What came of the probes. ``wrong`` are the questions that would have been answered wrongly: ours, and no customer's.

    ``trouble`` is what the writer says is wrong with it, where it failed.
    """

    writer: str
    prompt: str
    asked: int
    right: int
    held: int
    failed: int
    wrong: tuple[str, ...]
    seconds: float
    trouble: str = ""

    @property
    def why_not(self) -> str:
        """Why the gate is shut, in words; "" when it is open."""
        if self.wrong:
            return f"{len(self.wrong)} of {self.asked} questions would have been answered wrongly."
        if self.failed:
            return f"The writer failed at {self.failed} of {self.asked} questions. {self.trouble}".strip()
        if self.right < RIGHT_LEAST:
            return f"Only {self.right} questions were answered at all; fewer than {RIGHT_LEAST} show nothing."
        return ""


def probes(folder: Path | None = None) -> Iterator[Probe]:
    """The questions that travel with the program."""
    folder = folder or asset("models") / "prompts" / "gate"
    for line in (folder / "answerable.txt").read_text(encoding="utf-8").splitlines():
        fact, _, text = line.partition("|")
        language, _, key = fact.partition("-")
        yield Probe(text, language, key)
    for line in (folder / "unanswerable.txt").read_text(encoding="utf-8").splitlines():
        yield Probe(line)


def pass_through(desk: Desk, questions: Iterator[Probe], tell: Callable[[int], None] = lambda _: None) -> Gate:
    """Ask every question; never raises for an engine, which the desk turns into a refusal."""
    started = desk.timer()
    asked, right, failed, wrong = 0, 0, 0, []
    for asked, probe in enumerate(questions, start=1):
        outcome = answer(_case(probe.text), desk, OPEN)
        failed += any(_is_failure(reason.code) for reason in (outcome.reason, *outcome.stages))
        if outcome.decision is Decision.SEND:
            fits = _is_right(outcome, probe)
            right += fits
            wrong += [] if fits else [probe.text]
        tell(asked)
    return Gate(
        writer=f"{desk.writer.name} {desk.writer.version}",
        prompt=desk.writer.prompt,
        asked=asked,
        right=right,
        held=asked - right - len(wrong),
        failed=failed,
        wrong=tuple(wrong),
        seconds=round(desk.timer() - started, 1),
        trouble=_trouble(desk) if failed else "",
    )


def _is_failure(code: str) -> bool:
    """Whatever the writer's engine suffered has a code of its own; that it refused is no failure."""
    return code.startswith("writer_") and code != "writer_refused"


def _trouble(desk: Desk) -> str:
    """What the writer says of itself; where it has recovered by now, why it failed last."""
    health = getattr(desk.writer, "health", None)
    now = str(health()) if health is not None else ""
    return now or str(getattr(getattr(desk.writer, "trouble", None), "reason", ""))


def _is_right(outcome: Outcome, probe: Probe) -> bool:
    return bool(probe.key) and probe.key in {citation.passage.rpartition("/")[2] for citation in outcome.citations}


def _case(text: str) -> Case:
    sender = Address(address="probe@customers.example")
    message = Message(channel="mail", sender=sender, text=text, full_text=text, trust=Trust.PASSED)
    return Case(
        id="gate", channel="mail", mailbox="gate", state=CaseState.CLAIMED, received_at=1_800_000_000.0, message=message, history=History()
    )


def as_dict(gate: Gate) -> dict[str, object]:
    """For a program."""
    return {**msgspec.to_builtins(gate), "open": not gate.why_not, "why_not": gate.why_not}
