"""Reading: one connection that cannot write for each thread that reads."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

from appliance.store import sqlite
from appliance.store.errors import StoreClosed

Result = TypeVar("Result")


class _Held:
    """A connection that goes with its thread, and that can be closed from another."""

    def __init__(self, connection: sqlite.Connection) -> None:
        self.connection = connection


class Readers:
    """Hands each thread its own connection. It sees what was committed when a statement begins."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mine = threading.local()
        self._all: WeakSet[_Held] = WeakSet()
        self._lock = threading.Lock()
        self._closed = False

    def connection(self) -> sqlite.Connection:
        """This thread's connection."""
        held = getattr(self._mine, "held", None)
        if held is None or self._closed:
            held = self._open()
        connection: sqlite.Connection = held.connection
        return connection

    def ask(self, work: Callable[[sqlite.Connection], Result]) -> Result:
        """Read with this thread's connection; the library's errors come up with a remedy."""
        try:
            return work(self.connection())
        except sqlite.Error as error:
            if self._closed:
                raise StoreClosed("The store is closed.", "The node is stopping.") from error
            raise sqlite.explain(error, self._path) from error

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Every row of an answer."""
        return self.ask(lambda connection: connection.execute(sql, parameters).fetchall())

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The first row, or None."""
        rows = self.all(sql, parameters)
        return rows[0] if rows else None

    def close(self) -> None:
        """Close every thread's connection. May be called twice."""
        with self._lock:
            self._closed = True
            for held in list(self._all):
                held.connection.close()
            self._all.clear()

    def _open(self) -> _Held:
        with self._lock:
            if self._closed:
                raise StoreClosed("The store is closed.", "The node is stopping.")
            try:
                held = _Held(sqlite.open_reader(self._path))
            except sqlite.Error as error:
                raise sqlite.explain(error, self._path) from error
            self._all.add(held)
        self._mine.held = held
        return held
