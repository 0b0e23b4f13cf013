"""The locks hold on every machine that is promised, and say nothing about the one they were made on."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.tidy.source import ROOT

FOLDER = ROOT / "requirements"
LOCKS = ("core.txt", "build.txt", "test.txt", "engines.txt", "models.txt", "desktop.txt")
MACHINES = (("darwin", "Darwin", "arm64"), ("linux", "Linux", "x86_64"), ("linux", "Linux", "aarch64"))
PYTHONS = ("3.11", "3.12", "3.13")


@cache
def locked(name: str) -> dict[str, Version]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return {canonicalize_name(found[1]): Version(found[2]) for found in re.finditer(r"^([\w.-]+)==([^\s\\;]+)", text, re.MULTILINE)}


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(line) for line in project["dependencies"]]


def wanted(path: Path) -> list[Requirement]:
    """The requirements of an ``.in`` file."""
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def environment(machine: tuple[str, str, str], python: str, extra: str) -> dict[str, str]:
    platform, system, processor = machine
    told = {"sys_platform": platform, "platform_system": system, "platform_machine": processor, "extra": extra}
    return {
        **{name: str(value) for name, value in default_environment().items()},
        **told,
        "python_version": python,
        "python_full_version": f"{python}.0",
    }


def needed(roots: list[Requirement], machine: tuple[str, str, str], python: str) -> Iterator[Requirement]:
    """Everything that these need on that machine, each in turn; a package that is not installed here has nothing to say."""
    seen: set[tuple[str, str]] = set()
    waiting = [(requirement, "") for requirement in roots]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate(environment(machine, python, extra)):
            continue
        yield requirement
        for inner_extra in ("", *requirement.extras):
            name = canonicalize_name(requirement.name)
            if (name, inner_extra) in seen:
                continue
            seen.add((name, inner_extra))
            try:
                inner = requires(name) or []
            except PackageNotFoundError:
                inner = []
            waiting += [(Requirement(line), inner_extra) for line in inner]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: f"{machine[0]}-{machine[2]}")
def test_nothing_is_missing_from_the_locks_on_any_machine_that_is_promised(machine: tuple[str, str, str], python: str) -> None:
    core, test = locked("core.txt"), {**locked("core.txt"), **locked("build.txt"), **locked("test.txt")}
    for lock, roots in ((core, declared()), (test, [*wanted(FOLDER / "build.in"), *wanted(FOLDER / "test.in")])):
        for requirement in needed(roots, machine, python):
            version = lock.get(canonicalize_name(requirement.name))
            assert version is not None, f"{requirement} is not locked"
            assert requirement.specifier.contains(version, prereleases=True), f"{requirement} is locked at {version}"


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("machine", MACHINES[1:], ids=lambda machine: f"{machine[0]}-{machine[2]}")
def test_nothing_is_missing_from_the_lock_of_the_desktop_window_on_linux(machine: tuple[str, str, str], python: str) -> None:
    lock = {**locked("core.txt"), **locked("desktop.txt")}
    for requirement in needed(wanted(FOLDER / "desktop.in"), machine, python):
        version = lock.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement} is not locked"
        assert requirement.specifier.contains(version, prereleases=True), f"{requirement} is locked at {version}"


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_a_hash(name: str) -> None:
    blocks = re.split(r"^(?=[\w.-]+==)", (FOLDER / name).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert blocks
    assert not [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_host_and_no_path(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash)", text, re.MULTILINE), "an option such as an index or a link stands in it"
    assert "/" not in text


def test_the_locks_agree_where_they_name_the_same_package() -> None:
    together: dict[str, Version] = {}
    for name in LOCKS:
        for package, version in locked(name).items():
            assert together.setdefault(package, version) == version, package
