"""What the two nodes say to each other on the lines "follow", "seed" and "files".

Every field has a limit, so that a frame that says too much is no frame. Positions are positions in the journal; hashes are the
chain's, 32 bytes, empty where there is no such entry; digests of files are SHA-256.
"""

from typing import Annotated

from msgspec import Meta

from appliance.records.base import Record
from appliance.store.shipment import Shipment, SignedHead, TableDigest

Position = Annotated[int, Meta(ge=0, le=2**62)]
Hash = Annotated[bytes, Meta(max_length=32)]
Code = Annotated[str, Meta(max_length=64)]
Name = Annotated[str, Meta(min_length=1, max_length=500)]

PART_BYTES = 1 << 20
"""Of a piece of anything that is larger than one frame should be."""


# Line "follow": what the standby says


class Follow(Record, tag="follow"):
    """Here my journal ends, and so many slots of my keyring are the leader's. The first word on the line."""

    position: Position
    term: Position
    hash: Hash
    slots: Position


class HashAt(Record, tag="hash_at"):
    """The hash of my entry there; empty when I have none."""

    position: Position
    hash: Hash


class Flushed(Record, tag="flushed"):
    """Everything up to here is on my disk. It answers whatever the leader says."""

    position: Position


class DigestIs(Record, tag="digest_is"):
    """What I count at the marker of this number; None when I cannot."""

    number: Position
    digest: TableDigest | None = None


# Line "follow": what the leader says


class Probe(Record, tag="probe"):
    """Which hash has your entry there?"""

    position: Position


class Agreed(Record, tag="agreed"):
    """Your journal is the beginning of mine up to here, where it ends; now comes what follows."""

    position: Position


class Diverged(Record, tag="diverged"):
    """Our journals are the same up to ``common`` and part there; mine ends at this position in this term."""

    common: Position
    position: Position
    term: Position


class SeedNeeded(Record, tag="seed_needed"):
    """Fetch the whole database; the reason is a code."""

    reason: Code


class Entries(Record, tag="entries"):
    """What follows, in order. It is applied as one transaction and answered once."""

    shipments: Annotated[tuple[Shipment, ...], Meta(max_length=10_000)]


class Part(Record, tag="part"):
    """A piece of entries that are too large for one frame; with the last they are whole."""

    data: Annotated[bytes, Meta(max_length=PART_BYTES)]
    last: bool


class DigestAt(Record, tag="digest_at"):
    """Count what you hold now, at exactly this position; ``turn`` chooses the part of a large table."""

    number: Position
    position: Position
    turn: Position


class Differs(Record, tag="differs"):
    """We do not count the same in these tables: examine yourself, as I do."""

    number: Position
    tables: Annotated[tuple[Code, ...], Meta(max_length=500)]


class Ping(Record, tag="ping"):
    """Nothing new; answer, so that we both know the line is alive."""


# Both ways on the line "follow"


class Heads(Record, tag="heads"):
    """``mine``: where my journal ends, signed by me. ``yours``: my signature under the end that you have just told me."""

    mine: SignedHead | None = None
    yours: Annotated[bytes, Meta(max_length=64)] = b""


Greeting = Probe | Agreed | Diverged | SeedNeeded
FromLeader = Entries | Part | Ping | DigestAt | Differs | Heads
FromFollower = Flushed | DigestIs | Heads


# Line "seed"


class SeedWish(Record, tag="seed_wish"):
    """I want the whole database."""


class SeedWait(Record, tag="seed_wait"):
    """It is being made."""


class SeedStart(Record, tag="seed_start"):
    """So many bytes come."""

    total: Position


class SeedPart(Record, tag="seed_part"):
    """The next piece."""

    data: Annotated[bytes, Meta(max_length=PART_BYTES)]


class SeedGot(Record, tag="seed_got"):
    """So many bytes have arrived."""

    total: Position


class SeedKeys(Record, tag="seed_keys"):
    """The next piece of the shared part of the keyring; all of it comes after the database."""

    data: Annotated[bytes, Meta(max_length=PART_BYTES)]


class SeedEnd(Record, tag="seed_end"):
    """That was all: the digest of the database and the keys, one after the other, and where the journal ends."""

    sha256: Hash
    position: Position
    term: Position
    hash: Hash


class Turned(Record, tag="turned"):
    """It is not to be had; the reason is a code."""

    code: Code


FromSeeder = SeedWait | SeedStart | SeedPart | SeedKeys | SeedEnd | Turned
FromSeeded = SeedWish | SeedGot | Turned


# Line "files"


class FileMark(Record):
    """A file by its content; ``mode`` are its permission bits."""

    sha256: Hash
    size: Position
    mode: Annotated[int, Meta(ge=0, le=0o777)]


class Manifest(Record, tag="manifest"):
    """Every shared file by its logical name."""

    files: Annotated[dict[Name, FileMark], Meta(max_length=10_000)]


class FilesWish(Record, tag="files_wish"):
    """Which files are there?"""


class FileWish(Record, tag="file_wish"):
    """Give me this one."""

    name: Name


class FilePart(Record, tag="file_part"):
    """The next piece of it."""

    data: Annotated[bytes, Meta(max_length=PART_BYTES)]
    last: bool


FromFiles = Manifest | FilePart | Turned
FromPuller = FilesWish | FileWish
