"""What a witness process keeps on its disk: for each pair a key that a person brought, and the record.

    PAIR.key      the key's line                      0600
    PAIR.record   the record with a keyed digest      0600, replaced whole and flushed before anybody is told

A record that is not there is an empty one, which grants nothing until a leader with its peer behind it has written. One that is
there but cannot be believed is an error: somebody should know of it.

What this cannot see is an older file put back from a backup: never restore a witness; let it begin empty.
"""

import hmac
from pathlib import Path

import msgspec

from appliance.ground.errors import Refused, StoreError
from appliance.ground.files import flush_directory, write_atomically
from appliance.pair.messages import WitnessRecord
from appliance.pair.witness.keys import PAIR, WitnessKey, line, read_line
from appliance.pair.witness.words import seal
from appliance.records.base import Record

PAIRS_MOST = 100
_PURPOSE = b"tandem-w-file-1"


class _Kept(Record):
    record: WitnessRecord
    digest: str


class WitnessDamaged(StoreError):
    """A file of the witness cannot be believed."""

    code = "damaged"

    def __init__(self, pair: str, path: Path, reason: str) -> None:
        super().__init__(
            f"The witness does not answer the pair {pair}: its file {path} {reason}.",
            f"Run tandem witness forget {pair}, then tandem witness add with the key of the pair: it begins empty, which is safe.",
        )


class Shelf:
    """The files of one witness. Whoever changes a record holds the one lock of the server; keys may come and go at any time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def pairs(self) -> tuple[str, ...]:
        return tuple(sorted(path.stem for path in self.folder.glob("*.key")))

    def key(self, pair: str) -> WitnessKey | None:
        """The pair's key; None for a pair that nobody has added. Raises ``WitnessDamaged``."""
        if not PAIR.fullmatch(pair):
            return None
        path = self.folder / f"{pair}.key"
        try:
            key = read_line(path.read_text(encoding="ascii"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise WitnessDamaged(pair, path, f"cannot be read ({error.strerror})") from error
        except (UnicodeDecodeError, Refused) as error:
            raise WitnessDamaged(pair, path, "does not hold a key") from error
        if key.pair != pair:
            raise WitnessDamaged(pair, path, f"holds the key of {key.pair}")
        return key

    def add(self, key: WitnessKey) -> bool:
        """Keep a key; False when it was there already. A record under another key of this pair begins anew."""
        if self.key(key.pair) == key:
            return False
        if len(self.pairs()) >= PAIRS_MOST:
            raise StoreError(f"A witness keeps {PAIRS_MOST} pairs at most.", "Forget one that is no more: tandem witness forget PAIR")
        self.forget(key.pair)
        write_atomically(self.folder / f"{key.pair}.key", (line(key) + "\n").encode("ascii"))
        return True

    def forget(self, pair: str) -> bool:
        """Drop the key and the record; False when the pair was not known."""
        if not PAIR.fullmatch(pair):
            return False
        paths = [self.folder / f"{pair}.key", self.folder / f"{pair}.record"]
        known = any(path.exists() for path in paths)
        for path in paths:
            path.unlink(missing_ok=True)
        flush_directory(self.folder)
        return known

    def record(self, key: WitnessKey) -> WitnessRecord:
        """The record of the pair; an empty one where none was written yet. Raises ``WitnessDamaged``."""
        path = self.folder / f"{key.pair}.record"
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
        except FileNotFoundError:
            return WitnessRecord()
        except OSError as error:
            raise WitnessDamaged(key.pair, path, f"cannot be read ({error.strerror})") from error
        except msgspec.DecodeError as error:
            raise WitnessDamaged(key.pair, path, "is damaged") from error
        if not hmac.compare_digest(kept.digest.encode(), _digest(key, kept.record).encode()):
            raise WitnessDamaged(key.pair, path, "was changed by something else")
        return kept.record

    def write(self, key: WitnessKey, record: WitnessRecord) -> None:
        """Replace the record; returns when it is on the medium. Raises ``OSError``."""
        kept = _Kept(record=record, digest=_digest(key, record))
        write_atomically(self.folder / f"{key.pair}.record", msgspec.json.encode(kept) + b"\n")


def _digest(key: WitnessKey, record: WitnessRecord) -> str:
    return seal(key.key, _PURPOSE, msgspec.json.encode(record)).hex()
