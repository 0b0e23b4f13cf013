"""How fast a standby that was away catches up: by entries with their sealed bodies, by the whole database, and as the appliance chooses.

The leader is here, the standby a process of its own, TLS over loopback between them. The clock runs from the word "go" to a standby that
is opened and has everything flushed. Beyond ``seed_beyond`` entries the appliance fetches the database; up to there it takes entries.
"""

import shutil
import statistics
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from appliance.evals.bench import mails
from appliance.evals.bench.report import BenchReport, Figure, clock, conditions, figure
from appliance.evals.bench.two_nodes import TERM, Leader, StandbyProcess
from appliance.pair.copying.limits import CopyLimits
from appliance.records.delivery import DeliveryOutcome, DeliveryResult
from appliance.store.bare import JournalOnly, sample_payload
from appliance.store.limits import Sending
from appliance.store.store import Store

_GOAL_ENTRIES_A_SECOND = 40_000.0
_GOAL_SECONDS_A_MILLION = 30.0
_FREELY = Sending(replies_per_sender_per_day=1_000_000, replies_per_hour=1_000_000_000)
_LOT = 500  # mails at once while the journal is made
_WORKERS = 32
_ENTRIES_A_LIFE = 5
_BEGINNING = 20  # mails that every standby has
_BULK = 20_000  # entries of a round of bare inserts
_BULK_LOT = 5_000


def run(rounds: int = 7, entries: int = 100_000) -> BenchReport:
    """A standby catches up: by entries with bodies, by the whole database, and as the appliance would choose (P15)."""
    folder = Path(tempfile.mkdtemp(prefix="tandem-bench-"))
    before = conditions(folder)
    beyond = CopyLimits().seed_beyond
    leader = Leader(folder, CopyLimits(seed_beyond=1 << 60))
    bulk = JournalOnly(folder / "bulk.db", b"k" * 32)
    try:
        entries, made = _fill(leader, entries)
        trial = _Trial(leader, bulk)
        for _ in range(rounds):
            trial.round(by_choice=entries > beyond)
        figures = trial.figures(entries, beyond)
        size = (folder / "a" / "tandem.db").stat().st_size
    finally:
        bulk.close()
        leader.close()
        after = conditions(folder)
        shutil.rmtree(folder)
    what = f"{entries:,} entries of mails that came, were decided and answered, {size / 1e6:,.0f} MB with their bodies"
    note = f"{what}; written at {made:,.0f} a second"
    return BenchReport(name="replicate", rounds=rounds, before=before, after=after, figures=figures, notes=(note,))


def _fill(leader: Leader, entries: int) -> tuple[int, float]:
    """Write a journal of about so many entries behind the beginning of every standby; how many, and how many a second."""
    store, lives = leader.store, _Lives(leader.store)
    store.first_switches(term=TERM, safe_mode=False, automation_enabled=True, outbound_enabled=True)
    lives.live(_BEGINNING)
    leader.keep_beginning()
    began = clock.elapsed()
    while (left := leader.beginning + entries - store.position) > 0:
        lives.live(min(_LOT, -(-left // _ENTRIES_A_LIFE)))
    store.tidy()
    made = store.position - leader.beginning
    return made, made / (clock.elapsed() - began)


class _Lives:
    """Mails that come in, are thought about and answered: five entries each, two of them with words."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._number = 0

    def live(self, count: int) -> None:
        first, self._number = self._number, self._number + count
        receipts = self._store.receive([mails.arrival(number) for number in range(first, self._number)], term=TERM)
        self._store.acknowledge(receipts, None, term=TERM)
        for step in (self._settle, self._deliver):
            workers = [threading.Thread(target=self._until_done, args=(step,)) for _ in range(_WORKERS)]  # they share flushes
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()

    def _until_done(self, step: Callable[[], bool]) -> None:
        while step():
            pass

    def _settle(self) -> bool:
        case = self._store.claim("bench", term=TERM, seconds=600.0)
        if case is not None:
            self._store.settle(case, mails.outcome(), _FREELY, term=TERM)
        return case is not None

    def _deliver(self) -> bool:
        delivery = self._store.next_delivery("bench", term=TERM)
        if delivery is not None:
            self._store.delivered(delivery, DeliveryResult(outcome=DeliveryOutcome.SENT, stage="sent"), term=TERM)
        return delivery is not None


class _Trial:
    def __init__(self, leader: Leader, bulk: JournalOnly) -> None:
        self._leader, self._bulk = leader, bulk
        self._payloads = [sample_payload(number) for number in range(_BULK)]
        self._followed: list[float] = []
        self._seeded: list[float] = []
        self._seeds: list[dict[str, float]] = []
        self._chosen: list[float] = []
        self._inserts: list[float] = []

    def round(self, *, by_choice: bool) -> None:
        self._inserts.append(self._bulk_insert())
        self._followed.append(self._catch_up("follow", empty=False))
        self._seeded.append(self._catch_up("seed", empty=True))
        if by_choice:
            self._leader.shipper.limits = CopyLimits()
            self._chosen.append(self._catch_up("follow", empty=False))
            self._leader.shipper.limits = CopyLimits(seed_beyond=1 << 60)
        else:
            self._chosen.append(self._followed[-1])

    def _catch_up(self, word: str, *, empty: bool) -> float:
        """Seconds until a new standby holds everything."""
        leader = self._leader
        leader.shipper.begin()  # what an earlier standby held does not count
        standby = StandbyProcess(leader, empty=empty)
        try:
            began = standby.say(word)
            ended = leader.until_held(leader.store.position)
            if word == "seed":
                self._seeds.append(standby.seeded())
        finally:
            standby.stop()
        return ended - began

    def _bulk_insert(self) -> float:
        """Bare chained entries a second, without bodies and without tables."""
        began = clock.elapsed()
        for start in range(0, _BULK, _BULK_LOT):
            self._bulk.append_chained(self._payloads[start : start + _BULK_LOT])
        self._bulk.tidy()
        return _BULK / (clock.elapsed() - began)

    def figures(self, entries: int, beyond: int) -> tuple[Figure, ...]:
        speed = statistics.median(each["bytes"] / each["fetched"] for each in self._seeds) / 1e6
        install = statistics.median(each["installed"] for each in self._seeds)
        bulk = f"bare chained inserts of the same rounds, without bodies and tables: {statistics.median(self._inserts):,.0f} a second"
        goal = _GOAL_SECONDS_A_MILLION * entries / 1e6
        way = "by seed" if entries > beyond else "by entries"
        return (
            _rate("by entries with bodies", entries, self._followed, bulk),
            _rate("by seed", entries, self._seeded, f"fetched at {speed:,.0f} MB/s; put in place and opened in {install:.2f} s"),
            figure(
                f"{entries:,} entries behind, {way} as the appliance chooses",
                [(each, goal) for each in self._chosen],
                unit="s", limit="30 s for a million", goal=1.0,
            ),
        )  # fmt: skip


def _rate(name: str, entries: int, times: list[float], note: str) -> Figure:
    pairs = [(entries / each, _GOAL_ENTRIES_A_SECOND) for each in times]
    return figure(name, pairs, unit="entries/s", limit="40,000 entries/s", goal=1.0, more_is_better=True, note=note)
