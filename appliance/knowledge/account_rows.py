"""The account sheet's rows, found by whose they are and which order they are about.

The sheet is read with Swedish eyes: there a date is written as ISO 8601 writes it, whatever the workbook shows, and the desk can
tell it from words.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from appliance.knowledge.errors import SourceUnreadable
from appliance.knowledge.pieces import LIMITS, Limits, Sheet
from appliance.knowledge.readers import csv_file, workbook
from appliance.knowledge.tables import key_of
from appliance.records.account import AccountRecord, Miss

EMAIL, ORDER = "email", "order"
NEEDED = (EMAIL, ORDER)

_SYNONYMS: dict[str, str] = {
    EMAIL: "email e_mail mail email_address customer_email sähköposti sähköpostiosoite asiakkaan_sähköposti e_post epost e_postadress mejl",
    ORDER: "order order_number order_no order_id ordernumber tilaus tilausnumero tilausnro tilauksen_numero ordernummer ordernr "
    "beställning beställningsnummer",
    "status": "status order_status tila tilauksen_tila tilanne orderstatus läge",
    "expected": "expected expected_delivery delivery_date eta due toimituspäivä arvioitu_toimitus odotettu saapuu leveransdatum "
    "beräknad_leverans förväntad",
    "carrier": "carrier kuljetusliike kuljetus transportör fraktbolag",
    "tracking": "tracking tracking_code tracking_number seurantakoodi seurantatunnus spårningsnummer kollinummer",
}
_WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
_TEXTS = (".csv", ".tsv")
_HEADER_WITHIN = 10  # rows; above the header there may be a title
_NOT_ORDER = re.compile(r"[\s-]+")
_CAPITALS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_ERROR = re.compile(r"#(?:REF!|DIV/0!|N/A|NAME\?|NULL!|NUM!|VALUE!|SPILL!|CALC!|GETTING_DATA)", re.IGNORECASE)

Key = tuple[str, str]
Place = tuple[int, int]  # the sheet's place in the workbook, from 1, and the row's number as people see it


def normal_address(address: str) -> str:
    """An address as it is compared. Only plain capitals are folded: letters that merely look alike are other people's."""
    return address.strip().translate(_CAPITALS)


def normal_order(order: str) -> str:
    """An order number as it is compared: ``ab-12 345`` is AB12345."""
    return _NOT_ORDER.sub("", order).upper()


