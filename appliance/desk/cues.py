"""The playbook: on a keyword of the call, something to say. The company's own file, ``playbook.toml``::

    version = 1
    [[cue]]
    id = "warranty"
    words.en = ["warranty", "guarantee"]
    title.en = "Warranty"
    text.en = "The warranty is five years when we install."

A cue is used once in a call: then it is greyed. With a new transcript all of them are fresh again.
"""

import re
import tomllib
from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from appliance.desk.heard import Heard, words_of
from appliance.policy.checked import Table
from appliance.policy.errors import PolicyError
from appliance.records.base import Record
from appliance.records.call import Cue
from appliance.records.language import Code

CUES_MOST = 500
TEXT_CHARACTERS = 4_000
Made = TypeVar("Made")

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class Rule(Record):
    """A cue as it stands in the file: its words, title and text by language."""

    id: str
    words: dict[Code, tuple[str, ...]]
    title: dict[Code, str]
    text: dict[Code, str]


def load(text: str, name: str = "playbook.toml") -> tuple[Rule, ...]:
    """Check the text of a playbook. Raises ``PolicyError``, with ``name`` in its message; a playbook is all right or not used."""
    top = read_top(text, name)
    rules = named(top, "cue", CUES_MOST, _rule)
    top.done()
    return rules


def fresh(rules: Iterable[Rule], heard: Heard, used: Collection[str]) -> tuple[Cue, ...]:
    """The cues that the call brought up, in the playbook's order, and those used already, which stay used."""
    shown = []
    for rule in rules:
        word = heard.first(rule.words.get(heard.code, ()))
        if (word or rule.id in used) and heard.code in rule.text:
            title, text = rule.title[heard.code], rule.text[heard.code]
            shown.append(Cue(id=rule.id, title=title, text=text, heard=word, used=rule.id in used))
    return tuple(shown)


def _rule(entry: Table, name: str) -> Rule:
    title, text = entry.per_language("title"), entry.per_language("text")
    check_texts(entry, title, text)
    return Rule(id=name, words=words_of(entry), title=title, text=text)


# What the company's two files of rules share


def read_top(text: str, name: str) -> Table:
    """The file as a table of version 1."""
    try:
        top = Table(name, "", tomllib.loads(text))
    except (ValueError, RecursionError) as error:  # no TOML, a number without end, or nested without end
        raise PolicyError(name, "", f"this is not TOML: {error}", "Correct the line that is named.") from error
    if top.whole("version", 1, 0, 1_000_000) != 1:
        raise top.wrong("version", "this version is not known to this program", "Write version = 1.")
    return top


def named(top: Table, key: str, most: int, make: Callable[[Table, str], Made]) -> tuple[Made, ...]:
    """The entries of a list of tables, each with an id of its own."""
    entries = top.tables(key)
    if len(entries) > most:
        raise top.wrong(key, f"there are {len(entries)} of them, and {most} is the most", "Remove some.")
    made: dict[str, Made] = {}
    for entry in entries:
        name = entry.text("id")
        if not _ID.fullmatch(name):
            raise entry.wrong("id", f"'{name[:64]}' is no id", "Use small letters, digits, - and _, at most 64.")
        if name in made:
            raise entry.wrong("id", f"there are two called '{name}'", "Give one of them another id.")
        made[name] = make(entry, name)
        entry.done()
    return tuple(made.values())


def check_texts(entry: Table, title: dict[Code, str], text: dict[Code, str]) -> None:
    """Each language that has something to say has a title for it, and neither is endless."""
    if not text:
        raise entry.wrong("text", "there is nothing to say in any language", 'Add text.en = "...".')
    for code, words in text.items():
        if not words.strip() or len(words) > TEXT_CHARACTERS:
            raise entry.wrong(f"text.{code}", "it is empty or too long", f"Write up to {TEXT_CHARACTERS} characters.")
        if not title.get(code, "").strip():
            raise entry.wrong("title", f"there is a text in {code} and no title", f'Add title.{code} = "...".')
