"""A version on trial, started by the one that was in use before it: ``python -m appliance.care.update.trial FOLDER run ...``.

The new version is not asked whether it is well, for it may not come that far. Each start is counted, and beside it a guard waits until
somebody has confirmed the version; when nobody has in time, or there were too many starts, the old one is put back and started. So
a version that ends at once, one that hangs, a power loss and a watcher who went away all end the same. (The same idea: boot counting
of boot loaders with two systems, systemd.io/AUTOMATIC_BOOT_ASSESSMENT.)
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from msgspec.structs import replace

from appliance.care.update import record
from appliance.care.update.layout import Layout, Trial
from appliance.ground.clock import Clock, SystemClock
from appliance.ground.files import flush_directory

STARTS = 3
LOOK_SECONDS = 0.5
END_SECONDS = 75.0
_KEPT = ("before-update.database", "before-update.keys")


def main(words: Sequence[str]) -> NoReturn:
    """Count the start, set a guard beside it, and become the version that is to run."""
    layout, rest, clock = Layout(Path(words[0])), words[1:], SystemClock()
    trial = layout.trial()
    if trial is not None and is_run(rest):
        if trial.starts_left <= 0:
            go_back(layout, trial, clock, "does_not_start")
        else:
            layout.write_trial(replace(trial, starts_left=trial.starts_left - 1))
            _guard_beside(layout, clock)
    python = str(layout.python(layout.in_use()))
    os.execv(python, [python, "-P", "-m", "appliance", *rest])


def is_run(words: Sequence[str]) -> bool:
    """Whether this is the daemon's start: the first word that is neither an option nor the home."""
    left = list(words)
    while left and left[0].startswith("-"):
        del left[: 2 if left[0] == "--home" else 1]
    return left[:1] == ["run"]


def begin(layout: Layout, version: str, seconds: float, home: Path) -> Trial:
    """From the next start on this version runs, on trial."""
    trial = Trial(version=version, back_to=layout.in_use(), seconds=seconds, starts_left=STARTS, home=str(home))
    layout.write_trial(trial)  # before the link: without the link it is a trial of what is in use, which harms nobody
    layout.point_to(version)
    return trial


def go_back(layout: Layout, trial: Trial, clock: Clock, reason: str) -> None:
    """The old version is started from now on. May be done twice."""
    _put_back_database(Path(trial.home))
    layout.point_to(trial.back_to)
    layout.end_trial()
    record.note(Path(trial.home), clock, "rolled_back", version=trial.back_to, left=trial.version, reason=reason)


def confirm(layout: Layout, trial: Trial) -> None:
    """The version has shown itself, and stays. The one before it is kept, the others go."""
    layout.keep_previous(trial.back_to)
    layout.end_trial()
    forget_database(Path(trial.home))
    layout.clear({trial.version, trial.back_to})


# The database from before, for a version that changes it


def kept_database(home: Path) -> tuple[Path, Path]:
    """Where a standby's database and the shared part of its keys lie meanwhile."""
    return home / "pair" / _KEPT[0], home / "pair" / _KEPT[1]


def forget_database(home: Path) -> None:
    for path in reversed(kept_database(home)):
        path.unlink(missing_ok=True)


def _put_back_database(home: Path) -> None:
    """Lay what was kept where a seed lies that was fetched: the old version takes it at its start, and the leader gives it the rest."""
    database, keys = kept_database(home)
    if not keys.exists():
        return
    from appliance.pair.copying import seeding  # late: rarely needed

    if database.exists():
        os.replace(database, home / "pair" / seeding.ARRIVED)
        flush_directory(home / "pair")
    os.replace(keys, home / "pair" / seeding.KEYS)  # last: with them the seed is whole
    flush_directory(home / "pair")


# The guard


def _guard_beside(layout: Layout, clock: Clock) -> None:
    """A process of its own whose parent is gone, so that it is nobody's to wait for."""
    watched = os.getpid()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    os.setsid()
    if os.fork() == 0:
        with suppress(Exception):  # nobody is there to hear it
            guard(layout, watched, clock)
    os._exit(0)


def guard(layout: Layout, process: int, clock: Clock) -> bool:
    """Wait until the trial is over; go back and end the process when it takes too long. Whether it had to."""
    trial, nobody = layout.trial(), threading.Event()
    if trial is None:
        return False
    until = clock.elapsed() + trial.seconds
    while clock.elapsed() < until:
        clock.wait(nobody, LOOK_SECONDS)
        now = layout.trial()
        if now is None or now.version != trial.version or not _lives(process):
            return False
    go_back(layout, trial, clock, "not_confirmed")
    _end(process, clock)
    return True


def _end(process: int, clock: Clock) -> None:
    """As its supervisor would: asked first, then ended."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGTERM)
    until, nobody = clock.elapsed() + END_SECONDS, threading.Event()
    while _lives(process) and clock.elapsed() < until:
        clock.wait(nobody, LOOK_SECONDS)
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _lives(process: int) -> bool:
    """Whether it is there and no more than a name that nobody has asked for."""
    import psutil  # late: half of the guards never come this far

    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


if __name__ == "__main__":
    main(sys.argv[1:])
