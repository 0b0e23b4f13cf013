"""What people do with a case besides deciding it: files, notes, ready-made pieces of an answer, corrections."""

from appliance.records.base import Record


class File(Record):
    """A file that came with a mail, or that goes out with a reply. Its name is only a name: no path stands in it."""

    name: str
    media_type: str
    data: bytes


class Note(Record):
    """What somebody of the company wrote about a case for the others. It never leaves the house. ``at``: Unix seconds."""

    case: str
    at: float
    by: str
    text: str


class Macro(Record):
    """A ready-made piece of an answer, filled in for one case. ``approved_by``: whose approval it has, as a template of the policy."""

    id: str
    title: str
    text: str
    tags: tuple[str, ...] = ()
    approved_by: str = ""


class Correction(Record):
    """What the desk had drafted and what a person sent instead. ``at``: when the person decided, in Unix seconds."""

    case: str
    at: float
    by: str
    language: str
    before: str
    after: str


class Standing(Record):
    """How a case in review stood, so that it can stand so again. ``draft`` is the number of the draft's sealed body; 0: none."""

    reason: str = ""
    team: str = ""
    draft: int = 0
