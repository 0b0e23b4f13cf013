"""A real mlx-lm server behind the desk, and what happens to it: whatever it is, the case ends with its cause and the next one works."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

from appliance.desk.answer import answer
from appliance.desk.desk import Desk
from appliance.desk.explain import explain
from appliance.desk.reasons import sentence
from appliance.engines.child import ChildState
from appliance.engines.shelf import Shelf
from appliance.engines.writer.make import WriterOptions, make_writer
from appliance.ground.clock import SystemClock
from appliance.language import words
from appliance.records.answer import Decision, Outcome
from appliance.records.case import CaseFile, CaseRow, CaseState
from appliance.records.policy import Reason
from tests.support import tiny_writer
from tests.support.cases import OPEN, case, desk
from tests.support.home import make_home, running_node, sent, take, write_mail

if find_spec("mlx_lm") is None:
    pytest.skip("mlx-lm is not installed", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[2]
SOON = 30.0

MakeDesk = Callable[..., Desk]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeDesk]:
    made: list[Any] = []

    def one(says: tuple[str, ...] = tiny_writer.ANSWER, endless: bool = False, **options: Any) -> Desk:
        folder = tiny_writer.make(tmp_path / "tiny", says, endless)
        made.append(
            make_writer("mlx", WriterOptions(**{"model": str(folder), **options}), words, SystemClock(), Shelf(tmp_path / "models"))
        )
        return desk(writer=made[-1], timer=SystemClock().elapsed)

    yield one
    for writer in made:
        writer.close()


def ask(working: Desk) -> Outcome:
    return answer(case("Hello, what does delivery cost?"), working, OPEN)


def state(working: Desk) -> ChildState:
    return working.writer.raw.state()  # type: ignore[attr-defined, no-any-return]


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def in_the_middle(working: Desk, signal_number: int) -> threading.Thread:
    """Sends the model's process a signal as soon as it works."""

    def send() -> None:
        until(lambda: state(working).state == "working" and state(working).pid != 0)
        os.kill(state(working).pid, signal_number)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def test_a_case_is_written_by_the_model_and_checked_like_any_other(make: MakeDesk) -> None:
    outcome = ask(make())
    assert outcome.draft is not None
    assert "first passage" in outcome.draft.text
    assert outcome.decision is Decision.REVIEW  # for what it says stands in no passage
    assert (outcome.usage.engine, outcome.usage.cause) == ("mlx", "")
    assert outcome.usage.prompt_tokens > 0


@pytest.mark.parametrize("fallback", [(), ("grounded",)], ids=["alone", "with a fallback"])
def test_a_model_killed_in_the_middle_leaves_the_cause_and_the_next_case_works(
    make: MakeDesk, tmp_path: Path, fallback: tuple[str, ...]
) -> None:
    working = make(endless=True, answer_tokens=4096, fallback=fallback)
    killer = in_the_middle(working, signal.SIGKILL)
    _ends_with_its_cause(ask(working), "engine_died", "writer_died", bool(fallback))
    killer.join(SOON)
    tiny_writer.make(tmp_path / "tiny")  # one that comes to an end; it is loaded by the next case
    assert ask(working).usage.engine == "mlx"


def test_a_hung_model_leaves_the_cause_and_the_next_case_works(make: MakeDesk) -> None:
    working = make(timeout_seconds=3.0, fallback=())
    ask(working)
    victim = state(working).pid
    os.kill(victim, signal.SIGSTOP)
    _ends_with_its_cause(ask(working), "engine_timeout", "writer_timeout", stood_in=False)
    until(lambda: not psutil.pid_exists(victim))
    assert ask(working).usage.engine == "mlx"


def test_a_slow_model_is_not_ended_for_one_answer_that_took_too_long_and_stops_working_on_it(make: MakeDesk) -> None:
    working = make(endless=True, answer_tokens=4096, fallback=(), timeout_seconds=0.5)
    working.writer.raw.ensure()  # type: ignore[attr-defined]
    process = psutil.Process(state(working).pid)
    _ends_with_its_cause(ask(working), "engine_timeout", "writer_timeout", stood_in=False)
    until(lambda: process.cpu_percent(0.3) < 10)  # the connection was closed, and with it the work over there ended
    assert state(working).pid == process.pid
    ask(working)
    until(lambda: not process.is_running())  # a second one in a row, and it is taken for hung


