"""What the panel asks of a node, and what it is told at its start. The node's commands fit this protocol."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from appliance.ground.clock import Clock, SystemClock
from appliance.panel.doors.call import CallDoor
from appliance.panel.doors.chat import ChatDoor
from appliance.panel.doors.diagnostics import DiagnosticsDoor
from appliance.panel.doors.escalations import EscalationDoor
from appliance.panel.doors.knowledge import KnowledgeDoor
from appliance.panel.doors.models import ModelsDoor
from appliance.panel.doors.numbers import NumbersDoor
from appliance.panel.doors.pair import PairDoor
from appliance.panel.doors.people import PeopleDoor
from appliance.panel.doors.pushes import PushDoor
from appliance.panel.doors.setup import SetupDoor
from appliance.panel.doors.shadow import ShadowDoor
from appliance.panel.doors.v1 import V1Door
from appliance.panel.doors.voice import VoiceDoor
from appliance.panel.doors.work import WorkDoor
from appliance.records.case import CaseFile, CaseRow, CaseState
from appliance.records.knowledge import Found, Passage, SourceState
from appliance.records.language import LANGUAGES, Code
from appliance.records.person import Actor, Approval
from appliance.records.policy import SwitchState


class Commands(
    NumbersDoor,
    VoiceDoor,
    PeopleDoor,
    ChatDoor,
    WorkDoor,
    EscalationDoor,
    KnowledgeDoor,
    ModelsDoor,
    SetupDoor,
    DiagnosticsDoor,
    PairDoor,
    CallDoor,
    V1Door,
    ShadowDoor,
    PushDoor,
    Protocol,
):
    """The commands of a node that the panel calls, from several threads at once.

    Whatever goes wrong in a way a person can act on comes up as a ``TandemError``; ``Refused`` when the caller may not, or
    not now. The mappings are those of the command line's ``--json``; the panel leans only on the keys named here.
    """

    def status(self) -> dict[str, Any]:
        """``node, role, term, position, may_send, reason, peer, witness, queue, switches, healthy`` as in ``tandem status``."""
        ...

    def wait_for_change(self, position: int, seconds: float) -> int:
        """Return when the journal has grown beyond a position, or after so many seconds; where it ends now."""
        ...

    def health(self) -> dict[str, Any]:
        """``status`` and ``dependencies``: a list of ``name, connected, reason, remedy``."""
        ...

    def counts(self) -> dict[str, int]:
        """How many cases are in each state."""
        ...

    def today(self) -> dict[str, Any]:
        """Since midnight: ``arrived, answered, held, routed, closed, dead``; ``hours``: the same per hour with ``at`` (Unix seconds)."""
        ...

    def rows(
        self,
        states: tuple[CaseState, ...] | None = None,
        limit: int = 50,
        before: str | None = None,
        text: str = "",
        oldest_first: bool = False,
        archived: bool = False,
        assigned: str | None = None,
    ) -> list[CaseRow]:
        """Cases, newest first or ``oldest_first``, beyond the case ``before``. ``text``: those that hold all its words, newest first."""
        ...

    def file(self, case: str) -> CaseFile | None:
        """One case opened up; None when there is none of that id."""
        ...

    def explain(self, case: str, language: Code = "en") -> list[str]:
        """Why the case stands where it stands, one sentence a line."""
        ...

    def teams(self, language: Code = "en") -> dict[str, str]:
        """The teams a case can be routed to: their ids, and their names in this language."""
        ...

    def decide(self, actor: Actor, approval: Approval) -> str: ...

    def resolve(self, actor: Actor, case: str, decision: str) -> str: ...

    def set_switch(self, actor: Actor, name: str, on: bool) -> None: ...

    def switch_states(self) -> tuple[SwitchState, ...]: ...

    def search(self, text: str, language: Code, limit: int = 8) -> tuple[Found, ...]: ...

    def passage(self, passage: str) -> Passage | None: ...

    def sources(self) -> tuple[SourceState, ...]: ...

    def ask(self, text: str, language: str = "") -> dict[str, Any]: ...

    def actor_of(self, secret: str) -> Actor | None: ...

    def erase(self, actor: Actor, address: str) -> dict[str, Any]:
        """``steps``: a list of ``step, status`` and whatever else is known of each."""
        ...


@dataclass(frozen=True, kw_only=True)
class PanelOptions:
    """What the panel is told once: where it listens, whose it is, which clock it reads.

    ``public_url`` is the address people type when something in front of the panel passes requests on ("" when nothing does);
    ``hosts`` are further names by which it may be called. ``company`` stands in the head of each page.
    """

    host: str = "127.0.0.1"
    port: int = 8484
    public_url: str = ""
    hosts: tuple[str, ...] = ()
    time_zone: str = "Europe/Helsinki"
    company: str = ""
    languages: tuple[Code, ...] = LANGUAGES
    version: str = "0"
    clock: Clock = field(default_factory=SystemClock)
