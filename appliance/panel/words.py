"""The panel's words in the customers' three languages: one table each, the same keys in all, chosen per request.

A key is a dotted path (``review.empty.title``). ``{name}`` in a text is a gap. Where a text counts something it stands twice,
as ``….one`` and ``….many``. Times and numbers are written as each language writes them, in the company's time zone.
"""

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from appliance.records.language import LANGUAGES, Code

Table = Mapping[str, str]
NAMES: dict[Code, str] = {"fi": "Suomi", "sv": "Svenska", "en": "English"}
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_FEW_HOURS = 4 * _HOUR
_NARROW_SPACE, _FIXED_SPACE = "\u202f", "\u00a0"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def load(folder: Path) -> dict[Code, Table]:
    """The three tables, flat."""
    return {code: flatten(tomllib.loads((folder / f"{code}.toml").read_text(encoding="utf-8"))) for code in LANGUAGES}


def flatten(table: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Nested tables as one, with dotted keys."""
    flat: dict[str, str] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = str(value)
    return flat


def choose(wish: str, kept: str, accept: str, default: Code) -> Code:
    """The language of a request: what it asks for in ``?lang``, what its cookie keeps, what the browser prefers, the company's."""
    for candidate in (wish, kept, *_preferred(accept)):
        for code in LANGUAGES:
            if candidate == code:
                return code
    return default


@lru_cache(maxsize=256)
def _preferred(accept: str) -> tuple[str, ...]:
    """The languages of an Accept-Language header (RFC 9110, 12.5.4), the dearest first, without their regions."""
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept.split(",")[:20]):
        tag, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            quality = 0.0
        if quality > 0:
            ranked.append((-quality, place, tag.partition("-")[0].lower()))
    return tuple(tag for _, _, tag in sorted(ranked))


class Voice:
    """One language, one time zone, one moment: what a template speaks with."""

    def __init__(self, tables: Mapping[Code, Table], code: Code, zone: ZoneInfo, now: float) -> None:
        self.code = code
        self.now = now
        self._table = tables[code]
        self._zone = zone

    def text(self, key: str, /, **gaps: object) -> str:
        """The text of this key. Raises KeyError: a missing text is a fault of ours, and a test reads every template for it."""
        return self._table[key].format_map(gaps) if gaps else self._table[key]

    def known(self, prefix: str, name: str, otherwise: str = "") -> str:
        """The text of ``prefix.name`` if there is one; else the name itself in plain letters, or ``otherwise``."""
        return self._table.get(f"{prefix}.{name}", otherwise or name.replace("_", " "))

    def told(self, key: str, otherwise: str, gaps: Mapping[str, str]) -> str:
        """The text of a key that something else than the panel has chosen; ``otherwise`` when there is none, or its gaps stay open."""
        try:
            return self._table[key].format_map(gaps)
        except KeyError:
            return otherwise

    def count(self, key: str, number: int, /, **gaps: object) -> str:
        """The text of a key that counts: ``key.one`` for 1, ``key.many`` for any other number."""
        return self.text(f"{key}.{'one' if number == 1 else 'many'}", n=self.number(number), **gaps)

    def number(self, value: float, decimals: int = 0) -> str:
        """12 345,6 in Finnish and Swedish, 12,345.6 in English."""
        written = f"{value:,.{decimals}f}"
        if self.code == "en":
            return written
        return written.replace(",", _NARROW_SPACE).replace(".", ",")

    def duration(self, seconds: float) -> str:
        """How long, as exactly as it matters: 40 s, 14 min, 1 h 14 min, 9 h, 2 days. It does not break over two lines."""
        return self._duration(seconds).replace(" ", _FIXED_SPACE)

    def _duration(self, seconds: float) -> str:
        if seconds < _MINUTE:
            return self.text("time.seconds", n=int(max(0, seconds)))
        if seconds < _HOUR:
            return self.text("time.minutes", n=int(seconds // _MINUTE))
        if seconds < _FEW_HOURS:
            return self.text("time.hours_minutes", hours=int(seconds // _HOUR), minutes=int(seconds % _HOUR // _MINUTE))
        if seconds < _DAY:
            return self.text("time.hours", n=int(seconds // _HOUR))
        return self.count("time.days", int(seconds // _DAY))

    def span(self, minutes: int) -> str:
        """A time that somebody set, to the minute: 15 min, 4 h, 1 h 30 min, 2 days. It does not break over two lines."""
        if minutes and minutes % (_DAY // _MINUTE) == 0:
            written = self.count("time.days", minutes // (_DAY // _MINUTE))
        elif minutes < 60:
            written = self.text("time.minutes", n=minutes)
        else:
            hours, rest = divmod(minutes, 60)
            written = self.text("time.hours_minutes", hours=hours, minutes=rest) if rest else self.text("time.hours", n=hours)
        return written.replace(" ", _FIXED_SPACE)

    def ago(self, at: float) -> str:
        """14 min ago; after a week the date."""
        seconds = self.now - at
        if seconds < _MINUTE:
            return self.text("time.now")
        if seconds < 7 * _DAY:
            return self.text("time.ago", duration=self.duration(seconds))
        return self.date(at)

    def exact(self, at: float) -> str:
        """Date and time to the second, with the zone's own abbreviation."""
        local = self._local(at)
        clock = local.strftime("%H.%M.%S" if self.code == "fi" else "%H:%M:%S")
        return f"{self.date(at)} {self.text('time.at')} {clock} {local.tzname() or ''}".replace("  ", " ").strip()

    def date(self, at: float) -> str:
        local = self._local(at)
        if self.code == "fi":
            return f"{local.day}.{local.month}.{local.year}"
        if self.code == "sv":
            return local.strftime("%Y-%m-%d")
        return f"{local.day} {_MONTHS[local.month - 1]} {local.year}"

    def short_date(self, at: float) -> str:
        """Day and month, for an axis."""
        local = self._local(at)
        if self.code == "fi":
            return f"{local.day}.{local.month}."
        return f"{local.day}/{local.month}" if self.code == "sv" else f"{local.day} {_MONTHS[local.month - 1]}"

    def hour(self, at: float) -> int:
        return self._local(at).hour

    def iso(self, at: float) -> str:
        """For the ``datetime`` attribute."""
        return self._local(at).isoformat(timespec="seconds")

    def _local(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, UTC).astimezone(self._zone)


def dependency(voice: Voice, name: str) -> str:
    """What a dependency is in words: ``knowledge:fi.xlsx`` is "Knowledge fi.xlsx", ``answer-2`` is "The desk 2"."""
    kind, _, which = name.replace("-", ":", 1).partition(":") if ":" not in name else name.partition(":")
    said = voice.known("dependency", kind)
    return said.replace("{which}", which) if "{which}" in said else f"{said} {which}".strip()
