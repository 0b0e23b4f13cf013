"""What a reader makes of a file, before it becomes passages; and how much it may make."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Piece:
    """One citable thing in a file. The fields mean what they mean in :class:`appliance.records.knowledge.Passage`."""

    text: str
    key: str = ""
    title: str = ""
    place: str = ""
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of texts. ``first_row`` is the number a person sees beside the first of ``rows``."""

    name: str
    rows: tuple[tuple[str, ...], ...]
    first_row: int = 1


@dataclass(frozen=True, slots=True)
class Reading:
    """All of a file. ``notes`` are whole sentences about rows that were left out, for the person who keeps the file."""

    pieces: tuple[Piece, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one source may hold. They stop mistakes and bombs, not companies."""

    file_bytes: int = 50_000_000
    unpacked_bytes: int = 400_000_000
    unpacked_ratio: int = 200  # of a file of more than 10 MB unpacked; honest workbooks stay below 60
    memory_bytes: int = 1_500_000_000  # of the process that reads a workbook
    seconds: int = 30
    sheets: int = 200
    rows: int = 200_000
    cells: int = 4_000_000
    cell_characters: int = 20_000
    notes: int = 20


LIMITS = Limits()
