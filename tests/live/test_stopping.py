"""A daemon that is told to stop while its engines are at work: it does not wait for them, and what they were at goes on afterwards."""

from pathlib import Path

import psutil
import pytest

from appliance.evals.bench.process import Daemon, running
from appliance.node.commands import Commands
from appliance.node.control import ControlClient
from appliance.records.case import CaseState
from appliance.records.person import Actor, Role
from appliance.records.voice import Caller
from tests.support.ears import CLIPS
from tests.support.home import make_home, sent, wait_for, write_mail
from tests.support.sounds import TINY_EAR, VOICE

pytestmark = pytest.mark.timeout(120)

OWNER = Actor(name="cli", role=Role.ADMIN)
CLIP = "en_shop_hours.mp3"
WRITER = Path(__file__).parents[1] / "data" / "models" / "writer"
SETTINGS = f"""
[writer]
kind = "quoting"
model = "{WRITER}"
fallback = []
[voice]
enabled = true
mock = false
model = "{TINY_EAR}"
threads = 1
"""
OPEN = (CaseState.ARRIVED, CaseState.LISTENING, CaseState.WAITING, CaseState.CLAIMED, CaseState.REPLYING)
# What must not be held against a case that was cut short.
OURS = ("writer_died", "writer_failed", "writer_timeout", "writer_unavailable", "desk_failed", "gave_up", "ear_failed")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = make_home(tmp_path / "home")
    with (home / "tandem.toml").open("a", encoding="utf-8") as file:
        file.write(SETTINGS)
    return home


def engines_of(daemon: Daemon) -> list[psutil.Process]:
    return [child for child in psutil.Process(daemon.process.pid).children(recursive=True) if "_child" in " ".join(child.cmdline())]


def ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def gives_work(commands: ControlClient, home: Path, clip: str, number: int) -> None:
    """A mail for the writer and a clip for the ear."""
    caller = Caller(address=f"caller{number}@customer.example")
    commands.take_clip(OWNER, clip, (VOICE / clip).read_bytes(), caller, "", False)
    write_mail(home / "inbox", "When are you open?", sender=f"writer{number}@customer.example")


def quiet(commands: ControlClient, cases: int) -> bool:
    rows = commands.rows(limit=10)
    return len(rows) == cases and not any(row.state in OPEN for row in rows)


def test_a_stop_does_not_wait_for_an_engine_and_what_it_was_at_goes_on_after_the_next_start(home: Path) -> None:
    with running(home) as daemon:
        daemon.seconds_until("/readyz")
        commands = ControlClient(home, Commands)
        gives_work(commands, home, "fi_phone.m4a", 1)
        wait_for(lambda: quiet(commands, 2), 60)
        engines = engines_of(daemon)
        assert len(engines) == 3  # the writer, and both stages of the ear
        for engine in engines:
            engine.suspend()
        gives_work(commands, home, CLIP, 2)
        wait_for(lambda: commands.voice()["state"] == "listening" and commands.counts()["claimed"] == 1)
        assert daemon.stop() < 10
        assert daemon.process.returncode == 0
        assert all(ended(engine) for engine in engines)
    with running(home) as daemon:
        daemon.seconds_until("/readyz")
        wait_for(lambda: quiet(commands, 4), 60)
        rows = commands.rows(limit=10)
        assert not [row.reason for row in rows if row.reason in OURS]
        assert {row.state for row in rows if row.channel == "mail"} == {CaseState.REPLIED}
        heard = next(clip for row in rows for clip in commands.clips(row.id) if clip.name == CLIP)
        assert heard.transcript is not None
        assert heard.transcript.text == CLIPS[CLIP]
    addresses = [str(mail["To"]) for mail in sent(home)]
    assert sorted(addresses) == sorted(set(addresses))
