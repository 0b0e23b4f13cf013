"""Calls over HTTP: what a cockpit of one's own needs. The words of what is searched for stand in no address."""

from typing import Annotated, Any

from litestar.params import Body, QueryParameter
from msgspec import Meta

from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.reading import case_file
from appliance.panel.routes import CaseId, asks, destroys, does, reads, sets
from appliance.records.base import Record
from appliance.records.call import CallChange, CallRow, CallState, CallView, Contact, References, ReferenceState
from appliance.records.language import Code
from appliance.records.voice import Caller

Most = Annotated[int, QueryParameter(ge=1, le=200, description="How many at most.")]


class Calls(Record):
    """Newest first."""

    calls: list[CallRow]


class Wish(Record, forbid_unknown_fields=True):
    """What to look for. Without a language: the company's first."""

    text: Annotated[str, Meta(min_length=1, max_length=1_000)]
    language: Code | None = None


class Whom(Record, forbid_unknown_fields=True):
    """Whom to look for: whatever is known of them."""

    name: Annotated[str, Meta(max_length=200)] = ""
    address: Annotated[str, Meta(max_length=320)] = ""
    telephone: Annotated[str, Meta(max_length=200)] = ""
    company: Annotated[str, Meta(max_length=200)] = ""


class Gone(Record):
    """How many files were removed."""

    files: int


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @reads("/api/v1/calls", action="see_cases", summary="The calls")
    def calls(request: Call, limit: Most = 100) -> Calls:
        return Calls(calls=commands.calls(actor_of(request), limit))

    @reads("/api/v1/calls/{case:str}", action="see_cases", summary="What stands around a call", missing=True)
    def call(request: Call, case: CaseId) -> CallView:
        case_file(commands, case)
        return commands.call(actor_of(request), case)

    @sets("/api/v1/calls/{case:str}", action="work_on_call", summary="Keep the draft of a call, and put something into it")
    def change_call(request: Call, case: CaseId, data: Annotated[CallChange, Body()]) -> CallState:
        case_file(commands, case)
        return commands.change_call(actor_of(request), case, data)

    @asks("/api/v1/contacts", action="see_cases", summary="What the company knows of a caller")
    def contact(request: Call, data: Annotated[Whom, Body()]) -> Contact:
        caller = Caller(name=data.name, address=data.address, telephone=data.telephone, company=data.company)
        return commands.contact(actor_of(request), caller)

    @asks("/api/v1/reference", action="see_cases", summary="Search the reference material")
    def reference(request: Call, data: Annotated[Wish, Body()]) -> References:
        return commands.reference(actor_of(request), data.text, data.language or "")

    @reads("/api/v1/reference/state", action="see_cases", summary="The reference index and how it was used")
    def reference_state(request: Call) -> ReferenceState:
        return commands.reference_state(actor_of(request))

    @does("/api/v1/reference/index", action="work_on_reference", summary="Build the reference index anew")
    def build_reference(request: Call) -> ReferenceState:
        return commands.build_reference(actor_of(request))

    @destroys("/api/v1/reference/index", action="work_on_reference", summary="Remove the reference index and its telemetry")
    def scrub_reference(request: Call) -> Gone:
        return Gone(files=commands.scrub_reference(actor_of(request)))

    return [calls, call, change_call, contact, reference, reference_state, build_reference, scrub_reference]
