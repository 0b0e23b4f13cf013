"""The pair: two machines drawn as two machines, why the one leads and the other does not, and what a person can do about it."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

from litestar import Response
from msgspec import Meta

from appliance.ground.errors import TandemError
from appliance.panel.api.pair import DRILL, HAND_OVER, MANAGE, TAKE_OVER, Address, Code, Kind, not_sure
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.pages.forms import FORM, PlainForm, notice, redirect
from appliance.panel.pair_view import DRILLS, drills, is_shown, may_hand_over, may_take_over, of_pair, tails, without_code
from appliance.panel.problems import Problem, problem_of
from appliance.panel.routes import form, page
from appliance.panel.words import Voice
from appliance.policy import roles
from appliance.records.base import Record

HISTORY_MOST = 50
PAGE = "/pair"


class _Wrong(NamedTuple):
    """What was refused, and where it had been pressed; ``written``: what stood there."""

    place: str
    problem: Problem
    gaps: Mapping[str, str]
    written: str

    def told(self, voice: Voice) -> dict[str, str]:
        """In the reader's language where there are words for it. Some codes mean something else on other pages: ours come first."""
        code = self.problem.code
        otherwise = {"message": self.problem.message, "remedy": self.problem.remedy}
        said = {
            name: voice.told(f"problem.pair_{code}.{name}", voice.known(f"problem.{code}", name, text), self.gaps)
            for name, text in otherwise.items()
        }
        return {"place": self.place, "written": self.written, **said}


class JoinForm(Record):
    code: Code
    address: Address = ""
    csrf: str = ""


class SureForm(Record):
    """What cannot be taken back needs a tick."""

    sure: bool = False
    csrf: str = ""


class DrillForm(Record):
    kind: Annotated[Kind, Meta(description="Which fault to rehearse.")]
    sandbox: bool = False
    csrf: str = ""


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @page(PAGE, action="see_status", summary="The page of the pair")
    def pair(request: Call) -> Response[bytes]:
        return _shown(panel, request)

    @form("/pair/start", action=MANAGE)
    def start(request: Call, data: Annotated[PlainForm, FORM]) -> Response[bytes]:  # noqa: ARG001  the token, which the guard reads
        return _tried(panel, request, "start", lambda: commands.pair_start(actor_of(request)))

    @form("/pair/cancel", action=MANAGE)
    def cancel(request: Call, data: Annotated[PlainForm, FORM]) -> Response[bytes]:  # noqa: ARG001
        return _tried(panel, request, "start", lambda: commands.pair_cancel(actor_of(request)), "done.pair.cancelled")

    @form("/pair/join", action=MANAGE)
    def join(request: Call, data: Annotated[JoinForm, FORM]) -> Response[bytes]:
        def do() -> object:
            return commands.pair_join(actor_of(request), data.code.strip(), data.address.strip())

        return _tried(panel, request, "join", do, "done.pair.joined", written=data.address)

    return [pair, start, cancel, join, *_of_a_pair(panel)]


def _of_a_pair(panel: Panel) -> list[Any]:
    """What can be done once there are two."""
    commands = panel.commands

    @form("/pair/handover", action=HAND_OVER)
    def hand_over(request: Call, data: Annotated[PlainForm, FORM]) -> Response[bytes]:  # noqa: ARG001
        return _tried(panel, request, "act", lambda: commands.pair_handover(actor_of(request)), "done.pair.handover")

    @form("/pair/takeover", action=TAKE_OVER)
    def take_over(request: Call, data: Annotated[SureForm, FORM]) -> Response[bytes]:
        def do() -> object:
            if not data.sure:
                raise not_sure()
            return commands.pair_takeover(actor_of(request), True)

        return _tried(panel, request, "act", do, "done.pair.takeover")

    @form("/pair/leave", action=MANAGE)
    def leave(request: Call, data: Annotated[SureForm, FORM]) -> Response[bytes]:
        def do() -> None:
            if not data.sure:
                raise Problem(409, "not_ticked", "The tick that says you mean it is missing.", "Tick it, and press again.")
            commands.pair_leave(actor_of(request))

        return _tried(panel, request, "leave", do, "done.pair.left")

    @form("/pair/drill", action=DRILL)
    def drill(request: Call, data: Annotated[DrillForm, FORM]) -> Response[bytes]:
        def do() -> object:
            return commands.pair_drill(actor_of(request), data.kind, data.sandbox)

        return _tried(panel, request, "drill", do, "done.pair.drill")

    return [hand_over, take_over, leave, drill]


def _tried(panel: Panel, request: Call, place: str, do: Callable[[], object], done: str = "", written: str = "") -> Response[bytes]:
    """Do it and look at the outcome; what is refused is said where it was pressed, with what had been written."""
    try:
        do()
    except (TandemError, Problem) as error:
        return _shown(panel, request, _Wrong(place, problem_of(error), getattr(error, "gaps", {}), written))
    if done:
        notice(request, done)
    return redirect(PAGE)


def _shown(panel: Panel, request: Call, wrong: _Wrong | None = None) -> Response[bytes]:
    voice, pair = panel.voice(panel.language_of(request)), panel.commands.pair()
    if not roles.may(actor_of(request).role, MANAGE):
        pair = without_code(pair)
    return panel.page(
        request,
        "pair.html",
        code=wrong.problem.status if wrong else 200,
        pair=pair,
        said=of_pair(pair, voice) if pair["paired"] else None,
        history=pair["history"][:HISTORY_MOST],
        kinds=DRILLS,
        drills=drills(pair),
        tails=tails(pair),
        code_is_shown=is_shown(pair["pairing"]),
        may_hand_over=may_hand_over(pair),
        may_take_over=may_take_over(pair),
        wrong=wrong.told(voice) if wrong else None,
    )