def test_several_cases_are_written_at_once_and_those_beyond_the_queue_are_told_to_come_again(make: MakeDesk) -> None:
    working = make(at_once=2, waiting_most=1, fallback=())
    ask(working)
    outcomes: list[Outcome] = []
    askers = [threading.Thread(target=lambda: outcomes.append(ask(working))) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(SOON)
    ends = {outcome.reason.code for outcome in outcomes}
    assert len(outcomes) == 8
    assert sum(outcome.draft is not None for outcome in outcomes) >= 3
    assert not ends & {"writer_died", "writer_timeout", "writer_failed"}


def test_a_model_over_its_memory_limit_leaves_the_cause(make: MakeDesk) -> None:
    working = make(memory_bytes=30_000_000)
    _ends_with_its_cause(ask(working), "engine_died", "writer_died", stood_in=True)
    assert "out of memory" in state(working).last_error


def test_a_model_that_talks_nonsense_leaves_the_cause(make: MakeDesk) -> None:
    _ends_with_its_cause(ask(make(tiny_writer.NONSENSE, fallback=())), "engine_nonsense", "writer_nonsense", stood_in=False)


def test_a_model_with_broken_files_leaves_the_cause(make: MakeDesk, tmp_path: Path) -> None:
    working = make()
    (tmp_path / "tiny" / "model.safetensors").write_bytes(b"not a model")
    _ends_with_its_cause(ask(working), "engine_unavailable", "writer_unavailable", stood_in=True)
    assert "tandem models verify" in str(working.writer.trouble.error)  # type: ignore[attr-defined]


def _ends_with_its_cause(outcome: Outcome, cause: str, reason: str, stood_in: bool) -> None:
    if not stood_in:
        assert (outcome.decision, outcome.reason.code) == (Decision.REVIEW, reason)
        assert outcome.draft is None
        return
    assert (outcome.usage.engine, outcome.usage.cause) == ("grounded", cause)
    assert outcome.decision is Decision.SEND
    assert outcome.draft is not None
    assert outcome.draft.writer.startswith("grounded")
    row = CaseRow(id="c-1", channel="mail", mailbox="support", state=CaseState.REPLIED, received_at=0.0, changed_at=0.0)
    told = explain(CaseFile(row=row, outcome=outcome), "en")
    assert "Another writer stood in: grounded." in told
    assert sentence(Reason(code=reason), "en") in told


def test_a_whole_node_outlives_its_model_and_the_case_waits_with_the_cause(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    model = tiny_writer.make(tmp_path / "tiny")
    with (home / "tandem.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'[writer]\nkind = "mlx"\nmodel = "{model}"\nfallback = []\nmemory_megabytes = 30\n')
    with running_node(home) as node:
        row = take(node, write_mail(tmp_path, "Hello,\n\nwhat are your opening hours?\n\nAino", Message_ID="<one@example.fi>"))
        assert (row.state, row.reason) == (CaseState.REVIEW, "writer_died")
        assert sent(home) == []
    with (home / "tandem.toml").open("r+", encoding="utf-8") as settings:
        text = settings.read().replace("memory_megabytes = 30", "memory_megabytes = 0")
        settings.seek(0)
        settings.write(text)
        settings.truncate()
    with running_node(home) as node:
        row = take(node, write_mail(tmp_path, "Hello,\n\nwhat is the delivery time?\n\nAino", Message_ID="<two@example.fi>"))
        assert row.state is CaseState.REVIEW
        outcome = node.store.file(row.id).outcome
        assert outcome is not None
        assert (outcome.usage.engine, outcome.usage.cause) == ("mlx", "")


def test_the_models_server_lets_nobody_in_without_its_key_and_fetches_nothing(make: MakeDesk) -> None:
    import http.client
    import json

    endpoint = make().writer.raw.ensure()  # type: ignore[attr-defined]

    def post(body: dict[str, Any], key: str) -> int:
        line = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=20)
        headers = {"Content-Type": "application/json", **({"Authorization": key} if key else {})}
        line.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        return line.getresponse().status

    said = [{"role": "user", "content": "hello"}]
    key = endpoint.headers["Authorization"]
    assert post({"messages": said}, "") == 401
    assert post({"messages": said}, "Bearer guess") == 401
    assert post({"messages": said, "model": "/etc", "adapters": "/etc"}, key) == 200
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1:9/x.png"}}]}]
    assert post({"messages": picture}, key) == 400
    assert post({"messages": said, "pad": "x" * 2_100_000}, key) == 413


def test_the_model_ends_when_the_daemon_is_killed(tmp_path: Path) -> None:
    folder = tiny_writer.make(tmp_path / "tiny")
    script = f"""
import time
from pathlib import Path
from appliance.engines.shelf import Shelf
from appliance.engines.writer.make import WriterOptions, make_writer
from appliance.ground.clock import SystemClock
from appliance.language import words
writer = make_writer("mlx", WriterOptions(model={str(folder)!r}), words, SystemClock(), Shelf(Path({str(tmp_path)!r})))
writer.raw.ensure()
print(writer.raw.state().pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.kill()
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
