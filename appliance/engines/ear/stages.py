"""How an ear's two stages are, in one shape whatever happened to them: who reads the figures never finds one missing."""

from typing import Literal

from appliance.records.base import Record

Condition = Literal["off", "resting", "starting", "ready", "working", "failed", "disabled"]
STREAMING = "streaming"
FINAL = "final"


class Stage(Record):
    """One stage. ``off``: not wanted; ``disabled``: it crashed, and is left alone until somebody turns it on again.

    ``pid`` is 0 while no process runs. ``heartbeat_at`` and ``last_success_at`` are Unix seconds, 0 for never. ``last_error`` is a code,
    ``cause`` the same as a sentence.
    """

    name: str
    condition: Condition = "resting"
    model: str = ""
    pid: int = 0
    heartbeat_at: float = 0.0
    last_success_at: float = 0.0
    waiting: int = 0
    asked: int = 0
    failures: int = 0
    memory_bytes: int = 0
    last_error: str = ""
    cause: str = ""


Stages = dict[str, Stage]
