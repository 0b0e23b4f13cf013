"""The day as bars: pure numbers in, coordinates out, drawn by the template as SVG without a script."""

from collections.abc import Mapping, Sequence
from typing import Any

from appliance.panel.words import Voice
from appliance.records.base import Record

SERIES: tuple[str, ...] = ("answered", "held", "routed")
HOURS = 24
WIDTH, HEIGHT = 720, 120
_GAP = 6.0
_LEAST_TOP = 4


class Bar(Record):
    """One part of a column, in the units of the drawing."""

    series: str
    x: float
    y: float
    width: float
    height: float


class Column(Record):
    """One hour: its bars from the ground up, and the same in words."""

    hour: int
    centre: float
    bars: tuple[Bar, ...]
    numbers: tuple[int, ...]
    words: str


class Plot(Record):
    """The drawing. ``top`` is the number at its upper edge; ``empty``: nothing happened yet."""

    width: int
    height: int
    top: int
    columns: tuple[Column, ...]
    empty: bool


def of_day(hours: Sequence[Mapping[str, Any]], voice: Voice) -> Plot:
    """Stacked bars per hour of the company's clock. An hour that comes twice, when the clocks change, is one bar."""
    sums = [[0] * len(SERIES) for _ in range(HOURS)]
    for row in hours:
        into = sums[voice.hour(float(row["at"]))]
        for place, name in enumerate(SERIES):
            into[place] += int(row.get(name, 0))
    numbers = [tuple(row) for row in sums]
    top = round_up(max(max(map(sum, numbers)), _LEAST_TOP))
    columns = tuple(_column(hour, row, top, voice) for hour, row in enumerate(numbers))
    return Plot(width=WIDTH, height=HEIGHT, top=top, columns=columns, empty=not any(map(sum, numbers)))


def round_up(number: int) -> int:
    """The next number that reads well on an axis: 1, 2 or 5 times a power of ten, or 4 and 8."""
    power = 1
    while True:
        for step in (1, 2, 4, 5, 8):
            if number <= step * power:
                return step * power
        power *= 10


def _column(hour: int, numbers: tuple[int, ...], top: int, voice: Voice) -> Column:
    width = WIDTH / HOURS
    left, ground = hour * width + _GAP / 2, float(HEIGHT)
    bars = []
    for series, number in zip(SERIES, numbers, strict=True):
        height = HEIGHT * number / top
        if number:
            bars.append(
                Bar(series=series, x=round(left, 1), y=round(ground - height, 1), width=round(width - _GAP, 1), height=round(height, 1))
            )
        ground -= height
    words = ", ".join(f"{voice.text(f'outcome.{series}')} {voice.number(number)}" for series, number in zip(SERIES, numbers, strict=True))
    return Column(hour=hour, centre=round(left + (width - _GAP) / 2, 1), bars=tuple(bars), numbers=numbers, words=words)
