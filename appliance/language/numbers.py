"""Every number in a text in one normal form, so that a promise in a draft can be held against the knowledge.

``numbers("49,90 € ja 14 päivää")`` gives ``["49.90 EUR", "14 day"]``, and so does "49.90 EUR and fourteen days". Forms:

    1234.50 EUR      a price              2026-05-01    a date          14 day      a count with its unit
    25.5 %           a percentage         --05-01       without a year  tel 0401234567
    1234.5           a plain number       09:00         a time

A range gives both its ends. The reading does not depend on the language: where a notation is ambiguous (``1.234``,
``5/6/2026``) it is read one way always, in the draft and in the knowledge alike.
"""

import re
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal

from appliance.language.units import CURRENCIES, MONTHS, NUMBER_WORDS, ONES, UNITS

_SPACE = "[ \u00a0\u2009\u202f]"
_SPACES = re.compile(r"[ \t]{2,}")
_DASH = "[-–—−]"
_NUM = (
    rf"\d{{1,3}}(?:{_SPACE}\d{{3}})+(?!\d)(?:[.,]\d{{1,2}}(?!\d))?"  # 1 234,50
    r"|\d{1,3}(?:[.,]\d{3})+(?![.,]?\d)"  # 1.234.567
    r"|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:,\d{3})+\.\d+"  # 1.234,50 and 1,234.50
    r"|\d+(?:[.,]\d+)?"
)
_START = r"(?<![\w.,])(?<!\d[-–:/])"  # not inside a word, a code or a longer number


def _alternatives(forms: Collection[str]) -> str:
    return "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))


_MONTH = rf"(?:{_alternatives(MONTHS)})\.?"
_UNIT = rf"(?:{_alternatives(UNITS)})(?![\w])"
_CURRENCY_WORD = rf"(?:{_alternatives([form for form in CURRENCIES if form.isalpha()])})(?![\w])"
_COUNT_WORD = rf"(?:{_alternatives([*NUMBER_WORDS, *ONES])})"
_WEEKDAY = r"(?:ma|ti|ke|to|pe|la|su|mån|tis|ons|tors?|fre|lör|sön|mon|tue|wed|thu|fri|sat|sun)[a-zåäö]*"

_ENDS_IN_WEEKDAY = re.compile(rf"(?<!\w){_WEEKDAY}[ :]*$")

Reading = Callable[[re.Match[str]], list[str]]


def numbers(text: str) -> list[str]:
    """The numbers of the text in their normal forms and in the order they stand there."""
    found: list[tuple[int, list[str]]] = []
    rest = _SPACES.sub(" ", text.lower())
    for pattern, read in _PATTERNS:
        for match in pattern.finditer(rest):
            forms = read(match)
            if forms:
                found.append((match.start(), forms))
                rest = rest[: match.start()] + "\x00" * (match.end() - match.start()) + rest[match.end() :]
    return [form for _, forms in sorted(found, key=lambda item: item[0]) for form in forms]


def unsupported_numbers(claim: str, evidence: str) -> list[str]:
    """The numbers of the claim that the evidence does not bear out, as :func:`numbers` writes them.

    The same number counts with the same unit, or where the evidence names no unit (a table says ``Price: 49``) or the
    claim none. An hour written bare counts as the time (``9`` and ``09:00``), and a date as its day and month.
    """
    held = numbers(evidence)
    known = set(held)
    bare = {form for form in held if " " not in form}
    values = {form.partition(" ")[0] for form in held if not form.startswith("tel ")}
    return [form for form in numbers(claim) if form not in known and not _borne_out(form, bare, values, known)]


def _borne_out(form: str, bare: set[str], values: set[str], known: set[str]) -> bool:
    value, _, unit = form.partition(" ")
    if value == "tel":
        return False
    if unit:
        return value in bare or value.removesuffix(".00") in bare or _plain(value) in bare
    if ":" in value:
        hour, _, minute = value.partition(":")
        return minute == "00" and str(int(hour)) in bare
    if value.startswith("--"):
        return any(date.endswith(value[1:]) for date in known)
    return value in values or any(_plain(other) == value for other in values) or f"{value:0>2}:00" in known


def _plain(value: str) -> str:
    return value.rstrip("0").rstrip(".") if re.fullmatch(r"-?\d+\.\d+", value) else value


def _value(written: str) -> Decimal:
    """A number as written in any of the three languages. Three digits after a lone separator are thousands, but not after 0."""
    compact = re.sub(_SPACE, "", written)
    marks = [mark for mark in compact if mark in ".,"]
    if len(set(marks)) == 2:
        compact = compact.replace(marks[0], "").replace(marks[-1], ".")
    elif marks and (len(marks) > 1 or _is_thousands(compact, marks[0])):
        compact = compact.replace(marks[0], "")
    elif marks:
        compact = compact.replace(",", ".")
    return Decimal(compact)


def _is_thousands(compact: str, mark: str) -> bool:
    whole, _, part = compact.partition(mark)
    return len(part) == 3 and len(whole) <= 3 and whole.strip("0") != "" and not whole.startswith("0")


