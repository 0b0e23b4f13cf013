"""The file, the ``.env`` file and the environment become one tree of what was said, each leaf with where it was said.

The later wins: defaults, ``tandem.toml``, older environment names, ``TANDEM_…`` names. A ``.env`` file in the home counts as
environment, and the real environment stands above it.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from appliance.settings.describe import ENVIRONMENT_PREFIX, describe
from appliance.settings.problems import Problem, SettingsInvalid, nearest, problem
from appliance.settings.secret import trouble

FILE_NAME = "tandem.toml"
FILE_BYTES_MAX = 1_000_000
TABLES_MAX = 50  # mailboxes, sources: a slip of an index must not make thousands

_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$")
_SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN")


@dataclass(frozen=True, slots=True)
class Given:
    """A value, where it was said, and whether it came as text that still has to be read as a number or a list."""

    value: Any
    where: str
    text: bool = False


def read_file(path: Path) -> dict[str, Any]:
    """The tree of a TOML file. Raises ``SettingsInvalid`` with the line when it is not TOML."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise SettingsInvalid([problem(path.name, f"it is larger than {FILE_BYTES_MAX} bytes", "Is it the right file?")])
        with open(path, "rb") as file:
            content = tomllib.load(file)
    except OSError as error:
        remedy = (
            "Write one with: tandem config template" if isinstance(error, FileNotFoundError) else "Give this user the right to read it."
        )
        raise SettingsInvalid([problem(str(path), f"it cannot be read ({error.strerror})", remedy)]) from None
    except UnicodeDecodeError as error:
        reason = f"it is not UTF-8 text (byte {error.start})"
        raise SettingsInvalid([problem(str(path), reason, "Save it as UTF-8.")]) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsInvalid([problem(str(path), *_syntax(error))]) from None
    return _said(content, path.name)


_FORM = 'A line reads: key = value; texts stand in "quotes", and tables begin with [name].'


_ONCE = "Each [table] and each key stands once: put the lines of both together."


def _syntax(error: tomllib.TOMLDecodeError) -> tuple[str, str]:
    """Where the file stops being TOML, and the remedy. The parser's own words are left out: they may quote what stands there."""
    found = re.search(r"at line (\d+), column (\d+)|at end of document", str(error))
    place = f"line {found[1]}, column {found[2]}" if found and found[1] else ""
    if str(error).startswith(("Cannot declare", "Cannot overwrite")):
        return f"{place or 'its last line'} names again what has stood above", _ONCE
    if found is None:
        return "it is not TOML", _FORM
    return f"{place} is not TOML" if place else "it ends in the middle of a value", _FORM


def _said(content: dict[str, Any], where: str) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, dict):
            tree[name] = _said(value, where)
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            tree[name] = [_said(item, where) for item in value]
        else:
            tree[name] = Given(value, where)
    return tree


def read_dotenv(path: Path) -> dict[str, str]:
    """The names and values of a ``.env`` file: ``NAME=value`` lines, ``export`` and quotes allowed; {} when there is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = f"it cannot be read ({type(error).__name__})"
        raise SettingsInvalid([problem(str(path), reason, "It must be a UTF-8 file that this user may read.")]) from None
    names: dict[str, str] = {}
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.match(line)
        if found is None:
            problems.append(problem(str(path), f"line {number} is not NAME=value", "Begin a comment with #."))
            continue
        names[found[1]] = _unquoted(found[2])
    if any(_SECRET_NAME.search(name) for name in names) and (wrong := trouble(path)):
        problems.append(problem(str(path), f"it holds a password, and {wrong[0]}", wrong[1]))
    if problems:
        raise SettingsInvalid(problems)
    return names


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return re.sub(r"\s+#.*$", "", value)


def add_environment(tree: dict[str, Any], environment: Mapping[str, str], problems: list[Problem]) -> None:
    """Put every ``TANDEM_SECTION__KEY`` of the environment into the tree."""
    sections = {key.path.partition(".")[0] for key in describe()}
    for name in sorted(environment, key=_by_position):
        if not name.startswith(ENVIRONMENT_PREFIX):
            continue
        parts = name[len(ENVIRONMENT_PREFIX) :].lower().split("__")
        if len(parts) > 1:
            place(tree, parts, Given(environment[name], name, text=True), problems)
        elif parts[0].split("_")[0] in sections:
            problems.append(_unknown(name))


def _by_position(name: str) -> list[tuple[int, str]]:
    """Sorts positions as numbers: mailbox 10 comes after mailbox 2."""
    return [(int(part) if part.isdecimal() else -1, part) for part in name.split("__")]


def place(tree: dict[str, Any], parts: list[str], given: Given, problems: list[Problem]) -> None:
    """Put one value where its path says, over whatever stood there."""
    path = ".".join("0" if part.isdecimal() else part for part in parts)
    if path not in {key.path for key in describe()}:
        problems.append(_unknown(given.where))
        return
    inner: Any = tree
    for part, following in pairwise(parts):
        if isinstance(inner, list) and part.isdecimal():
            if int(part) > min(len(inner), TABLES_MAX - 1):
                problems.append(_gap(given.where, part, len(inner)))
                return
            if int(part) == len(inner):
                inner.append({})
            inner = inner[int(part)]
        elif isinstance(inner, dict) and not part.isdecimal():
            inner = inner.setdefault(part, [] if following.isdecimal() else {})
        else:
            return  # the file has something else where this table belongs; building says so
    if isinstance(inner, dict):
        inner[parts[-1]] = given


def _unknown(name: str) -> Problem:
    meant = nearest(name, [key.environment for key in describe()])
    remedy = f"Did you mean {meant}?" if meant else "All of them: tandem config template"
    return problem(name, "there is no such setting", remedy, "environment")


def _gap(name: str, position: str, length: int) -> Problem:
    reason = f"there is no entry {position}: the next one is {min(length, TABLES_MAX - 1)}"
    return problem(name, reason, "Count from 0 without gaps.", "environment")


def said_where(tree: dict[str, Any], path: str) -> str:
    """The file or the environment name that this key was said in; "" when it has its default."""
    inner: Any = tree
    for part in path.split("."):
        if isinstance(inner, list) and part.isdecimal() and int(part) < len(inner):
            inner = inner[int(part)]
        elif isinstance(inner, dict):
            inner = inner.get(part)
    return inner.where if isinstance(inner, Given) else ""
