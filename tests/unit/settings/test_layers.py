"""A file that is not TOML: which line, and what to do."""

from pathlib import Path

import pytest

from appliance.settings.layers import read_file
from appliance.settings.problems import SettingsInvalid


@pytest.mark.parametrize(
    ("text", "reason", "remedy"),
    [
        (
            "[targets]\nanswer_minutes = 1\n[targets]\nreview_minutes = 2\n",
            "line 3, column 9 names again what has stood above",
            "stands once",
        ),
        ("a = 1\na = 2\n", "names again what has stood above", "stands once"),
        ("a = secret-word\n", "line 1, column 5 is not TOML", "key = value"),
        ("a = [", "it ends in the middle of a value", "key = value"),
    ],
)
def test_a_file_that_is_not_toml_is_told_with_its_line_and_none_of_its_words(tmp_path: Path, text: str, reason: str, remedy: str) -> None:
    file = tmp_path / "tandem.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsInvalid) as told:
        read_file(file)
    assert reason in told.value.message
    assert remedy in told.value.remedy
    assert "secret-word" not in str(told.value)
