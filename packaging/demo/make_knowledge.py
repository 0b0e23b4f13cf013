"""Write a company's sources of knowledge from its ``facts.toml``: a workbook, a CSV and a Markdown page, one language each.

    python packaging/demo/make_knowledge.py [COMPANY_FOLDER]

``facts.toml`` keeps each fact once, in three languages side by side, where a translation cannot be forgotten. The same facts
give the same bytes. Which language lies in which kind of file is up to ``[sources]``.
"""

import csv
import datetime
import io
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font

HEADERS = {
    "fi": ("Key", "Value", "Kysymys", "Hakusanat"),
    "sv": ("Key", "Value", "Fråga", "Sökord"),
    "en": ("Key", "Value", "Question", "Aliases"),
}
SHEETS = {"fi": "Tiedot", "sv": "Fakta", "en": "Facts"}
_DAY = datetime.datetime(2025, 11, 3, 9, 0, 0)  # stands in the workbook as the day it was written


class Fact(NamedTuple):
    """One fact in one language: a name for programs, what may be sent, and how customers ask for it."""

    key: str
    topic: str
    text: str
    question: str
    aliases: tuple[str, ...]

    @property
    def row(self) -> tuple[str, str, str, str]:
        return self.key, self.text, self.question, "; ".join(self.aliases)


def read(folder: Path) -> tuple[dict[str, str], dict[str, list[Fact]]]:
    """File name and facts by language; raises KeyError when a fact lacks a language."""
    everything = tomllib.loads((folder / "facts.toml").read_text(encoding="utf-8"))
    sources: dict[str, str] = everything["sources"]
    facts: dict[str, list[Fact]] = {language: [] for language in sources}
    for topic, names in everything["topics"].items():
        for key, words in everything[topic].items():
            for language in sources:
                own = words[language]
                facts[language].append(Fact(key, names[language], own["text"], own["question"], tuple(own["aliases"])))
    return sources, facts


def workbook(company: str, language: str, facts: list[Fact]) -> bytes:
    """An Excel workbook with one sheet of Key and Value columns, as an office would keep it."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = SHEETS[language]
    for row in (HEADERS[language], *(fact.row for fact in facts)):
        sheet.append(row)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for column, width in zip("ABCD", (26, 90, 50, 70), strict=True):
        sheet.column_dimensions[column].width = width
    for cells in sheet.iter_rows(min_row=2):
        for cell in cells:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "A2"
    book.properties.creator = company
    book.properties.created = _DAY
    raw = io.BytesIO()
    book.save(raw)
    return _without_clock(raw.getvalue(), book.properties.modified)


def _without_clock(raw: bytes, written: datetime.datetime) -> bytes:
    """The same workbook, packed anew without the hour it was written at and without depending on a version of zlib."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = content.replace(_stamp(written), _stamp(_DAY))
            new.writestr(zipfile.ZipInfo(name, _DAY.timetuple()[:6]), content)
    return packed.getvalue()


def _stamp(moment: datetime.datetime) -> bytes:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ").encode()


def table(_company: str, language: str, facts: list[Fact]) -> bytes:
    """CSV as Excel writes it in these countries: semicolons, a byte-order mark, CRLF, commas in decimals."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADERS[language])
    writer.writerows((fact.key, fact.text, fact.question, " | ".join(fact.aliases)) for fact in facts)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def page(company: str, language: str, facts: list[Fact]) -> bytes:
    """Markdown: a section per topic, and in it a table of the same columns."""
    lines = [f"# {company}"]
    topic = ""
    for fact in facts:
        if fact.topic != topic:
            topic = fact.topic
            lines += ["", f"## {topic}", "", f"| {' | '.join(HEADERS[language])} |", "| --- | --- | --- | --- |"]
        lines.append(f"| {' | '.join(fact.row)} |")
    return ("\n".join(lines) + "\n").encode()


def prose(company: str, _language: str, facts: list[Fact]) -> bytes:
    """Markdown as people write it: a section per topic, the questions as headings, no keys and no aliases."""
    lines = [f"# {company}"]
    topic = ""
    for fact in facts:
        if fact.topic != topic:
            topic = fact.topic
            lines += ["", f"## {topic}"]
        lines += ["", f"### {fact.question}", "", fact.text]
    return ("\n".join(lines) + "\n").encode()


KINDS: dict[str, Callable[[str, str, list[Fact]], bytes]] = {".xlsx": workbook, ".csv": table, ".md": page, ".prose.md": prose}


def make(folder: Path) -> dict[str, bytes]:
    """The content of each source by its file name."""
    company = tomllib.loads((folder / "facts.toml").read_text(encoding="utf-8"))["company"]["name"]
    sources, facts = read(folder)
    return {name: KINDS[name[name.index(".") :]](company, language, facts[language]) for language, name in sources.items()}


def main(arguments: list[str]) -> int:
    """Write the sources of the named company, or of the one beside this file."""
    folder = Path(arguments[0]) if arguments else Path(__file__).resolve().parent
    (folder / "knowledge").mkdir(exist_ok=True)
    for name, content in make(folder).items():
        (folder / "knowledge" / name).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
