"""A cell's value as the words a customer would read: dates, decimal marks and yes/no as the language writes them."""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from appliance.records.language import Code

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_YES_NO: dict[Code, tuple[str, str]] = {"fi": ("kyllä", "ei"), "sv": ("ja", "nej"), "en": ("yes", "no")}
_CURRENCY = re.compile(r"\[\$([^\]-]*)-?[^\]]*\]|([€$£])|\"\s*(€|kr|EUR|SEK|euroa?)\s*\"")
_DECIMALS = re.compile(r"[0#][.]([0?#]+)")

Cell = object


def as_text(value: Cell, language: Code, number_format: str = "") -> str:
    """The value in words. ``number_format`` is the workbook's own, where it is known ("0.00 %", "# ##0 €")."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _YES_NO[language][0 if value else 1]
    if isinstance(value, int | float):
        return _number(value, language, number_format)
    if isinstance(value, datetime):
        day = _date(value.date(), language)
        return day if value.time() == time() else f"{day} {_time(value.time(), language)}"
    if isinstance(value, date):
        return _date(value, language)
    if isinstance(value, time):
        return _time(value, language)
    if isinstance(value, timedelta):
        minutes = int(value.total_seconds()) // 60
        return f"{minutes // 60}:{minutes % 60:02}"
    return str(value)


def _date(value: date, language: Code) -> str:
    if language == "fi":
        return f"{value.day}.{value.month}.{value.year}"
    if language == "sv":
        return value.isoformat()
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def _time(value: time, language: Code) -> str:
    if language == "fi":
        return f"{value.hour}.{value.minute:02}"
    return f"{value.hour:02}:{value.minute:02}" if language == "sv" else f"{value.hour}:{value.minute:02}"


def _number(value: int | float, language: Code, number_format: str) -> str:
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return ""
    shown = number_format.split(";")[0]
    percent = "%" in shown
    amount = Decimal(format(value, ".12g")) * (100 if percent else 1)
    decimals = _decimals(shown)
    text = f"{amount:.{decimals}f}" if decimals is not None else format(amount.normalize(), "f")
    if language != "en":
        text = text.replace(".", ",")
    if percent:
        return f"{text}%" if language == "en" else f"{text} %"
    return _with_currency(text, shown, language)


def _decimals(shown: str) -> int | None:
    if not shown or shown == "General" or "0" not in shown:
        return None
    match = _DECIMALS.search(shown)
    return len(match.group(1)) if match else 0


def _with_currency(text: str, shown: str, language: Code) -> str:
    match = _CURRENCY.search(shown)
    currency = next((group for group in match.groups() if group), "") if match else ""
    if not currency:
        return text
    if language == "en" and currency in "€$£":
        return f"{currency}{text}"
    return f"{text} {currency.strip()}"
