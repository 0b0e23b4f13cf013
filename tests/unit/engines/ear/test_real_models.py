"""A real model, where one is installed, hears a real recording. Where none is, these tests have no case; the search itself is always tried.

Looked at are the folder that ``TANDEM_TEST_MODELS`` names, the models of this user's own home, and the hub's cache.
"""

import os
import re
from pathlib import Path

import pytest

from appliance.engines.ear.facts import MODEL_FILES
from appliance.engines.ear.protocol import Hearing
from appliance.settings.home import find_home
from tests.support.ears import tiny_ear
from tests.support.sounds import TINY_EAR, VOICE

TINY_BYTES = 5_000_000  # below that it is a test's own model and knows only its sentences


def whisper_models(*places: Path) -> list[Path]:
    """Folders in these places that hold a whole Whisper model in CTranslate2's format, smallest first."""
    folders = {path.parent for place in places if place.is_dir() for path in place.glob("*/model.bin")}
    whole = [folder for folder in folders if all((folder / name).is_file() for name in MODEL_FILES)]
    return sorted(whole, key=lambda folder: ((folder / "model.bin").stat().st_size, folder.name))


def real_models() -> list[Path]:
    named = os.environ.get("TANDEM_TEST_MODELS", "")
    cache = Path(os.environ.get("HF_HOME", Path.home() / ".cache/huggingface")) / "hub"
    places = [*([Path(named)] if named else []), find_home(os.environ) / "models", *cache.glob("models--*whisper*/snapshots")]
    return [folder for folder in whisper_models(*places) if (folder / "model.bin").stat().st_size > TINY_BYTES]


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "model" in metafunc.fixturenames:  # no models: no cases, and nothing that is skipped
        found = [(name, model) for model in real_models() for name in ("jfk.flac",)]
        metafunc.parametrize(("name", "model"), found or [("en_shop_hours.mp3", TINY_EAR)], ids=lambda value: Path(value).name)


def test_a_recording_is_heard_nearly_word_for_word(name: str, model: Path) -> None:
    said = {"jfk.flac": (VOICE / "jfk.txt").read_text(encoding="utf-8"), "en_shop_hours.mp3": "When is the shop in Oulu open?"}[name]
    ear = tiny_ear(model=str(model))
    try:
        heard = ear.hear(Hearing(data=(VOICE / name).read_bytes(), language="en"))
    finally:
        ear.close()
    missed = set(words(said)) - set(words(heard.text))
    assert len(missed) <= len(set(words(said))) // 10, heard.text


def test_the_search_finds_whole_models_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "part").mkdir()
    for file in TINY_EAR.iterdir():
        (tmp_path / "whole" / file.name).write_bytes(file.read_bytes())
    (tmp_path / "part" / "model.bin").write_bytes(b"x")
    assert whisper_models(tmp_path) == [tmp_path / "whole"]
    assert TINY_EAR in whisper_models(TINY_EAR.parent)
    assert whisper_models(tmp_path / "nowhere") == []
