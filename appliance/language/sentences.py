"""Text into sentences, for Finnish, Swedish and English at once.

A stop ends a sentence unless it belongs to an abbreviation (``esim.``, ``t.ex.``, ``e.g.``), an ordinal or a date
(``3. kerros``, ``1.5.2026``), a number or an address. Lines end one where the writer meant it: before a bullet, after a
greeting, at an empty line; not where a mail program merely folded the text. No word is lost or moved.
"""

import re

_SHORTENED = (
    # Finnish
    "esim ym yms jne mm ns nk ko ks vrt ts tms n os kpl puh p s v vs alv sis pj tri krs klo huom mrd milj"
    # Swedish
    " t.ex tex bl.a d.v.s dvs o.s.v osv m.m mm f.d s.k kl ca resp inkl exkl moms tel nr st fr.o.m t.o.m pga p.g.a jfr forts"
    # English
    " e.g eg i.e ie etc mr mrs ms dr prof inc ltd co no vol approx dept vs st jr sr a.m p.m"
    " jan feb mar apr jun jul aug sep sept oct nov dec"
)
_BEFORE_MORE = (  # of these, the ones that need something after them, so that they end no sentence
    "max min ca alv sis inkl exkl esim t.ex tex e.g i.e mr mrs dr prof ks vrt puh tel nr klo kl approx n ns nk ko s.k fr.o.m t.o.m bl.a"
)
_ABBREVIATIONS = frozenset(_SHORTENED.split())
_NEVER_LAST = frozenset(_BEFORE_MORE.split())

_BREAK = re.compile(r"([.!?…]+[\"'”’»)\]]*)(\s+)")
_LAST_WORD = re.compile(r"[^\s(\"'“”«]+$")
_NUMBER = re.compile(r"\d+$")
_ENUMERATOR = re.compile(r"(?:^|\n)\s*\(?\d{1,3}$")
_BULLET = re.compile(r"\s*(?:[-*•–—·▪◦‣]\s|\(?\d{1,2}[.)]\s)")
_SHORT_LINE = 45  # letters; a folded line is longer
_MONTHS = re.compile(r"(?:jan|feb|mar|apr|may|maj|jun|jul|aug|sep|oct|okt|nov|dec)|\w+kuu", re.IGNORECASE)


def sentences(text: str) -> list[str]:
    """The sentences in order, each stripped and with folded lines joined by a space. Empty for a text without words."""
    found: list[str] = []
    for block in _blocks(text):
        found.extend(_split_block(block))
    return [sentence for sentence in found if any(letter.isalnum() for letter in sentence)]


def _blocks(text: str) -> list[str]:
    """Lines joined where they were only folded, kept apart where the writer ended them."""
    blocks: list[str] = []
    previous = ""
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        bare = line.strip()
        if previous and bare and not _ends_here(previous, line):
            blocks[-1] = f"{blocks[-1]} {bare}"
        elif bare:
            blocks.append(bare)
        previous = bare
    return blocks


def _ends_here(line: str, following: str) -> bool:
    if _BULLET.match(following):
        return True
    starts_anew = following.strip()[0].isupper() or following.strip()[0].isdigit()
    return starts_anew and (len(line) < _SHORT_LINE or line[-1] in ".!?…:")


def _split_block(block: str) -> list[str]:
    found: list[str] = []
    start = 0
    for match in _BREAK.finditer(block):
        if _is_sentence_end(block[start : match.start()], match.group(1), block[match.end() :]):
            found.append(block[start : match.end(1)].strip())
            start = match.end()
    found.append(block[start:].strip())
    return [sentence for sentence in found if sentence]


def _is_sentence_end(before: str, mark: str, after: str) -> bool:
    if not after:
        return False
    following = after.lstrip("\"'“”«»(¿¡-–—•*")
    lower_follows = bool(following) and following[0].islower()
    if mark[0] != ".":
        return not lower_follows or mark[0] in "!?"
    if lower_follows:
        return mark.startswith("..") is False and not _is_short_stop(before)
    return not _is_stop_of_number(before, following) and not _is_stop_of_abbreviation(before)


def _is_short_stop(before: str) -> bool:
    """A full stop before a small letter: careless writers do end sentences so, but not after a number or an abbreviation."""
    word = _LAST_WORD.search(before)
    last = word.group().lower() if word else ""
    return not last or bool(_NUMBER.search(last)) or last in _ABBREVIATIONS or len(last) <= 2 or "." in last


def _is_stop_of_number(before: str, following: str) -> bool:
    """``1. Open the box`` keeps its numeral; ``3. May`` and ``1. Maj`` are dates; other numbers end their sentence."""
    if not _NUMBER.search(before):
        return False
    return bool(_ENUMERATOR.search(before)) or bool(_MONTHS.match(following))


def _is_stop_of_abbreviation(before: str) -> bool:
    word = _LAST_WORD.search(before)
    last = word.group().lower() if word else ""
    return last in _NEVER_LAST or (len(last) == 1 and last.isalpha() and before[-1].isupper())
