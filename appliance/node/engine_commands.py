"""The engines as people see them: which, how they do, and how much the other node helped."""

from typing import Any

import msgspec

from appliance.node.control import command
from appliance.node.topic import Topic


class EngineCommands(Topic):
    """The commands about engines."""

    @command
    def engines(self) -> dict[str, Any]:
        """``writer`` and ``ear``: name, version, what is wrong (""), the process where there is one, and how many requests the other
        node's engine answered (``lent``) or did not and were taken back."""
        engines = self._node.engines
        fault = engines.fault()
        writer = {
            **_told(engines.lent.writer),
            "trouble": fault.message if fault is not None else "",
            "prompt": engines.lent.writer.prompt,
            "lent": engines.writes_here.lent,
            "taken_back": engines.writes_here.taken_back,
        }
        heard = {"lent": engines.hears_here.lent, "taken_back": engines.hears_here.taken_back}
        return {
            "writer": writer,
            "ear": {**_told(engines.lent.ear), **heard} if engines.lent.ear is not None else None,
            "embedder": _told(engines.embedder) if engines.embedder is not None else None,
            "candidate": _told(engines.candidate) if engines.candidate is not None else None,
            "other_node": engines.other is not None and engines.other.worth_asking,
        }


def _told(engine: Any) -> dict[str, Any]:
    state = getattr(getattr(engine, "raw", None) or engine, "state", None)
    process = msgspec.to_builtins(state()) if state is not None else None
    return {"name": engine.name, "version": engine.version, "process": process}
