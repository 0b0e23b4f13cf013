"""Clients that hand mails in, one alone or many at once, and how long each waits until its mail is safe."""

import statistics
import threading

from appliance.evals.bench import mails
from appliance.evals.bench.report import clock, percentile
from appliance.records.message import Arrival
from appliance.store.store import Store


class Clients:
    """Of one store, which takes changes in this term. No mail comes twice."""

    def __init__(self, store: Store, term: int) -> None:
        self._store, self._term = store, term
        self._next = 0

    def run(self, clients: int, each: int) -> tuple[float, float]:
        """Seconds an accept (the median for one client, the whole time shared out for many), and the 99th percentile."""
        lots = [[mails.arrival(self._next + client * each + number) for number in range(each)] for client in range(clients)]
        self._next += clients * each
        waits: list[float] = []
        barrier = threading.Barrier(clients + 1)

        def client(lot: list[Arrival]) -> None:
            mine = []
            barrier.wait()
            for one in lot:
                started = clock.elapsed()
                self._store.receive((one,), term=self._term)
                mine.append(clock.elapsed() - started)
            waits.extend(mine)

        threads = [threading.Thread(target=client, args=(lot,)) for lot in lots]
        for thread in threads:
            thread.start()
        barrier.wait()
        started = clock.elapsed()
        for thread in threads:
            thread.join()
        whole = clock.elapsed() - started
        return (statistics.median(waits) if clients == 1 else whole / (clients * each)), percentile(waits, 0.99)
