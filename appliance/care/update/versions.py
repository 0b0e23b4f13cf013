"""Which of two versions is newer: the order of PEP 440, for the versions that this product uses."""

import re

from appliance.ground.errors import Refused

_VERSION = re.compile(
    r"(\d{1,9}(?:\.\d{1,9}){0,4})(?:(a|b|rc)(\d{1,9}))?(?:\.post(\d{1,9}))?(?:\.dev(\d{1,9}))?(?:\+([a-z0-9.]{1,40}))?", re.ASCII
)

Key = tuple[tuple[int, ...], tuple[int, int], int, int, str]


def key(version: str) -> Key:
    """What versions are sorted by. Raises ``Refused`` for what is no version."""
    found = _VERSION.fullmatch(version)
    if found is None:
        raise Refused(f"{version[:40]!r} is no version.", "A version is written like 1.4.2 or 1.5.0rc1.")
    release, stage, number, post, dev, local = found.groups()
    numbers = [int(part) for part in release.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    before = {"a": 0, "b": 1, "rc": 2, None: 3}[stage]
    if stage is None and post is None and dev is not None:
        before = -1  # a .dev of a release comes before its first alpha
    return tuple(numbers), (before, int(number or 0)), int(post or -1) if post else -1, int(dev) if dev else 1 << 30, local or ""


def is_newer(version: str, than: str) -> bool:
    """Whether the first is newer than the second."""
    return key(version) > key(than)


def is_version(text: str) -> bool:
    """Whether this can be a version, and so the name of a version's folder."""
    return _VERSION.fullmatch(text) is not None
