"""Personal data in a text, known by its form and, where it has one, by its check digit.

    identity_fi   Finnish personal identity code (DVV: date, century sign, number, check character modulo 31)
    identity_sv   Swedish personal identity or coordination number (SKV 704: Luhn over ten digits)
    card          payment card (ISO/IEC 7812: Luhn, 12 to 19 digits, a known beginning)
    iban          bank account (ISO 13616: modulo 97)
    email, phone  as they are written

What this is not: names and street addresses are not known here; the desk checks those against the passages.
"""

import re
from datetime import date

from appliance.policy.findings import Finding

SECRET: frozenset[str] = frozenset({"identity_fi", "identity_sv", "card", "iban"})
"""Kinds that never stand in an automatic reply and that send a message to a person."""

_CHECK_FI = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_CENTURY_FI = {"+": 1800, **dict.fromkeys("-UVWXY", 1900), **dict.fromkeys("ABCDEF", 2000)}

_IDENTITY_FI = re.compile(r"(?<![\w+-])(\d{2})(\d{2})(\d{2})([-+U-YA-F])(\d{3})([0-9A-FHJ-NPR-Y])(?![\w-])", re.IGNORECASE)
_IDENTITY_SV = re.compile(r"(?<![\w+-])(?:(?:18|19|20)(?=\d{6}[-+ ]?\d{4}))?(\d{2})(\d{2})(\d{2})([-+ ]?)(\d{3})(\d)(?![\w-])")
_CARD = re.compile(r"(?<![\w+-])(?:1800|2131|[2-6]\d{3})(?:[ -]?\d{2,7}){2,5}(?![\w-])")
_IBAN = re.compile(r"(?<![^\W_])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?![^\W_])", re.IGNORECASE)
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%'-]{1,64}@(?:[\w-]+\.)+[^\W\d_]{2,24}(?![\w-])")
_PHONE = re.compile(
    r"(?<![\w+/.,-])(?!\d{1,3}(?:\.\d{1,3}){3}(?!\d))"  # not four numbers with dots between: an address of a machine
    r"(?:(?:\+|00)\d{1,3}[ .-]?(?:\(0\)[ .-]?)?|\(?0\d{1,4}\)?[ .-]?|\(\d{3}\)[ .-]?|\d{3}[.-])"
    r"\d(?:[ ./-]?\d){4,11}(?:\s?x\d{1,6})?(?![\w/-])"
)
_MASKS = {
    "email": "[address]",
    "phone": "[number]",
    "card": "[card]",
    "iban": "[account]",
    "identity_fi": "[identity]",
    "identity_sv": "[identity]",
}


def find(text: str) -> tuple[Finding, ...]:
    """Everything found, in the order it stands; what lies inside something found earlier in the list above is not named twice."""
    found: list[Finding] = []
    for kind, pattern, holds in _SORTS:
        for match in pattern.finditer(text):
            free = all(match.end() <= other.start or match.start() >= other.end for other in found)
            if free and holds(match):
                found.append(Finding(kind=kind, start=match.start(), end=match.end(), sign=kind))
    return tuple(sorted(found, key=lambda finding: finding.start))


def scrub(text: str) -> str:
    """The text with everything found masked."""
    for finding in reversed(find(text)):
        text = text[: finding.start] + _MASKS[finding.kind] + text[finding.end :]
    return text


def values(text: str) -> frozenset[tuple[str, str]]:
    """What was found, as kind and bare value: the same number written with and without spaces is the same."""
    return frozenset((found.kind, bare(found.kind, text[found.start : found.end])) for found in find(text))


def bare(kind: str, written: str) -> str:
    """A found value without the ways of writing it."""
    if kind == "email":
        return written.lower()
    if kind == "phone":
        digits = re.sub(r"\(0\)|\D", "", written)
        return re.sub(r"^(?:00)?(?:358|46)", "0", digits) if written.startswith(("+", "00")) else digits
    return re.sub(r"\W", "", written).upper()


def is_identity_fi(text: str) -> bool:
    """Is the whole text a valid Finnish personal identity code?"""
    match = _IDENTITY_FI.fullmatch(text)
    return match is not None and _holds_fi(match)


def is_identity_sv(text: str) -> bool:
    """Is the whole text a valid Swedish personal identity or coordination number? A space before the last four is not; in a
    running text it is found all the same."""
    match = _IDENTITY_SV.fullmatch(text)
    return match is not None and match[4] != " " and _holds_sv(match)


def _holds_fi(match: re.Match[str]) -> bool:
    day, month, year, century, number, check = match.groups()
    if not 2 <= int(number) <= 999 or not _is_date(_CENTURY_FI[century.upper()] + int(year), int(month), int(day)):
        return False
    return _CHECK_FI[int(f"{day}{month}{year}{number}") % 31] == check.upper()


def _holds_sv(match: re.Match[str]) -> bool:
    year, month, day, _, number, check = match.groups()
    day_of_birth = int(day) - 60 if int(day) > 60 else int(day)  # a coordination number adds 60 to the day
    if not (_is_date(1900 + int(year), int(month), day_of_birth) or _is_date(2000 + int(year), int(month), day_of_birth)):
        return False
    return number != "000" and _luhn(f"{year}{month}{day}{number}{check}")


def _holds_card(match: re.Match[str]) -> bool:
    digits = re.sub(r"\D", "", match.group())
    shortest = 12 if digits[0] in "56" else 13  # Maestro has cards of twelve digits
    return shortest <= len(digits) <= 19 and len(set(digits)) > 1 and _luhn(digits)


def _holds_iban(match: re.Match[str]) -> bool:
    compact = match.group().replace(" ", "").upper()
    if not 15 <= len(compact) <= 34:
        return False
    return int("".join(str(int(letter, 36)) for letter in compact[4:] + compact[:4])) % 97 == 1


def _holds_phone(match: re.Match[str]) -> bool:
    return 7 <= len(re.sub(r"\D", "", match.group())) <= 15


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _always(_match: re.Match[str]) -> bool:
    return True


_SORTS = (
    ("email", _EMAIL, _always),
    ("iban", _IBAN, _holds_iban),
    ("identity_fi", _IDENTITY_FI, _holds_fi),
    ("card", _CARD, _holds_card),
    ("identity_sv", _IDENTITY_SV, _holds_sv),
    ("phone", _PHONE, _holds_phone),
)