@dataclass(frozen=True, slots=True)
class AccountRows:
    """All rows of one reading. ``owners`` has every order with the addresses it stands beside, for whoever asks for another's."""

    rows: Mapping[Key, tuple[Place, tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict, repr=False)
    twice: frozenset[Key] = field(default=frozenset(), repr=False)
    orders: frozenset[str] = field(default=frozenset(), repr=False)
    columns: tuple[str, ...] = ()
    missing: tuple[str, ...] = NEEDED
    duplicates: int = 0
    incomplete: int = 0

    def find(self, address: str, order: str) -> AccountRecord | Miss:
        """The one row of this customer about this order."""
        key = (normal_address(address), normal_order(order))
        if key in self.twice:
            return Miss.AMBIGUOUS
        found = self.rows.get(key)
        if found is None:
            return Miss.OTHER if key[1] in self.orders else Miss.NONE
        place, columns, values = found
        return AccountRecord(citation=_citation(place), values=dict(zip(columns, values, strict=False)))


def _citation(place: Place) -> str:
    sheet, row = place
    return f"accounts: row {row}" if sheet == 1 else f"accounts: sheet {sheet}, row {row}"


def read_rows(name: str, content: bytes, names: Mapping[str, Sequence[str]], limits: Limits = LIMITS) -> AccountRows:
    """The rows of a sheet. ``names`` are the company's own headings by field. Raises :class:`SourceUnreadable`, and nothing else."""
    suffix = PurePath(name).suffix.lower()
    if suffix not in (*_WORKBOOKS, *_TEXTS):
        raise SourceUnreadable(
            "source_kind_unknown", f"An account sheet with the ending {suffix or '(none)'} is not known.", "Save it as .xlsx or .csv."
        )
    if len(content) > limits.file_bytes:
        raise SourceUnreadable("source_too_large", "The account sheet is larger than is allowed.", "Move old orders to another file.")
    try:
        sheets = csv_file.sheets(content, limits) if suffix in _TEXTS else workbook.sheets(content, limits, "sv", suffix != ".xls")[0]
    except SourceUnreadable:
        raise
    except Exception as error:  # bytes can be anything
        raise SourceUnreadable(
            "source_broken", f"The account sheet could not be read ({type(error).__name__}).", "Save it again in its program."
        ) from error
    return _gathered(sheets, _headings(names))


def _headings(names: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Every known heading with its field; the company's own win."""
    known = {name: field for field, synonyms in _SYNONYMS.items() for name in synonyms.split()}
    return known | {key_of(heading): field for field, headings in names.items() for heading in headings}


def _gathered(sheets: tuple[Sheet, ...], headings: Mapping[str, str]) -> AccountRows:
    rows: dict[Key, tuple[Place, tuple[str, ...], tuple[str, ...]]] = {}
    twice: dict[Key, int] = {}
    known: dict[str, None] = {}
    incomplete = 0
    for number, sheet in enumerate(sheets, start=1):
        columns, body = _headed(sheet, headings)
        known.update(dict.fromkeys(name for name in columns if name))
        if not set(NEEDED) <= set(columns):
            continue
        for row_number, row in body:
            key = (normal_address(row[columns.index(EMAIL)]), normal_order(row[columns.index(ORDER)]))
            if not key[1] or "@" not in key[0]:
                incomplete += 1
            elif key in rows or key in twice:
                twice[key] = twice.get(key, 1) + 1
                rows.pop(key, None)
            else:
                rows[key] = ((number, row_number), columns, row)
    missing = tuple(name for name in NEEDED if name not in known)
    if missing or not (rows or twice):
        raise _unusable(missing)
    return AccountRows(
        rows=rows,
        twice=frozenset(twice),
        orders=frozenset(order for _, order in (*rows, *twice)),
        columns=tuple(known),
        missing=missing,
        duplicates=sum(twice.values()),
        incomplete=incomplete,
    )


def _unusable(missing: tuple[str, ...]) -> SourceUnreadable:
    if missing:
        remedy = f"Give it a column for each, or name yours under [accounts.columns]: {', '.join(missing)}."
        return SourceUnreadable("source_broken", f"The account sheet has no column for: {', '.join(missing)}.", remedy)
    reason = "The account sheet has no row with an address and an order."
    return SourceUnreadable("source_empty", reason, "Check that it is the right file and that it was saved completely.")


def _headed(sheet: Sheet, headings: Mapping[str, str]) -> tuple[tuple[str, ...], Iterator[tuple[int, tuple[str, ...]]]]:
    """The field of each column ("" for one without a heading, or whose field stands further left), and the rows below."""
    for at, row in enumerate(sheet.rows[:_HEADER_WITHIN]):
        columns = _columns(row, headings)
        if set(NEEDED) <= set(columns):
            _refuse_doubles(row, headings)
            return columns, _rows(sheet, at + 1, len(columns))
    return _columns(sheet.rows[0], headings) if sheet.rows else (), iter(())


def _columns(row: Sequence[str], headings: Mapping[str, str]) -> tuple[str, ...]:
    found: list[str] = []
    for heading in row:
        name = key_of(heading)
        name = headings.get(name, name)
        found.append("" if name in found else name)
    return tuple(found)


def _refuse_doubles(row: Sequence[str], headings: Mapping[str, str]) -> None:
    """Of two columns with addresses nobody knows which one says whose row it is."""
    fields = [headings.get(key_of(heading), "") for heading in row]
    doubled = [name for name in NEEDED if fields.count(name) > 1]
    if doubled:
        reason = f"The account sheet has two columns for: {', '.join(doubled)}."
        raise SourceUnreadable("source_broken", reason, "Give the one that is not the customer's another heading.")


def _rows(sheet: Sheet, first: int, width: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each row with something in it, as wide as the header; a formula's error is as good as nothing."""
    for at, row in enumerate(sheet.rows[first:], start=first):
        cells = tuple("" if _ERROR.fullmatch(cell.strip()) else cell.strip() for cell in row[:width])
        if any(cells):
            yield sheet.first_row + at, cells + ("",) * (width - len(cells))
