"""What a Mac that is a server must be told about power: not to sleep while it leads, and what FileVault means after a loss of power.

Both by Apple's own programs, ``caffeinate(8)`` and ``fdesetup(8)``; other systems have nothing to be told, and nothing is started there.
"""

import os
import subprocess
import sys
from collections.abc import Sequence

from appliance.ground.log import Log

log = Log("power")

CAFFEINATE = ("/usr/bin/caffeinate", "-i", "-s", "-w")
FDESETUP = ("/usr/bin/fdesetup", "status")
SECONDS = 5.0


def awake_command(platform: str = sys.platform) -> tuple[str, ...]:
    """What keeps this machine from sleeping for as long as this process lives: ``-w`` waits for it; () where nothing is needed."""
    return (*CAFFEINATE, str(os.getpid())) if platform == "darwin" else ()


class Awake:
    """Keeps the machine awake between ``on`` and ``off``. Failing is told once and stops nothing: a server is set not to sleep anyway."""

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._command = awake_command() if command is None else tuple(command)
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def is_on(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def on(self) -> None:
        if not self._command or self.is_on:
            return
        try:
            self._child = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except OSError as error:
            log.warning("cannot_keep_awake", reason=error.strerror or "", remedy="Turn sleep off in System Settings, Energy.")

    def off(self) -> None:
        child, self._child = self._child, None
        if child is not None and child.poll() is None:
            child.terminate()
            child.wait(SECONDS)


def file_vault_is_on(command: Sequence[str] | None = None) -> bool | None:
    """Whether this Mac's disk is locked by FileVault; None where that cannot be known, or this is no Mac."""
    if command is None:
        if sys.platform != "darwin":
            return None
        command = FDESETUP
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    return True if "FileVault is On" in told else False if "FileVault is Off" in told else None
