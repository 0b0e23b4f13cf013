"""A wheel into an environment of its own beside the others, by pip and never from the network.

Where the new version needs the same packages as the running one it looks into that one's; so a whole installation costs a second and
the size of the product alone. Where it needs others they must lie in a folder as wheels, and the new environment stands by itself.
The file with its facts is written last: a folder without it is no version.
"""

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import msgspec
from msgspec.structs import replace

from appliance.care.update.facts import Facts, ours
from appliance.care.update.layout import FACTS, PACKAGES, Layout
from appliance.care.update.wheel import Wheel, read, runs_here
from appliance.ground.errors import Refused
from appliance.ground.files import flush_directory, write_atomically
from appliance.ground.log import Log

log = Log("update")

SPARE_BYTES = 64 << 20
INSTALL_SECONDS = 500.0
LOADS = "import appliance.cli.main, appliance.node.build, appliance.panel.app, appliance.panel.daemon"
_PIP = ("-m", "pip", "--isolated", "--disable-pip-version-check", "--no-input", "--python")
_INSTALL = ("install", "--quiet", "--no-index", "--no-cache-dir", "--ignore-installed", "--no-warn-script-location")


def install(layout: Layout, path: Path, wheels: Path | None = None) -> Facts:
    """Install the wheel and have the new version say what it speaks. Raises ``Refused``; nothing in use is touched."""
    wheel = read(path)
    if not runs_here(wheel):
        raise Refused(f"Version {wheel.version} needs Python {wheel.python}.", "Install that on both machines first; see the help: update.")
    there = layout.facts(wheel.version)
    if there is not None and there.sha256 == wheel.sha256:
        return there
    _may_be_replaced(layout, wheel.version)
    same = wheel.needs == ours().needs
    if not same and wheels is None:
        raise Refused(
            f"Version {wheel.version} needs other packages than this one.",
            "Put their wheels into a folder, by pip download on a machine with the network, and name it: --wheels FOLDER",
        )
    check_room(layout.folder, wheel, wheels)
    folder = layout.of(wheel.version)
    try:
        _build(folder, path, None if same and wheels is None else wheels)
        facts = replace(asked(folder), sha256=wheel.sha256, needs=wheel.needs)
        if facts.version != wheel.version:
            raise Refused(f"The wheel says {wheel.version}, and the program in it {facts.version[:40]}.", "Get the file again.")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    write_atomically(folder / FACTS, msgspec.json.encode(facts), mode=0o644)
    flush_directory(layout.folder)
    log.info("update_installed", version=wheel.version, packages="own" if not same or wheels else "shared")
    return facts


def check_room(folder: Path, wheel: Wheel, wheels: Path | None = None) -> None:
    """Raises ``Refused`` when the disk cannot hold it with room to spare."""
    extra = sum(path.stat().st_size for path in wheels.glob("*.whl")) * 4 if wheels is not None else 0
    needed = wheel.size + 2 * wheel.unpacked + extra + SPARE_BYTES
    if shutil.disk_usage(folder).free < needed:
        raise Refused(f"The disk under {folder} has no room for {needed >> 20} MB.", "Make room there, then try again.")


def _may_be_replaced(layout: Layout, version: str) -> None:
    """Half an installation may be made anew; one that is in use, or could be gone back to, may not become another program."""
    trial = layout.trial()
    if version in (layout.in_use(), layout.previous(), *((trial.version, trial.back_to) if trial else ())):
        raise Refused(f"Version {version} is in use, with another content.", "A changed program needs a version number of its own.")
    shutil.rmtree(layout.of(version), ignore_errors=True)


def _build(folder: Path, wheel: Path, wheels: Path | None) -> None:
    venv.EnvBuilder(with_pip=False, symlinks=True, clear=True).create(folder)
    deps = ("--no-deps",) if wheels is None else ("--find-links", str(wheels))
    _run(sys.executable, *_PIP, str(folder / "bin" / "python"), *_INSTALL, *deps, str(wheel))
    if wheels is None:
        place = next(folder.glob("lib/python*/site-packages"))
        (place / PACKAGES).write_text("".join(f"{line}\n" for line in shared_packages()), encoding="utf-8")


def shared_packages() -> tuple[str, ...]:
    """Where the running version's packages lie: its own folder, or that of the one which it borrows from itself."""
    own = tuple(dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))))
    borrowed = Path(own[0]) / PACKAGES
    return tuple(borrowed.read_text(encoding="utf-8").splitlines()) if borrowed.exists() else own


def asked(folder: Path) -> Facts:
    """What the version in this environment says of itself, after it has loaded everything that it needs. Raises ``Refused``."""
    python = str(folder / "bin" / "python")
    _run(python, "-P", "-c", LOADS)
    said = _run(python, "-P", "-m", "appliance.care.update.facts")
    try:
        return msgspec.json.decode(said, type=Facts)
    except msgspec.DecodeError as error:
        raise Refused("The new version does not say what it speaks.", "Get the file again, or ask whoever made it.") from error


def _run(*words: str) -> bytes:
    try:
        done = subprocess.run(words, capture_output=True, timeout=INSTALL_SECONDS, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(f"The installation did not end ({type(error).__name__}).", "Try again; see the log.") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        log.warning("update_not_installed", said=lines[-1][:300] if lines else "")
        raise Refused(
            f"The version could not be installed: {lines[-1][:300].rstrip('.') if lines else 'no reason was given'}.",
            "Nothing in use was touched. Mend that and try again.",
        )
    return done.stdout
