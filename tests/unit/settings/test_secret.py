"""Passwords: only in files that nobody else can read, or in the environment, and never shown."""

from pathlib import Path

import pytest

from appliance.ground.errors import SettingsError
from appliance.settings.model import ImapSettings
from appliance.settings.problems import SettingsInvalid
from appliance.settings.read import load
from appliance.settings.secret import Secret, password_of, read_secret

MAILBOX = '[[mailbox]]\n[mailbox.imap]\nhost = "imap.example.com"\nuser = "support"\npassword_file = "secret"\n'


def secret_file(folder: Path, mode: int, text: str = "hunter2\n") -> Path:
    path = folder / "secret"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_secret_that_only_its_owner_can_read_is_read(mode: int, tmp_path: Path) -> None:
    path = secret_file(tmp_path, mode)
    (tmp_path / "tandem.toml").write_text(MAILBOX)
    imap = load(None, {}, tmp_path).mailbox[0].imap
    assert imap.password_file == path
    assert password_of(imap) == "hunter2"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o610])
def test_a_secret_that_others_can_reach_is_refused_with_the_remedy(mode: int, tmp_path: Path) -> None:
    path = secret_file(tmp_path, mode)
    (tmp_path / "tandem.toml").write_text(MAILBOX)
    with pytest.raises(SettingsInvalid, match="chmod 600") as caught:
        load(None, {}, tmp_path)
    assert caught.value.problems[0].key == "mailbox.0.imap.password_file"
    with pytest.raises(SettingsError, match="chmod 600"):
        read_secret(path)


@pytest.mark.parametrize("text", ["", "\n", "  \nhunter2\n"])
def test_an_empty_secret_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="empty"):
        read_secret(secret_file(tmp_path, 0o600, text))


def test_a_secret_that_is_missing_or_a_folder_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_secret(tmp_path / "nothing")
    with pytest.raises(SettingsError, match="not a file"):
        read_secret(tmp_path)
    path = secret_file(tmp_path, 0o600)
    path.write_bytes(b"hunter2\xff")
    with pytest.raises(SettingsError, match="text file") as caught:
        read_secret(path)
    assert "hunter2" not in str(caught.value)


def test_a_rotated_password_is_taken_up_at_the_next_use(tmp_path: Path) -> None:
    login = ImapSettings(password_file=secret_file(tmp_path, 0o600))
    assert password_of(login) == "hunter2"
    secret_file(tmp_path, 0o600, "correct horse\n")
    assert password_of(login) == "correct horse"


def test_a_password_from_the_environment_is_kept_and_never_shown(tmp_path: Path) -> None:
    environment = {"IMAP_HOST": "imap.example.com", "IMAP_USERNAME": "support", "IMAP_PASSWORD": "hunter2"}
    settings = load(None, environment, tmp_path)
    assert password_of(settings.mailbox[0].imap) == "hunter2"
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in " ".join(settings.notes)


def test_a_secret_shows_as_stars_however_it_is_printed() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {secret!s}"
    assert secret.reveal() == "hunter2"
    assert not Secret("")


def test_a_dotenv_with_a_password_must_be_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("IMAP_HOST=imap.example.com\nIMAP_USERNAME=support\nIMAP_PASSWORD=hunter2\n")
    path.chmod(0o644)
    with pytest.raises(SettingsInvalid, match="chmod 600") as caught:
        load(None, {}, tmp_path)
    assert "hunter2" not in str(caught.value)
    path.chmod(0o600)
    assert load(None, {}, tmp_path).mailbox[0].imap.user == "support"


def test_a_dotenv_line_that_cannot_be_read_is_named_by_its_number(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# fine\nhunter2\n")
    with pytest.raises(SettingsInvalid, match="line 2") as caught:
        load(None, {}, tmp_path)
    assert "hunter2" not in str(caught.value)
