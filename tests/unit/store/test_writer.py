import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.ground.errors import StoreError
from appliance.records.events import SourceRefreshed
from appliance.store import intake, sqlite
from appliance.store.books import Books
from appliance.store.errors import DiskFull, StoreBroken, StoreBusy, StoreClosed
from appliance.store.limits import StoreLimits
from appliance.store.store import Store
from tests.support.clock import FakeClock
from tests.unit.store.support import Desk, message, open_store


class Disk:
    """A connection over a disk that fails when told to."""

    def __init__(self, connection: sqlite.Connection) -> None:
        self._connection = connection
        self.fails = ""
        self.commits = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, parameters: Any = ()) -> sqlite.Cursor:
        if sql == "COMMIT":
            self.commits += 1
            if self.fails:
                error = sqlite.Error(self.fails)
                error.sqlite_errorcode = {"full": 13, "fsync": 1034}[self.fails]  # type: ignore[attr-defined]
                raise error
        return self._connection.execute(sql, parameters)


@pytest.fixture
def disk(store: Store) -> Disk:
    disk = Disk(store._books.connection)
    store._books.connection = disk
    return disk


def held_up(store: Store) -> Callable[[], None]:
    """Keep the writer busy until the returned function is called, so that jobs gather behind it."""
    going, started = threading.Event(), threading.Event()

    def wait(_: Books) -> None:
        started.set()
        going.wait(10)

    store._writer.submit(wait)
    started.wait(10)
    return going.set


def gather(store: Store, jobs: list[Callable[[Books], Any]]) -> list[Any]:
    """Run the jobs in one batch; each one's result or error."""
    let_go = held_up(store)
    tickets = [store._writer.submit(job) for job in jobs]
    let_go()
    found = []
    for ticket in tickets:
        try:
            found.append(ticket.wait())
        except Exception as error:
            found.append(error)
    return found


def put(number: int) -> Callable[[Books], int]:
    def job(books: Books) -> int:
        books.connection.execute("INSERT INTO sources VALUES (?, '', ?, 0, '')", (f"source-{number}", number))
        return number

    return job


def names(store: Store) -> list[str]:
    return [row[0] for row in store._readers.all("SELECT name FROM sources ORDER BY name")]


def test_concurrent_jobs_share_one_commit(store: Store, disk: Disk) -> None:
    assert gather(store, [put(number) for number in range(50)]) == list(range(50))
    assert disk.commits == 1
    assert len(names(store)) == 50


def test_a_failing_job_takes_nobody_with_it_and_leaves_nothing_behind(store: Store) -> None:
    def fails(books: Books) -> None:
        put(99)(books)
        raise ValueError("no")

    results = gather(store, [put(1), fails, put(2), fails, put(3)])
    assert [result for result in results if isinstance(result, int)] == [1, 2, 3]
    assert [type(result) for result in results if not isinstance(result, int)] == [ValueError, ValueError]
    assert names(store) == ["source-1", "source-2", "source-3"]


def test_a_job_that_fails_in_the_library_fails_alone_with_a_remedy(store: Store) -> None:
    results = gather(store, [put(1), put(1), put(2)])
    assert results[0] == 1
    assert results[2] == 2
    assert isinstance(results[1], StoreError)


def test_a_failing_job_does_not_break_the_chain(desk: Desk) -> None:
    def fails(books: Books) -> None:
        books.append(SourceRefreshed(at=1.0, source="x", digest="", passages=1), term=desk.term)
        raise ValueError("no")

    arrivals = [desk.arrival(message(text=str(number))) for number in range(4)]
    jobs: list[Callable[[Books], Any]] = []
    for arrival in arrivals:
        prepared = intake.prepare(arrival, desk.store._prints, desk.store.limits)
        jobs += [lambda books, one=prepared: intake.receive(books, [one], desk.term, 1.0), fails]  # type: ignore[misc]
    gather(desk.store, jobs)
    found = desk.store.verify(tables=True)
    assert found.ok
    assert found.bodies == 4


def test_a_job_that_fails_only_when_it_is_run_again_leaves_nothing_behind(store: Store, desk: Desk) -> None:
    runs: list[int] = []

    def moody(books: Books) -> None:
        books.append(SourceRefreshed(at=1.0, source="moody", digest="", passages=1), term=desk.term)
        runs.append(1)
        if len(runs) == 2:
            raise ValueError("not again")

    def fails(books: Books) -> None:
        put(98)(books)
        raise ValueError("no")

    def source(books: Books) -> int:
        return books.append(SourceRefreshed(at=1.0, source="fine", digest="", passages=1), term=desk.term)

    results = gather(store, [source, moody, fails, source])
    assert [type(result) for result in results] == [int, ValueError, ValueError, int]
    assert names(store) == ["fine"]
    assert store.verify(tables=True).ok


