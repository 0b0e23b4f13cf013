"""Named points of the path where a test may end the process.

``reach("settle.before_commit")`` does nothing, unless the environment says ``TANDEM_FAULT=settle.before_commit:3``:
then the third time that point is reached the process dies as by ``kill -9``. When the variable is not set, ``reach``
is an empty function: the cost of a call and nothing else.
"""

import os
import signal
import threading

POINTS: tuple[str, ...] = (
    "intake.fetched",
    "intake.before_receive",
    "intake.after_receive",
    "intake.after_claim",
    "intake.after_acknowledge",
    "store.before_commit",
    "store.after_commit",
    "answer.after_claim",
    "answer.before_settle",
    "answer.after_settle",
    "deliver.after_start",
    "deliver.connected",
    "deliver.before_data",
    "deliver.after_data",
    "deliver.before_delivered",
    "deliver.after_delivered",
)


def _nothing(point: str) -> None:
    """No fault is asked for."""


class _Countdown:
    """Ends the process the n-th time its point is reached."""

    def __init__(self, point: str, times: int) -> None:
        self.point = point
        self.left = times
        self.lock = threading.Lock()

    def __call__(self, point: str) -> None:
        if point != self.point:
            return
        with self.lock:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def _from_environment(wish: str):  # type: ignore[no-untyped-def]
    if not wish:
        return _nothing
    point, _, times = wish.partition(":")
    if point not in POINTS:
        raise ValueError(f"TANDEM_FAULT names no fault point: {point}. Known: {', '.join(POINTS)}")
    return _Countdown(point, int(times or 1))


reach = _from_environment(os.environ.get("TANDEM_FAULT", ""))
