"""The laboratory as a fixture, and the figures at the end of the run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.pair.figures import Figures, show
from tests.live.pair.lab import Laboratory, laboratory
from tests.live.servers.child import CannotStart


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Laboratory]:
    """A network, a mailbox and a post office of its own for each test."""
    try:
        with laboratory(tmp_path) as made:
            yield made
            made.watch.assert_offline()
    except CannotStart as reason:
        pytest.skip(str(reason))


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    return Figures(request.node)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    show(terminalreporter)
