"""What the writer does when nobody asks for anything: bring the log home, sign and anchor the journal's end."""

from pathlib import Path

from appliance.ground.clock import Clock
from appliance.ground.log import Log, Trouble
from appliance.store.audit import Head, write_anchor
from appliance.store.books import Books
from appliance.store.heads import countersigned

log = Log("store")

_LOG_AGAIN_SECONDS = 2.0  # a reader that keeps the log from being cut reads for about a second


class Upkeep:
    """Runs on the writer's thread, between batches."""

    def __init__(self, books: Books, anchor: Path, clock: Clock) -> None:
        self._books = books
        self._path = anchor
        self._clock = clock
        self._anchored = 0
        self._anchored_at = float("-inf")
        self._log_has_gone_words = False
        self.trouble = Trouble(log, "store_upkeep")

    def idle(self) -> float | None:
        """Tidy up; in how many seconds there is more to do (None: not before somebody writes again)."""
        try:
            self._checkpoint(self._books.limits.wal_pages)
            wait = self._wait_for_anchor()
            if wait is not None and wait <= 0:
                self.anchor()
                wait = None
            if self._log_has_gone_words and not self._cut_log():
                wait = min(wait or _LOG_AGAIN_SECONDS, _LOG_AGAIN_SECONDS)
            self.trouble.healed()
            return wait
        except Exception as error:
            self.trouble.broke(str(error))
            return self._books.limits.anchor_seconds

    def after_batch(self) -> None:
        """A writer that is never idle must still not let the log grow without end."""
        self._checkpoint(self._books.limits.wal_pages_max)

    def tidy(self) -> None:
        """Bring the log home now. The next commits write over it, which costs a disk less than a file that grows."""
        self._checkpoint(1)

    def words_went(self) -> None:
        """Sealed words were deleted, here or by what the other node wrote: the log is cut as soon as nobody asks for anything."""
        self._log_has_gone_words = True

    def empty_log(self) -> None:
        """Bring the log home and cut it to nothing, so that no deleted words are left in what was not written over yet.

        A reader that still needs the log keeps it from being cut; then it is done from idle time.
        """
        busy = self._books.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        self._log_has_gone_words = bool(busy)

    def _cut_log(self) -> bool:
        """The same without waiting for any reader, for whoever asks for something next would wait as well."""
        connection = self._books.connection
        patience = connection.execute("PRAGMA busy_timeout").fetchone()[0]
        connection.execute("PRAGMA busy_timeout=0")
        try:
            self.empty_log()
        finally:
            connection.execute(f"PRAGMA busy_timeout={int(patience)}")
        return not self._log_has_gone_words

    def anchor(self) -> None:
        """Sign the journal's end in a transaction of its own, and put it outside the database."""
        books = self._books
        if books.position > books.head:
            books.connection.execute("BEGIN IMMEDIATE")
            try:
                books.sign_head(self._clock.now())
                books.connection.execute("COMMIT")
            except BaseException:
                if books.connection.in_transaction:
                    books.connection.execute("ROLLBACK")
                books.reload()
                raise
        self.anchor_signed()

    def anchor_signed(self, anew: bool = False) -> None:
        """Put the newest signed head outside the database, with the newest that the other node signed too; ``anew``: even when it was."""
        row = self._books.connection.execute("SELECT position, hash, signature, at FROM heads ORDER BY position DESC LIMIT 1").fetchone()
        if row is not None and (row[0] > self._anchored or anew):
            (both,) = countersigned(self._books.connection, newest=True) or (None,)
            head = Head(position=row[0], hash=row[1].hex(), signature=row[2].hex(), at=row[3], countersigned=both)
            write_anchor(self._path, head)
            self._anchored = row[0]
        self._anchored_at = self._clock.elapsed()

    def close(self) -> None:
        """The last thing: everything signed, anchored and brought home."""
        self.anchor()
        self._books.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _wait_for_anchor(self) -> float | None:
        if self._books.position <= self._anchored:
            return None
        if self._books.position - self._anchored >= self._books.limits.head_entries:
            return 0.0
        return max(0.0, self._anchored_at + self._books.limits.anchor_seconds - self._clock.elapsed())

    def _checkpoint(self, pages: int) -> None:
        """Bring the log's pages home when there are so many. Readers are not held up, and none holds it up for long."""
        _, logged, home = self._books.connection.execute("PRAGMA wal_checkpoint(NOOP)").fetchone()
        if logged - home >= pages:
            self._books.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
