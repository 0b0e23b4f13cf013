"""Both machines of a pair, one after the other, while mail goes on; or one machine alone.

    install beside, on both ─▶ the standby: start on trial, smoke ─▶ hand over to it, smoke as leader ─▶ confirm
                            ─▶ the other one, which stands by now: start on trial, smoke ─▶ confirm

Whatever fails before the hand-over is held has touched the standby alone, and is taken back there. When the second machine fails, that one
is taken back alone: the two versions understand each other, and go on together. This conductor may itself go away at any moment: what
is on trial then goes back by itself (``trial.py``), and what is confirmed stays.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, NamedTuple, Protocol

from msgspec.structs import replace

from appliance.care.update.facts import Facts, check_fits
from appliance.care.update.versions import is_newer, key
from appliance.ground.clock import Clock
from appliance.ground.errors import Refused, TandemError
from appliance.records.base import Record

Role = Literal["leader", "standby", "alone"]
Say = Callable[[str], None]


class Look(Record):
    """How a machine stands. ``hindrance``: why its program cannot be replaced, "" when it can; ``trial``: the version on trial there."""

    node: str
    facts: Facts
    role: Role
    ready: bool
    well: bool
    because: tuple[str, ...] = ()
    in_step: bool = False
    hindrance: str = ""
    remedy: str = ""
    busy: bool = False
    trial: str = ""
    previous: Facts | None = None

    @property
    def version(self) -> str:
        return self.facts.version


class Check(Record):
    """One thing that was tried on a machine, and what came of it."""

    name: str
    ok: bool
    said: str = ""


class Machine(Protocol):
    """One machine as the conductor reaches it. Everything raises ``TandemError`` or ``OSError`` while it does not answer."""

    name: str

    def look(self) -> Look: ...

    def install(self) -> Facts:
        """Install the wheel that was brought there."""
        ...

    def start_on_trial(self, version: str, seconds: float) -> None:
        """Have it end, and start again as this version."""
        ...

    def smoke(self, version: str, leading: bool) -> tuple[Check, ...]: ...

    def confirm(self, version: str) -> None: ...

    def go_back(self, reason: str) -> None:
        """Have it end, and start again as the version from before."""
        ...

    def hand_over(self) -> None:
        """Ask whoever leads to let the other one lead."""
        ...


class Pace(Record):
    """How long for what, in seconds."""

    trial: float = 180.0
    """From a version's start to its confirmation; beyond it goes back by itself."""
    smoke: float = 20.0
    """In which everything must be found well; mails wait for so long behind a leader that cannot work."""
    look: float = 0.25
    steady: float = 5.0
    """So long without a break must a new leader be well."""
    hand_over: float = 60.0
    go_back: float = 240.0


class Order(NamedTuple):
    """What is wanted. ``version`` "" means back to the one before, on each machine."""

    version: str = ""
    allow_older: bool = False
    no_way_back: bool = False
    though_unwell: bool = False
    """What is wrong with a machine may be what the new version mends."""


class Outcome(Record):
    """``updated`` and ``taken_back`` are names of nodes; ``reason`` is why something was taken back, or nothing was begun."""

    version: str
    updated: tuple[str, ...] = ()
    taken_back: tuple[str, ...] = ()
    reason: str = ""

    @property
    def ok(self) -> bool:
        return not self.reason


class Failed(NamedTuple):
    """Why a machine did not come up as it should."""

    reason: str


