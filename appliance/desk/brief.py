"""The positioning brief: on a cue word, why to buy from us, the promotion of the moment and the price, as one piece of a draft.

The company's own file, ``brief.toml``::

    version = 1
    [[brief]]
    id = "heat-pump"
    words.en = ["heat pump", "heating costs"]
    title.en = "Air-to-water heat pump"
    values.en = ["Heats a house of 150 m2 to -25 °C", "Installed within two weeks"]
    promotion.en = "Installation at half price until the end of the year."
    until = 2026-12-31           # the promotion's last day; after it, the promotion is left out
    price.en = "From 6 900 EUR installed, VAT included."
"""

from collections.abc import Collection, Iterable
from datetime import date

from appliance.desk.cues import named, read_top
from appliance.desk.heard import Heard, words_of
from appliance.policy.checked import Table
from appliance.records.base import Record
from appliance.records.call import Positioning
from appliance.records.language import LANGUAGES, Code

BRIEFS_MOST = 200
VALUES_MOST = 12
LINE_CHARACTERS = 1_000


class Brief(Record):
    """A brief as it stands in the file. ``until``: the promotion's last day, None for one without an end."""

    id: str
    words: dict[Code, tuple[str, ...]]
    title: dict[Code, str]
    values: dict[Code, tuple[str, ...]]
    promotion: dict[Code, str]
    price: dict[Code, str]
    until: date | None = None


def load(text: str, name: str = "brief.toml") -> tuple[Brief, ...]:
    """Check the text of a file of briefs. Raises ``PolicyError``, with ``name`` in its message."""
    top = read_top(text, name)
    briefs = named(top, "brief", BRIEFS_MOST, _brief)
    top.done()
    return briefs


def fitting(briefs: Iterable[Brief], heard: Heard, used: Collection[str], today: date) -> tuple[Positioning, ...]:
    """The briefs that the call brought up and those put into the draft already, in the file's order. An old promotion is left out."""
    found = []
    for brief in briefs:
        word = heard.first(brief.words.get(heard.code, ()))
        if (word or brief.id in used) and heard.code in brief.values:
            found.append(_shown(brief, heard.code, word, brief.id in used, today))
    return tuple(found)


def _shown(brief: Brief, code: Code, word: str, used: bool, today: date) -> Positioning:
    runs = brief.until is None or today <= brief.until
    promotion = brief.promotion.get(code, "") if runs else ""
    price, values = brief.price.get(code, ""), brief.values[code]
    lines = [brief.title[code], *(f"- {value}" for value in values), *filter(None, (promotion, price))]
    return Positioning(
        id=brief.id, title=brief.title[code], values=values, promotion=promotion, price=price, text="\n".join(lines), heard=word, used=used
    )


def _brief(entry: Table, name: str) -> Brief:
    title, values = entry.per_language("title"), _values(entry)
    for code in values:
        if not title.get(code, "").strip():
            raise entry.wrong("title", f"there are values in {code} and no title", f'Add title.{code} = "...".')
    promotion, price = entry.per_language("promotion"), entry.per_language("price")
    for key, texts in (("promotion", promotion), ("price", price)):
        if any(len(text) > LINE_CHARACTERS for text in texts.values()):
            raise entry.wrong(key, "it is too long", f"Write up to {LINE_CHARACTERS} characters.")
    return Brief(id=name, words=words_of(entry), title=title, values=values, promotion=promotion, price=price, until=entry.day("until"))


def _values(entry: Table) -> dict[Code, tuple[str, ...]]:
    table = entry.table("values")
    values = {code: tuple(table.strings(code)) for code in LANGUAGES if table.has(code)}
    table.done()
    if not any(values.values()):
        raise entry.wrong("values", "there is no reason to buy in any language", 'Add values.en = ["..."].')
    for code, lines in values.items():
        if len(lines) > VALUES_MOST or any(not line.strip() or len(line) > LINE_CHARACTERS for line in lines):
            raise table.wrong(code, "a line is empty or too long, or there are too many", f"Write up to {VALUES_MOST} short lines.")
    return values
