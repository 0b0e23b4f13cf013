"""What the tests of the line share."""

from pathlib import Path

import pytest

from tests.unit.pair.line.ends import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
