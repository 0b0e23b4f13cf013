"""A push: what the CRM is told of a case, once, however often it takes.

    queued -> sending -> synced | queued again (tried later) | dead;  a person brings a dead one back;
    withdrawn: a newer push of the same case says it all, or its words are gone

Sending is at least once. Every try carries the same id in ``webhook-id``, which is the idempotency key, and the very same bytes; a
receiver that remembers ids sees each push once.
"""

from enum import StrEnum

from appliance.records.base import Record

KEPT_BEFORE = 5  # payloads of a case that are kept beside its last one
PUSH_REASONS = (
    "connect", "certificate", "timeout", "dropped", "bad_answer", "too_long", "server_error", "too_many", "sign_in",
    "moved", "not_found", "gone", "refused", "lever_closed", "secret", "words_gone", "replaced", "scrubbed", "reset",
)  # fmt: skip


class PushState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SYNCED = "synced"
    DEAD = "dead"
    WITHDRAWN = "withdrawn"


class Badge(StrEnum):
    """How a person is told where a push stands. The names are kept."""

    SYNCED = "Synced"  # the CRM has it
    CACHED = "Cached"  # safe here, and not tried yet
    RETRYING = "Retrying"  # tried in vain, and tried again by itself
    FAILED = "Failed"  # not tried any more; a person may


class Push(Record):
    """One push as it stands. Times are Unix seconds; ``not_before`` is when it is tried next.

    ``response_code`` is the CRM's last HTTP code (0: none came), ``reason`` one of ``PUSH_REASONS`` for why the last try failed,
    ``crm_error`` the CRM's own code for it, where it said one. ``payload`` is the JSON document that is sent, "" once ``scrubbed_at``.
    """

    id: str
    case: str
    state: PushState
    demo: bool = False
    attempts: int = 0
    queued_at: float = 0.0
    changed_at: float = 0.0
    not_before: float = 0.0
    response_code: int = 0
    reason: str = ""
    crm_error: str = ""
    by: str = ""
    scrubbed_at: float = 0.0
    payload: str = ""
    sender: str = ""  # of the case, where a list was asked for
    subject: str = ""

    @property
    def badge(self) -> Badge | None:
        """None for one that was withdrawn."""
        if self.state == PushState.QUEUED or self.state == PushState.SENDING:
            return Badge.RETRYING if self.attempts > (self.state == PushState.SENDING) else Badge.CACHED
        return {PushState.SYNCED: Badge.SYNCED, PushState.DEAD: Badge.FAILED}.get(self.state)


class PushOutcome(StrEnum):
    """What came of a try."""

    SYNCED = "synced"
    TRY_AGAIN = "try_again"
    REFUSED = "refused"  # the CRM will not have this one, however often it is sent
    HELD = "held"  # nothing was sent: the lever was closed, or the lead lost, in the last moment


class PushResult(Record):
    """``blameless``: nothing was wrong with this push, so the next one would fare no better; the loop pauses."""

    outcome: PushOutcome
    response_code: int = 0
    reason: str = ""
    crm_error: str = ""
    retry_after_seconds: float | None = None
    blameless: bool = False


class PushCounts(Record):
    """The queue to the CRM at a glance. ``depth`` is what waits, ``last_success_at`` 0.0 while nothing was ever synced.

    ``last_error`` is the reason of the newest push whose last try failed, "" when none is on record, with its codes.
    """

    cached: int = 0
    retrying: int = 0
    synced: int = 0
    failed: int = 0
    withdrawn: int = 0
    demo: int = 0
    depth: int = 0
    oldest_at: float = 0.0
    last_success_at: float = 0.0
    last_error: str = ""
    response_code: int = 0
    crm_error: str = ""
