"""What memory this machine has to spare, said before a model is loaded and not after it has pushed everything else out."""

RESERVE_MEGABYTES = 512  # stays free for the system and for this program's own growth
_MEGABYTE = 1_000_000


def available_bytes() -> int:
    """What a new process can have without anything being pushed out to the disk."""
    import psutil  # late: only whoever loads a model asks

    return int(psutil.virtual_memory().available)


def total_bytes() -> int:
    """All memory of this machine."""
    import psutil

    return int(psutil.virtual_memory().total)


def fits(megabytes: int, available: int | None = None) -> str:
    """Why a model of that many megabytes (10**6 bytes) cannot be loaded now; "" when it can. ``available`` (bytes): as told, not asked."""
    free = (available_bytes() if available is None else available) // _MEGABYTE
    if megabytes <= 0 or megabytes + RESERVE_MEGABYTES <= free:
        return ""
    return f"It needs about {megabytes} MB of memory, and {max(free - RESERVE_MEGABYTES, 0)} MB are to spare now."


def ever_fits(megabytes: int, total: int | None = None) -> bool:
    """Whether this machine could hold it if nothing else ran but the system and this program."""
    return megabytes + 2 * RESERVE_MEGABYTES <= (total_bytes() if total is None else total) // _MEGABYTE
