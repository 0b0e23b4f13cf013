"""Stacked bars: pure numbers in, coordinates out, drawn by the template as SVG without a script."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from appliance.panel.words import Voice
from appliance.records.base import Record
from appliance.reports.analytics import OUTCOMES, Day

SERIES: tuple[str, ...] = ("answered", "held", "routed")
HOURS = 24
WIDTH, HEIGHT = 720, 120
_GAP_SHARE = 0.2
_LEAST_TOP = 4
_HOURS_BETWEEN_LABELS = 6
_LABELS_MOST = 6


class Bar(Record):
    """One part of a column, in the units of the drawing."""

    series: str
    x: float
    y: float
    width: float
    height: float


class Column(Record):
    """One step of time: its bars from the ground up, and the same in words. ``label`` stands under it, "" for none."""

    name: str
    label: str
    centre: float
    bars: tuple[Bar, ...]
    numbers: tuple[int, ...]
    words: str


class Plot(Record):
    """The drawing. ``top`` is the number at its upper edge; ``empty``: nothing happened yet."""

    width: int
    height: int
    top: int
    series: tuple[str, ...]
    columns: tuple[Column, ...]
    empty: bool


class _Step(NamedTuple):
    name: str
    label: str
    numbers: tuple[int, ...]


def of_day(hours: Sequence[Mapping[str, Any]], voice: Voice) -> Plot:
    """Stacked bars per hour of the company's clock. An hour that comes twice, when the clocks change, is one bar."""
    sums = [[0] * len(SERIES) for _ in range(HOURS)]
    for row in hours:
        into = sums[voice.hour(float(row["at"]))]
        for place, name in enumerate(SERIES):
            into[place] += int(row.get(name, 0))
    steps = [_Step(_span(hour), "" if hour % _HOURS_BETWEEN_LABELS else f"{hour:02d}", tuple(row)) for hour, row in enumerate(sums)]
    return _stacked(steps, SERIES, voice)


def _span(hour: int) -> str:
    return f"{hour:02d}–{(hour + 1) % HOURS:02d}"


def of_days(days: Sequence[Day], voice: Voice) -> Plot:
    """Stacked bars per day: what came in, by what it came to."""
    between = -(-len(days) // _LABELS_MOST)
    steps = [
        _Step(
            voice.date(day.at),
            "" if (len(days) - 1 - place) % between else voice.short_date(day.at),
            tuple(day.outcomes[name] for name in OUTCOMES),
        )
        for place, day in enumerate(days)
    ]
    return _stacked(steps, OUTCOMES, voice)


def round_up(number: int) -> int:
    """The next number that reads well on an axis: 1, 2 or 5 times a power of ten, or 4 and 8."""
    power = 1
    while True:
        for step in (1, 2, 4, 5, 8):
            if number <= step * power:
                return step * power
        power *= 10


def _stacked(steps: Sequence[_Step], series: tuple[str, ...], voice: Voice) -> Plot:
    tallest = max((sum(step.numbers) for step in steps), default=0)
    top = round_up(max(tallest, _LEAST_TOP))
    columns = tuple(_column(place, len(steps), step, series, top, voice) for place, step in enumerate(steps))
    return Plot(width=WIDTH, height=HEIGHT, top=top, series=series, columns=columns, empty=not tallest)


def _column(place: int, of: int, step: _Step, series: tuple[str, ...], top: int, voice: Voice) -> Column:
    room = WIDTH / of
    gap = room * _GAP_SHARE
    left, ground = place * room + gap / 2, float(HEIGHT)
    bars = []
    for name, number in zip(series, step.numbers, strict=True):
        height = HEIGHT * number / top
        if number:
            bars.append(
                Bar(series=name, x=round(left, 1), y=round(ground - height, 1), width=round(room - gap, 1), height=round(height, 1))
            )
        ground -= height
    words = ", ".join(f"{voice.text(f'outcome.{name}')} {voice.number(number)}" for name, number in zip(series, step.numbers, strict=True))
    return Column(
        name=step.name, label=step.label, centre=round(left + (room - gap) / 2, 1), bars=tuple(bars), numbers=step.numbers, words=words
    )
