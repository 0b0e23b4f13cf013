"""What can go wrong with the store, each with its remedy.

StoreError
├── StoreLocked      another process holds the home
├── StoreCorrupt     the database is not one, or is damaged
├── StoreTooNew      a newer program wrote it
├── StoreOutdated    the SQLite library is too old
├── KeyringError     the keyring is missing, unreadable or not this database's
├── DiskFull         nothing was written; goes on by itself when there is room
├── StoreBroken      the disk failed under a write; nothing is written any more
├── StoreBusy        more work is queued than the limit allows
├── StoreClosed      the store has been closed
└── StaleTerm        the caller's term is over: another node leads
Refused
├── NoSuchCase       no case (or delivery, or key) of that id
├── NoSuchPerson     nobody of that name or id
├── NameTaken        somebody has that name
├── LastAdmin        nobody would be left who may manage people
├── ClaimLost        somebody else has the case by now
├── WrongState       what is asked for does not fit where the case stands
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


class ClaimLost(Refused):
    """The claim is not held any more: it ended and another worker took the case, or a person did."""


class WrongState(Refused):
    """What is asked for does not fit where the case stands now."""


class ChatEnded(Refused):
    """The conversation was closed, or began too long ago; a new one can be begun."""


class TooManyMessages(Refused):
    """One conversation says more than its limits allow."""
