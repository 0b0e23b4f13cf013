"""Facts that people write down in the panel: rows of a small sheet, one a language, a source like any other.

CSV and not Markdown: a fact stands in a mail as it was written, and Markdown would take its stars and angle brackets for marks.
"""

import csv
import io

from appliance.ground.errors import Refused
from appliance.knowledge.pieces import LIMITS
from appliance.knowledge.readers.csv_file import decode, records
from appliance.knowledge.staged import Fact
from appliance.knowledge.tables import key_of
from appliance.records.language import Code

TITLE_LENGTH_MOST = 120
TEXT_LENGTH_MOST = 4_000
_HEADER = ["Key", "Value"]
_FORMULA = ("=", "+", "-", "@", "\t")


def file_name(language: Code) -> str:
    return f"added.{language}.csv"


def checked(fact: Fact) -> Fact:
    """The fact without white space around it. Raises ``Refused`` when a part is missing, too long, or a formula in disguise."""
    title, text = " ".join(fact.title.split()), fact.text.replace("\r\n", "\n").strip()
    if not key_of(title) or not text:
        raise Refused("A fact needs a title in words, and a text.", "Fill in both.", code="fact_empty")
    if len(title) > TITLE_LENGTH_MOST or len(text) > TEXT_LENGTH_MOST:
        raise Refused(
            f"A title has at most {TITLE_LENGTH_MOST} characters and a text {TEXT_LENGTH_MOST}.", "Shorten it, or upload a file.",
            code="fact_long",
        )  # fmt: skip
    if title.startswith(_FORMULA) or text.startswith(_FORMULA):
        raise Refused("The fact begins with a sign that a spreadsheet takes for a formula.", "Begin it with a word.", code="fact_formula")
    return Fact(title=title, text=text)


def with_fact(content: bytes, fact: Fact) -> bytes:
    """The sheet with this fact at its end; a row of the same key gives way to it. Raises ``SourceUnreadable`` for a broken sheet."""
    rows = records(decode(content), LIMITS) if content.strip() else [_HEADER]
    kept = [rows[0], *(row for row in rows[1:] if row and key_of(row[0]) != key_of(fact.title))]
    return _written([*kept, [fact.title, fact.text]])


def _written(rows: list[list[str]]) -> bytes:
    """As spreadsheet programs of all three languages open it: with a byte-order mark, and ``;`` between."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows(rows)
    return text.getvalue().encode("utf-8-sig")
