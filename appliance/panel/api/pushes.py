"""Pushes to the CRM over HTTP."""

from typing import Annotated, Any, Literal

from litestar.params import Body, PathParameter, QueryParameter
from msgspec import Meta

from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.reading import case_file
from appliance.panel.routes import CaseId, does, reads
from appliance.records.base import Record
from appliance.records.push import Push, PushCounts

PushId = Annotated[str, PathParameter(description="The push's id, which is its idempotency key as well.")]
State = Annotated[
    Literal["", "queued", "sending", "synced", "dead", "withdrawn"], QueryParameter(description="Those in this state; empty for all.")
]


class Listed(Record):
    """One push as a list shows it. ``badge`` is Synced, Cached, Retrying or Failed; "" for one that was taken back."""

    id: str
    case: str
    badge: str
    state: str
    attempts: int
    queued_at: float
    changed_at: float
    next_at: float = 0.0
    response_code: int = 0
    error: str = ""
    crm_error: str = ""
    demo: bool = False
    scrubbed: bool = False
    payload: str = ""


class Queue(Record):
    """``counts`` say how the queue stands, ``enabled`` whether anything is sent at all."""

    enabled: bool
    held: bool
    counts: PushCounts
    pushes: list[Listed]


class OfCase(Record):
    """The last push of a case and the five before it, newest first, each with its document while that is kept."""

    case: str
    pushes: list[Listed]


class Wish(Record, forbid_unknown_fields=True):
    """``demo``: made up, for showing."""

    demo: bool = False


class Queued(Record):
    case: str
    push: str


class OfPush(Record):
    push: str


class Scrub(Record, forbid_unknown_fields=True):
    """Of one case, or ("") of all."""

    case: Annotated[str, Meta(max_length=40)] = ""


class Reset(Record, forbid_unknown_fields=True):
    """``keep_demo``: put back to where they were never tried, instead of being removed."""

    keep_demo: bool = False


class Number(Record):
    """How many pushes it was done to."""

    pushes: int


class Report(Record):
    """The ops log as Markdown, and what somebody should look at."""

    markdown: str
    warnings: list[str]
    lines: int


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @reads("/api/v1/pushes", action="see_cases", summary="The queue to the CRM")
    def pushes(request: Call, standing: State = "", limit: Annotated[int, QueryParameter(ge=1, le=500)] = 100) -> Queue:
        status, rows = commands.push_status(), commands.push_rows(actor_of(request), standing, limit)
        listed = [_listed(push) for push in rows]
        return Queue(enabled=status["enabled"], held=status["held"], counts=commands.push_counts(), pushes=listed)

    @reads("/api/v1/cases/{case:str}/pushes", action="see_cases", summary="What the CRM was told of a case", missing=True)
    def pushes_of_case(request: Call, case: CaseId) -> OfCase:
        case_file(commands, case)
        return OfCase(case=case, pushes=[_listed(push) for push in commands.pushes(actor_of(request), case)])

    @does("/api/v1/cases/{case:str}/pushes", action="push_case", summary="Tell the CRM of a case as it stands")
    def push_case(request: Call, case: CaseId, data: Annotated[Wish, Body()]) -> Queued:
        case_file(commands, case)
        return Queued(case=case, push=commands.push_call(actor_of(request), case, data.demo))

    @does("/api/v1/pushes/{push:str}/retry", action="push_case", summary="Try a push again now")
    def retry_push(request: Call, push: PushId) -> OfPush:
        commands.retry_push(actor_of(request), push)
        return OfPush(push=push)

    @does("/api/v1/pushes/retry", action="push_case", summary="Try every push that was given up again")
    def retry_pushes(request: Call) -> Number:
        return Number(pushes=commands.retry_pushes(actor_of(request)))

    @does("/api/v1/pushes/scrub", action="scrub_pushes", summary="Remove the documents of pushes that do not wait any more")
    def scrub_pushes(request: Call, data: Annotated[Scrub, Body()]) -> Number:
        return Number(pushes=commands.scrub_pushes(actor_of(request), data.case))

    @does("/api/v1/pushes/reset", action="scrub_pushes", summary="Reset the pushes of demonstrations")
    def reset_pushes(request: Call, data: Annotated[Reset, Body()]) -> Number:
        return Number(pushes=commands.reset_demo(actor_of(request), data.keep_demo))

    @reads("/api/v1/pushes/report", action="see_cases", summary="The CRM's ops log as a report")
    def push_report() -> Report:
        told = commands.push_report()
        return Report(markdown=told["markdown"], warnings=told["warnings"], lines=told["lines"])

    return [pushes, pushes_of_case, push_case, retry_push, retry_pushes, scrub_pushes, reset_pushes, push_report]


def _listed(push: Push) -> Listed:
    return Listed(
        id=push.id,
        case=push.case,
        badge=str(push.badge or ""),
        state=push.state,
        attempts=push.attempts,
        queued_at=push.queued_at,
        changed_at=push.changed_at,
        next_at=push.not_before if push.state == "queued" else 0.0,
        response_code=push.response_code,
        error=push.reason,
        crm_error=push.crm_error,
        demo=push.demo,
        scrubbed=push.scrubbed_at > 0,
        payload=push.payload,
    )