def _number(written: str) -> str:
    value = _value(written)
    text = format(value, "f")
    return _plain(text).lstrip("0") or "0" if "." not in _plain(text) else _plain(text)


def _money(written: str, currency: str) -> str:
    value = _value(written)
    amount = format(value.quantize(Decimal("0.01")), "f") if value != value.to_integral() else format(value.to_integral(), "f")
    return f"{amount} {CURRENCIES[currency]}"


def _date(year: str | None, month: int, day: int) -> list[str]:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return []
    if not year:
        return [f"--{month:02}-{day:02}"]
    return [f"{2000 + int(year) if len(year) == 2 else int(year):04}-{month:02}-{day:02}"]


def _read_slashed(match: re.Match[str]) -> list[str]:
    """Day before month, as in Europe, unless only the other way makes a date."""
    first, second = int(match["first"]), int(match["second"])
    return _date(match["year"], first, second) if second > 12 else _date(match["year"], second, first)


def _read_date(match: re.Match[str]) -> list[str]:
    groups = match.groupdict()
    month = MONTHS[match["named"].rstrip(".")] if groups.get("named") else int(match["month"])
    return _date(groups.get("year"), month, int(match["day"]))


def _read_dates(match: re.Match[str]) -> list[str]:
    month = int(match["month"])
    return _date(match["year"], month, int(match["from"])) + _date(match["year"], month, int(match["day"]))


def _read_clock(match: re.Match[str]) -> list[str]:
    """One time or both ends of a range; "am" and "pm" of the second end rule the first where it says none."""
    halves = match.groupdict()
    end = halves.get("half2") or ""
    start = halves.get("half1") or end
    times = [_time(match["hour1"], halves.get("minute1"), start)]
    if halves.get("hour2"):
        times.append(_time(match["hour2"], halves.get("minute2"), end))
        if start == end == "p" and not halves.get("half1") and int(match["hour1"]) > int(match["hour2"]):
            times[0] = _time(match["hour1"], halves.get("minute1"), "a")  # "9-5 pm": from the morning
    return [time for time in times if time] if all(times) else []


def _time(hour: str, minute: str | None, half: str) -> str:
    value = int(hour)
    if half.startswith("p") and value < 12:
        value += 12
    elif half.startswith("a") and value == 12:
        value = 0
    return f"{value:02}:{minute or '00'}" if value <= 24 and int(minute or 0) < 60 else ""


def _read_phone(match: re.Match[str]) -> list[str]:
    """The country codes of Finland and Sweden and the leading zero are the same number."""
    digits = re.sub(r"\D", "", re.sub(r"\(0\)", "", match.group()))
    if match.group().startswith("+") or digits.startswith("00"):
        digits = digits.removeprefix("00")
        for country in ("358", "46"):
            if digits.startswith(country):
                return [f"tel 0{digits.removeprefix(country).lstrip('0')}"]
        return [f"tel +{digits}"]
    return [f"tel {digits}"]


def _read_money(match: re.Match[str]) -> list[str]:
    groups = match.groupdict()
    currency = groups["currency"].strip(". ") if groups.get("currency") else "kr"
    amounts = [groups["low"], groups["high"]] if groups.get("low") else [groups["high"]]
    return [_money(amount, currency) for amount in amounts]


def _read_percent(match: re.Match[str]) -> list[str]:
    return [f"{_number(written)} %" for written in (match["low"], match["high"]) if written]


def _read_unit(match: re.Match[str]) -> list[str]:
    unit = UNITS[re.sub(r"\s+", " ", match["unit"])]
    sign = "-" if match["sign"] else ""
    return [f"{sign}{_counted(written)} {unit}" for written in (match["low"], match["high"]) if written]


def _counted(written: str) -> str:
    word = NUMBER_WORDS.get(written) or ONES.get(written)
    return str(word) if word else _number(written)


def _read_plain(match: re.Match[str]) -> list[str]:
    return [("-" if match["sign"] else "") + _number(match["high"])]


def _read_word(match: re.Match[str]) -> list[str]:
    return [str(NUMBER_WORDS[match["word"]])]


def _read_opening_hours(match: re.Match[str]) -> list[str]:
    """Bare numbers are hours where a weekday stands just before, as in "ma–pe 9–17"."""
    before = match.string[max(0, match.start() - 14) : match.start()]
    return _read_clock(match) if _ENDS_IN_WEEKDAY.search(before) else []


