"""Ready-made pieces of an answer: the company's own of ``macros.toml``, and the approved templates of the policy.

A person puts one into a reply by a key press and goes on writing. Its gaps are filled in from the case::

    version = 1
    [[macro]]
    id = "thanks"
    title.en = "Thank you for waiting"
    text.en = "Hello {customer_name}, thank you for waiting."
    tiers = [2, 3]        # only for cases of these tiers; without it for all
    tags = ["courtesy"]
"""

import re
import tomllib
from collections.abc import Iterable, Mapping

from appliance.ground.errors import SettingsError
from appliance.policy.checked import Table
from appliance.policy.errors import PolicyError
from appliance.policy.model import Template
from appliance.records.base import Record
from appliance.records.language import Code
from appliance.records.policy import Tier
from appliance.records.work import Macro

GAPS = ("customer_name", "agent_name", "company", "case")
MACROS_MOST = 500
_GAP = re.compile(r"\{([^{}\n]*)\}")
_SPACED_GAP = re.compile(r"( ?)\{([^{}\n]*)\}")
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_VALUE_CHARACTERS = 200


class Piece(Record):
    """A macro as it stands in the file: title and text by language. No ``tiers``: it fits cases of every tier."""

    id: str
    title: dict[Code, str]
    text: dict[Code, str]
    tiers: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()


def load(text: str, name: str = "macros.toml") -> tuple[Piece, ...]:
    """Check the text of a file of macros. Raises :class:`PolicyError`; ``name`` stands in its message."""
    try:
        top = Table(name, "", tomllib.loads(text))
    except (ValueError, RecursionError) as error:  # no TOML, a number without end, or nested without end
        raise PolicyError(name, "", f"this is not TOML: {error}", "Correct the line that is named.") from error
    if top.whole("version", 1, 0, 1_000_000) != 1:
        raise top.wrong("version", "this version is not known to this program", "Write version = 1.")
    entries = top.tables("macro")
    if len(entries) > MACROS_MOST:
        raise top.wrong("macro", f"there are {len(entries)} macros, and {MACROS_MOST} is the most", "Remove some.")
    pieces: dict[str, Piece] = {}
    for entry in entries:
        piece = _piece(entry)
        if piece.id in pieces:
            raise entry.wrong("id", f"there are two macros '{piece.id}'", "Give one of them another id.")
        pieces[piece.id] = piece
    top.done()
    return tuple(pieces.values())


def _piece(entry: Table) -> Piece:
    name, title, text = entry.text("id"), entry.per_language("title"), entry.per_language("text")
    if not _ID.fullmatch(name):
        raise entry.wrong("id", f"'{name[:64]}' is no id", "Use small letters, digits, - and _, at most 64.")
    if not text:
        raise entry.wrong("text", "a macro needs a text in at least one language", 'Add text.en = "...".')
    for code, words in text.items():
        _check_gaps(entry, code, words)
        if not title.get(code, "").strip():
            raise entry.wrong("title", f"there is a text in {code} and no title", f'Add title.{code} = "...".')
    piece = Piece(id=name, title=title, text=text, tiers=tuple(entry.wholes("tiers", 0, 3)), tags=tuple(entry.strings("tags")))
    entry.done()
    return piece


def _check_gaps(entry: Table, code: Code, words: str) -> None:
    unknown = next((gap for gap in _GAP.findall(words) if gap not in GAPS), None)
    if unknown is not None:
        known = ", ".join(f"{{{gap}}}" for gap in GAPS)
        raise entry.wrong(f"text.{code}", f"there is nothing to fill {{{unknown}}} with", f"The gaps are {known}.")


def fitting(
    pieces: Iterable[Piece], templates: Iterable[Template], tier: Tier | None, language: Code, values: Mapping[str, str]
) -> list[Macro]:
    """Those that fit a case of this tier and have its language, filled in: macros first, then templates.

    A template that shows a customer's record is left out: only the desk may fill it, after it has matched the customer.
    """
    found = [
        Macro(id=piece.id, title=piece.title[language], text=filled(piece.text[language], values), tags=piece.tags)
        for piece in pieces
        if language in piece.text and (not piece.tiers or tier is None or int(tier) in piece.tiers)
    ]
    for template in templates:
        text = template.text.get(language, "")
        if text and all(gap in GAPS for gap in _GAP.findall(text)):
            title = template.name.replace("_", " ")
            found.append(Macro(id=f"template:{template.name}", title=title, text=filled(text, values), approved_by=template.approved_by))
    return found


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its gaps filled. The space before a gap that stays empty goes with it: nobody is greeted as "Hello ,"."""

    def value(gap: re.Match[str]) -> str:
        words = " ".join(values.get(gap[2], "").split())[:_VALUE_CHARACTERS]
        return f"{gap[1]}{words}" if words else ""

    return _SPACED_GAP.sub(value, text).strip("\n")


def no_text(path: str, error: Exception) -> SettingsError:
    """What to say of a file that cannot be read at all."""
    return SettingsError(f"The macros {path} cannot be read ({type(error).__name__}).", "It must be UTF-8 text that this user may read.")
