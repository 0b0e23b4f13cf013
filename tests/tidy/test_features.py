"""FEATURES.md says what is so: the tests it names exist, and no line got lost."""

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

import pytest

from tests.tidy.source import ROOT


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The tool behind ``make features``. It lies outside every package, so it is loaded by its path."""
    spec = spec_from_file_location("features_of_the_project", ROOT / "packaging" / "features.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def row(state: str, shown: str = "", name: str = "E01") -> str:
    return f"## E. Everything\n| {name} | Two hosts. | {state} | {shown} |\n"


def test_the_features_of_the_project_name_tests_that_exist() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "packaging" / "features.py")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Together:" in done.stdout


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (row("done"), "no test shows it"),
        (row("partly", "the rest comes later"), "no test shows it"),
        (row("finished"), "a state is one of"),
        (row("done", "`tests/tidy/test_features.py::test_that_is_not_there`"), "does not exist"),
        (row("done", "`tests/tidy/test_no_such_file.py::test_x`"), "does not exist"),
        (row("done", "`tests/tidy/test_features.py::row`"), "does not exist"),
        (row("open") + row("open"), "E01 stands twice"),
        (row("open"), "E02 is missing"),
    ],
)
def test_what_is_not_so_is_said(tool: ModuleType, table: str, said: str) -> None:
    assert any(said in problem for problem in tool.problems(list(tool.read(table))))


def test_a_feature_that_names_a_test_that_exists_is_believed(tool: ModuleType) -> None:
    shown = "`tests/tidy/test_features.py::test_what_is_not_so_is_said`, and the rest of it"
    (feature,) = tool.read(row("partly", shown))
    assert feature.remark == "and the rest of it"
    assert not [problem for problem in tool.problems([feature]) if "missing" not in problem]


def test_what_is_open_is_printed_under_its_heading(tool: ModuleType) -> None:
    lines = list(tool.report(list(tool.read(row("open") + row("done", name="E02")))))
    assert "\nE. Everything" in lines
    assert any("E01" in line for line in lines)
    assert not any("E02" in line for line in lines)
    assert lines[-1] == "Together: 1 done, 0 partly, 1 open"
