"""From nothing to healthy: how long after its start a daemon answers, against one that loads everything before it listens."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.evals.bench.process import Daemon, home_of, running
from appliance.evals.bench.report import BenchReport, conditions, figure
from appliance.ground.clock import SystemClock
from appliance.records.message import Address, Arrival, Message, Origin
from appliance.store.store import Store

MAIL_BYTES = 100_000
MAILS_AT_ONCE = 100
GIGABYTE = 1_000_000_000

# What a daemon would do that is not split in two: load, open, build, and only then listen.
EAGER = """
import os
from pathlib import Path
import sqlite_utils, lingua, openpyxl, apscheduler.schedulers.background
from appliance.node.build import build
from appliance.panel.app import build_app, options_of
from appliance.panel.front import PanelServer
from appliance.settings.read import load
settings = load(home=Path(os.environ["TANDEM_HOME"]), environment=os.environ)
node = build(settings)
node.start()
app = build_app(node.commands, options_of(settings))
server = PanelServer()
server.start(settings.panel.host, settings.panel.port)
server.attach(app)
node.ended.wait()
"""


def run(rounds: int = 7, size: int = GIGABYTE) -> BenchReport:
    """Start the daemon until /healthz and until the panel, against loading everything first; also after kill -9 with 1 GB (P11)."""
    before = conditions()
    with home_of() as home:
        with running(home) as daemon:  # the first start makes the database; it is not counted
            daemon.seconds_until("/readyz")
        empty = [_round(home) for _ in range(rounds)]
    with home_of() as home:
        _fill(home, size)
        full = [_round(home) for _ in range(rounds)]
    figures = [
        figure("healthy", [(each[0], each[2]) for each in empty], unit="s", limit="bare Python start", goal=0.2, note=_most(empty, 0)),
        figure("panel", [(each[1], 1.0) for each in empty], unit="s", limit="1 s", goal=1.0, note=_most(empty, 1)),
        figure("healthy after kill -9, 1 GB", [(each[0], 0.25) for each in full], unit="s", limit="0.25 s", goal=1.0, note=_most(full, 0)),
        figure("panel after kill -9, 1 GB", [(each[1], 1.0) for each in full], unit="s", limit="1 s", goal=1.0, note=_most(full, 1)),
    ]
    return BenchReport(name="boot", rounds=rounds, before=before, after=conditions(), figures=tuple(figures))


def _round(home: Path) -> tuple[float, float, float]:
    """Seconds to healthy and to the panel, ended by kill -9; and seconds to healthy of a daemon that loads everything first."""
    with running(home) as daemon:
        healthy = daemon.seconds_until("/healthz")
        panel = daemon.seconds_until("/sign-in")
        daemon.kill()
    with _eager(home) as daemon:
        eager = daemon.seconds_until("/healthz")
        daemon.kill()
    return healthy, panel, eager


@contextmanager
def _eager(home: Path) -> Iterator[Daemon]:
    with running(home, [sys.executable, "-c", EAGER]) as daemon:
        yield daemon


def _most(rounds: list[tuple[float, float, float]], column: int) -> str:
    return f"slowest {1000 * max(each[column] for each in rounds):.0f} ms"


def _fill(home: Path, size: int) -> None:
    """A journal with so many bytes of mail, and a process that was killed over it."""
    words = "All work and no play makes a dull mailbox. " * (MAIL_BYTES // 43)
    with Store.open(home, SystemClock()) as store:
        term = store.begin_term("bench")
        for start in range(0, size // MAIL_BYTES, MAILS_AT_ONCE):
            store.receive([_mail(number, words) for number in range(start, start + MAILS_AT_ONCE)], term=term)
    with running(home) as daemon:
        daemon.seconds_until("/readyz")
        daemon.kill()


def _mail(number: int, words: str) -> Arrival:
    sender = Address(address=f"customer{number}@example.com")
    message = Message(channel="mail", message_id=f"<{number}@example.com>", sender=sender, subject="Long", text=words)
    return Arrival(origin=Origin(mailbox="bench", uid=number + 1, uid_validity=1), message=message, received_at=0.0)
