"""The pair over HTTP: how it stands, and everything the page of the pair can do."""

from typing import Annotated, Any, Literal

from litestar.params import Body
from msgspec import Meta

from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.pair_view import without_code
from appliance.panel.problems import Problem
from appliance.panel.routes import does, reads
from appliance.policy import roles
from appliance.records.base import Record

MANAGE = "manage_pair"
HAND_OVER, TAKE_OVER, DRILL = "hand_over", "take_over", "drill"
Code = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Address = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Kind = Literal["handover", "kill", "pause", "cut"]


class Shown(Record):
    """A code to be typed at the other machine, and for how many seconds it is good."""

    code: str
    expires_seconds: float


class Join(Record, forbid_unknown_fields=True):
    """The code that the other machine shows; its address (host:port) where it is not found by itself."""

    code: Code
    address: Address = ""


class Joined(Record):
    """The pair that was joined, and who the other one is."""

    pair: str
    peer: str


class Word(Record, forbid_unknown_fields=True):
    """A person's word that the other machine is switched off."""

    sure: bool


class Drill(Record, forbid_unknown_fields=True):
    """Which fault to rehearse; in a sandbox it is played with mails that were made up, and nothing real is touched."""

    kind: Kind
    sandbox: bool = False


class Asked(Record):
    """It is under way; ``GET /api/v1/pair`` says how it goes."""

    asked: bool = True


class Begun(Record):
    started: str


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @reads("/api/v1/pair", action="see_status", summary="The pair: both machines, who leads and why, the witness, what happened")
    def pair(request: Call) -> dict[str, Any]:
        told = commands.pair()
        return told if roles.may(actor_of(request).role, MANAGE) else without_code(told)

    @does("/api/v1/pair/start", action=MANAGE, summary="Show a code for the other machine")
    def start_pairing(request: Call) -> Shown:
        shown = commands.pair_start(actor_of(request))
        return Shown(code=shown["code"], expires_seconds=float(shown["expires_seconds"]))

    @does("/api/v1/pair/cancel", action=MANAGE, summary="Show no code any more")
    def cancel_pairing(request: Call) -> Asked:
        commands.pair_cancel(actor_of(request))
        return Asked()

    @does("/api/v1/pair/join", action=MANAGE, summary="Join the machine that shows this code")
    def join(request: Call, data: Annotated[Join, Body()]) -> Joined:
        joined = commands.pair_join(actor_of(request), data.code, data.address.strip())
        return Joined(pair=joined["pair"], peer=joined["peer"])

    return [pair, start_pairing, cancel_pairing, join, *_of_a_pair(panel)]


def _of_a_pair(panel: Panel) -> list[Any]:
    """What can be done once there are two."""
    commands = panel.commands

    @does("/api/v1/pair/handover", action=HAND_OVER, summary="Let the other machine lead")
    def hand_over(request: Call) -> Asked:
        commands.pair_handover(actor_of(request))
        return Asked()

    @does("/api/v1/pair/takeover", action=TAKE_OVER, summary="Lead, on a person's word that the other machine is switched off")
    def take_over(request: Call, data: Annotated[Word, Body()]) -> Asked:
        if not data.sure:
            raise not_sure()
        commands.pair_takeover(actor_of(request), True)
        return Asked()

    @does("/api/v1/pair/leave", action=MANAGE, summary="End the pair for this machine")
    def leave(request: Call) -> Asked:
        commands.pair_leave(actor_of(request))
        return Asked()

    @does("/api/v1/pair/drill", action=DRILL, summary="Rehearse a fault")
    def drill(request: Call, data: Annotated[Drill, Body()]) -> Begun:
        return Begun(started=str(commands.pair_drill(actor_of(request), data.kind, data.sandbox)["started"]))

    return [hand_over, take_over, leave, drill]


def not_sure() -> Problem:
    return Problem(409, "not_sure", "Nobody has said that the other machine is switched off.", "Go and look; switch it off, then say so.")
