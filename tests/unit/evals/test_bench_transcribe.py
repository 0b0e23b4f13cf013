"""The benchmark of the ear runs, compares like with like, and says what it misses; how fast anything is stands in no test."""

import pytest

from appliance.engines.errors import ModelMissing
from appliance.evals.bench import transcribe


def test_both_sides_write_the_same_in_the_same_run() -> None:
    report = transcribe.run(rounds=1)
    assert [one.limit for one in report.figures] == ["bare faster-whisper"]
    assert "both wrote the same" in report.notes[0]


def test_without_a_model_it_says_how_to_name_one() -> None:
    with pytest.raises(ModelMissing, match="no Whisper model") as caught:
        transcribe.run(rounds=1, model="/no/such/model")
    assert "--model" in caught.value.remedy
