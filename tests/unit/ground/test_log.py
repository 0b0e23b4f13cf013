"""The log masks what must not be in it, and says a trouble once."""

import errno
import io
import json
import logging
from pathlib import Path

import pytest

from appliance.ground.errors import StoreError
from appliance.ground.log import Log, Trouble, configure, scrub


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mail from aino.virtanen@example.fi came", "mail from [address] came"),
        ("call +358 40 123 4567 now", "call [number] now"),
        ("hetu 131052-308T given", "hetu [identity] given"),
        ("personnummer 811228-9874 given", "personnummer [identity] given"),
        ("case c-01jx2k7m9q settled in 14 ms", "case c-01jx2k7m9q settled in 14 ms"),
    ],
)
def test_what_looks_like_a_person_is_masked_and_the_rest_is_left(text: str, masked: str) -> None:
    assert scrub(text) == masked


def test_a_line_is_one_json_object_with_its_fields_scrubbed(tmp_path: Path) -> None:
    configure(tmp_path)
    try:
        Log("test").info("mail_taken_in", mailbox="support", sender="a@b.fi", messages=2)
        try:
            raise ValueError("bad address a@b.fi")
        except ValueError as error:
            Log("test").error("mail_failed", error=error)
    finally:
        configure(None)
    first, second = (json.loads(line) for line in (tmp_path / "tandem.log").read_text().splitlines())
    assert (first["event"], first["mailbox"], first["sender"], first["messages"]) == ("mail_taken_in", "support", "[address]", 2)
    assert "a@b.fi" not in json.dumps(second)
    assert "ValueError" in second["trace"]
    assert len((tmp_path / "errors.log").read_text().splitlines()) == 1


def test_a_trouble_is_said_once_when_it_breaks_and_once_when_it_heals(tmp_path: Path) -> None:
    configure(tmp_path)
    try:
        trouble = Trouble(Log("test"), "imap")
        for _ in range(3):
            trouble.broke("refused")
        trouble.healed()
        trouble.healed()
    finally:
        configure(None)
    assert [json.loads(line)["event"] for line in (tmp_path / "tandem.log").read_text().splitlines()] == ["imap_broke", "imap_healed"]


class FullDisk(io.StringIO):
    def write(self, text: str) -> int:  # noqa: ARG002
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_under_the_log_makes_no_noise_and_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", True)
    configure(tmp_path)
    try:
        for handler in logging.getLogger("tandem").handlers:
            if isinstance(handler, logging.FileHandler):
                handler.stream.close()
                handler.stream = FullDisk()
        Log("test").error("mail_failed", mailbox="support")
    finally:
        configure(None)
    shown = capsys.readouterr().err
    assert len(shown.splitlines()) == 1
    assert json.loads(shown)["event"] == "mail_failed"  # what still can be written to is


def test_a_folder_for_logs_that_cannot_be_made_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file stands in the way")
    with pytest.raises(StoreError, match="logs") as caught:
        configure(tmp_path / "logs")
    assert caught.value.remedy


def test_a_log_file_that_cannot_be_opened_is_told_too_and_the_log_stays_as_it_was(tmp_path: Path) -> None:
    configure(tmp_path / "good")
    try:
        (tmp_path / "logs" / "errors.log").mkdir(parents=True)
        with pytest.raises(StoreError, match="logs") as caught:
            configure(tmp_path / "logs")
        assert caught.value.remedy
        Log("test").info("still_here")
    finally:
        configure(None)
    assert "still_here" in (tmp_path / "good" / "tandem.log").read_text()
