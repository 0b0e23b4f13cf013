"""A fresh store for each test, and a desk that works on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.store.store import Store
from tests.support.clock import FakeClock
from tests.unit.store.support import Desk, open_store


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    store = open_store(tmp_path / "home", clock)
    yield store
    store.close()


@pytest.fixture
def desk(store: Store, clock: FakeClock) -> Desk:
    return Desk(store, clock)
