"""What the company's contact table says of a caller: jobs done, quotes that are open, promotions they may have.

One row is one thing. It belongs to whoever's mail address, telephone number or company stands in it; a promotion that names nobody is
for everybody. A name alone tells nobody apart from a namesake, so it counts only where nothing better is known of the caller.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from appliance.records.base import Record
from appliance.records.call import Contact, Dealing, DealingKind
from appliance.records.voice import Caller

DEALINGS_MOST = 30  # of a caller
CELL_CHARACTERS = 300
_DIGITS = re.compile(r"\D+")
_LOCAL_DIGITS = 7  # of a telephone number; a shorter one is no customer's

HEADINGS: dict[str, str] = {
    "kind": "kind type laji tyyppi slag typ",
    "title": "title what description kuvaus otsikko työ tarjous rubrik beskrivning",
    "day": "day date until päivä pvm päivämäärä asti dag datum till",
    "state": "state status tila läge",
    "amount": "amount sum total price summa hinta belopp pris",
    "name": "name contact customer nimi asiakas yhteyshenkilö namn kund kontakt",
    "address": "email e_mail mail sähköposti e_post epost mejl",
    "telephone": "telephone phone mobile puhelin puhelinnumero telefon mobil",
    "company": "company organisation organization yritys företag bolag",
}
NEEDED = ("kind", "title")

_KINDS: dict[DealingKind, str] = {
    "job": "job work order visit työ keikka tilaus huolto jobb arbete order besök",
    "quote": "quote offer quotation tarjous offert anbud",
    "promotion": "promotion promo campaign kampanja etu kampanj erbjudande",
}
_KIND_OF: dict[str, DealingKind] = {word: kind for kind, words in _KINDS.items() for word in words.split()}


def from_rows(rows: Iterable[tuple[int, Mapping[str, str]]], caller: Caller) -> Contact:
    """The contact as the table has it; ``found`` when any row is theirs."""
    theirs, for_all = [], []
    for _, row in rows:
        dealing = _dealing(row)
        if dealing is None:
            continue
        if is_of(row, caller):
            theirs.append((row, dealing))
        elif dealing.kind == "promotion" and not any(row.get(key) for key in ("name", "address", "telephone", "company")):
            for_all.append(dealing)
    dealings = (*(dealing for _, dealing in theirs), *for_all)[:DEALINGS_MOST]
    return Contact(caller=_filled(caller, [row for row, _ in theirs]), found=bool(theirs), dealings=dealings, way="file")


def is_of(row: Mapping[str, str], caller: Caller) -> bool:
    """Whether the row is about this caller."""
    same = [
        _same(row.get("address", ""), caller.address),
        _same_number(row.get("telephone", ""), caller.telephone),
        _same(row.get("company", ""), caller.company),
    ]
    if any(same):
        return True
    nameless = not (caller.address or caller.telephone or caller.company)
    return nameless and _same(row.get("name", ""), caller.name)


def from_service(content: bytes, caller: Caller) -> Contact:
    """The contact out of the answer of the company's own service. Raises ``ValueError`` for one that is not as the help says."""
    try:
        answer = msgspec.json.decode(content, type=_Answer)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
    kinds: tuple[tuple[DealingKind, list[_Row]], ...] = (("job", answer.jobs), ("quote", answer.quotes), ("promotion", answer.promotions))
    dealings = [_cut(Dealing(kind=kind, **msgspec.structs.asdict(row))) for kind, rows in kinds for row in rows]
    known = Caller(name=answer.name[:200], address=caller.address, telephone=caller.telephone, company=answer.company[:200])
    found = bool(dealings or answer.name or answer.company)
    return Contact(caller=_merged(caller, known), found=found, dealings=tuple(dealings[:DEALINGS_MOST]), way="service")


class _Row(Record):
    title: str
    day: str = ""
    state: str = ""
    amount: str = ""


class _Answer(Record):
    name: str = ""
    company: str = ""
    jobs: list[_Row] = []
    quotes: list[_Row] = []
    promotions: list[_Row] = []


def _dealing(row: Mapping[str, str]) -> Dealing | None:
    kind = _KIND_OF.get(row.get("kind", "").strip().casefold())
    if kind is None or not row.get("title"):
        return None
    return _cut(Dealing(kind=kind, **{key: row.get(key, "") for key in ("title", "day", "state", "amount")}))


def _cut(dealing: Dealing) -> Dealing:
    texts: dict[str, Any] = {key: getattr(dealing, key)[:CELL_CHARACTERS] for key in ("title", "day", "state", "amount")}
    return Dealing(kind=dealing.kind, **texts)


def _filled(caller: Caller, rows: list[Mapping[str, str]]) -> Caller:
    """What the table knows beyond what is known of the caller already; the first row that says so."""
    told = {key: next((row[key] for row in rows if row.get(key)), "")[:200] for key in ("name", "address", "telephone", "company")}
    return _merged(caller, Caller(**told))


def _merged(caller: Caller, known: Caller) -> Caller:
    return Caller(**{key: getattr(caller, key) or getattr(known, key) for key in ("name", "address", "telephone", "company")})


def _same(one: str, other: str) -> bool:
    return bool(one.strip()) and one.strip().casefold() == other.strip().casefold()


def _same_number(one: str, other: str) -> bool:
    """The same telephone, whether it is written with a country's code or with the zero of home."""
    ends = [_DIGITS.sub("", number)[-_LOCAL_DIGITS - 1 :] for number in (one, other)]
    return ends[0] == ends[1] and len(ends[0]) > _LOCAL_DIGITS - 1
