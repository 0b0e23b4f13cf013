"""The chat as it describes itself, asked by a machine that tries everything."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.ground.clock import SystemClock
from appliance.panel.chat import visitors
from appliance.panel.chat.app import build_chat
from appliance.panel.chat.options import ChatOptions
from appliance.panel.front import CHAT, PanelServer
from tests.support.panel_company import company

EXAMPLES = 60  # for each operation


def test_every_operation_of_the_chat_answers_as_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "REQUESTS_PER_MINUTE", 10**9)
    clock = SystemClock()
    twin = company(clock)
    secret = twin.chat_open("en")["secret"]
    server = PanelServer()
    server.start("127.0.0.1", 0, CHAT)
    server.attach(build_chat(twin, ChatOptions(sessions_per_hour=10**9, clock=clock)))
    try:
        done = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{server.port}/openapi.json",
                "--header", f"Authorization: Bearer {secret}", "--phases", "examples,coverage,fuzzing",
                "--exclude-path", "/chat/end",
                "--max-examples", str(EXAMPLES), "--seed", "1", "--no-color",
            ],
            cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
    finally:
        server.stop(2.0)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested is not None
    assert int(tested[1]) == 4  # all but the end, after which nothing is left to ask
