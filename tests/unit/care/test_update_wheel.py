"""What is taken for a wheel of this product, and what is not."""

import base64
import hashlib
import zipfile
from pathlib import Path

import pytest

from appliance.care.update.wheel import Wheel, read, runs_here
from appliance.ground.errors import Refused

METADATA = "Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nRequires-Python: >=3.11\nRequires-Dist: click<9,>=8.1\n" + (
    "Requires-Dist: anyio\n\n"
)


def make(folder: Path, *, name: str = "tandem-appliance", version: str = "1.2", lie: str = "", extra: str = "") -> Path:
    """A wheel of one file. ``lie``: the list has another digest for it; ``extra``: a file that the list does not have."""
    files = {"appliance/__init__.py": b"x = 1\n", "t-1.dist-info/METADATA": METADATA.format(name=name, version=version).encode()}
    record = [f"{place},sha256={digest(data if place != lie else b'')},{len(data)}" for place, data in files.items()]
    path = folder / f"tandem_appliance-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for place, data in files.items():
            archive.writestr(place, data)
        archive.writestr("t-1.dist-info/RECORD", "\n".join([*record, "t-1.dist-info/RECORD,,"]))
        if extra:
            archive.writestr(extra, b"evil")
    return path


def digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def test_a_wheel_says_its_version_its_needs_and_its_digest(tmp_path: Path) -> None:
    path = make(tmp_path)
    wheel = read(path)
    assert (wheel.version, wheel.needs, wheel.python) == ("1.2", ("anyio", "click<9,>=8.1"), ">=3.11")
    assert wheel.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert wheel.size == path.stat().st_size


@pytest.mark.parametrize(
    "wrong",
    [{"name": "requests"}, {"version": "../1"}, {"lie": "appliance/__init__.py"}, {"extra": "appliance/more.py"}, {"extra": "../up.py"}],
)
def test_a_wheel_of_something_else_or_with_changed_files_is_refused(tmp_path: Path, wrong: dict[str, str]) -> None:
    if wrong.get("version"):
        make(tmp_path).rename(tmp_path / "w.whl")
        text = METADATA.format(name="tandem-appliance", version=wrong["version"]).encode()
        with zipfile.ZipFile(tmp_path / "w.whl", "w") as archive:
            archive.writestr("t-1.dist-info/METADATA", text)
            archive.writestr("t-1.dist-info/RECORD", f"t-1.dist-info/METADATA,sha256={digest(text)},1\n")
        path = tmp_path / "w.whl"
    else:
        path = make(tmp_path, **wrong)
    with pytest.raises(Refused):
        read(path)


def test_a_wheel_that_was_cut_or_damaged_on_its_way_is_refused(tmp_path: Path) -> None:
    whole = make(tmp_path).read_bytes()
    place = whole.index(b"x = 1")
    for name, data in {"cut": whole[:-30], "empty": b"", "text": b"<html>", "bit": whole[:place] + b"y" + whole[place + 1 :]}.items():
        path = tmp_path / f"{name}.whl"
        path.write_bytes(data)
        with pytest.raises(Refused, match="no whole wheel"):
            read(path)
    with pytest.raises(Refused, match="cannot be read"):
        read(tmp_path / "nothing.whl")


@pytest.mark.parametrize(
    ("wanted", "runs"), [("", True), (">=3.11", True), (">=3.12", False), (">=3.11.4,<4", True), (">=3.11.9", False), (">=4", False)]
)
def test_a_wheel_for_a_newer_python_is_known(wanted: str, runs: bool) -> None:
    wheel = Wheel(name="w", version="1", sha256="", size=0, unpacked=0, python=wanted)
    assert runs_here(wheel, (3, 11, 5)) is runs
