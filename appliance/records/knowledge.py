"""What the company knows, in pieces that can be cited."""

from appliance.records.base import Record
from appliance.records.language import Code


class Passage(Record):
    """One citable piece of knowledge.

    ``id`` stays the same while source, key and place stay the same, so a citation still points to it after an edit;
    ``digest`` changes with the text. ``key`` is the fact's name in a Key/Value sheet (``opening_hours``), "" in prose.
    ``title`` is what it is about in words: the key in plain words, a question, a heading path. ``aliases`` are other ways
    to ask for it, as the company wrote them beside it; ``tags`` are its own marks.
    """

    id: str
    source: str
    language: Code
    text: str
    key: str = ""
    title: str = ""
    place: str = ""  # where a person finds it: "sheet Facts, row 12" or "page 3"
    digest: str = ""
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class Found(Record):
    """A passage that was searched for. ``score`` is 0 to 1: how much of the question's weight the passage carries."""

    passage: Passage
    score: float


class Citation(Record):
    """A passage that a draft rests on, as of the moment of writing."""

    source: str
    passage: str
    score: float
    digest: str = ""


class SourceState(Record):
    """One source as it stands: when it was last read well, and what is wrong with it now ("" when nothing), with its ``code``.

    ``notes`` name rows that were left out of a source that is otherwise well. ``fallback``: the passages come from the
    source's template because it failed and had never been read well. ``failures`` counts failed reads in a row.
    """

    name: str
    path: str
    language: Code
    passages: int = 0
    read_at: float = 0.0
    digest: str = ""
    trouble: str = ""
    remedy: str = ""
    notes: tuple[str, ...] = ()
    fallback: bool = False
    failures: int = 0
    code: str = ""
