"""Where a source's file lies, and whether it may be replaced there: only below the home, and only where nobody locked it."""

import re
import stat
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

from appliance.ground.errors import Refused
from appliance.knowledge.reading import KINDS
from appliance.records.language import Code

FOLDER = "knowledge"
_NAME_LENGTH_MOST = 80
_UNSAFE = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a version would go. ``source`` is the name of the source; ``new``: there is none of that name yet."""

    source: str
    file: Path
    language: Code
    new: bool = False


def replaceable(home: Path, source: str, file: Path | None, language: Code) -> Place:
    """The place of a source that is there. Raises ``Refused`` when its file is not one that may be replaced."""
    if file is None:
        raise Refused(f"{source} lies on a web server.", "Change the file there; it is looked at again by itself.", code="source_on_server")
    real = file.resolve()
    if not real.is_relative_to(home.resolve()):
        raise Refused(
            f"{source} lies outside the appliance's own folder: {file}.", "Change the file where it lies; it is read again by itself.",
            code="source_outside",
        )  # fmt: skip
    if real.exists() and not real.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise Refused(f"{source} is locked against changes: {file}.", "Allow writing to the file, then try again.", code="source_read_only")
    return Place(source, real, language)


def new_place(home: Path, name: str, taken: Iterable[str], language: Code) -> Place:
    """The place of a source to come, of a safe name. Raises ``Refused`` when the name is taken, or is none."""
    safe = safe_name(name)
    file = home / FOLDER / safe
    if safe.casefold() in {one.casefold() for one in taken} or file.exists():
        raise Refused(
            f"There is a file {safe} already.", "Choose its source to change it, or give the new file another name.", code="source_exists"
        )
    return Place(safe, file, language, new=True)


def safe_name(name: str) -> str:
    """The file's name in letters that every file system takes, its ending in lower case. Raises ``Refused`` for a kind unknown."""
    plain = PurePath(unicodedata.normalize("NFC", name).replace("\\", "/").replace("\0", "")).name
    stem, ending = PurePath(plain).stem, PurePath(plain).suffix.lower()
    must_be_known(ending)
    return f"{_UNSAFE.sub('_', stem).strip('._-')[:_NAME_LENGTH_MOST] or 'source'}{ending}"


def must_be_known(ending: str) -> None:
    """Raises ``Refused`` for an ending that no reader reads."""
    if ending not in KINDS:
        raise Refused(
            f"A file with the ending {ending or '(none)'} is not known.", f"Use one of {', '.join(KINDS)}.", code="source_kind_unknown"
        )


def must_be_alike(place: Place, name: str) -> None:
    """Raises ``Refused`` when the file handed in is of another kind than the one that lies there."""
    wanted, given = place.file.suffix.lower(), PurePath(name).suffix.lower()
    if wanted != given:
        raise Refused(
            f"{place.source} is a file of the kind {wanted}, and this one is {given or 'of no kind'}.",
            f"Save it as {wanted}, or hand it in as a new source.",
            code="source_other_kind",
        )
