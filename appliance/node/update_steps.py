"""What an update does on one machine, told by whoever conducts it: on this machine by its socket, on the other one over the pair's line.

Nothing here decides; ``care.update.rolling`` does. A step that ends the process answers first.
"""

import contextlib
import itertools
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance import __version__
from appliance.care.update import install, layout, record, trial
from appliance.care.update.facts import Facts, ours
from appliance.care.update.layout import Layout
from appliance.care.update.rolling import Check, Look
from appliance.ground.errors import Refused, TandemError
from appliance.ground.files import exclusive_lock, write_atomically
from appliance.ground.log import Log
from appliance.node.proof import prove
from appliance.pair.standing import peer_here
from appliance.records.base import Record

if TYPE_CHECKING:
    from appliance.node.node import Node

log = Log("update")

FOLDER = "updates"
WHEELS = "wheels"
LOCK = "lock"
RESTART_CODE = 75  # EX_TEMPFAIL of sysexits(3): start me again
ANSWERED_SECONDS = 0.5
CHAIN_BYTES = 1 << 20
CHAIN_ENTRIES = 500
QUESTION = "When are you open?"


class Empty(Record):
    """A step that needs nothing else."""


class Install(Record):
    """Of the files that were brought here. ``wheels``: the packages that it needs were brought as well."""

    wheel: str
    wheels: bool = False


class Start(Record):
    version: str
    seconds: float


class Smoke(Record):
    version: str
    leading: bool


class Confirm(Record):
    version: str


class Back(Record):
    reason: str


