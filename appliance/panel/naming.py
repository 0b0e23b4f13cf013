"""How people and machines are called on a page: short where there is little room, whole where somebody asks for it."""

import re
from collections.abc import Callable, Mapping

from appliance.panel.words import Voice
from appliance.records.person import is_person_id

# Where a passage stands in its file, as the readers note it in English, and the words for it.
_PLACES = {
    "sheet_row": re.compile(r"sheet (?P<sheet>.+), row (?P<row>\d+)"),
    "row": re.compile(r"row (?P<row>\d+)"),
    "line": re.compile(r"line (?P<line>\d+)"),
    "line_row": re.compile(r"line (?P<line>\d+), table row (?P<row>\d+)"),
}


def who(sender: str) -> str:
    """The name of ``Anna Virtanen <anna@example.fi>``, or the address when there is no name."""
    name, _, address = sender.rpartition("<")
    return name.strip(' "') or address.rstrip("> ") or "—"


def node_label(name: str, peer: str = "") -> str:
    """A node as one says it: ``kallio-7m9q`` is Kallio. Whole where that would make it the same as its peer."""
    label = _said(name)
    return name if peer and label == _said(peer) else label


def _said(name: str) -> str:
    word = name.partition("-")[0]
    return word[:1].upper() + word[1:]


def place(voice: Voice, noted: str) -> str:
    """``sheet Tiedot, row 9`` in the reader's own language; what has another form stays as it was noted."""
    for name, form in _PLACES.items():
        if found := form.fullmatch(noted):
            return voice.text(f"place.{name}", **found.groupdict())
    return noted


def actor(voice: Voice, name: str, people: Callable[[], Mapping[str, str]] = dict) -> str:
    """Who did something: a person (the journal has only their id) or a key by its name, a part of the appliance in words."""
    return people().get(name, name) if is_person_id(name) else voice.known("by", name, name)