class Rolling:
    """One update of one or two machines."""

    def __init__(self, order: Order, machines: tuple[Machine, ...], clock: Clock, say: Say, pace: Pace | None = None) -> None:
        self._order = order
        self._machines = machines
        self._clock = clock
        self._say = say
        self._pace = pace or Pace()
        self._nobody = threading.Event()

    def run(self) -> Outcome:
        """Do it. Raises ``TandemError`` when nothing may be begun; once something was begun, the outcome says how it ended."""
        looks = {machine: machine.look() for machine in self._machines}
        for look in looks.values():
            self._check(look)
        self._check_versions([look.version for look in looks.values()])
        targets = self._installed(looks)
        left = [machine for machine in self._machines if targets[machine] != looks[machine].version]
        outcome = Outcome(version=next(iter(targets.values())))
        for machine in sorted(left, key=lambda each: looks[each].role == "leader"):
            look = looks[machine]
            proven = len(left) < len(self._machines) or bool(outcome.updated)  # the other one runs it already
            failed = self._follow(machine, targets[machine]) if proven else self._first(machine, look, targets[machine])
            if failed is not None:
                return self._taken_back(outcome, machine, look.version, failed)
            outcome = replace(outcome, updated=(*outcome.updated, look.node))
        return outcome

    # Before anything is touched

    def _check(self, look: Look) -> None:
        if look.hindrance:
            raise Refused(f"{look.node}: {look.hindrance}", look.remedy)
        if look.busy or look.trial:
            raise Refused(f"{look.node} is being updated already.", "Wait until that has ended: tandem update --status")
        if not (look.well and look.ready) and not self._order.though_unwell:
            raise Refused(
                f"{look.node} is not well itself ({', '.join(look.because) or 'not ready'}).",
                "Mend that first, see tandem status; or, when the new version mends it: --though-unwell",
            )
        if len(self._machines) > 1 and not look.in_step:
            raise Refused("The two machines do not hold the same yet.", "Wait until they are in step: tandem pair status")
        if len(self._machines) == 1 and look.role != "alone":
            raise Refused("The other machine does not answer.", "Both are updated together; see why: tandem pair status")

    def _check_versions(self, versions: list[str]) -> None:
        """A machine that has the wanted version already, from an update that ended half-way, is left as it is."""
        wanted = self._order.version
        if wanted and set(versions) == {wanted}:
            raise Refused(f"{wanted} runs already.", "A changed program needs a version number of its own.")
        for version in versions:
            if wanted and version != wanted and not self._order.allow_older and not is_newer(wanted, version):
                raise Refused(f"{version} runs, and {wanted} is not newer.", "To take it all the same: --allow-older")

    def _installed(self, looks: dict[Machine, Look]) -> dict[Machine, str]:
        """Which version each machine is to run, once it lies there and is known to fit."""
        targets: dict[Machine, str] = {}
        versions = {look.version for look in looks.values()}
        for machine, look in looks.items():
            facts = self._fetched(machine, look, versions)
            check_fits(facts, look.facts, way_back=look.role == "alone" and not self._order.no_way_back)
            for other in looks.values():
                check_fits(facts, replace(other.facts, schema=facts.schema), way_back=False)
            targets[machine] = facts.version
        return targets

    def _fetched(self, machine: Machine, look: Look, versions: set[str]) -> Facts:
        if look.version == self._order.version:
            return look.facts
        if self._order.version:
            self._say(f"Installing {self._order.version} on {look.node}, beside {look.version}.")
            return machine.install()
        oldest = min(versions, key=key)
        if len(versions) > 1 and look.version == oldest:  # of two that differ only the newer one goes back
            return look.facts
        if look.previous is None or (len(versions) > 1 and look.previous.version != oldest):
            raise Refused(f"{look.node} has no version from before.", "Install one as any other: tandem update WHEEL --allow-older")
        return look.previous

    # One machine

    def _first(self, machine: Machine, look: Look, version: str) -> Failed | None:
        """The one that risks most: it is the first of its version, and leads before it is believed."""
        alone = look.role == "alone"
        failed = self._put(machine, version, "alone" if alone else "standby")
        if failed is None and not alone:
            failed = self._lead(machine, version)
        return failed or self._confirmed(machine, version)

    def _follow(self, machine: Machine, version: str) -> Failed | None:
        """One whose version runs on the other machine already."""
        return self._moved(machine, "standby") or self._put(machine, version, "standby") or self._confirmed(machine, version)

    def _confirmed(self, machine: Machine, version: str) -> Failed | None:
        try:
            machine.confirm(version)
        except (TandemError, OSError) as error:
            return Failed(f"it could not be confirmed: {_said(error)}")
        return None

    def _put(self, machine: Machine, version: str, role: Role) -> Failed | None:
        """Start it as this version, wait until it is back in its place, and smoke it."""
        self._say(f"{machine.name}: starting {version} on trial.")
        try:
            machine.start_on_trial(version, self._pace.trial)
        except (TandemError, OSError) as error:
            return Failed(f"it could not be started: {_said(error)}")
        last = ""

        def back() -> bool:
            nonlocal last
            look = machine.look()
            at_its_place = look.role == role and (role == "alone" or look.in_step)
            last = "" if look.version == version else f"it runs {look.version}"
            last = last or ("" if look.ready and look.well else ", ".join(look.because) or "it is not ready")
            last = last or ("" if at_its_place else "it is not in step")
            if look.version != version and not look.trial:
                raise _Over
            return not last

        try:
            if not self._wait(back, self._pace.trial):
                return Failed(f"it did not come up as {version} within {self._pace.trial:.0f} s: {last or 'it does not answer'}")
        except _Over:
            return Failed(f"{version} did not start there, and the machine went back by itself")
        return self._smoked(machine, version, leading=role == "alone")

    def _smoked(self, machine: Machine, version: str, leading: bool) -> Failed | None:
        """Everything must be well at once, and stay so for a while where it leads."""
        steady = self._pace.steady if leading else 0.0
        since: float | None = None
        wrong: tuple[Check, ...] = ()

        def proven() -> bool:
            nonlocal since, wrong
            wrong = tuple(check for check in machine.smoke(version, leading) if not check.ok)
            since = None if wrong else self._clock.elapsed() if since is None else since
            return since is not None and self._clock.elapsed() - since >= steady

        if self._wait(proven, self._pace.smoke):
            self._say(f"{machine.name}: {version} {'leads' if leading else 'stands by'} and is well.")
            return None
        said = "; ".join(f"{check.name}: {check.said}" if check.said else check.name for check in wrong)
        return Failed(f"the smoke test failed ({said or 'it does not answer'})")

    def _lead(self, machine: Machine, version: str) -> Failed | None:
        self._say(f"{machine.name}: taking the lead.")
        return self._moved(machine, "leader") or self._smoked(machine, version, leading=True)

    def _moved(self, machine: Machine, role: Role) -> Failed | None:
        """Have the lead handed over until the machine has this role; a refusal may pass, for a node rests after a hand-over."""
        asked_at = float("-inf")
        last = ""

        def moved() -> bool:
            nonlocal asked_at, last
            if machine.look().role == role:
                return True
            if self._clock.elapsed() - asked_at > 10.0:
                try:
                    machine.hand_over()
                    asked_at = self._clock.elapsed()
                except TandemError as error:
                    last = error.message
            return False

        if self._wait(moved, self._pace.hand_over):
            return None
        return Failed(f"the lead did not change within {self._pace.hand_over:.0f} s{': ' if last else ''}{last.rstrip('.')}")

    # Back

    def _taken_back(self, outcome: Outcome, machine: Machine, before: str, failed: Failed) -> Outcome:
        """Have the machine run what it ran before. It goes by itself when it cannot be told."""
        self._say(f"{machine.name}: {failed.reason}. Going back to {before}.")
        node = machine.name
        if len(self._machines) > 1:
            self._lead_away(machine)
        told = False

        def is_back() -> bool:
            nonlocal told, node
            look = machine.look()
            node = look.node
            if look.trial and not told:
                told = True
                machine.go_back(failed.reason)
                return False
            return (
                look.version == before
                and not look.trial
                and (look.well or self._order.though_unwell)
                and (look.role == "alone" or look.in_step)
            )

        if not self._wait(is_back, self._pace.go_back):
            reason = f"{failed.reason}; and it is not back as {before} after {self._pace.go_back:.0f} s"
            return replace(outcome, reason=f"{node}: {reason}", taken_back=())
        self._say(f"{machine.name}: {before} runs there again.")
        return replace(outcome, reason=f"{node}: {failed.reason}", taken_back=(node,))

    def _lead_away(self, machine: Machine) -> None:
        """A machine that leads hands over before it ends. When it cannot, its own end does."""
        try:
            leads = machine.look().role == "leader"
        except (TandemError, OSError):
            return
        if leads and (failed := self._moved(machine, "standby")) is not None:
            self._say(f"{machine.name}: {failed.reason}.")

    def _wait(self, so: Callable[[], bool], seconds: float) -> bool:
        """Look until it is so. A machine that does not answer is not so yet."""
        until = self._clock.elapsed() + seconds
        while True:
            with suppress(TandemError, OSError):
                if so():
                    return True
            if self._clock.elapsed() >= until:
                return False
            self._clock.wait(self._nobody, self._pace.look)


class _Over(Exception):
    """There is nothing to wait for any more."""


def _said(error: Exception) -> str:
    return (error.message if isinstance(error, TandemError) else str(error) or type(error).__name__).rstrip(".")
