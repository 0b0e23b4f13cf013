"""Calls: the list with the recorder, and the cockpit of one call.

Everything that an agent does in the cockpit is one form with many buttons, so that the draft on the screen goes along with each of them
and nothing typed is lost. What leaves for the customer leaves by the same decision as every other reply.
"""

from typing import Annotated, Any

from litestar import Response, post
from msgspec import Meta

from appliance.desk.quote_text import money, number
from appliance.ground.errors import TandemError
from appliance.panel.calling import LIVE_PROBLEMS, Pressed, change_of, live_answer, pressed
from appliance.panel.decisions import ACTIONS, OPEN, decide
from appliance.panel.frame import Call, Panel, actor_of, session_of, wants_page
from appliance.panel.guard import content_policy
from appliance.panel.opened import print_of, recipient_of
from appliance.panel.pages.forms import FORM, FORM_WITH_FILES, REPLY_LENGTH_MOST, PlainForm, Short, notice, redirect
from appliance.panel.problems import Problem, problem_of
from appliance.panel.pushed import pushed
from appliance.panel.reading import case_file
from appliance.panel.routes import CaseId, form, page
from appliance.panel.v1.asking import Bench, nobody
from appliance.policy import roles
from appliance.records.base import Record
from appliance.records.call import References
from appliance.records.voice import Caller

CLIP_BYTES_MOST = 26_000_000  # what the voice settings allow by default, and the form around it
LIVE_AT_ONCE, LIVE_WAITING = 2, 6  # looks at recordings; the ear hears one after the other, and a look that is refused is made anew
MICROPHONE = "camera=(), geolocation=(), microphone=(self), payment=(), usb=()"


class ClipForm(Record):
    """A clip to be taken in, and who spoke as far as it is known. ``again``: it is wanted although the same sound came before."""

    name: Short = ""
    address: Annotated[str, Meta(max_length=320)] = ""
    telephone: Short = ""
    company: Short = ""
    language: Short = ""
    again: bool = False
    csrf: str = ""
    clip: Any = None


class CallForm(Record):
    """The cockpit as it stands on the screen. ``do`` is the button that was pressed, ``seen`` the print of the desk's draft, ``was`` the
    draft as this screen had it before somebody wrote in it."""

    do: Short = ""
    seen: Short = ""
    draft: Annotated[str, Meta(max_length=REPLY_LENGTH_MOST)] = ""
    was: Annotated[str, Meta(max_length=REPLY_LENGTH_MOST)] | None = None
    name: Short = ""
    address: Annotated[str, Meta(max_length=320)] = ""
    telephone: Short = ""
    company: Short = ""
    code: Short = ""
    quantity: Short = ""
    line_discount: Short = ""
    discount: Short = ""
    text: Annotated[str, Meta(max_length=1_000)] = ""
    csrf: str = ""


def routes(panel: Panel) -> list[Any]:
    commands, looks = panel.commands, Bench("call-live", LIVE_AT_ONCE, LIVE_WAITING)

    @page("/call", action="see_cases", summary="The page of calls")
    def calls(request: Call) -> Response[bytes]:
        return _calls(panel, request)

    @form("/call/clip", action="work_on_call", most_bytes=CLIP_BYTES_MOST)
    def take(request: Call, data: Annotated[ClipForm, FORM_WITH_FILES]) -> Response[Any]:
        name, content = _clip(data)
        caller = Caller(
            name=data.name.strip(), address=data.address.strip(), telephone=data.telephone.strip(), company=data.company.strip()
        )
        try:
            taken = commands.take_clip(actor_of(request), name, content, caller, data.language, data.again)
        except TandemError as error:
            problem = problem_of(error)
            earlier = str(error.gaps.get("case", ""))
            if problem.code != "same_audio":
                raise
            if wants_page(request):
                return _calls(panel, request, same=earlier)
            return Response({"earlier": earlier, "code": problem.code}, status_code=problem.status)
        if not wants_page(request):
            return Response(taken)
        notice(request, "call.saved")
        return redirect(f"/call/{taken['case']}")

    @post("/call/live", opt={"action": "work_on_call"}, include_in_schema=False, request_max_body_size=CLIP_BYTES_MOST)
    async def live(request: Call) -> Response[dict[str, Any]]:
        """What was said so far, and what it brings up, for whoever records at this moment. Nothing is kept."""
        actor, language, content = actor_of(request), request.query_params.get("language", "")[:8], await request.body()
        voice = panel.voice(panel.language_of(request))
        told = await looks.work(lambda _: live_answer(commands, actor, content, language, voice), nobody)
        return Response(told, status_code=200)

    @form("/call/refresh", action="see_cases")
    def refresh(request: Call, data: Annotated[PlainForm, FORM]) -> Response[bytes]:  # noqa: ARG001  the guard read it
        notice(request, "call.refreshed")
        return redirect("/call")

    @page("/call/{case:str}", action="see_cases", summary="The cockpit of a call")
    def cockpit(request: Call, case: CaseId) -> Response[bytes]:
        return _cockpit(panel, request, case)

    @form("/call/{case:str}", action="work_on_call")
    def work(request: Call, case: CaseId, data: Annotated[CallForm, FORM]) -> Response[bytes]:
        done = pressed(data.do)
        try:
            case_file(commands, case)
            commands.change_call(actor_of(request), case, change_of(data, done))
            if done.what == "reference":
                found = commands.reference(actor_of(request), data.text, commands.call(actor_of(request), case).language)
                return _cockpit(panel, request, case, asked=data.text, found=found)
            if done.what in ("send", "done"):
                return _ended(panel, request, case, data, done)
        except (TandemError, Problem) as error:
            return panel.problem(request, problem_of(error), then=f"/call/{case}", written=data.draft)
        return redirect(f"/call/{case}#{done.place}")

    @form("/call/{case:str}/index", action="work_on_reference")
    def index(request: Call, case: CaseId, data: Annotated[PlainForm, FORM]) -> Response[bytes]:  # noqa: ARG001  the guard read it
        commands.build_reference(actor_of(request))
        notice(request, "call.index_built")
        return redirect(f"/call/{case}#reference")

    return [calls, take, live, refresh, cockpit, work, index]


