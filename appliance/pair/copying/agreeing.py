"""The newest entry that two journals share, found by asking for hashes.

Each hash covers all entries before it, so the journals are the same up to a position exactly when their hashes there are. A fork
lies near the end nearly always: steps that double go back from there, then the gap is halved.
"""

from collections.abc import Callable


def find_common(same: Callable[[int], bool], upper: int) -> int:
    """The highest position up to ``upper`` where ``same`` holds; 0 when nowhere. It is asked at most 2 log2(upper) + 2 times.

    ``same`` holds up to some position and nowhere after it.
    """
    differs, step = upper + 1, 1
    common = upper
    while common > 0 and not same(common):
        differs, common = common, max(0, common - step)
        step *= 2
    while differs - common > 1:
        middle = (common + differs) // 2
        if same(middle):
            common = middle
        else:
            differs = middle
    return common
