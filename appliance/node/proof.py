"""The start-up proof: before a node calls itself ready it answers questions it must be able to answer.

For each language it takes one passage from its own knowledge, asks for it in its own words, and expects a draft that passes
every check with the full score. A node that cannot is healthy, but not ready, and says so.
"""

from appliance.desk.answer import answer
from appliance.desk.desk import Desk
from appliance.records.case import Case, CaseState
from appliance.records.knowledge import Passage
from appliance.records.message import Address, Message, Trust
from appliance.records.policy import Switches

LEVERS_FOR_PROOF = Switches(safe_mode=False, automation_enabled=True, outbound_enabled=True, readable=True)


def prove(desk: Desk, passages: tuple[Passage, ...], now: float) -> str:
    """Why the node is not ready, or "" when every proof came out with the full score. Knowing nothing is no failure."""
    for passage in _one_a_language(passages):
        outcome = answer(_case_about(passage, now), desk, LEVERS_FOR_PROOF)
        if outcome.draft is None or outcome.score is None or outcome.score < 1.0:
            return f"the proof for {passage.language} ended with {outcome.reason.code}"
    return ""


def _one_a_language(passages: tuple[Passage, ...]) -> tuple[Passage, ...]:
    chosen: dict[str, Passage] = {}
    for passage in passages:
        if passage.title and passage.language not in chosen:
            chosen[passage.language] = passage
    return tuple(chosen.values())


def _case_about(passage: Passage, now: float) -> Case:
    message = Message(
        channel="mail",
        sender=Address(address="proof@localhost"),
        subject="",
        text=passage.title,
        full_text=passage.title,
        trust=Trust.PASSED,
    )
    return Case(id="c-proof", channel="mail", mailbox="proof", state=CaseState.CLAIMED, received_at=now, message=message)
