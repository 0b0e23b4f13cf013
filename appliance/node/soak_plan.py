"""What a soak does to the pair, and when: drawn from a seed, so that what broke once can be done again.

Which of the two leads at a moment depends on the machine, so a fault is planned for "the leader" and finds out then who that is.
"""

from hashlib import sha256
from typing import Literal, NamedTuple

from appliance.records.base import Record

Kind = Literal[
    "kill_leader", "kill_standby", "kill_both", "kill_witness", "pause_leader", "pause_standby", "pause_both", "pause_witness",
    "restart_leader", "restart_standby", "handover", "cut", "cut_from_leader", "cut_to_leader", "break_lines",
    "outbound_off", "intake_off",
]  # fmt: skip

FIRST_SECONDS = 3.0
QUIET_SECONDS = 5.0
"""Before the end: the last faults are over by then."""


class _How(NamedTuple):
    """How often beside the others, and how many seconds it lasts."""

    share: int
    least: float
    most: float


HOW: dict[Kind, _How] = {
    "kill_leader": _How(4, 0.3, 5.0),
    "kill_standby": _How(2, 0.3, 5.0),
    "kill_both": _How(1, 0.3, 3.0),
    "kill_witness": _How(1, 0.5, 6.0),
    "pause_leader": _How(4, 0.5, 8.0),
    "pause_standby": _How(2, 0.5, 8.0),
    "pause_both": _How(1, 0.5, 8.0),
    "pause_witness": _How(2, 0.5, 8.0),
    "restart_leader": _How(2, 0.1, 2.0),
    "restart_standby": _How(1, 0.1, 2.0),
    "handover": _How(4, 0.0, 0.0),
    "cut": _How(3, 0.3, 8.0),
    "cut_from_leader": _How(2, 0.3, 8.0),
    "cut_to_leader": _How(2, 0.3, 8.0),
    "break_lines": _How(1, 0.0, 0.0),
    "outbound_off": _How(1, 0.5, 4.0),
    "intake_off": _How(1, 0.5, 4.0),
}
PAUSES = (0.5, 14.0)
OVERLAP = 0.2
"""So many of the faults begin while the one before has not ended."""


class Fault(Record):
    """One fault; ``at`` and ``seconds`` (how long it lasts) are counted from the soak's beginning."""

    number: int
    kind: Kind
    at: float
    seconds: float

    @property
    def until(self) -> float:
        return self.at + self.seconds


def plan(seed: int, seconds: float) -> tuple[Fault, ...]:
    """The faults of so many seconds, in the order in which they begin. A longer plan begins with the shorter one."""
    faults: list[Fault] = []
    at = FIRST_SECONDS
    while True:
        fault = _drawn(seed, len(faults), at)
        if fault.until > seconds - QUIET_SECONDS:
            return tuple(faults)
        faults.append(fault)
        at = _next(seed, fault)


def _drawn(seed: int, number: int, at: float) -> Fault:
    dealt = [kind for kind, how in HOW.items() for _ in range(how.share)]
    kind = dealt[int(_share(seed, number, "kind") * len(dealt))]
    how = HOW[kind]
    seconds = how.least + _share(seed, number, "seconds") * (how.most - how.least)
    return Fault(number=number, kind=kind, at=round(at, 2), seconds=round(seconds, 2))


def _next(seed: int, fault: Fault) -> float:
    if _share(seed, fault.number, "overlap") < OVERLAP:
        return fault.at + _share(seed, fault.number, "within") * fault.seconds
    least, most = PAUSES
    return fault.until + least + _share(seed, fault.number, "pause") * (most - least)


def _share(seed: int, number: int, what: str) -> float:
    """From 0 to below 1, the same on every machine."""
    return int.from_bytes(sha256(f"{seed}\0{number}\0{what}".encode()).digest()[:6], "big") / 2**48
