"""Packages that somebody else takes in merely because they are installed, though nothing here needs them in this process."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def absent(*packages: str) -> Iterator[None]:
    """While this lasts, importing these packages fails as if they were not installed; those that are loaded already stay.

    A model's extras bring numpy and pydantic along; a library that offers something for them loads them at once, which costs the daemon
    30 MB and a tenth of a second for nothing. Other threads that import them in this moment fail as well: used at the start only.
    """
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None is what the import system takes for "not there"
    try:
        yield
    finally:
        for name in hidden:
            if sys.modules.get(name, 0) is None:
                del sys.modules[name]
