"""Clips over HTTP: bringing one in, the pipeline at a glance, what was heard in a case's clips, their sound, hearing them again."""

from typing import Annotated, Any, Literal

from litestar import Response
from litestar.datastructures import UploadFile
from litestar.params import PathParameter
from msgspec import Meta

from appliance.panel.downloads import sound
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.pages.call import CLIP_BYTES_MOST
from appliance.panel.pages.forms import FORM_WITH_FILES
from appliance.panel.problems import Problem, not_found
from appliance.panel.reading import case_file
from appliance.panel.routes import CaseId, does, reads
from appliance.records.base import Record
from appliance.records.voice import Caller, HeardClip

Field = Annotated[str, Meta(max_length=200)]
Place = Annotated[int, PathParameter(ge=0, le=1_000, description="The clip's place among the message's attachments, from 0.")]


class NewClip(Record):
    """A clip in the field ``file``, and who spoke as far as it is known. A reply goes to ``address``; without one a person calls back.

    ``again``: it is wanted although the same sound came before.
    """

    file: Any = None
    name: Field = ""
    address: Annotated[str, Meta(max_length=320)] = ""
    telephone: Field = ""
    company: Field = ""
    language: Literal["", "fi", "sv", "en"] = ""
    again: Literal["", "false", "true"] = ""


class Taken(Record):
    """The case that a clip became. ``known``: this very clip had been taken in before."""

    case: str
    known: bool


class Clips(Record):
    clips: list[HeardClip]


class Asked(Record):
    case: str
    state: str


def plain(text: str) -> str:
    """What a person typed, without what nobody can see: control characters and such."""
    return "".join(letter for letter in text if letter.isprintable()).strip()


def _clip(field: Any) -> tuple[str, bytes]:
    """The file's name and bytes; some clients send it as a field without a name."""
    name, content = (field.filename, field.file.read()) if isinstance(field, UploadFile) else ("clip", str(field or "").encode())
    if content:
        return name, content
    raise Problem(400, "no_clip", "There is no clip in the form.", "Send one file in the field file.")


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @reads("/api/v1/voice", action="see_status", summary="The ear at a glance: its heart, its queue, both stages, what was heard today")
    def voice() -> dict[str, Any]:
        return commands.voice()

    @does("/api/v1/voice/clips", action="take_clip", summary="Bring a clip in", request_max_body_size=CLIP_BYTES_MOST)
    def take(request: Call, data: Annotated[NewClip, FORM_WITH_FILES]) -> Taken:
        name, content = _clip(data.file)
        known = {field: plain(getattr(data, field)) for field in ("name", "address", "telephone", "company")}
        caller = Caller(**known)
        taken = commands.take_clip(actor_of(request), name, content, caller, data.language, data.again == "true")
        return Taken(case=taken["case"], known=taken["known"])

    @reads("/api/v1/cases/{case:str}/clips", action="see_cases", summary="What was heard in a case's clips", missing=True)
    def clips(case: CaseId) -> Clips:
        case_file(commands, case)
        return Clips(clips=commands.clips(case))

    @reads(
        "/api/v1/cases/{case:str}/clips/{place:int}/sound", action="see_cases", summary="The sound of a clip", missing=True,
        media_type="application/octet-stream",
    )  # fmt: skip
    def clip_sound(request: Call, case: CaseId, place: Place) -> Response[bytes]:
        case_file(commands, case)
        if not any(clip.place == place for clip in commands.clips(case)):
            raise not_found("clip")
        return sound(commands.clip_audio(actor_of(request), case, place), request.headers.get("range", ""))

    @does("/api/v1/cases/{case:str}/clips/hear-again", action="hear_again", summary="Have the clips of a case in review heard once more")
    def hear_again(request: Call, case: CaseId) -> Asked:
        case_file(commands, case)
        return Asked(case=case, state=commands.hear_again(actor_of(request), case))

    return [voice, take, clips, clip_sound, hear_again]
