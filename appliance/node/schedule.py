"""What happens by the clock. The only room that knows apscheduler; it keeps its jobs in memory, rebuilt at each start.

A job that is still running when its time comes again is not started twice, and missed runs are made up for once.
"""

import logging
from collections.abc import Callable
from typing import Any

from appliance.ground.errors import TandemError
from appliance.ground.log import Log, Trouble

log = Log("schedule")


class Schedule:
    """Jobs that run every so many seconds in a few threads of their own."""

    def __init__(self) -> None:
        from apscheduler.executors.pool import ThreadPoolExecutor  # late: not before the node is healthy
        from apscheduler.schedulers.background import BackgroundScheduler

        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a round left out because the last one still runs is no news
        self._scheduler: Any = BackgroundScheduler(
            timezone="UTC",
            executors={"default": ThreadPoolExecutor(2)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 60},
        )

    def every(self, seconds: float, name: str, job: Callable[[], object]) -> None:
        self._scheduler.add_job(_guarded(name, job), "interval", seconds=seconds, id=name)

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)


def _guarded(name: str, job: Callable[[], object]) -> Callable[[], None]:
    """A job answers for its own errors: said once when it breaks, once when it heals."""
    trouble = Trouble(log, name)

    def run() -> None:
        try:
            job()
        except TandemError as error:
            trouble.broke(error.message, remedy=error.remedy)
        except Exception as error:
            log.error(f"{name}_failed", error=error)
            trouble.broke(type(error).__name__)
        else:
            trouble.healed()

    return run
