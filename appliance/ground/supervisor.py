"""What started this process (systemd, or launchd by the same names) and how it is told how we are.

The protocol of sd_notify(3): lines such as ``READY=1`` in one datagram to the socket that NOTIFY_SOCKET names. WATCHDOG_USEC says
how often the starter wants to hear ``WATCHDOG=1``; launchd asks nothing by itself, so our plist sets the same variable.
"""

import contextlib
import os
import socket
from collections.abc import MutableMapping
from dataclasses import dataclass

_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
_SEND_SECONDS = 1.0  # a starter that does not read must not hold us up


@dataclass(frozen=True, slots=True)
class Supervisor:
    """``address`` is where it listens, "" when nobody does; ``watchdog_seconds`` how long it bears silence, 0 when it does not ask."""

    address: str = ""
    watchdog_seconds: float = 0.0

    @classmethod
    def of(cls, environment: MutableMapping[str, str], process: int | None = None) -> "Supervisor":
        """Read what the starter asks for, and take it out: it is meant for this process, and not for its children."""
        address, microseconds, meant_for = (environment.pop(name, "") for name in _VARIABLES)
        ours = meant_for in ("", str(os.getpid() if process is None else process))
        seconds = int(microseconds) / 1e6 if ours and microseconds.isdecimal() else 0.0
        return cls(address, seconds)

    def tell(self, *lines: str) -> None:
        """Send the lines. Nothing happens when nobody listens: that the starter went away is no trouble of ours."""
        if not self.address:
            return
        where = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.settimeout(_SEND_SECONDS)
            line.connect(where)
            line.sendall("\n".join(lines).encode())