def _calls(panel: Panel, request: Call, same: str = "") -> Response[bytes]:
    commands, actor = panel.commands, actor_of(request)
    context: dict[str, Any] = {"rows": commands.calls(actor), "pipeline": commands.voice(), "same": same, "problems": LIVE_PROBLEMS}
    return _with_microphone(panel.page(request, "calls.html", **context))


def _cockpit(panel: Panel, request: Call, case: str, asked: str = "", found: References | None = None) -> Response[bytes]:
    commands, actor = panel.commands, actor_of(request)
    file, code = case_file(commands, case), panel.language_of(request)
    response = panel.page(
        request,
        "call.html",
        file=file,
        view=commands.call(actor, case),
        money=lambda amount, currency: money(amount, code, currency),
        decimal=lambda value: number(value, code),
        clips=commands.clips(case),
        pipeline=commands.voice(),
        seen=print_of(file.draft),
        recipient=recipient_of(file.message) if file.message else "",
        open_=file.row.state in OPEN and not file.erased,
        may_write=not file.erased and file.message is not None and roles.may(actor.role, "work_on_call"),
        asked=asked,
        found=found,
        pushed=pushed(commands, actor, case, panel.voice(code)),
        then=f"/call/{case}",
        gone=file.erased,
        index=commands.reference_state(actor),
    )
    return _with_microphone(response)


def _with_microphone(response: Response[bytes]) -> Response[bytes]:
    """On these pages, and on no other one, the browser may be asked for the microphone, and a clip may be played."""
    response.headers["permissions-policy"] = MICROPHONE
    policy = str(response.headers.get("content-security-policy") or content_policy())
    response.headers["content-security-policy"] = policy if "media-src" in policy else f"{policy}; media-src 'self'"
    return response


def _ended(panel: Panel, request: Call, case: str, data: CallForm, done: Pressed) -> Response[bytes]:
    """The reply is sent, or the call is closed because all was said on the telephone."""
    voice = panel.voice(panel.language_of(request))
    by_phone = done.what == "done"
    wish = Wanted(
        decision="reject" if by_phone else "approve",
        seen=data.seen,
        text="" if by_phone else data.draft,
        comment=voice.text("call.done_comment") if by_phone else "",
    )
    if not roles.may(actor_of(request).role, ACTIONS[wish.decision]):
        raise Problem(403, "role", "Your role does not allow this.", "Ask somebody whose role does.")
    came = decide(panel.commands, actor_of(request), case, wish)
    if by_phone:
        notice(request, "done.by_phone")
    else:
        notice(request, "done.edit" if came.decision == "edit" else "done.approve", to=came.to)
    session = session_of(request)
    if session is not None:
        session.decided = case
    return redirect(f"/call/{case}")


class Wanted(Record):
    """What ``decide`` is asked for."""

    decision: str
    seen: str = ""
    text: str = ""
    comment: str = ""
    team: str = ""


def _clip(data: ClipForm) -> tuple[str, bytes]:
    """The uploaded clip: its name and its bytes."""
    upload = data.clip
    content = upload.file.read() if hasattr(upload, "file") else b""
    if not content:
        raise Problem(400, "no_clip", "There is no clip in the form.", "Choose a file, or record one.")
    return str(upload.filename)[:200] or "clip", content
