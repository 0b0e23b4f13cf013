"""Looks at the service from outside, as anybody on the machine may: what the system says, and what the panel's probe says."""

import http.client
import threading
from dataclasses import dataclass
from pathlib import Path

from appliance.care.service.plan import Standing, System, ask
from appliance.ground.clock import Clock

PROBE_SECONDS = 2.0
LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Waited:
    """How a wait for a ready service ended: after how many seconds, and whether it was ready then."""

    ready: bool
    seconds: float
    standing: Standing


def standing(system: System) -> Standing:
    """What the system says about the service now."""
    answer = ask(system.QUESTION)
    return system.standing(answer.stdout if answer.returncode == 0 else "")


def is_ready(host: str, port: int) -> bool:
    """Whether ``/readyz`` is green. A panel that listens on every address is asked on this machine's own."""
    connection = http.client.HTTPConnection({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until_ready(system: System, host: str, port: int, clock: Clock, seconds: float, other_than: int = 0) -> Waited:
    """Wait until the service runs as another process than ``other_than`` and its probe is green."""
    began = clock.elapsed()
    pause = threading.Event()
    while True:
        now = standing(system)
        ready = now.pid not in (0, other_than) and is_ready(host, port)
        waited = clock.elapsed() - began
        if ready or waited >= seconds:
            return Waited(ready, waited, now)
        clock.wait(pause, LOOK_SECONDS)


def running_since(pid: int) -> float:
    """When the process began, in Unix seconds; 0.0 when there is none."""
    import psutil  # late: no other command needs it

    try:
        return float(psutil.Process(pid).create_time()) if pid else 0.0
    except psutil.Error:
        return 0.0


def installed_home(system: System) -> Path | None:
    """The home of the service that is installed; None when there is no service. Readable by everybody."""
    try:
        return system.home_in(system.FILE.read_text(encoding="utf-8"))
    except OSError:
        return None
