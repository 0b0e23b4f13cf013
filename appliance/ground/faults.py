"""Named points of the path where a test may end the process, or hold it up.

``reach("settle.before_commit")`` does nothing, unless the environment says ``TANDEM_FAULT=settle.before_commit:3``:
then the third time that point is reached the process dies as by ``kill -9``; with ``:3:hang`` that thread waits there for
ever instead, and with ``:3:stop`` the whole process stands still there, as by SIGSTOP, until somebody sends it SIGCONT. When
the variable is not set, ``reach`` is an empty function: the cost of a call and nothing else.
"""

import os
import signal
import threading
from collections.abc import Callable

POINTS: tuple[str, ...] = (
    "intake.fetched",
    "intake.before_receive",
    "intake.after_receive",
    "intake.after_claim",
    "intake.after_acknowledge",
    "store.before_commit",
    "store.after_commit",
    "voice.before_take",
    "voice.after_take",
    "voice.after_claim",
    "voice.before_heard",
    "voice.after_heard",
    "answer.after_claim",
    "answer.before_settle",
    "answer.after_settle",
    "deliver.after_start",
    "deliver.connected",
    "deliver.before_data",
    "deliver.after_data",
    "deliver.before_delivered",
    "deliver.after_delivered",
    "drafts.before_append",
    "drafts.after_append",
    "drafts.before_removal",
    "drafts.after_removal",
    "store.after_ship",
    "store.before_confirm",
    "office.before_lead",
    "office.after_lead",
    "pair.before_keep",
    "pair.after_keep",
    "follow.before_apply",
    "follow.after_apply",
    "push.after_start",
    "push.after_send",
    "push.after_written",
)


def _nothing(point: str) -> None:
    """No fault is asked for."""


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hang() -> None:
    threading.Event().wait()


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


_WHAT_HAPPENS = {"": _die, "hang": _hang, "stop": _stop}


class _Countdown:
    """Ends the process, or holds the thread up, the n-th time its point is reached."""

    def __init__(self, point: str, times: int, happens: Callable[[], None]) -> None:
        self.point = point
        self.left = times
        self.happens = happens
        self.lock = threading.Lock()

    def __call__(self, point: str) -> None:
        if point != self.point:
            return
        with self.lock:
            self.left -= 1
            due = self.left == 0
        if due:
            self.happens()


def _from_environment(wish: str):  # type: ignore[no-untyped-def]
    if not wish:
        return _nothing
    point, times, what = [*wish.split(":"), "", ""][:3]
    if point not in POINTS:
        raise ValueError(f"TANDEM_FAULT names no fault point: {point}. Known: {', '.join(POINTS)}")
    return _Countdown(point, int(times or 1), _WHAT_HAPPENS[what])


reach = _from_environment(os.environ.get("TANDEM_FAULT", ""))
