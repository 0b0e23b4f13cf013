"""How much at most, and how long. Whoever opens a store may hand in others."""

from typing import Protocol

from appliance.records.base import Record
from appliance.records.case import SEARCHED_MOST


class StoreLimits(Record):
    """The store's own limits; each says what happens beyond it."""

    queue_jobs: int = 10_000  # waiting for the writer; beyond it a caller gets StoreBusy
    batch_jobs: int = 512  # that share one flush; the rest share the next
    arrivals_per_entry_batch: int = 500  # in one transaction; more are taken in several
    message_bytes: int = 20_000_000  # of a message once encoded; beyond it the HTML goes, then the end of the text
    raw_bytes: int = 50_000_000  # of a raw mail; beyond it only the parsed message is kept
    reply_bytes: int = 1_000_000  # of a draft; beyond it the settlement is refused
    enclosed_files: int = 5  # that go with a reply; more are refused
    enclosed_bytes: int = 10_000_000  # of those files together
    signature_characters: int = 2_000  # of a person's own
    note_characters: int = 10_000  # of an internal note
    references: int = 30  # of a message that are looked up, the newest
    copies: int = 20  # addresses in Cc of a reply
    thread_messages: int = 20  # earlier messages handed to the desk, the newest
    claim_seconds_max: float = 900.0  # of a claim; one that ends later was made before the clock was set back, and has ended
    orphan_seconds: float = 600.0  # until a case that no mailbox was told of is a person's; an intake needs far less to tell it
    orphan_look_seconds: float = 60.0  # between two looks for such cases
    claims_per_case: int = 3  # that failed or ran out; then a person gets the case
    duplicate_seconds: float = 3 * 86_400.0  # how long the same words without a Message-ID count as the same mail
    delivery_attempts: int = 15  # then it is a dead letter: after 38 and a half hours with the pauses below
    backoff_seconds: float = 60.0  # before the second try, doubled for each further one
    backoff_seconds_max: float = 6 * 3600.0
    push_bytes: int = 1_000_000  # of a document for the CRM; a larger one is refused
    push_backoff_seconds: float = 30.0  # before the second try of a push, doubled for each further one
    push_backoff_seconds_max: float = 3_600.0
    push_lease_seconds_max: float = 900.0  # until a push that was started and not heard of is sent again
    automatic_stale_seconds: float = 12 * 3600.0  # in the outbox; a reply that no person approved is then a person's to send
    rows: int = 10_000  # of a list in one answer
    counted: int = 1_000  # cases that are late, drafts that got lost; beyond it the count says so many and no more
    searched_rows: int = SEARCHED_MOST  # the newest, which are found by their words
    searched_characters: int = 600  # of a message's text, from its beginning
    recovered_deliveries: int = 10_000
    slots_reserved: int = 1_024  # customer keys made ahead of use, at least
    head_entries: int = 1_000  # between two signed heads at most
    anchor_seconds: float = 60.0  # between two anchors outside the database at most, when there is something to anchor
    idle_seconds: float = 0.05  # without work before the writer tidies up
    wal_pages: int = 1_000  # in the write-ahead log before an idle writer brings them home
    wal_pages_max: int = 16_000  # before a busy one does, which holds it up for a moment; 64 MB
    linger_share: float = 0.15  # of the running flush time that the writer waits for company
    digest_rows: int = 20_000  # of a table that are compared with the other node's in one turn
    digest_bodies: int = 2_000  # of the sealed bodies in one turn
    problems: int = 200  # that a verification lists


def backoff_seconds(limits: StoreLimits, attempts: int) -> float:
    """The pause after so many tries: doubling and without jitter, for one appliance is no herd."""
    return float(min(limits.backoff_seconds * 2.0 ** max(attempts - 1, 0), limits.backoff_seconds_max))


class SendLimits(Protocol):
    """How many automatic replies at most; the policy's limits fit. They are checked where the reply is queued."""

    @property
    def replies_per_sender_per_day(self) -> int:
        """To one sender within 24 hours."""
        ...

    @property
    def replies_per_hour(self) -> int:
        """To everybody within an hour."""
        ...


class Sending(Record):
    """Plain send limits, with the policy's defaults."""

    replies_per_sender_per_day: int = 1
    replies_per_hour: int = 200
