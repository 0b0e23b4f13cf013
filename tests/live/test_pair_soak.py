"""The soak in its short form: a minute of faults on two real nodes and a witness, and every promise checked. Longer: tandem pair soak."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from appliance.cli.soak import told
from appliance.node.soak import Soak

SEED = 4711
FAULTS_SECONDS = 60.0
MAILS_A_SECOND = 3.0
SECONDS = 60.0


@pytest.mark.timeout(420)
def test_a_minute_of_faults_breaks_no_promise_of_the_pair(tmp_path: Path) -> None:
    outcome = Soak(tmp_path / "soak", FAULTS_SECONDS, SEED, MAILS_A_SECOND, print, threading.Event()).run()
    print(told(outcome))
    assert outcome.ok, told(outcome)
    assert sum(outcome.faults.values()) >= 5
    assert outcome.replies >= outcome.mails - sum(outcome.faults.values())


@pytest.mark.timeout(120)
def test_a_soak_that_is_ended_early_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    run = "from appliance.cli.main import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", run, "pair", "soak", "--minutes", "5"],
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, text=True,
    ) as soak:  # fmt: skip
        assert soak.stdout is not None
        for line in soak.stdout:
            if "mails in" in line:  # the faults have begun
                break
        soak.send_signal(signal.SIGINT)
        assert soak.wait(SECONDS) == 1
    left = [
        process.info
        for process in psutil.process_iter(["pid", "cmdline"])
        if any(str(tmp_path) in w for w in process.info["cmdline"] or [])
    ]
    assert not left
    assert not list(tmp_path.glob("tandem-soak-*"))
