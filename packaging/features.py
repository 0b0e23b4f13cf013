"""Reads FEATURES.md, checks that the tests it names exist, and prints what is open.

``make features`` runs it; it needs nothing but Python. It ends with 1 when the table says something that is not so: a
feature called done without a test, a test that is not there, a line that is missing or stands twice.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATES = ("done", "partly", "open")
# How many lines each letter has. A line may be reworded; it may not get lost.
LINES = {"E": 60, "R": 30, "A": 28, "P": 22, "V": 30, "M": 20, "N": 17}

_ROW = re.compile(r"^\|\s*([A-Z])(\d{1,2})\s*\|(.*)\|(.*)\|(.*)\|\s*$")
_TEST = re.compile(r"tests/[\w./-]+\.py(?:::\w+)+")


@dataclass(frozen=True)
class Feature:
    """One line of the table. ``section`` is the heading it stands under, ``tests`` what shows it, ``remark`` the rest of that cell."""

    id: str
    section: str
    words: str
    state: str
    tests: tuple[str, ...]
    remark: str


def read(text: str) -> Iterator[Feature]:
    """The features of the table, in its order."""
    section = ""
    for line in text.splitlines():
        if line.startswith("## "):
            section = line[3:].strip()
        found = _ROW.match(line)
        if found:
            letter, number, words, state, shown = found.groups()
            tests = tuple(_TEST.findall(shown))
            remark = _TEST.sub("", shown).replace("`", "").strip(" ,;")
            yield Feature(f"{letter}{number}", section, words.strip(), state.strip(), tests, remark)


@cache
def tests_in(path: Path) -> frozenset[str]:
    """The tests of a file, as pytest names them: ``test_x`` or ``TestClass::test_x``."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        return frozenset()
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for outer in tree.body:
        if isinstance(outer, ast.ClassDef):
            names |= {f"{outer.name}::{inner.name}" for inner in outer.body if isinstance(inner, ast.FunctionDef)}
    return frozenset(name for name in names if name.rpartition("::")[2].startswith("test_"))


def problems(features: list[Feature], root: Path = ROOT) -> Iterator[str]:
    """What the table says that is not so."""
    seen: set[str] = set()
    for feature in features:
        if feature.id in seen:
            yield f"{feature.id} stands twice"
        seen.add(feature.id)
        if feature.state not in STATES:
            yield f"{feature.id} is {feature.state!r}; a state is one of {', '.join(STATES)}"
        if feature.state in ("done", "partly") and not feature.tests:
            yield f"{feature.id} is {feature.state}, and no test shows it"
        for test in feature.tests:
            path, _, name = test.partition("::")
            if name not in tests_in(root / path):
                yield f"{feature.id} names {test}, which does not exist"
    for letter, count in LINES.items():
        for known in (f"{letter}{number:02d}" if letter not in "MN" else f"{letter}{number}" for number in range(1, count + 1)):
            if known not in seen:
                yield f"{known} is missing"


def report(features: list[Feature]) -> Iterator[str]:
    """What is open, by section, and the counts at the end."""
    for section in dict.fromkeys(feature.section for feature in features):
        left = [feature for feature in features if feature.section == section and feature.state != "done"]
        if left:
            yield f"\n{section}"
        for feature in left:
            mark = f" (partly{': ' + feature.remark if feature.remark else ''})" if feature.state == "partly" else ""
            yield f"  {feature.id:<4} {_shortened(feature.words)}{mark}"
    yield ""
    for section in dict.fromkeys(feature.section for feature in features):
        yield _counts(section, [feature for feature in features if feature.section == section])
    yield _counts("Together", features)


def _counts(name: str, features: list[Feature]) -> str:
    counts = ", ".join(f"{sum(feature.state == state for feature in features)} {state}" for state in STATES)
    return f"{name}: {counts}"


def _shortened(words: str, width: int = 110) -> str:
    return words if len(words) <= width else words[: width - 1].rsplit(" ", 1)[0] + " …"


def main() -> int:
    features = list(read((ROOT / "FEATURES.md").read_text(encoding="utf-8")))
    print("\n".join(report(features)))
    wrong = list(problems(features))
    for line in wrong:
        print(f"FEATURES.md: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
