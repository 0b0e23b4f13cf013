"""What a node hears, and what it does about it: the words between the pure step and the world around it.

Times are seconds on the clock of the node that wrote them. They are handed back as they came and never compared with another
node's clock.
"""

from typing import Literal

from appliance.records.base import Record

Phase = Literal["standby", "stands", "leader"]
"""``stands``: asks to be leader of a term that it has already written down."""

WitnessKind = Literal["mailbox", "tcp", "none"]
Wish = Literal["handover", "takeover"]
"""What a person may ask: hand over to the peer; or take over, for the peer is switched off."""


class End(Record, order=True):
    """The newest entry on a node's disk. The later term is the longer journal, whatever the positions say."""

    term: int = 0
    position: int = 0


class Hears(Record):
    """ "I heard what you sent at this moment." The moment is the hearer's own, handed back to it.

    ``countersigns`` is the term in which I support you and nobody else for one full lease from when I heard it; 0 is no promise.
    """

    boot: int
    sent_at: float
    countersigns: int = 0


class Beat(Record):
    """A heartbeat: everything that one node tells the other, several times a second. Any of them may be lost, late or twice.

    ``yields``: it does not stand now, because it has just handed over or stood in vain. ``in_sync`` is the leader's word that the
    hearer holds everything that was ever acknowledged. ``sending``: the data of a mail is on its way out; when a node that leads no
    more says so, it is not done with leading. ``rules`` are the sender's; ``led_otherwise`` as in ``Kept``.
    """

    sender: str
    boot: int
    sent_at: float
    term: int
    phase: Phase
    end: End
    healthy: bool
    joined: bool
    in_sync: bool
    yields: bool
    hears: Hears | None = None
    sending: bool = False
    rules: str = ""
    led_otherwise: int = 0


class Look(Record):
    """Read the witness's record; nothing changes."""

    number: int


class Take(Record):
    """Stand for a term at the witness, which can take the peer's place in the vote."""

    number: int
    node: str
    term: int
    forced: bool = False


class Note(Record):
    """The leader writes down whether its peer holds every acknowledged entry. With ``in_sync=False`` it also renews the lease."""

    number: int
    node: str
    term: int
    in_sync: bool


Ask = Look | Take | Note


class WitnessRecord(Record):
    """All that a witness remembers. ``number`` orders what one leader wrote; term 0 is a witness that was never written to."""

    holder: str = ""
    term: int = 0
    in_sync: bool = False
    number: int = 0


class Reply(Record):
    """What the witness answered, with the number of the question. ``wait_seconds``: the lease of somebody else may run so long."""

    number: int
    granted: bool
    record: WitnessRecord
    wait_seconds: float = 0.0


class Own(Record):
    """What a node sees of itself at each step.

    ``end`` is flushed; ``written`` is the position of the newest entry, flushed or not; ``shipped`` is up to where the peer has
    flushed this very journal (same hashes). ``waiting_seconds`` is how long the oldest entry waits for the peer's flush.
    ``drained``: no commit and no effect is under way. ``sending``: the data of a mail was let go and has not all left.
    """

    end: End = End()
    written: int = 0
    shipped: int = 0
    waiting_seconds: float = 0.0
    drained: bool = True
    sending: bool = False
    healthy: bool = True


class Heard(Record):
    """The occasion of a step: with nothing but ``own`` it is a tick. ``jitter`` (0 to 1) keeps two nodes from standing in step."""

    own: Own = Own()
    beat: Beat | None = None
    reply: Reply | None = None
    wish: Wish | None = None
    jitter: float = 0.0


class Kept(Record):
    """What must outlive a crash. ``term`` is the highest known, ``supports`` whom the node helps in it.

    ``joined``: a leader said once that this node holds everything. Without it a node never stands: its journal may be empty.
    ``forced``: it led by a person's word and has not been in step with the peer since; it may lack what the peer has sent.
    ``lease_seconds``: the longest lease that may still run by this node's word; longer than its own where the setting was shortened.
    ``rules``: those of the last start. ``led_otherwise``: up to this term somebody may have led by other rules than these, and a
    witness's record that is no later knows nothing of what was acknowledged then.
    """

    boot: int = 0
    term: int = 0
    supports: str = ""
    joined: bool = False
    forced: bool = False
    lease_seconds: float = 0.0
    rules: str = ""
    led_otherwise: int = 0


class Keep(Record):
    """Write it down and flush. The actions after it wait for that; when it fails, the node ends at once."""

    kept: Kept


class Send(Record):
    """Send to the peer, unreliably."""

    beat: Beat


class AskWitness(Record):
    """Ask the witness; no answer is an answer too."""

    ask: Ask


class Stop(Record):
    """End the process: it starts again as a standby. ``reason`` is a code."""

    reason: str


Action = Keep | Send | AskWitness | Stop
"""To be carried out in the order in which they stand."""
