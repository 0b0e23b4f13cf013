"""The log masks what must not be in it, and says a trouble once."""

import json
from pathlib import Path

import pytest

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