def test_a_full_disk_fails_the_whole_batch_and_work_goes_on_when_there_is_room(store: Store, disk: Disk, desk: Desk) -> None:
    position = store.position
    disk.fails = "full"
    results = gather(store, [put(1), put(2)])
    assert [type(result) for result in results] == [DiskFull, DiskFull]
    assert str(store.path) in str(results[0])
    assert "Free some space" in results[0].remedy
    with pytest.raises(DiskFull):
        desk.receive(message())
    assert (store.position, names(store), store.broken) == (position, [], None)
    disk.fails = ""
    desk.take_in(message())
    assert desk.claim().message == message()
    assert store.verify(tables=True).ok


def test_a_really_full_database_says_so_and_recovers(store: Store, clock: FakeClock) -> None:
    desk = Desk(store, clock)
    pages = store._readers.one("PRAGMA page_count")[0]
    store._run(lambda books: books.connection.execute(f"PRAGMA max_page_count={pages + 3}").fetchone())
    with pytest.raises(DiskFull):
        desk.receive(*(message(text="x" * 50_000 + str(number)) for number in range(5)))
    assert store.counts()["arrived"] == 0  # type: ignore[index]
    store._run(lambda books: books.connection.execute("PRAGMA max_page_count=1000000").fetchone())
    desk.take_in(message())
    assert store.verify(tables=True).ok


def test_a_failed_flush_is_never_retried(store: Store, disk: Disk, desk: Desk) -> None:
    disk.fails = "fsync"
    with pytest.raises(StoreBroken, match="failed while it was written"):
        desk.receive(message())
    disk.fails = ""
    commits = disk.commits
    with pytest.raises(StoreBroken):
        desk.receive(message())
    assert disk.commits == commits
    assert isinstance(store.broken, StoreBroken)


def test_with_a_broken_store_every_lever_counts_as_closed(store: Store, disk: Disk, desk: Desk) -> None:
    assert store.switches().readable
    disk.fails = "fsync"
    with pytest.raises(StoreBroken):
        desk.receive(message())
    assert not store.switches().readable
    assert store.switches().safe_mode


def test_a_disk_that_refuses_a_write_breaks_the_store_and_keeps_what_was_confirmed(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from tests.support.clock import FakeClock
from tests.unit.store.support import Desk, message, open_store
desk = Desk(open_store(Path(sys.argv[1]), FakeClock()), FakeClock())
for number in range(10_000):
    try:
        desk.take_in(message(text="x" * 5_000 + str(number)))
    except Exception as error:
        print(number, type(error).__name__, flush=True)
        break
"""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))

    child = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "home")], preexec_fn=limit, capture_output=True, text=True, check=False
    )
    confirmed, error = child.stdout.split()
    assert error == "StoreBroken", child.stderr
    with open_store(tmp_path / "home", FakeClock()) as store:
        assert sum(store.counts().values()) >= int(confirmed) > 10
        assert store.verify(tables=True).ok


def test_more_jobs_than_the_limit_are_refused_at_once(tmp_path: Path, clock: FakeClock) -> None:
    with open_store(tmp_path / "home", clock, StoreLimits(queue_jobs=3)) as store:
        let_go = held_up(store)
        tickets = [store._writer.submit(put(number)) for number in range(3)]
        with pytest.raises(StoreBusy):
            store._writer.submit(put(4))
        let_go()
        assert [ticket.wait() for ticket in tickets] == [0, 1, 2]


def test_what_is_queued_when_the_store_closes_is_written(tmp_path: Path, clock: FakeClock) -> None:
    store = open_store(tmp_path / "home", clock)
    let_go = held_up(store)
    tickets = [store._writer.submit(put(number)) for number in range(5)]
    closing = threading.Thread(target=store.close)
    closing.start()
    let_go()
    assert [ticket.wait() for ticket in tickets] == list(range(5))
    closing.join()
    with pytest.raises(StoreClosed):
        store.receive((), term=0)


def test_closing_twice_is_fine(store: Store) -> None:
    store.close()
    store.close()


def test_work_between_two_transactions_sees_the_first_committed(store: Store) -> None:
    let_go = held_up(store)
    ticket = store._writer.submit(put(1))
    seen: list[list[str]] = []
    looking = threading.Thread(target=lambda: store._writer.between(lambda: seen.append(names(store))))
    looking.start()
    let_go()
    ticket.wait()
    looking.join()
    assert seen == [["source-1"]]


def test_tidying_brings_the_log_home(store: Store, desk: Desk) -> None:
    def log() -> list[int]:
        found: list[list[int]] = []
        connection = store._books.connection
        store._writer.between(lambda: found.append(list(connection.execute("PRAGMA wal_checkpoint(NOOP)").fetchone())))
        return found[0][1:]

    desk.take_in(message())
    logged, home = log()
    assert logged > home
    store.tidy()
    logged, home = log()
    assert logged == home


def test_many_threads_at_once_lose_nothing(store: Store, clock: FakeClock) -> None:
    desk = Desk(store, clock)
    lots = [[desk.arrival(message(text=f"{lot}-{number}")) for number in range(25)] for lot in range(8)]
    threads = [threading.Thread(target=lambda lot=lot: [store.receive([one], term=desk.term) for one in lot]) for lot in lots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(store.counts().values()) == 200
    found = store.verify(tables=True)
    assert found.ok
    assert found.bodies == 200