_END = r"(?!\d)"
_FULL_YEAR = r"(?P<year>\d{4})(?!\d)"
_OF_A_YEAR = rf"(?:,?\s{_FULL_YEAR})?"
_NAMED_MONTH = rf"(?P<named>{_MONTH})(?!\w)"
_TIME1 = r"(?P<hour1>\d{1,2})(?:[.:](?P<minute1>\d{2}))?"
_TIME2 = r"(?P<hour2>\d{1,2})(?:[.:](?P<minute2>\d{2}))?"
_EXACT1 = r"(?P<hour1>\d{1,2})[.:](?P<minute1>\d{2})"
_EXACT2 = r"(?P<hour2>\d{1,2})[.:](?P<minute2>\d{2})"
_TO = rf"\s?(?:{_DASH}|to|till|until)\s?"
_LOW = rf"(?:(?P<low>{_NUM}){_SPACE}?(?:{_DASH}|to|till|…){_SPACE}?)?"
_COUNT_LOW = rf"(?:(?P<low>{_NUM}|{_COUNT_WORD})\s?(?:{_DASH}|to|till|tai|eller|or)\s?)?"
_SIGN = r"(?P<sign>(?<!\d)[-−](?=\d))?"
_NO_MONEY = rf"(?!\d|{_SPACE}?(?:€|%|{_CURRENCY_WORD}))"
_NO_UNIT = rf"(?!\d|\s?(?:€|%|{_UNIT}|{_CURRENCY_WORD}))"
_AFTER_CODE = r"(?<!\w)(?<!\w[.,])(?<![^\W\d_][-–])"  # "PX-200" and "v2.1" are names

# In this order: what is more particular is read first and taken out of the text.
_PATTERNS: Sequence[tuple[re.Pattern[str], Reading]] = tuple(
    (re.compile(pattern), read)
    for pattern, read in (
        (rf"(?<!\d)(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}}){_END}", _read_date),
        (rf"{_START}(?P<from>\d{{1,2}})\.?{_DASH}(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.(?P<year>\d{{4}}|\d{{2}})?{_END}", _read_dates),
        (rf"{_START}(?P<day>\d{{1,2}})\.{_SPACE}?(?P<month>\d{{1,2}})\.{_SPACE}?(?P<year>\d{{4}}|\d{{2}}){_END}", _read_date),
        (rf"{_START}(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.{_END}", _read_date),
        (rf"{_START}(?P<first>\d{{1,2}})/(?P<second>\d{{1,2}})/{_FULL_YEAR}", _read_slashed),
        (rf"{_START}(?P<day>\d{{1,2}})(?:\.|st|nd|rd|th|:e)?\s(?:of\s)?{_NAMED_MONTH}{_OF_A_YEAR}", _read_date),
        (rf"(?<!\w){_NAMED_MONTH}\s(?P<day>\d{{1,2}})(?:st|nd|rd|th)?{_END}{_OF_A_YEAR}", _read_date),
        (r"(?<![\w+])(?:\+|00)\d{1,3}[\s-]?(?:\(0\))?[\s-]?\d(?:[\s-]?\d){5,11}(?!\d)", _read_phone),
        (r"(?<![\w.,+-])0\d{1,3}(?:[ -]|\s?/\s?)\d{2,4}(?:[ -]?\d{2,4}){1,3}(?![\d,])", _read_phone),
        (r"(?<![\w.,+-])0\d{7,10}(?!\d)", _read_phone),
        (rf"(?<!\w)(?:klo|kl|kello)\.?\s?{_TIME1}(?:{_TO}{_TIME2})?(?![\d%€])", _read_clock),
        (rf"{_START}{_TIME1}\s?(?P<half1>a|p)?\.?(?:m\b\.?)?{_TO}{_TIME2}\s?(?P<half2>a|p)\.?m\b\.?", _read_clock),
        (rf"{_START}{_TIME1}\s?(?P<half1>a|p)\.?m\b\.?", _read_clock),
        (rf"{_START}{_EXACT1}{_TO}{_EXACT2}{_NO_MONEY}", _read_clock),
        (rf"(?<=[a-zåäö][ :]){_TIME1}{_DASH}{_TIME2}{_NO_UNIT}", _read_opening_hours),
        (rf"{_START}(?P<hour1>\d{{1,2}}):(?P<minute1>\d{{2}}){_END}", _read_clock),
        (rf"(?<!\w)(?P<currency>€|\$|£|eur|sek|usd|gbp|nok|dkk){_SPACE}?{_LOW}(?P<high>{_NUM})", _read_money),
        (rf"{_START}{_LOW}(?P<high>{_NUM}){_SPACE}?(?P<currency>€|\$|£|{_CURRENCY_WORD})", _read_money),
        (rf"{_START}(?P<high>{_NUM})(?::-|,-|:—)", _read_money),
        (rf"{_START}{_LOW}(?P<high>{_NUM})\s?(?:%|(?:prosent|procent|percent|per cent)\w*)", _read_percent),
        (rf"{_AFTER_CODE}{_SIGN}{_COUNT_LOW}(?P<high>{_NUM}|{_COUNT_WORD})(?:\s|-)?(?P<unit>{_UNIT})", _read_unit),
        (rf"(?<!\w)(?P<word>{_alternatives(NUMBER_WORDS)})(?!\w)", _read_word),
        (rf"{_AFTER_CODE}{_SIGN}(?P<high>{_NUM})(?!\w)(?!-[a-zåäö])", _read_plain),
    )
)