class Steps:
    """The steps by their names, each with the words that it takes."""

    WORDS: dict[str, type[Record]] = {
        "look": Empty, "install": Install, "start": Start, "smoke": Smoke, "confirm": Confirm, "back": Back, "history": Empty,
    }  # fmt: skip

    def __init__(self, node: "Node") -> None:
        self._node = node

    def do(self, step: str, words: Any) -> Any:
        """Do a step. Raises ``Refused`` for one that this version does not know."""
        if step not in self.WORDS:
            raise Refused("This version does not know that step of an update.", "Update this machine by hand; see the help: update.")
        return getattr(self, step)(words)

    # Looking

    def look(self, _: Empty) -> Look:
        node, places = self._node, layout.of_running()
        hindrance, remedy = self._hindrance(places)
        on_trial = places.trial() if places is not None else None
        previous = places.previous() if places is not None else ""
        side = node.pair
        return Look(
            node=node.name,
            facts=self._facts(places),
            role=node.standing.role,
            ready=node.ready,
            well=node.broken is None if side is None else side.vitals.well,
            because=() if side is None else side.vitals.reasons,
            in_step=self._in_step(),
            hindrance=hindrance,
            remedy=remedy,
            busy=self._is_busy(),
            trial="" if on_trial is None else on_trial.version,
            previous=places.facts(previous) if places is not None and previous else None,
        )

    def _facts(self, places: Layout | None) -> Facts:
        return (places.facts(__version__) if places is not None else None) or ours()

    def _in_step(self) -> bool:
        """The leader waits for the other one before it acknowledges, and the standby says that it holds everything."""
        side = self._node.pair
        if side is None:
            return False
        standing = side.keeper.standing
        if not peer_here(standing, self._node.clock.elapsed()):
            return False
        if standing.phase == "leader":
            return standing.mode == "pair"
        return bool(standing.beat is not None and standing.beat.in_sync and side.follower.line_is_up)

    def _hindrance(self, places: Layout | None) -> tuple[str, str]:
        if places is None:
            return (
                "This installation holds one version only, so none can be put beside it.",
                "Make it one that can be updated, once: tandem update --prepare, then start the service again.",
            )
        if not os.access(places.folder, os.W_OK):
            return (
                f"The appliance's account may not write to {places.folder}.",
                "Give it that folder: chown -R, and under systemd ReadWritePaths= with it; see the help: update.",
            )
        if sys.stdin is not None and sys.stdin.isatty():
            return (
                "The appliance was started by hand here, and nobody would start it again.",
                "Run it as a service: tandem service install",
            )
        return "", ""

    def _is_busy(self) -> bool:
        """Somebody on that machine conducts an update. Whoever asks on their own machine holds the lock themselves, and knows."""
        path = self._node.home / FOLDER / LOCK
        if not path.exists():
            return False
        with exclusive_lock(path) as held:
            return held is None

    def history(self, _: Empty) -> dict[str, Any]:
        places = layout.of_running()
        on_trial = places.trial() if places is not None else None
        return {
            "node": self._node.name,
            "version": __version__,
            "installed": places.installed() if places is not None else (),
            "previous": places.previous() if places is not None else "",
            "trial": on_trial.version if on_trial is not None else "",
            "updates": record.last(self._node.home),
        }

    # Doing

    def install(self, words: Install) -> Facts:
        folder = self._node.home / FOLDER
        if Path(words.wheel).name != words.wheel or not words.wheel.endswith(".whl"):
            raise Refused("That is no name of a wheel.", "Give the file that was built.")
        facts = install.install(self._places(), folder / words.wheel, folder / WHEELS if words.wheels else None)
        record.note(self._node.home, self._node.clock, "installed", version=facts.version, sha256=facts.sha256)
        return facts

    def start(self, words: Start) -> None:
        """End, and start again as this version, on trial."""
        node, places = self._node, self._places()
        if node.standing.role == "leader":
            raise Refused("This machine leads.", "Hand over first: tandem pair handover")
        facts = places.facts(words.version)
        if facts is None:
            raise Refused(f"Version {words.version} is not installed here.", "Install it first: tandem update WHEEL")
        if places.trial() is not None:
            raise Refused("A version is on trial here already.", "Wait until that has ended: tandem update --status")
        if node.pair is not None and facts.schema != ours().schema:
            self._keep_database()
        trial.begin(places, facts.version, min(max(words.seconds, 5.0), 3600.0), node.home.resolve())
        self._end("started", facts.version)

    def _keep_database(self) -> None:
        """The new version will change it, and the old one could not open it again."""
        database, keys = trial.kept_database(self._node.home)
        trial.forget_database(self._node.home)
        self._node.store.replication.snapshot(database)
        write_atomically(keys, self._node.store.replication.keys())

    def confirm(self, words: Confirm) -> None:
        places = self._places()
        on_trial = places.trial()
        if on_trial is None or not (on_trial.version == words.version == __version__):
            raise Refused(f"Version {words.version} is not on trial here.", "See how it stands: tandem update --status")
        trial.confirm(places, on_trial)
        record.note(self._node.home, self._node.clock, "confirmed", version=words.version, before=on_trial.back_to)
        log.info("update_confirmed", version=words.version, before=on_trial.back_to)

    def back(self, words: Back) -> None:
        """End, and start again as the version from before the trial."""
        places = self._places()
        on_trial = places.trial()
        if on_trial is None:
            raise Refused("No version is on trial here.", "To go back to the one before: tandem update --rollback")
        trial.go_back(places, on_trial, self._node.clock, words.reason[:500])
        self._end("going_back", on_trial.back_to)

    def _places(self) -> Layout:
        places = layout.of_running()
        hindrance, remedy = self._hindrance(places)
        if places is None or hindrance:
            raise Refused(hindrance, remedy)
        return places

    def _end(self, event: str, version: str) -> None:
        """End the process a moment after the answer has left; whoever supervises it starts what is in use by then."""
        node = self._node
        record.note(node.home, node.clock, event, version=version, before=__version__)
        log.info("update_restarts", version=version, before=__version__)

        def end() -> None:
            over = Refused(f"The node ends so that version {version} can start.", "It is started again by itself.", code="update")
            over.exit_code = RESTART_CODE
            node.broken = node.broken or over
            node.ended.set()

        timer = threading.Timer(ANSWERED_SECONDS, end)
        timer.daemon = True
        timer.start()

    # Trying

    def smoke(self, words: Smoke) -> list[Check]:
        """Everything that the machine must be able to do in its place, tried now."""
        checks = [
            Check(name="version", ok=__version__ == words.version, said=__version__),
            Check(name="ready", ok=self._node.ready, said=self._node.not_ready_because),
            self._tried("proof", self._proof),
            self._tried("question", self._question),
            self._tried("journal", self._journal),
        ]
        if self._node.pair is not None:
            checks += [self._tried("machine", self._machine), Check(name="in_step", ok=self._in_step(), said=self._node.standing.reason)]
        if words.leading:
            checks += [self._tried("leads", self._leads), self._tried("loops", self._loops)]
        return checks

    def _tried(self, name: str, attempt: Any) -> Check:
        try:
            said = attempt()
        except TandemError as error:
            said = error.message
        except Exception as error:
            log.error("smoke_failed", error=error, check=name)
            said = type(error).__name__
        return Check(name=name, ok=not said, said=said)

    def _proof(self) -> str:
        return prove(self._node.desk(), self._node.library.passages(), self._node.clock.now())

    def _question(self) -> str:
        """Any answer will do, also that a person shall look at it: the desk must have come to a decision."""
        return "" if self._node.commands.ask(QUESTION, "en").get("outcome") else "no decision"

    def _journal(self) -> str:
        """The newest entries are there, and each follows the one before."""
        replication = self._node.store.replication
        end = replication.end()
        entries = replication.read(max(0, end.position - CHAIN_ENTRIES), CHAIN_BYTES).entries
        whole = all(later.prev == earlier.hash and later.position == earlier.position + 1 for earlier, later in itertools.pairwise(entries))
        return "" if whole and (entries or not end.position) else "the newest entries do not follow each other"

    def _machine(self) -> str:
        side = self._node.pair
        return ", ".join(side.vitals.reasons) if side is not None else ""

    def _leads(self) -> str:
        standing = self._node.standing
        return "" if standing.may_act() and standing.role != "standby" else standing.reason

    def _loops(self) -> str:
        """Every loop lives, and none is in trouble."""
        return ", ".join(loop.name for loop in self._node.loops if loop.trouble.error is not None)


def clear(folder: Path) -> None:
    """Leave nothing of an earlier update's files."""
    for path in (*folder.glob("*.whl"), *folder.glob("*.part"), *(folder / WHEELS).glob("*")):
        with contextlib.suppress(OSError):
            path.unlink()
