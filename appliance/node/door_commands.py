"""What existing clients ask of a node through the panel's ``/v1``: a conversation for the desk, vectors, the language model itself.

They are called in the process alone, for they take callbacks and hand out what no socket can carry.
"""

from collections.abc import Callable, Sequence
from typing import Any

from appliance.desk.answer import answer
from appliance.engines.errors import EngineMissing
from appliance.node.topic import Topic
from appliance.records.answer import Outcome
from appliance.records.asking import Embedded, EngineNames, Turn
from appliance.records.case import Case, CaseState
from appliance.records.message import Address, Message
from appliance.records.person import Actor

THREAD_MOST = 20  # earlier turns that the desk looks at
_ASKER = Address(address="asker@localhost")
_STATES = {"detect": "reading", "judge": "searching", "search": "writing", "write": "checking"}  # what begins when a stage has ended


class DoorCommands(Topic):
    """The door's part of a node's commands."""

    def ask_conversation(self, turns: Sequence[Turn], language: str = "", on_state: Callable[[str], None] | None = None) -> Outcome:
        """What the desk makes of the last turn, under the levers as they stand. Nothing is stored, and nothing is sent by it.

        The levers count, unlike in ``ask``: what is answered here is read by somebody without a person having seen it.
        ``on_state`` is told ``reading``, ``searching``, ``writing`` and ``checking``; what it raises ends the work.
        """

        def told(stage: str) -> None:
            if on_state is not None and stage in _STATES:
                on_state(_STATES[stage])

        case = _conversation(turns, self._node.clock.now())
        return answer(case, self._node.desk(), self._node.store.switches(), language, told)

    def engine_names(self) -> EngineNames:
        """What can be asked for by name here."""
        engines, ear = self._node.engines, self._node.ear()
        return EngineNames(
            raw="tandem-raw" if engines.raw is not None else "",
            embedder=engines.embedder.name if engines.embedder is not None else "",
            ear=ear.name if ear is not None else "",
        )

    def embed(self, texts: Sequence[str]) -> Embedded:
        """One vector a text. Raises ``EngineError``, also where no embedder is configured."""
        embedder = self._node.engines.embedder
        if embedder is None:
            raise EngineMissing("This node has no embedder.", "Set embedder.kind in tandem.toml.")
        count = getattr(embedder, "count_tokens", None)
        return Embedded(model=embedder.name, vectors=embedder.embed(texts), tokens=count(texts) if count is not None else 0)

    def raw_model(self, actor: Actor) -> Any:
        """The language model's own server, for who may use it without the desk; None where no model is configured."""
        self._allow(actor, "use_raw_model")
        return self._node.engines.raw


def _conversation(turns: Sequence[Turn], now: float) -> Case:
    """The last turn as a case. Of the earlier ones only the customer's are its thread: what we said is not theirs to tell."""
    *earlier, asked = turns
    thread = tuple(_message(turn.text, now) for turn in earlier if turn.who == "customer")
    return Case(
        id="c-ask", channel="chat", mailbox="ask", state=CaseState.CLAIMED, received_at=now,
        message=_message(asked.text, now), thread=thread[-THREAD_MOST:],
    )  # fmt: skip


def _message(text: str, now: float) -> Message:
    return Message(channel="chat", sender=_ASKER, text=text, full_text=text, sent_at=now)
