"""A process of a pair on this machine never outlives whoever started it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = 20.0


@pytest.mark.parametrize("words", [("run", "--no-panel"), ("witness", "--listen", "127.0.0.1:0")], ids=["node", "witness"])
def test_a_process_on_a_leash_ends_in_order_when_the_other_end_of_the_pipe_goes(tmp_path: Path, words: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "appliance", "--home", str(tmp_path), *words, "--leash"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        first = next(line for line in process.stderr if '"node_started"' in line or '"witness_listens"' in line)
        assert first
        process.stdin.close()
        rest = process.stderr.read()
        assert process.wait(SECONDS) == 0, rest


def test_a_process_on_a_leash_that_is_told_to_stop_ends_in_order_while_the_pipe_is_still_held(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "appliance", "--home", str(tmp_path), "run", "--no-panel", "--leash"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert next(line for line in process.stderr if '"node_started"' in line)
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
        assert "Fatal" not in process.stderr.read()
