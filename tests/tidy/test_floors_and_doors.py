"""A room imports only from lower floors, and each heavy thing has one door.

These are directions, so they fail. Each check is a small function over one module, and the last tests show that it sees a breach.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator

import pytest

from tests.tidy.source import ROOT, Module, belongs_to, imports, modules, parse

FLOORS: dict[str, int] = {
    "ground": 0,
    "records": 1,
    "settings": 2, "language": 2, "policy": 2, "engines": 2, "store": 2,
    "knowledge": 3, "channels": 3, "pair": 3, "routing": 3, "reports": 3,
    "desk": 4, "watch": 4, "care": 4,
    "evals": 5,
    "node": 6,
    "panel": 7,
    "cli": 8,
}  # fmt: skip

# Only these rooms may know how the appliance was configured; the others are handed what they need.
READS_SETTINGS = ("settings", "care", "node", "panel", "cli")

# Each heavy or dangerous thing, and the only places that may import it.
DOORS: dict[str, tuple[str, ...]] = {
    "pysqlite3": ("store/sqlite",),
    "sqlite3": (),  # the standard library's: two copies in one process drop each other's file locks
    "sqlite_utils": ("store",),
    "mlx": ("engines",),
    "mlx_lm": ("engines",),
    "faster_whisper": ("engines",),
    "ctranslate2": ("engines",),
    "onnxruntime": ("engines",),
    "zeroconf": ("pair/discovery",),
    "apscheduler": ("node/schedule",),
    "litestar": ("panel",),
    "argon2": ("node/passwords",),
    "webview": ("panel/window",),
    "imapclient": ("channels/mail",),
    "imaplib": ("channels/mail",),
    "smtplib": ("channels/mail",),
    "random": ("ground",),
    "secrets": ("ground",),
    "uuid": ("ground",),
    "numpy.random": ("ground",),
}

WALL_CLOCK = ("time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "date.today")
STEADY_CLOCK = ("time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns", "time.clock_gettime")
RANDOMNESS = ("os.urandom", "os.getrandom")
MAY_MEASURE = ("evals",)  # benchmarks compare raw times, and a clock behind a protocol would be part of what they measure

# What a requirement's module is called where the two names differ.
MODULE_NAMES = {
    "argon2-cffi": "argon2", "lingua-language-detector": "lingua", "markdown-it-py": "markdown_it", "pystemmer": "Stemmer",
    "pywebview": "webview",
}  # fmt: skip


def floor_breaches(module: Module) -> Iterator[str]:
    """Imports that go up, or sideways into a neighbour."""
    here = module.room
    for found in imports(module):
        there = found.name.removeprefix("appliance.").partition(".")[0] if found.name.startswith("appliance.") else ""
        if not here or there not in FLOORS or there == here:
            continue
        if FLOORS[there] >= FLOORS[here]:
            yield f"{found}: {there} (floor {FLOORS[there]}) is not below {here} (floor {FLOORS[here]})"
        elif there == "settings" and here not in READS_SETTINGS:
            yield f"{found}: only {', '.join(READS_SETTINGS)} read the settings"


def door_breaches(module: Module) -> Iterator[str]:
    for found in imports(module):
        for package, places in DOORS.items():
            if belongs_to(found.name, package) and not module.is_in(places):
                yield f"{found}: only {' and '.join(places) or 'nobody'} may"


def clock_breaches(module: Module) -> Iterator[str]:
    """Looks at a clock or asks for randomness, however it is imported: ``time.time()``, ``from time import time``."""
    names = {
        alias.asname or alias.name: f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom | ast.Import)
        for alias in node.names
    }
    forbidden = WALL_CLOCK + RANDOMNESS + (() if module.room in MAY_MEASURE else STEADY_CLOCK)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute | ast.Name):
            first, dot, rest = ast.unparse(node).partition(".")
            whole = f"{names.get(first, '')}{dot}{rest}"
            if whole in forbidden or whole.removeprefix("datetime.") in forbidden:
                yield f"appliance/{module.place}:{node.lineno} uses {whole}: take a Clock, or ground/ids.py"


def strangers(module: Module) -> Iterator[str]:
    """Imports of packages that pyproject.toml does not name: they are there by chance, as somebody else's dependency."""
    known = _declared() | {"appliance"} | set(sys.stdlib_module_names)
    yield from (f"{found}, which pyproject.toml does not name" for found in imports(module) if found.name.partition(".")[0] not in known)


