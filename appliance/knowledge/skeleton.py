"""Empty workbooks for new languages, with the keys of one that is filled: the company writes values, not structure."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from appliance.ground.files import write_atomically
from appliance.knowledge.common_keys import common_aliases, common_keys
from appliance.knowledge.errors import SkeletonError
from appliance.knowledge.pieces import Piece
from appliance.knowledge.reading import read
from appliance.records.knowledge import Passage
from appliance.records.language import LANGUAGES, Code

_HEADERS: dict[Code, tuple[str, str, str, str]] = {
    "fi": ("Avain", "Arvo", "Hakusanat", "Tunnisteet"),
    "sv": ("Nyckel", "Värde", "Sökord", "Taggar"),
    "en": ("Key", "Value", "Aliases", "Tags"),
}
_REFERENCE = {"fi": "Esikuva", "sv": "Förlaga", "en": "Reference"}  # a header that no reader knows, so it is left aside
_SHEET = {"fi": "Tiedot", "sv": "Fakta", "en": "Facts"}
_WIDTHS = (28, 70, 40, 20, 70)


def skeleton(languages: Sequence[Code], from_source: Path | None, folder: Path, source_language: Code = "en") -> tuple[Path, ...]:
    """Write one workbook a language below the folder, named after the source; returns their paths.

    Each has the source's keys, empty values and the source's text beside them to write from. Titled passages without a key
    get one made of their title. Without a source the keys are those that nearly every company has, with the words by which
    customers ask for them. A file that is already there is never touched: then nothing is written at all.
    """
    if from_source is None:
        return _write({code: _common(code) for code in dict.fromkeys(languages)}, "knowledge", folder)
    pieces = _facts(read(from_source.name, from_source.read_bytes(), source_language).pieces)
    if not pieces:
        raise SkeletonError(f"{from_source.name} has no keys or titles.", "Name a source with the columns Key and Value.")
    return _write(dict.fromkeys(languages, pieces), _stem(from_source), folder)


def _common(code: Code) -> tuple[Piece, ...]:
    return tuple(Piece(key=key, text="", aliases=common_aliases(key, code)) for key in common_keys())


def workbook_for(language: Code, passages: Sequence[Passage]) -> bytes:
    """The workbook of one language with the keys of these passages; with none, the keys that nearly every company has."""
    pieces = _facts([Piece(one.text, one.key, one.title, aliases=one.aliases, tags=one.tags) for one in passages])
    return _workbook(language, pieces or _common(language))


def _write(pieces: Mapping[Code, tuple[Piece, ...]], stem: str, folder: Path) -> tuple[Path, ...]:
    paths = {code: folder / f"{stem}.{code}.xlsx" for code in pieces}
    there = [path.name for path in paths.values() if path.exists()]
    if there:
        raise SkeletonError(f"{', '.join(there)} would be overwritten.", "Move it away, or leave its language out.")
    folder.mkdir(parents=True, exist_ok=True)
    for code, path in paths.items():
        write_atomically(path, _workbook(code, pieces[code]), mode=0o644)
    return tuple(paths.values())


def _facts(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Each key or title once, in order."""
    named: dict[str, Piece] = {}
    for piece in pieces:
        if piece.key or piece.title:
            named.setdefault(piece.key or piece.title, piece)
    return tuple(named.values())


def _stem(source: Path) -> str:
    """The name without its ending and without a language at its end: ``faq.en.xlsx`` and ``en.xlsx`` become ``faq`` and ``knowledge``."""
    parts = [part for part in source.stem.split(".") if part not in LANGUAGES]
    return ".".join(parts) or "knowledge"


def _workbook(code: Code, pieces: Sequence[Piece]) -> bytes:
    from openpyxl import Workbook  # late: only this command writes workbooks
    from openpyxl.styles import Alignment, Font

    workbook = Workbook()
    sheet = workbook.active
    sheet.title = _SHEET[code]
    sheet.append([*_HEADERS[code], _REFERENCE[code]])
    for piece in pieces:
        sheet.append([piece.key or piece.title, None, "; ".join(piece.aliases) or None, ", ".join(piece.tags), piece.text])
    for column, width in zip("ABCDE", _WIDTHS, strict=True):
        sheet.column_dimensions[column].width = width
        sheet[f"{column}1"].font = Font(bold=True)
        for cell in sheet[column]:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "A2"
    packed = io.BytesIO()
    workbook.save(packed)
    return packed.getvalue()
