"""Where the state lies: one folder, the same for the daemon and for whoever types a command beside it."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

MACOS_DAEMON_HOME = Path("/Library/Application Support/Tandem")
SYSTEMD_HOME = Path("/var/lib/tandem")
BY_HAND = Path(".local/share/tandem")
LAUNCHD_LABEL = "tandem"


def find_home(environment: Mapping[str, str], platform: str = sys.platform, process: int | None = None) -> Path:
    """``TANDEM_HOME``; else the service's own folder when launchd or systemd started this process; else one below the user's home.

    ``platform`` and ``process`` are this machine's and this process's unless a test says otherwise.
    """
    if said := environment.get("TANDEM_HOME", ""):
        return Path(said).expanduser().absolute()
    if platform == "darwin" and LAUNCHD_LABEL in environment.get("XPC_SERVICE_NAME", "").lower():
        return MACOS_DAEMON_HOME
    if state := environment.get("STATE_DIRECTORY", ""):
        return Path(state.split(":")[0])  # StateDirectory= of the unit; several are joined by colons
    if _started_by_systemd(environment, os.getpid() if process is None else process):
        return SYSTEMD_HOME
    user = environment.get("HOME", "")
    return (Path(user) if user else Path.home()) / BY_HAND


def _started_by_systemd(environment: Mapping[str, str], process: int) -> bool:
    """Whether the machine's systemd started this very process.

    INVOCATION_ID alone says too much: a terminal hands it on to every shell in it. A user's own systemd sets MANAGERPID, and
    SYSTEMD_EXEC_PID names the process that was started.
    """
    if not environment.get("INVOCATION_ID") or environment.get("MANAGERPID"):
        return False
    return environment.get("SYSTEMD_EXEC_PID", str(process)) == str(process)
