"""``[models]``: what is refused before a token could leak."""

from pathlib import Path

import pytest

from appliance.settings.problems import SettingsInvalid
from appliance.settings.read import load


def read(home: Path, text: str) -> None:
    (home / "tandem.toml").write_text(text, encoding="utf-8")
    load(home=home, environment={})


def test_a_token_is_never_sent_over_an_open_line_and_lies_in_a_file_of_its_own(tmp_path: Path) -> None:
    token = tmp_path / "hub"
    with pytest.raises(SettingsInvalid, match="hub_token_file"):
        read(tmp_path, f'[models]\nhub_token_file = "{token}"\n')
    token.write_text("hf_secret\n")
    token.chmod(0o644)
    with pytest.raises(SettingsInvalid, match="hub_token_file"):
        read(tmp_path, f'[models]\nhub_token_file = "{token}"\n')
    token.chmod(0o600)
    with pytest.raises(SettingsInvalid, match="would travel unprotected"):
        read(tmp_path, f'[models]\nhub_token_file = "{token}"\nhub = "http://hub.example.com"\n')
    read(tmp_path, f'[models]\nhub_token_file = "{token}"\nhub = "http://127.0.0.1:8000"\n')
