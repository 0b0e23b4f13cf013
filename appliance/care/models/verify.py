"""Is a model still what it was when it came? Every file is read and compared with the digest in its record."""

import msgspec

from appliance.care.models.errors import ModelError
from appliance.care.models.gathering import Told, file_of, files_below, nobody
from appliance.engines.shelf import Shelf
from appliance.ground.clock import Clock
from appliance.ground.files import write_atomically
from appliance.records.base import Record

FILE = ".tandem-verified.json"


class Finding(Record):
    """What is wrong with one file: ``missing``, ``changed``, ``unreadable`` or ``unknown`` (nobody recorded it)."""

    file: str
    problem: str


class Verified(Record):
    """What a look at every byte came to. ``at`` in Unix seconds."""

    model: str
    at: float
    files: int
    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.findings


def verify(shelf: Shelf, name: str, clock: Clock, told: Told = nobody) -> Verified:
    """Read every file of an installed model. Raises ``ModelError`` when there is no such model, or no record of it."""
    record = shelf.record(name)
    if record is None:
        raise ModelError(f"{name} is not on this machine, or nothing is recorded of it.", "See which are: tandem models list")
    folder, found, done = shelf.place(name), [], 0
    for file in record.files:
        done += file.bytes
        try:
            now = file_of(folder / file.name, file.name)
        except FileNotFoundError:
            found.append(Finding(file=file.name, problem="missing"))
        except OSError:
            found.append(Finding(file=file.name, problem="unreadable"))
        else:
            if now != file:
                found.append(Finding(file=file.name, problem="changed"))
        told(file.name, done, record.bytes)
    known = {file.name for file in record.files}
    found += [Finding(file=other, problem="unknown") for other in files_below(folder) if other not in known]
    verified = Verified(model=name, at=clock.now(), files=len(record.files), findings=tuple(found))
    write_atomically(folder / FILE, msgspec.json.encode(verified), 0o644)
    return verified


def last_look(shelf: Shelf, name: str) -> Verified | None:
    """What the last look came to; None when nobody has looked since the model came."""
    try:
        return msgspec.json.decode((shelf.place(name) / FILE).read_bytes(), type=Verified)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
