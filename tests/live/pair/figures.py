"""How long it took: figures that the tests measure, gathered over the run, printed at its end and written where TANDEM_FIGURES says.

    figures = Figures(request.node)
    figures.add("takeover after kill -9", 2.31)

Each figure travels with its test's report, so that it arrives whatever process ran the test.
"""

import json
import math
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

PROPERTY = "figure"
FILE = "TANDEM_FIGURES"
_SHOWN = pytest.StashKey[bool]()


class Figures:
    """Where one test puts what it measured."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def add(self, name: str, value: float, unit: str = "s") -> None:
        self._item.user_properties.append((PROPERTY, (name, unit, round(value, 3))))
        print(f"{name}: {value:.2f} {unit}")


def gather(reports: Iterable[Any]) -> dict[str, dict[str, Any]]:
    """Name to N, p50, max, unit and the values, from the reports of a run."""
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for report in reports:
        for key, figure in getattr(report, "user_properties", ()):
            if key == PROPERTY and report.when == "call":
                name, unit, value = figure
                values[name, unit].append(value)
    return {name: _summed(found, unit) for (name, unit), found in sorted(values.items())}


def _summed(found: list[float], unit: str) -> dict[str, Any]:
    """The median is a value that was measured, never one between two."""
    ordered = sorted(found)
    return {"n": len(ordered), "p50": ordered[math.ceil(len(ordered) / 2) - 1], "max": ordered[-1], "unit": unit, "values": found}


def lines(figures: dict[str, dict[str, Any]]) -> list[str]:
    widest = max(map(len, figures), default=0)
    told = []
    for name, each in figures.items():
        told.append(f"{name:{widest}}  N {each['n']:3}  p50 {each['p50']:8.2f}  max {each['max']:8.2f}  {each['unit']}")
    return told


def show(reporter: pytest.TerminalReporter) -> None:
    """Print them at the end of the run, once, whoever asks; write them as JSON where TANDEM_FIGURES names a file."""
    if reporter.config.stash.get(_SHOWN, False):
        return
    reporter.config.stash[_SHOWN] = True
    figures = gather(report for outcome in ("passed", "failed") for report in reporter.stats.get(outcome, ()))
    if not figures:
        return
    reporter.section("figures of the pair")
    for line in lines(figures):
        reporter.write_line(line)
    if file := os.environ.get(FILE):
        Path(file).write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
