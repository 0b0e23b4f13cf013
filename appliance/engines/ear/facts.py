"""Gathers what :mod:`.diagnose` judges by. What could crash is tried in a process of its own, which ends with the answer."""

import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from appliance.engines.ear.diagnose import PACKAGES, Facts
from appliance.engines.ear.faster_whisper import ModelShelf
from appliance.engines.ear.options import EarOptions
from appliance.engines.errors import ModelMissing
from appliance.engines.supervision import environment

TRY_SECONDS = 60.0
MODEL_FILES = ("model.bin", "config.json", "tokenizer.json")
_DISTRIBUTIONS = {"faster_whisper": "faster-whisper"}
_TAIL_CHARACTERS = 4_000


def gather(options: EarOptions, shelf: ModelShelf | None = None, waiting: int = 0, surroundings: Mapping[str, str] = os.environ) -> Facts:
    """The facts of this machine. Takes a second or two: the packages are loaded once, in a process of their own."""
    packages = {name: _version(name) for name in PACKAGES}
    tried = _try() if all(packages.values()) else _Tried()
    missing, files = _model(options, shelf)
    return Facts(
        system=platform.system().lower(),
        machine=platform.machine().lower(),
        flags=processor_flags(),
        packages=packages,
        failed=tried.failed,
        signal=tried.signal,
        openmp=tried.openmp,
        duplicate_openmp_allowed=surroundings.get("KMP_DUPLICATE_LIB_OK", "").lower() in ("1", "true", "yes", "on"),
        graphics_cards=tried.graphics_cards,
        compute_types=tried.compute_types(options.device),
        model=options.final_model,
        model_missing=missing,
        missing_files=files,
        waiting=waiting,
    )


class _Tried:
    """What loading the packages came to."""

    def __init__(self, failed: str = "", signal: int = 0, told: Mapping[str, object] | None = None) -> None:
        self.failed = failed
        self.signal = signal
        told = told or {}
        self.openmp = tuple(str(name) for name in _list(told.get("openmp")))
        cards = told.get("graphics_cards")
        self.graphics_cards = cards if isinstance(cards, int) else 0
        self._types = told.get("compute_types")

    def compute_types(self, device: str) -> tuple[str, ...]:
        """What the device that would be taken can do; () when nobody knows."""
        if not isinstance(self._types, dict):
            return ()
        chosen = "cuda" if self.graphics_cards and device in ("auto", "cuda") else "cpu"
        return tuple(sorted(str(name) for name in _list(self._types.get(chosen))))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _try() -> _Tried:
    command = [sys.executable, "-P", "-m", "appliance.engines.ear.ear_child", "--facts"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TRY_SECONDS, env=environment(), stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return _Tried(failed=f"Loading the packages took longer than {TRY_SECONDS:.0f} seconds.")
    said = done.stderr.decode("utf-8", "replace")[-_TAIL_CHARACTERS:]
    if done.returncode < 0:
        return _Tried(failed=said, signal=-done.returncode)
    try:
        told = json.loads(done.stdout)
    except ValueError:
        return _Tried(failed=said or "Loading the packages gave no answer.")
    return _Tried(failed=str(told.get("failed", "")), told=told)


def _version(package: str) -> str:
    if importlib.util.find_spec(package) is None:
        return ""
    try:
        return importlib.metadata.version(_DISTRIBUTIONS.get(package, package))
    except importlib.metadata.PackageNotFoundError:
        return "unknown"  # it is there under another distribution's name


def _model(options: EarOptions, shelf: ModelShelf | None) -> tuple[str, tuple[str, ...]]:
    """Why there is no model folder ("": there is one), and the files it lacks."""
    name = options.final_model
    try:
        folder = shelf.path_of(name) if shelf is not None else Path(name)
    except ModelMissing as error:
        return error.message, ()
    if not folder.is_dir():
        return f"The model {name} is not on this machine.", ()
    return "", tuple(file for file in MODEL_FILES if not (folder / file).is_file())


def processor_flags() -> tuple[str, ...]:
    """What the processor says it can do, in lower case; () where nobody can say."""
    if sys.platform == "darwin":
        return _flags_of_a_mac()
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    lines = [line.partition(":")[2] for line in text.splitlines() if line.startswith(("flags", "Features"))]
    return tuple(lines[0].lower().split()) if lines else ()


def _flags_of_a_mac() -> tuple[str, ...]:
    try:
        done = subprocess.run(
            ["/usr/sbin/sysctl", "-n", "machdep.cpu.features", "machdep.cpu.leaf7_features"], capture_output=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    named = done.stdout.decode("ascii", "replace").lower().replace("avx1.0", "avx").split()
    return tuple(name.replace(".", "_") for name in named)
