"""What every file keeps to: a first sentence, no swallowed errors, nothing of one machine, and nothing heavy before it is needed."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tidy.source import ROOT, Module, modules, parse, project_files

# In pieces, so that this file does not hold what it looks for.
PLACES_OF_ONE_MACHINE = re.compile(r"(?<![\w.~$}])/(?:" + "|".join(("Users/[a-z]", "home/[a-z]", "root/", "work/")) + ")")
REGISTRIES = re.compile("py" + r"pi\.org|python" + r"hosted\.|npm" + r"js\.|--(?:extra-)?index" + "-url [^ ]*//")
LEFT_OPEN = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
TEXT_FILES = ("", ".css", ".html", ".in", ".js", ".json", ".md", ".plist", ".py", ".service", ".sh", ".toml", ".txt", ".yaml", ".yml")

LINES_OF_A_MODULE = 600
LINES_OF_A_FUNCTION = 60

HEAVY = (
    "apscheduler", "cryptography", "imapclient", "jinja2", "lingua", "litestar",
    "openpyxl", "sqlite3", "sqlite_utils", "tantivy", "uvicorn",
)  # fmt: skip


def swallowed(module: Module) -> Iterator[str]:
    """Handlers that catch everything and say nothing."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        everything = node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
        if everything and all(isinstance(each, ast.Pass) or _is_literal(each) for each in node.body):
            yield f"appliance/{module.place}:{node.lineno} swallows every error"


def _is_literal(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def lines_that_match(pattern: re.Pattern[str], path: Path) -> Iterator[str]:
    """The lines of a text file with the pattern in them."""
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        if pattern.search(line):
            yield f"{path.relative_to(ROOT)}:{number} {line.strip()[:100]}"


def own_texts() -> Iterator[Path]:
    """The text files that people wrote here: no test data, nothing vendored."""
    for path in project_files():
        inside = path.relative_to(ROOT).as_posix()
        if path.suffix in TEXT_FILES and not inside.startswith(("tests/data/", "web/static/vendor/")) and path.name != "LICENSE":
            yield path


def sizes() -> Iterator[tuple[int, str]]:
    """Modules and functions that are longer than people like to read, longest first within each kind."""
    long_modules = [(len(module.text.splitlines()), f"appliance/{module.place}") for module in modules()]
    yield from sorted((each for each in long_modules if each[0] > LINES_OF_A_MODULE), reverse=True)
    functions = [
        ((node.end_lineno or node.lineno) - node.lineno + 1, f"appliance/{module.place}:{node.lineno} {node.name}")
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    yield from sorted((each for each in functions if each[0] > LINES_OF_A_FUNCTION), reverse=True)


def test_every_module_says_what_it_is() -> None:
    silent = [f"appliance/{module.place}" for module in modules() if not ast.get_docstring(module.tree)]
    assert not silent, "without a first sentence:\n" + "\n".join(silent)


def test_no_error_is_swallowed() -> None:
    found = [line for module in modules() for line in swallowed(module)]
    assert not found, "\n".join(found)


def test_a_swallowed_error_is_seen() -> None:
    assert list(swallowed(parse("desk/answer.py", "try:\n    go()\nexcept Exception:\n    pass")))
    assert list(swallowed(parse("desk/answer.py", "try:\n    go()\nexcept:\n    ...")))
    assert not list(swallowed(parse("desk/answer.py", "try:\n    go()\nexcept KeyError:\n    pass")))


def test_no_file_names_a_folder_of_one_machine() -> None:
    found = [line for path in own_texts() for line in lines_that_match(PLACES_OF_ONE_MACHINE, path)]
    checkout = re.compile(re.escape(str(ROOT)) + r"\b") if len(ROOT.parts) > 2 else None
    found += [line for path in own_texts() if checkout for line in lines_that_match(checkout, path)]
    assert not found, "\n".join(found)


def test_no_file_names_a_package_registry() -> None:
    found = [line for path in own_texts() for line in lines_that_match(REGISTRIES, path)]
    assert not found, "\n".join(found)


def test_nothing_is_left_open_in_a_comment() -> None:
    found = [line for path in own_texts() if path.suffix in (".py", ".js", ".html") for line in lines_that_match(LEFT_OPEN, path)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("line", ["cd " + "/home" + "/anna/tandem", "PATH=" + "/Users" + "/anna/bin", "x = '/root" + "/x'"])
def test_a_folder_of_one_machine_is_seen(line: str) -> None:
    assert PLACES_OF_ONE_MACHINE.search(line)


@pytest.mark.parametrize("line", ["/var/lib/tandem", "~/.local/share/tandem", "/Library/Application Support/Tandem", "src/home/page.html"])
def test_a_place_that_every_machine_has_is_allowed(line: str) -> None:
    assert not PLACES_OF_ONE_MACHINE.search(line)


def test_the_packaging_folder_does_not_hide_the_package_of_that_name() -> None:
    """``packaging/`` lies beside the tests: with an ``__init__.py`` it would be imported instead of the installed package."""
    assert not (ROOT / "packaging" / "__init__.py").exists()


def test_a_command_starts_without_anything_heavy() -> None:
    script = f"import sys, appliance.cli.main; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stdout.split(), f"loaded before they are needed: {done.stdout.strip()}"


def test_sizes_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """A report and no limit: a long module may be right, but somebody should have looked at it twice."""
    found = list(sizes())
    with capsys.disabled():
        for lines, name in found:
            print(f"\nlook twice: {lines} lines, {name}", end="")
