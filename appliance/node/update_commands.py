"""What people may tell a node about updates: a step here or on the other machine, and that the files go there."""

from typing import Any

import msgspec

from appliance.ground.errors import Refused
from appliance.node.control import command
from appliance.node.topic import Topic
from appliance.node.update_steps import FOLDER, Steps
from appliance.records.person import Actor


class UpdateCommands(Topic):
    """The commands about updates; part of ``Commands``."""

    @command
    def update_step(self, actor: Actor, step: str, words: dict[str, Any], there: bool = False) -> Any:
        """One step of an update, here or on the other machine; ``tandem update`` puts them in order."""
        self._allow(actor, "manage_pair")
        if there:
            return self._line().ask(actor, step, words)
        kind = Steps.WORDS.get(step)
        return Steps(self._node).do(step, msgspec.convert(words, kind) if kind is not None else None)

    @command
    def update_bring(self, actor: Actor) -> int:
        """Give the other machine the wheels that lie in this home's folder of updates; how many bytes they are."""
        self._allow(actor, "manage_pair")
        return int(self._line().bring(actor, self._node.home / FOLDER))

    def _line(self) -> Any:
        if self._node.pair is None:
            raise Refused("This machine is in no pair.", "Pair it first: tandem pair start", code="not_paired")
        return self._node.pair.updates
