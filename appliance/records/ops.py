"""The CRM's ops log: one line for each thing that happens to a push. Its field names are kept."""

from appliance.records.base import Record

OPS_EVENTS = ("queued", "retrying", "synced", "failed", "held", "retried", "scrubbed", "reset")


class OpsLine(Record):
    """Codes and numbers alone, no customer's words. Fields are added, never renamed.

    ``timestamp`` and ``last_success`` are ISO 8601 in UTC, ``last_success`` "" while nothing was ever synced. ``queue_depth`` is how many
    pushes wait after the event. ``error`` is the reason as a code, ``response_code`` the HTTP code (0: none came), ``crm_error`` the
    CRM's own code, ``attempts`` how often this push was tried. ``count``: how many pushes were scrubbed or reset at once.
    """

    timestamp: str
    event: str
    queue_depth: int = 0
    last_success: str = ""
    error: str = ""
    response_code: int = 0
    crm_error: str = ""
    attempts: int = 0
    status: str = ""  # the badge
    push: str = ""
    case: str = ""
    demo: bool = False
    count: int = 0
