"""The start-up proof: before a node calls itself ready it answers questions it must be able to answer.

For each language it takes passages from its own knowledge, asks for one in its own words, and expects a draft that passes
every check with the full score; the first that does is proof enough. A node that cannot is healthy, but not ready, and says so.

The built-in writer writes it, whichever one is configured: what is proved is the knowledge, the search, the checks and the policy. A
model takes its time to load, may be away, and has others who write in its stead; its health stands on a line of its own.
"""

from dataclasses import replace

from appliance.desk.answer import answer
from appliance.desk.desk import Desk
from appliance.engines.writer.grounded import GroundedWriter
from appliance.language import words
from appliance.records.case import Case, CaseState
from appliance.records.knowledge import Passage
from appliance.records.language import LANGUAGES, Code, Language
from appliance.records.message import Address, Message, Trust
from appliance.records.policy import Switches

TRIES = 5  # passages a language; a fact that the policy keeps for people proves nothing about the rest
LEVERS_FOR_PROOF = Switches(safe_mode=False, automation_enabled=True, outbound_enabled=True, readable=True)


class Told:
    """Stands in for the detector, which nothing needs before the first mail and which takes its time and memory to load."""

    def __init__(self, language: Code) -> None:
        self._language = Language(code=language, source="text", confidence=1.0)

    def detect(self, text: str, domain: str = "") -> Language:  # noqa: ARG002
        return self._language


def prove(desk: Desk, passages: tuple[Passage, ...], now: float) -> str:
    """Why the node is not ready, or "" when each language was proved. Knowing nothing is no failure."""
    for language in LANGUAGES:
        known = [passage for passage in passages if passage.language == language and passage.title][:TRIES]
        reasons = [reason for passage in known if (reason := _failure(desk, passage, now))]
        if known and len(reasons) == len(known):
            return f"the proof for {language} ended with {reasons[0]}"
    return ""


def _failure(desk: Desk, passage: Passage, now: float) -> str:
    """Why the passage's own question is not answered with the full score; "" when it is."""
    message = Message(
        channel="mail",
        sender=Address(address="proof@localhost"),
        subject="",
        text=passage.title,
        full_text=passage.title,
        trust=Trust.PASSED,
    )
    case = Case(id="c-proof", channel="mail", mailbox="proof", state=CaseState.CLAIMED, received_at=now, message=message)
    proving = replace(desk, detector=Told(passage.language), writer=GroundedWriter(words))
    outcome = answer(case, proving, LEVERS_FOR_PROOF, passage.language)
    return "" if outcome.draft is not None and outcome.score is not None and outcome.score >= 1.0 else outcome.reason.code
