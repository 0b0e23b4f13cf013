"""Keys for both nodes, and whatever a test builds is closed again, the standby before the leader."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.pair.line.certificate import Identity
from tests.unit.pair.copying.support import Leader, Standby, identities, twin

Keys = tuple[Identity, Identity]


class Bench:
    """Builds nodes below one folder."""

    def __init__(self, folder: Path, keys: Keys) -> None:
        self.folder, self.keys = folder, keys
        self._closers: list[Callable[[], None]] = []

    def leader(self, home: str = "a", **settings: Any) -> Leader:
        leader = Leader(self.folder / home, self.keys, **settings)
        return self.later(leader)

    def standby(self, leader: Leader, home: str = "b", *, port: Callable[[], int] | None = None, **settings: Any) -> Standby:
        """One that begins as a copy of the leader as it is now, unless its home is there already."""
        if not (self.folder / home).exists():
            twin(leader.store, self.folder / home)
        return self.later(Standby(self.folder / home, self.back, port or (lambda: leader.listener.port), **settings))

    @property
    def back(self) -> Keys:
        """The keys as the standby sees them."""
        return self.keys[1], self.keys[0]

    def later(self, thing: Any) -> Any:
        """Have it closed when the test ends."""
        self._closers.append(thing.close)
        return thing

    def close(self) -> None:
        for closer in reversed(self._closers):
            closer()


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return identities(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def bench(tmp_path: Path, keys: Keys) -> Iterator[Bench]:
    bench = Bench(tmp_path, keys)
    yield bench
    bench.close()
