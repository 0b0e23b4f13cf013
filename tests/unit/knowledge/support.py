"""Small companies for the tests of this room."""

from dataclasses import dataclass
from pathlib import Path

from appliance.knowledge.errors import SourceUnreadable
from appliance.knowledge.library import Library
from appliance.knowledge.reading import read
from appliance.records.knowledge import Passage
from appliance.records.language import Code
from tests.support.clock import FakeClock

DATA = Path(__file__).parents[2] / "data"


@dataclass(frozen=True)
class Source:
    """A source as the settings would give it."""

    path: Path = Path()
    language: Code = "en"
    fallback: Path | None = None
    url: str = ""
    user: str = ""
    password_file: Path | None = None
    authorities: Path | None = None
    poll_seconds: int = 10


def passage(text: str, title: str = "", *, key: str = "", language: Code = "en", aliases: tuple[str, ...] = (), number: int = 0) -> Passage:
    return Passage(id=f"s/{key or title or number}", source="s", language=language, text=text, title=title, key=key, aliases=aliases)


def outcome_of(name: str, content: bytes, language: Code = "en") -> str:
    """``read``, or the code by which the content was refused; an error without a remedy has none."""
    try:
        reading = read(name, content, language)
    except SourceUnreadable as error:
        return error.code if error.message and error.remedy else ""
    return "read" if reading.pieces and all(piece.text for piece in reading.pieces) else ""


def library(folder: Path, *sources: Source, state: bool = True, clock: FakeClock | None = None) -> Library:
    return Library(sources, folder, clock or FakeClock(), folder / "state" if state else None)
