"""How much at most, and how long. Tests hand in smaller ones."""

from appliance.records.base import Record


class CopyLimits(Record):
    """The limits of copying; each says what happens beyond it."""

    backlog_bytes: int = 16 << 20  # shipped and not yet sent; beyond it the sender reads from disk
    frame_bytes: int = 1 << 20  # of entries in one frame, unless a single transaction or entry is larger
    window_bytes: int = 8 << 20  # sent and not yet flushed by the standby; beyond it the sender waits
    whole_bytes: int = 192 << 20  # of one frame's entries that come in parts; beyond it the line is closed
    confirm_seconds: float = 10.0  # that a flushed entry waits for leave to be acknowledged
    commit_seconds: float = 10.0  # that a standby which holds more than this disk waits for this disk
    ping_seconds: float = 1.0  # of silence before the leader says that it is there
    leader_silent_seconds: float = 5.0  # then the standby dials anew
    greeting_seconds: float = 15.0  # for the leader to say where to go on from; it may wait for its own disk
    follower_silent_seconds: float = 15.0  # then the leader closes the line; a standby's disk may be slow
    seed_beyond: int = 200_000  # entries behind; then the whole database is fetched instead
    probes: int = 140  # questions for a hash
    dial_seconds_least: float = 0.1  # pause between two dials, doubled for each that failed
    dial_seconds_most: float = 1.0
    stop_seconds: float = 10.0  # that a standby which shall stop has for the transaction it is in
    digest_seconds: float = 60.0  # between two comparisons
    answer_seconds: float = 120.0  # for the standby to count what it holds; then there is no comparison this time
    head_seconds: float = 10.0  # for the standby to sign the leader's head
