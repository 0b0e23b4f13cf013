"""Real versions of the product: the wheel of this checkout, and others made of it by changing what a new release would change."""

import base64
import hashlib
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from appliance import __version__
from appliance.care.update.facts import Facts, ours
from appliance.care.update.layout import FACTS, FOLDER, PACKAGES, Layout, write_launcher
from appliance.care.update.wheel import read
from tests.tidy.source import ROOT

GOOD, UNPROVEN, DEAD, LAME = "97.1", "97.2", "97.3", "97.4"
_PROOF = "    for language in LANGUAGES:\n"
_STEPS = ")\n\n\ndef bring_up_to_date("
_START = "    stop = threading.Event()\n"
_DELIVER = "        if self.recovered != self.standing.term:\n"
SABOTAGE = {
    UNPROVEN: (
        ("appliance/node/proof.py", _PROOF, f'    return "it was made so"\n{_PROOF}'),
        ("appliance/store/schema.py", _STEPS, f'    lambda database: database.execute("CREATE TABLE later (x)"),\n{_STEPS}'),
    ),
    DEAD: (("appliance/panel/daemon.py", _START, f"    raise SystemExit(3)\n{_START}"),),
    LAME: (("appliance/node/loops.py", _DELIVER, f"        raise ValueError\n{_DELIVER}"),),
}
"""What is wrong with each: it changes the database and cannot prove itself; it does not start; it stands by well, and cannot send."""


def build(folder: Path) -> Path:
    """The wheel of this checkout."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    done = subprocess.run([*command, str(folder), str(ROOT)], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def another(wheel: Path, version: str) -> Path:
    """The same program as another version; what ``SABOTAGE`` says of it is wrong with it."""
    files = {}
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            files[name.replace(f"-{__version__}.dist-info", f"-{version}.dist-info")] = archive.read(name)
    _change(files, "appliance/__init__.py", f'__version__ = "{__version__}"', f'__version__ = "{version}"')
    _change(files, f"tandem_appliance-{version}.dist-info/METADATA", f"\nVersion: {__version__}\n", f"\nVersion: {version}\n")
    for change in SABOTAGE.get(version, ()):
        _change(files, *change)
    return pack(wheel.with_name(f"tandem_appliance-{version}-py3-none-any.whl"), files, version)


def pack(path: Path, files: Mapping[str, bytes], version: str) -> Path:
    """Write a wheel with a list of its files that is right."""
    record = f"tandem_appliance-{version}.dist-info/RECORD"
    listed = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in files.items() if name != record]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in {**files, record: "\n".join([*listed, f"{record},,", ""]).encode()}.items():
            archive.writestr(name, data)
    return path


def _change(files: dict[str, bytes], name: str, before: str, after: str) -> None:
    assert files[name].count(before.encode()) == 1, name
    files[name] = files[name].replace(before.encode(), after.encode())


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def install_first(prefix: Path, wheel: Path) -> Layout:
    """An installation as the first one on a machine: this wheel in a folder of its version, which borrows this environment's packages."""
    layout = Layout(prefix / FOLDER)
    folder = layout.of(__version__)
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    packages = next(folder.glob("lib/python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / PACKAGES).write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    facts: Facts = msgspec.structs.replace(ours(), version=__version__, sha256=read(wheel).sha256, needs=read(wheel).needs)
    (folder / FACTS).write_bytes(msgspec.json.encode(facts))
    layout.point_to(__version__)
    write_launcher(layout)
    return layout


def clean_environment() -> dict[str, str]:
    """What a service is started with: nothing that leads Python to this checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TANDEM", "VIRTUAL_ENV", "PIP_"))}
