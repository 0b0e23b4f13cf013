"""``tandem transcribe`` and ``tandem voice``: what they say, where they say it, and with what they end."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appliance.cli.main import tandem
from tests.support.home import make_home
from tests.support.told_ear import silence, tone


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "call.wav"
    path.write_bytes(tone())
    return path


def run(home: Path, *words: str, typed: str = "") -> Result:
    return CliRunner().invoke(tandem, ["--home", str(home), *words], input=typed)


def test_a_clip_is_heard_with_a_start_line_a_heartbeat_its_words_how_sure_and_how_long(home: Path, clip: Path) -> None:
    done = run(home, "transcribe", str(clip), "--words")
    assert done.exit_code == 0
    for said in (
        "Listening to call.wav (8 kB) with the ear stub 1.",
        "… alive, 0 s",
        "0:00  QA transcript: mock worker output.",
        "100%  worker",
        "Heard clearly (100%), spoken in en.",
        "The clip lasts 0.5 s; hearing it took",
    ):
        assert said in done.stdout
    assert done.stderr == ""


def test_for_programs_the_transcript_stands_alone_on_standard_output(home: Path, clip: Path) -> None:
    done = run(home, "transcribe", str(clip), "--json", "--lang", "fi")
    told = json.loads(done.stdout)
    assert (told["text"], told["language"], told["confidence"]) == ("QA transcript: mock worker output.", "fi", 1.0)
    assert "Listening to call.wav" in done.stderr


def test_what_cannot_be_heard_is_told_on_standard_error_and_ends_with_one(home: Path, tmp_path: Path) -> None:
    letter = tmp_path / "letter.wav"
    letter.write_bytes(b"Dear company, this is no sound at all, whatever its name says.")
    for path in (letter, tmp_path / "none.wav"):
        done = run(home, "transcribe", str(path))
        assert done.exit_code == 1
        assert "→" in done.stderr


def test_the_ear_stays_for_further_clips_named_on_standard_input(home: Path, clip: Path, tmp_path: Path) -> None:
    quiet = tmp_path / "quiet.wav"
    quiet.write_bytes(silence())
    done = run(home, "transcribe", str(clip), "--stay-alive", typed=f"{quiet}\n\n{clip}\n")
    assert (done.exit_code, done.stdout.count("Listening to")) == (0, 3)
    assert "Nobody speaks in it." in done.stdout


def test_clips_are_taken_in_and_the_same_sound_once_more_is_named_with_its_case(home: Path, clip: Path) -> None:
    done = run(home, "voice", "take", str(clip), "--address", "maija@example.fi", "--json")
    (taken,) = json.loads(done.stdout)["taken"]
    assert (done.exit_code, bool(taken["case"])) == (0, True)
    again = run(home, "voice", "take", str(clip))
    assert (again.exit_code, taken["case"] in again.stderr, "(--again)" in again.stderr) == (1, True, True)
    assert run(home, "voice", "take", str(clip), "--again").exit_code == 0


def test_a_call_is_shown_with_whoever_spoke_as_far_as_it_is_known_and_its_clip(home: Path, clip: Path) -> None:
    done = run(home, "voice", "take", str(clip), "--telephone", "040 123 4567", "--company", "Pump Lovers", "--json")
    (taken,) = json.loads(done.stdout)["taken"]
    shown = run(home, "cases", "show", taken["case"]).stdout
    assert "From:    040 123 4567 Pump Lovers\n" in shown
    assert "Clip call.wav: " in shown
    assert "Subject" not in shown
    assert "<>" not in shown


def test_the_status_tells_that_no_ear_is_set_up(home: Path) -> None:
    done = run(home, "voice", "status")
    assert done.exit_code == 0
    assert "The ear: off: each clip waits for a person." in done.stdout
    assert json.loads(run(home, "voice", "status", "--json").stdout)["state"] == "off"


def test_more_than_three_clips_that_wait_are_told_on_standard_error(home: Path, tmp_path: Path) -> None:
    with (home / "tandem.toml").open("a", encoding="utf-8") as file:
        file.write("[voice]\nenabled = true\n")
    for pitch in range(4):
        path = tmp_path / f"{pitch}.wav"
        path.write_bytes(tone(300 + pitch))
        assert run(home, "voice", "take", str(path)).exit_code == 0
    done = run(home, "voice", "status")
    assert (done.exit_code, "More than three clips wait" in done.stderr) == (1, True)
    assert "streaming" in done.stdout
