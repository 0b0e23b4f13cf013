"""The project's own source, read as text and as syntax trees."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "appliance"


@dataclass(frozen=True)
class Module:
    """One module of the program. ``place`` is its path inside the package, such as ``desk/answer.py``."""

    place: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The room it is in; "" for the few modules beside the rooms."""
        first, slash, _ = self.place.partition("/")
        return first if slash else ""

    def is_in(self, places: tuple[str, ...]) -> bool:
        """Whether it is one of these rooms, folders or modules (without ``.py``)."""
        return any(self.place == f"{place}.py" or self.place.startswith(f"{place}/") for place in places)


@dataclass(frozen=True)
class Import:
    """One import: the module it stands in, the line, and the dotted name that is imported."""

    module: Module
    line: int
    name: str

    def __str__(self) -> str:
        return f"appliance/{self.module.place}:{self.line} imports {self.name}"


def parse(place: str, text: str) -> Module:
    return Module(place, text, ast.parse(text, place))


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the program."""
    paths = sorted(path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "share")
    return tuple(parse(path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8")) for path in paths)


def imports(module: Module) -> Iterator[Import]:
    """Every import of a module wherever it stands, also inside functions. Relative ones are made absolute."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (Import(module, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (Import(module, node.lineno, f"{_origin(module, node)}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "import_module", "__import__"):
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant):
                yield Import(module, node.lineno, str(first.value))


def _origin(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    folder = ("appliance", *module.place.removesuffix(".py").split("/"))[: -node.level]
    return ".".join((*folder, node.module or "")).rstrip(".")


def belongs_to(name: str, package: str) -> bool:
    """Whether a dotted name is this package or lies inside it."""
    return name == package or name.startswith(f"{package}.")


@cache
def project_files() -> tuple[Path, ...]:
    """Every file that belongs to the project: what git tracks or would track, or all files where there is no git."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return tuple(path for path in sorted(ROOT.rglob("*")) if path.is_file() and not _is_left_over(path))
    return tuple(path for name in sorted(listed.split("\0")) if name and (path := ROOT / name).is_file())


def _is_left_over(path: Path) -> bool:
    """Whether a file lies in a folder that tools make: hidden, or compiled."""
    folders = path.relative_to(ROOT).parts[:-1]
    return any(folder == "__pycache__" or (folder.startswith(".") and folder != ".ci") for folder in folders)