def _declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(each for extra in project["optional-dependencies"].values() for each in extra)]
    names = {match[0].lower() for line in lines if (match := re.match(r"[A-Za-z0-9._-]+", line))}
    modules_of_mlx = {"mlx"} if "mlx-lm" in names else set()
    return {MODULE_NAMES.get(name, name.replace("-", "_")) for name in names} | modules_of_mlx


def test_every_room_has_a_floor() -> None:
    rooms = {module.room for module in modules()} - {""}
    assert rooms <= FLOORS.keys(), f"rooms without a floor: {sorted(rooms - FLOORS.keys())}"


def test_a_room_imports_only_from_lower_floors() -> None:
    breaches = [breach for module in modules() for breach in floor_breaches(module)]
    assert not breaches, "\n".join(breaches)


def test_each_heavy_thing_has_one_door() -> None:
    breaches = [breach for module in modules() for breach in door_breaches(module)]
    assert not breaches, "\n".join(breaches)


def test_only_the_ground_looks_at_a_clock_or_asks_for_randomness() -> None:
    breaches = [breach for module in modules() if module.room != "ground" for breach in clock_breaches(module)]
    assert not breaches, "\n".join(breaches)


def test_every_import_is_of_the_standard_library_or_a_declared_dependency() -> None:
    breaches = [breach for module in modules() for breach in strangers(module)]
    assert not breaches, "\n".join(breaches)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("policy/judge.py", "from appliance.store.store import Store"),
        ("policy/judge.py", "from appliance.language import detect"),
        ("policy/judge.py", "from ..desk import answer"),
        ("policy/judge.py", "def late():\n    import appliance.node.node"),
        ("channels/mail/imap.py", "from appliance.settings.model import Settings"),
    ],
)
def test_an_import_that_goes_up_or_sideways_is_seen(place: str, text: str) -> None:
    assert list(floor_breaches(parse(place, text)))


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("store/journal.py", "import sqlite3"),
        ("store/journal.py", "from pysqlite3 import dbapi2"),
        ("panel/app.py", "from sqlite_utils import Database"),
        ("node/loops.py", "from litestar import get"),
        ("desk/answer.py", "def late():\n    import smtplib"),
        ("desk/answer.py", "import importlib\nimportlib.import_module('random')"),
        ("pair/lease.py", "from numpy import random"),
    ],
)
def test_an_import_past_its_door_is_seen(place: str, text: str) -> None:
    assert list(door_breaches(parse(place, text)))


def test_an_import_through_its_door_is_allowed() -> None:
    assert not list(door_breaches(parse("store/sqlite.py", "from pysqlite3 import dbapi2")))
    assert not list(door_breaches(parse("panel/pages/cases.py", "from litestar import get")))
    assert not list(floor_breaches(parse("cli/main.py", "from appliance.settings.read import load")))


@pytest.mark.parametrize(
    "text",
    [
        "import time\nnow = time.time()",
        "from time import time as now\nnow()",
        "import time\ntake = time.monotonic",
        "import datetime\ndatetime.datetime.now()",
        "from datetime import datetime\ndatetime.now()",
        "import os\nos.urandom(8)",
    ],
)
def test_a_look_at_the_clock_is_seen(text: str) -> None:
    assert list(clock_breaches(parse("desk/answer.py", text)))


def test_telling_a_given_time_is_no_look_at_the_clock() -> None:
    text = "import time\nfrom datetime import datetime\ntime.gmtime(0)\ndatetime.fromtimestamp(0)\nnow = clock.now()"
    assert not list(clock_breaches(parse("desk/answer.py", text)))
