"""What holds for every test: a clean environment, and no skip where nothing may be skipped.

On a bare machine a test that needs Dovecot or a browser skips and says why. ``.ci/run`` installs everything and sets
``TANDEM_NO_SKIPS=1``: there a skipped test is a failed one.
"""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

# Speed is shown by ``tandem bench``; a busy machine must not fail a property.
settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")

NO_SKIPS = "TANDEM_NO_SKIPS"
FIGURES = "TANDEM_FIGURES"  # a file for what the tests of the pair have measured

# Whoever runs the tests may have an appliance of their own: its settings must not reach into them.
for _name in [name for name in os.environ if name.startswith("TANDEM_") and name not in (NO_SKIPS, FIGURES)]:
    del os.environ[_name]
os.environ["TANDEM_PANEL__CHAT_PORT"] = "0"  # or of two daemons that tests start at a time one would find the usual port taken


def _may_not_skip() -> bool:
    return os.environ.get(NO_SKIPS, "") not in ("", "0")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)


def _fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    report.outcome = "failed"
    report.longrepr = f"Nothing may be skipped here ({NO_SKIPS}=1), and this was: {_reason(report)}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and _may_not_skip():
        _fail(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the tests of the pair have measured."""
    from tests.live.pair import figures

    figures.show(terminalreporter)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module that skips itself as a whole, by ``importorskip`` for example."""
    report = yield
    if report.skipped and _may_not_skip():
        _fail(report)
    return report
