"""What a wheel says of itself, and whether it is whole (the binary distribution format: PEP 427, PEP 566, PEP 376)."""

import base64
import csv
import hashlib
import re
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

from appliance.care.update.versions import key
from appliance.ground.errors import Refused
from appliance.records.base import Record

PRODUCT = "tandem-appliance"
WHEEL_BYTES_MOST = 1 << 30
UNPACKED_BYTES_MOST = 4 << 30
METADATA_BYTES_MOST = 1 << 20


class Wheel(Record):
    """One wheel file. ``needs`` are its requirements as they stand in it, sorted; ``sha256`` is of the whole file, in hex."""

    name: str
    version: str
    sha256: str
    size: int
    unpacked: int
    python: str = ""
    needs: tuple[str, ...] = ()


def read(path: Path) -> Wheel:
    """Look at the wheel and check every file in it. Raises ``Refused`` for what is no whole wheel of this product."""
    try:
        size = path.stat().st_size
        if size > WHEEL_BYTES_MOST:
            raise _not_ours(path, "it is far too large")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        with zipfile.ZipFile(path) as archive:
            return _read(path, archive, size, digest)
    except OSError as error:
        raise Refused(f"The wheel {path} cannot be read ({error.strerror or error}).", "Check its name and its permissions.") from error
    except (zipfile.BadZipFile, UnicodeDecodeError, KeyError, ValueError, EOFError, NotImplementedError) as error:
        raise _not_ours(path, f"it is no whole wheel ({type(error).__name__})") from error


def _read(path: Path, archive: zipfile.ZipFile, size: int, digest: str) -> Wheel:
    infos = archive.infolist()
    unpacked = sum(info.file_size for info in infos)
    if unpacked > UNPACKED_BYTES_MOST:
        raise _not_ours(path, "it unpacks to far too much")
    (place,) = {info.filename.partition("/")[0] for info in infos if info.filename.partition("/")[0].endswith(".dist-info")}
    if archive.getinfo(f"{place}/METADATA").file_size > METADATA_BYTES_MOST:
        raise _not_ours(path, "it says too much of itself")
    told = HeaderParser().parsestr(archive.read(f"{place}/METADATA").decode("utf-8"))
    name, version = str(told["Name"] or ""), str(told["Version"] or "")
    if re.sub(r"[-_.]+", "-", name).lower() != PRODUCT:
        raise _not_ours(path, f"it is {name[:60] or 'without a name'}")
    key(version)
    _check_record(path, archive, place)
    needs = tuple(sorted(str(need) for need in told.get_all("Requires-Dist", [])))
    return Wheel(
        name=path.name,
        version=version,
        sha256=digest,
        size=size,
        unpacked=unpacked,
        python=str(told["Requires-Python"] or ""),
        needs=needs,
    )


def _check_record(path: Path, archive: zipfile.ZipFile, place: str) -> None:
    """Every file is in the wheel's own list with its digest: pip unpacks without looking at that."""
    listed = {row[0]: row[1] for row in csv.reader(archive.read(f"{place}/RECORD").decode("utf-8").splitlines()) if len(row) == 3}
    for info in archive.infolist():
        if info.is_dir() or info.filename in (f"{place}/RECORD", f"{place}/RECORD.jws", f"{place}/RECORD.p7s"):
            continue
        algorithm, _, wanted = listed.get(info.filename, "").partition("=")
        with archive.open(info) as file:
            found = base64.urlsafe_b64encode(hashlib.file_digest(file, "sha256").digest()).rstrip(b"=").decode()  # type: ignore[arg-type]
        if algorithm != "sha256" or found != wanted:
            raise _not_ours(path, f"{info.filename[:100]} in it is not what its list says")


def runs_here(wheel: Wheel, version: tuple[int, ...] = sys.version_info[:3]) -> bool:
    """Whether this Python is new enough for it; only lower bounds count, for a wheel names nothing else of this product's."""
    least = re.findall(r">=\s*(\d+)(?:\.(\d+))?(?:\.(\d+))?", wheel.python)
    return all(version >= tuple(int(part) for part in parts if part) for parts in least)


def _not_ours(path: Path, reason: str) -> Refused:
    return Refused(f"{path.name} is no wheel of {PRODUCT} that can be used: {reason}.", "Get the file again and compare its SHA-256.")
