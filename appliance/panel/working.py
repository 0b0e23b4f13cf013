"""What stands around a case for the person who works on it: who has it, who is at it, notes, ready-made answers, files."""

from appliance.panel.door import Commands
from appliance.policy import roles
from appliance.records.base import Record
from appliance.records.case import CaseFile, CaseState
from appliance.records.message import Attachment
from appliance.records.person import Actor
from appliance.records.work import Macro, Note

_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_PICTURE_BYTES_MOST = 5_000_000  # a larger one is offered to be saved only
_ENDED = (CaseState.CLOSED, CaseState.REPLIED)


class Part(Record):
    """A file that came with the message: its place in the message's list, and whether it is shown as a picture."""

    index: int
    name: str
    kilobytes: float
    kept: bool
    picture: bool


class Work(Record):
    """``people`` are those who may be given the case: their ids and names. ``editing``: who else is writing at this moment."""

    assigned: str
    mine: bool
    people: dict[str, str]
    editing: tuple[str, ...]
    notes: tuple[Note, ...]
    macros: tuple[Macro, ...]
    parts: tuple[Part, ...]
    may_reopen: bool


def work_on(commands: Commands, actor: Actor, file: CaseFile) -> Work:
    """What this person sees around the case."""
    case, row = file.row.id, file.row
    names = commands.names()
    editing = commands.presence().get(case, [])
    return Work(
        assigned=row.assigned,
        mine=row.assigned == actor.name,
        people=dict(sorted(names.items(), key=lambda one: one[1].casefold())),
        editing=tuple(names.get(name, name) for name in editing if name != actor.name),
        notes=tuple(commands.notes(actor, case)),
        macros=tuple(commands.macros(actor, case)) if file.message else (),
        parts=tuple(_part(index, part) for index, part in enumerate(file.message.attachments)) if file.message else (),
        may_reopen=row.state in _ENDED and not file.erased and roles.may(actor.role, "reopen_case"),
    )


def _part(index: int, part: Attachment) -> Part:
    return Part(
        index=index,
        name=part.name or part.media_type,
        kilobytes=part.size_bytes / 1024,
        kept=part.kept,
        picture=part.kept and part.media_type in _PICTURES and part.size_bytes <= _PICTURE_BYTES_MOST,
    )
