"""The log is read back from its files: since when, through those put aside, and on while it is written."""

import json
import logging
import threading
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest

from appliance.care.service import logs
from appliance.ground.clock import SystemClock
from appliance.ground.errors import SettingsError
from appliance.ground.log import Log, configure

NOW = 1_795_000_000.0  # 2026-11-18T11:06:40Z


def line(time: str, event: str) -> str:
    return json.dumps({"time": time, "level": "info", "event": event, "thread": "x", "case": "c-1"}) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    configure(tmp_path, standard_error=False)
    yield tmp_path
    configure(None)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15min", 900), ("1h", 3600), ("2d", 172_800)])
def test_a_span_is_so_long_ago(text: str, seconds: int) -> None:
    assert logs.moment(text, NOW) == NOW - seconds


def test_a_time_is_that_time_and_nonsense_is_told_with_what_to_write() -> None:
    assert logs.moment("2026-11-18T11:06:40+00:00", NOW) == 1_795_000_000.0
    with pytest.raises(SettingsError, match="yesterday") as caught:
        logs.moment("yesterday", NOW)
    assert "1h" in caught.value.remedy


def test_what_is_older_and_what_is_no_line_is_left_out_and_the_oldest_comes_first(tmp_path: Path) -> None:
    (tmp_path / "tandem.log.2").write_text(line("2026-11-18T09:00:00.000Z", "one") + line("2026-11-18T11:00:00.000Z", "two"))
    (tmp_path / "tandem.log.1").write_text("torn {\n" + line("2026-11-18T11:00:01.000Z", "three"))
    (tmp_path / "tandem.log").write_text('{"no": "time"}\n' + line("2026-11-18T11:00:02.000Z", "four") + '{"time": ')
    assert [each["event"] for each in logs.read(tmp_path, errors=False, since=NOW - 3600)] == ["two", "three", "four"]


def test_errors_stand_in_a_log_of_their_own_and_in_the_whole_one_too(folder: Path) -> None:
    Log("test").info("mail_taken_in")
    Log("test").error("mail_failed", mailbox="support")
    assert [each["event"] for each in logs.read(folder, errors=False, since=0.0)] == ["mail_taken_in", "mail_failed"]
    (only,) = logs.read(folder, errors=True, since=0.0)
    assert logs.told(only).split(" ", 2)[2] == "error   mail_failed mailbox=support"


def test_what_is_written_while_it_is_followed_is_shown_also_across_a_file_put_aside(folder: Path) -> None:
    Log("test").info("before")
    stop, seen = threading.Event(), []
    started = threading.Event()

    def follow() -> None:
        for each in logs.follow(folder, errors=False, clock=Told(), stop=stop):
            seen.append(each["event"])
            if each["event"] == "last":
                stop.set()

    class Told(SystemClock):
        """Says when the reader has begun to wait."""

        def wait(self, event: threading.Event, seconds: float) -> bool:
            started.set()
            return super().wait(event, seconds / 50)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    assert started.wait(5)
    Log("test").info("first")
    for handler in logging.getLogger("tandem").handlers:
        if isinstance(handler, RotatingFileHandler):
            handler.doRollover()
    Log("test").info("last")
    thread.join(10)
    assert seen == ["first", "last"]


def test_a_log_that_goes_to_the_files_alone_says_nothing_on_standard_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Log("test").error("mail_failed")
    assert capsys.readouterr().err == ""
    assert (folder / "errors.log").read_text()
