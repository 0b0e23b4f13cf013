"""Killed as by kill -9 at the edges of a commit: what was confirmed is there, what was not is wholly there or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.clock import FakeClock
from tests.unit.store.support import open_store


def run(script: str, home: Path, fault: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TANDEM_FAULT": fault}
    return subprocess.run([sys.executable, "-c", script, str(home)], env=environment, capture_output=True, text=True, check=False)


_SCRIPT = """
import sys
from pathlib import Path
from tests.support.clock import FakeClock
from tests.unit.store.support import Desk, message, open_store
clock = FakeClock()
desk = Desk(open_store(Path(sys.argv[1]), clock), clock)
for number in range(100):
    mail = message(text=str(number), sender=f"c{number}@x.example")
    (receipt,) = desk.take_in(mail)
    print(receipt.case, flush=True)
    desk.settle(desk.claim())
    desk.finish(desk.started())
    clock.move(1)
"""


@pytest.mark.parametrize("point", ["store.before_commit", "store.after_commit"])
@pytest.mark.parametrize("times", [3, 4, 5, 6, 7, 8, 23, 60])
def test_a_kill_at_the_commit_loses_nothing_that_was_confirmed(tmp_path: Path, point: str, times: int) -> None:
    child = run(_SCRIPT, tmp_path / "home", f"{point}:{times}")
    assert child.returncode == -9, child.stderr
    confirmed = child.stdout.split()
    with open_store(tmp_path / "home", FakeClock()) as store:
        found = store.verify(tables=True)
        assert found.ok, found.problems
        assert found.position == times - (point == "store.before_commit") + 2  # three levers were set in one commit
        kept = {row.id for row in store.rows(limit=200)}
        assert kept >= set(confirmed)
        assert len(kept) <= len(confirmed) + 1
        store.begin_term("node-b")


def test_a_kill_between_key_and_entry_of_an_erasure_is_finished_by_the_same_command(tmp_path: Path) -> None:
    script = _SCRIPT.replace("for number in range(100):", "for number in range(1):") + (
        "desk.store.erase_customer('c0@x.example', 'owner', term=desk.term)\n"
    )
    child = run(script, tmp_path / "home", "store.before_commit:9")
    assert child.returncode == -9, child.stderr
    (case,) = child.stdout.split()
    with open_store(tmp_path / "home", FakeClock()) as store:
        opened = store.file(case)
        assert opened is not None
        assert opened.erased
        assert store.verify(tables=True).ok
        steps = store.erase_customer("c0@x.example", "owner", term=store.term)["steps"]
        assert [step["count"] for step in steps[:3]] == [0, 2, 1]
        assert store.verify(tables=True).ok
