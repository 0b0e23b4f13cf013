"""The hand that does a soak's faults to three processes and the wire between two of them, and puts back what it did.

Everything that is undone later waits in a list of what is due; ``turn`` does it. What a process does by itself meanwhile is looked
after too: a node may end when it cannot go on, and its supervisor, who starts it again, is the hand.
"""

import signal
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import msgspec

from appliance.ground.errors import TandemError
from appliance.node.sandbox import Process, SandboxPair
from appliance.node.soak_plan import Fault
from appliance.node.soak_watch import Watch, ask
from appliance.node.soak_wire import Wire
from appliance.records.person import Role

COME_BACK_SECONDS = 1.0
COMMAND_SECONDS = 3.0
PATIENT_SECONDS = 30.0
SURE_SECONDS = 4.0
OWNER = {"name": "cli", "role": int(Role.ADMIN)}
LEVERS = {"outbound_off": "outbound_enabled", "intake_off": "intake_enabled"}


class Hand:
    """``begin`` starts the time that faults are counted by."""

    def __init__(self, pair: SandboxPair, wire: Wire, watch: Watch, faults: tuple[Fault, ...]) -> None:
        self._pair, self._wire, self._watch = pair, wire, watch
        self._clock = pair.clock
        self._faults = faults
        self._processes: dict[str, Process] = {process.name: process for process in pair.processes}
        self._down: set[str] = set()
        self._frozen: Counter[str] = Counter()
        self._over = threading.Event()
        self._due: list[tuple[float, Callable[[], None]]] = []
        self._began = 0.0
        self.happened: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self.ended_by_themselves: list[str] = []

    def begin(self) -> None:
        self._began = self._clock.elapsed()
        self._due = [(fault.at, self._inflicting(fault)) for fault in self._faults]

    def now(self) -> float:
        return self._clock.elapsed() - self._began

    def turn(self) -> None:
        """Do what is due now, and look after the processes."""
        now = self.now()
        ready = [work for at, work in self._due if at <= now]
        self._due = [one for one in self._due if one[0] > now]
        for work in ready:
            work()
        for name, process in self._processes.items():
            if not process.runs and name not in self._down:
                self.ended_by_themselves.append(f"{name} after {now:.0f} s with {process.code}")
                self._down.add(name)
                self._later(COME_BACK_SECONDS, lambda name=name: self._start(name))  # type: ignore[misc]

    def put_back(self) -> None:
        """Undo all that is not undone; what has to start is started at the next turns."""
        self._due.clear()
        self._wire.mend_all()
        self._frozen.clear()
        for name, process in self._processes.items():
            process.signal(signal.SIGCONT)
            if name in self._down:
                self._start(name)

    def levers_are_on(self) -> bool:
        """Put the levers back, and look whether they are."""
        for lever in LEVERS.values():
            self._set(lever, True, COMMAND_SECONDS)
        return all(map(self._is_on, LEVERS.values()))

    def kill_at_once(self) -> None:
        """Both nodes at one moment, without a word of good-bye, which would be an entry on one side only."""
        self._over.set()
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for name in self._pair.nodes:
                self._processes[name].signal(number)
        for name in self._pair.nodes:
            self._processes[name].kill()

    def let_go(self) -> None:
        """Whatever happened: nothing is frozen, and nothing of the hand's goes on."""
        self._over.set()
        for process in self._processes.values():
            process.signal(signal.SIGCONT)

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        self._due.append((self.now() + seconds, work))

    def _inflicting(self, fault: Fault) -> Callable[[], None]:
        def inflict() -> None:
            names = self._meant(fault)
            self.happened[fault.kind] += 1
            self._note(fault, names)
            _DO[fault.kind.partition("_")[0]](self, fault, names)

        return inflict

    def _meant(self, fault: Fault) -> list[str]:
        leader, other = self._watch.leader(), self._watch.other()
        meant = {"leader": [leader], "standby": [other], "both": [leader, other], "witness": ["witness"]}
        return meant.get(fault.kind.rpartition("_")[2], [leader, other])

    def _note(self, fault: Fault, names: list[str]) -> None:
        told = {**msgspec.to_builtins(fault), "wall": round(self._clock.now(), 3), "names": names, "leader": self._watch.leader()}
        with (self._pair.base / "faults.jsonl").open("ab") as file:
            file.write(msgspec.json.encode(told) + b"\n")

    # The faults

    def kill(self, fault: Fault, names: list[str]) -> None:
        for name in names:
            self._down.add(name)
            self._processes[name].kill()
            self._later(fault.seconds, lambda name=name: self._start(name))  # type: ignore[misc]

    def restart(self, fault: Fault, names: list[str]) -> None:
        for name in names:
            self._down.add(name)
            self._processes[name].signal(signal.SIGTERM)
            self._later(fault.seconds, lambda name=name: self._start(name))  # type: ignore[misc]

    def _start(self, name: str) -> None:
        if name not in self._down:
            return
        if self._processes[name].runs:  # it is still ending
            self._later(0.2, lambda: self._start(name))
        else:
            self._down.discard(name)
            self._frozen[name] = 0
            self._processes[name].start()

    def pause(self, fault: Fault, names: list[str]) -> None:
        for name in names:
            self._frozen[name] += 1
            self._processes[name].signal(signal.SIGSTOP)
            self._later(fault.seconds, lambda name=name: self._resume(name))  # type: ignore[misc]

    def _resume(self, name: str) -> None:
        self._frozen[name] = max(0, self._frozen[name] - 1)
        if not self._frozen[name]:
            self._processes[name].signal(signal.SIGCONT)

    def cut(self, fault: Fault, _names: list[str]) -> None:
        leader, other = self._watch.leader(), self._watch.other()
        ways = {"cut": [(leader, other), (other, leader)], "cut_from_leader": [(leader, other)], "cut_to_leader": [(other, leader)]}[
            fault.kind
        ]
        for way in ways:
            self._wire.cut(*way)
            self._later(fault.seconds, lambda way=way: self._wire.mend(*way))  # type: ignore[misc]

    def break_lines(self, _fault: Fault, _names: list[str]) -> None:
        self._wire.break_lines()

    def handover(self, fault: Fault, names: list[str]) -> None:
        self._command(fault.kind, "pair_handover", names)

    def lever(self, fault: Fault, _names: list[str]) -> None:
        """One thread pulls it and puts it back, so that the two cannot overtake one another on their way to whoever leads."""

        def pull() -> None:
            with suppress(OSError, ValueError, TandemError):
                self._set(LEVERS[fault.kind], False, PATIENT_SECONDS)
            self._clock.wait(self._over, fault.seconds)
            while not self._over.is_set():
                with suppress(OSError, ValueError, TandemError):
                    if self._is_on(LEVERS[fault.kind]):
                        return
                    self._set(LEVERS[fault.kind], True, COMMAND_SECONDS)
                self._clock.wait(self._over, SURE_SECONDS)  # what was on its way when somebody died may arrive late

        threading.Thread(target=pull, name="soak-lever", daemon=True).start()

    def _set(self, lever: str, on: bool, seconds: float) -> None:
        ask(self._pair.base / self._watch.leader(), "set_switch", seconds, actor=OWNER, name=lever, on=on)

    def _is_on(self, lever: str) -> bool:
        states = ask(self._pair.base / self._watch.leader(), "switch_states", COMMAND_SECONDS)
        return any(state["name"] == lever and state["on"] for state in states)

    def _command(self, kind: str, command: str, names: list[str]) -> None:
        """On a thread of its own, for it may wait for a leader. That it is refused or not answered is no broken promise."""

        def give() -> None:
            try:
                ask(self._pair.base / names[0], command, COMMAND_SECONDS, actor=OWNER)
            except (OSError, ValueError, TandemError) as error:
                self.missed[f"{kind}: {getattr(error, 'message', type(error).__name__)}"] += 1

        threading.Thread(target=give, name="soak-command", daemon=True).start()


_DO: dict[str, Callable[[Hand, Fault, list[str]], None]] = {
    "kill": Hand.kill, "restart": Hand.restart, "pause": Hand.pause, "cut": Hand.cut, "break": Hand.break_lines,
    "handover": Hand.handover, "outbound": Hand.lever, "intake": Hand.lever,
}  # fmt: skip
