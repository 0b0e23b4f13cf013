"""What can go wrong with the store, each with its remedy.

StoreError
├── StoreLocked      another process holds the home
├── StoreCorrupt     the database is not one, or is damaged
├── StoreTooNew      a newer program wrote it
├── StoreOutdated    the SQLite library is too old
├── KeyringError     the keyring is missing, unreadable or not this database's
├── DiskFull         nothing was written; goes on by itself when there is room
├── StoreBroken      the disk failed under a write; nothing is written any more
│   └── Torn         what was handed to the other node could not be written here
├── StoreBusy        more work is queued than the limit allows
├── StoreClosed      the store has been closed
├── StaleTerm        the caller's term is over: another node leads
├── NotLeading       this node follows; changes are made where the other one leads
├── Unconfirmed      written here, and the other node has not confirmed it
├── Forked           two journals say different things at one position
├── NotYet           what is asked about lies beyond this journal's end
├── BadShipment      what came from the other node is damaged, or no part of the chain
└── UnknownOperation the other node's program knows changes that this one does not
Refused
├── NoSuchCase       no case (or delivery, or key) of that id
├── NoSuchPerson     nobody of that name or id
├── NameTaken        somebody has that name
├── LastAdmin        nobody would be left who may manage people
├── ClaimLost        somebody else has the case by now
├── WrongState       what is asked for does not fit where the case stands
├── SameAudio        the same sound came in before
├── ChatEnded        the conversation is over
└── TooManyMessages  a conversation says more than the limits allow
"""

from appliance.ground.errors import Refused, StoreError


class StoreLocked(StoreError):
    """Another process holds this home."""


class StoreCorrupt(StoreError):
    """The database file is no database, or is damaged."""

    code = "database_damaged"


class StoreTooNew(StoreError):
    """The database was written by a newer program."""


class StoreOutdated(StoreError):
    """The SQLite library in this process is older than the oldest safe one."""


class KeyringError(StoreError):
    """The keyring is missing, unreadable, damaged, or not the one this database was written with."""

    code = "keyring"


class DiskFull(StoreError):
    """There was no room. The whole transaction was undone, and the next one may succeed."""

    code = "disk_full"


class StoreBroken(StoreError):
    """The disk failed under a write. What is on it is not known, so nothing is retried (a second fsync may lie)."""

    code = "disk_failed"


class StoreBusy(StoreError):
    """The writer's queue is at its limit."""

    code = "store_busy"


class StoreClosed(StoreError):
    """The store has been closed."""

    code = "store_closed"


class StaleTerm(StoreError):
    """The term of the caller is lower than the store's: another node has taken over."""

    code = "stale_term"


class Torn(StoreBroken):
    """The other node may hold entries that could not be written here. Writing others in their place would fork the journal."""

    code = "torn"


class NotLeading(StoreError):
    """This node follows: the other one leads, and changes are made there."""

    code = "not_leading"


class Unconfirmed(StoreError):
    """The change is on this node's disk, and nobody may be told so: the other node has not confirmed it."""

    code = "unconfirmed"


class Forked(StoreError):
    """The other journal says something else at a position that this one has; one of the two tails must go."""

    code = "forked"


class NotYet(StoreError):
    """What is asked about, or what comes before it, is not in this journal yet."""

    code = "not_yet"


class BadShipment(StoreError):
    """Entries or words from the other node that are damaged, out of order, or not written with our keys. Nothing was applied."""

    code = "bad_shipment"


class UnknownOperation(StoreError):
    """An entry of a version or kind that this program does not know. It is never skipped; nothing was applied."""

    code = "unknown_operation"


class NoSuchCase(Refused):
    """Nothing of that id is here."""


class NoSuchPerson(Refused):
    """Nobody of that name or id is here."""


class NameTaken(Refused):
    """Two people of one name could not sign in."""

    code = "name_taken"


class LastAdmin(Refused):
    """Without an active admin nobody could let anybody in again."""

    code = "last_admin"


class SameAudio(Refused):
    """The same sound came in before, as the case in ``gaps["case"]``. It can be taken in once more all the same."""

    code = "same_audio"


class ClaimLost(Refused):
    """The claim is not held any more: it ended and another worker took the case, or a person did."""


class WrongState(Refused):
    """What is asked for does not fit where the case stands now."""


class ChatEnded(Refused):
    """The conversation was closed, or began too long ago; a new one can be begun."""


class TooManyMessages(Refused):
    """One conversation says more than its limits allow."""
