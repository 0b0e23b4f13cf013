"""Environment names from before: they work, newer ones win, and the log is told."""

from pathlib import Path

import pytest

from appliance.settings.kept_names import PATHS, SOURCES
from appliance.settings.read import load

BOX = {"IMAP_HOST": "imap.example.com", "IMAP_USERNAME": "support", "IMAP_PASSWORD": "a"}
OUT = {"SMTP_HOST": "smtp.example.com", "SMTP_FROM": "support@example.com"}


def test_a_mailbox_can_be_set_up_with_the_older_names_alone(tmp_path: Path) -> None:
    environment = {
        **BOX, **OUT, "IMAP_FOLDER": "Support", "IMAP_SSL": "true", "IMAP_PORT": "1993", "SMTP_PORT": "1587", "SMTP_STARTTLS": "true",
        "SMTP_USERNAME": "out", "SMTP_PASSWORD": "b", "SMTP_TO": "service@example.com",
    }  # fmt: skip
    settings = load(None, environment, tmp_path)
    (box,) = settings.mailbox
    assert (box.imap.host, box.imap.user, box.imap.folder, box.imap.port, box.imap.security) == (
        "imap.example.com", "support", "Support", 1993, "tls",
    )  # fmt: skip
    assert (box.smtp.host, box.smtp.port, box.smtp.security, box.smtp.user) == ("smtp.example.com", 1587, "starttls", "out")
    assert (box.sender, box.smtp.drafts_to) == ("support@example.com", "service@example.com")
    assert (box.imap.password.reveal(), box.smtp.password.reveal()) == ("a", "b")


def test_each_older_name_leaves_a_note_without_its_value(tmp_path: Path) -> None:
    notes = load(None, {**BOX, **OUT, "KNOWLEDGE_SOURCE_SV": "sv.csv"}, tmp_path).notes
    for name in (*BOX, *OUT, "KNOWLEDGE_SOURCE_SV"):
        assert sum(f" {name} " in note for note in notes) == 1, name
    assert not any("example.com" in note or "sv.csv" in note for note in notes)


def test_a_newer_name_wins_over_the_older_one(tmp_path: Path) -> None:
    environment = {**BOX, "TANDEM_MAILBOX__0__IMAP__HOST": "new.example.com"}
    assert load(None, environment, tmp_path).mailbox[0].imap.host == "new.example.com"


@pytest.mark.parametrize(("host", "security"), [("imap.example.com", "starttls"), ("127.0.0.1", "none")])
def test_imap_without_ssl_never_sends_a_password_unprotected_to_another_machine(host: str, security: str, tmp_path: Path) -> None:
    environment = {**BOX, "IMAP_HOST": host, "IMAP_SSL": "false"}
    assert load(None, environment, tmp_path).mailbox[0].imap.security == security


@pytest.mark.parametrize(("host", "security"), [("smtp.example.com", "tls"), ("localhost", "none")])
def test_smtp_without_starttls_never_sends_a_password_unprotected_to_another_machine(host: str, security: str, tmp_path: Path) -> None:
    environment = {**OUT, "SMTP_HOST": host, "SMTP_STARTTLS": "no"}
    assert load(None, environment, tmp_path).mailbox[0].smtp.security == security


def test_sources_of_knowledge_are_named_one_for_each_language(tmp_path: Path) -> None:
    environment = {"KNOWLEDGE_SOURCE_FI": "fi.xlsx", "KNOWLEDGE_SOURCE_SV": "sv.csv", "KNOWLEDGE_SOURCE_EN": "/data/en.md"}
    found = [(source.language, source.path) for source in load(None, environment, tmp_path).knowledge.source]
    assert found == [("fi", tmp_path / "fi.xlsx"), ("sv", tmp_path / "sv.csv"), ("en", Path("/data/en.md"))]


def test_the_one_source_of_knowledge_is_in_the_companys_first_language(tmp_path: Path) -> None:
    (tmp_path / "tandem.toml").write_text('[company]\nlanguages = ["sv", "fi"]\n')
    (source,) = load(None, {"KNOWLEDGE_SOURCE": "facts.xlsx"}, tmp_path).knowledge.source
    assert (source.language, source.path) == ("sv", tmp_path / "facts.xlsx")


def test_a_named_source_takes_the_place_of_the_files_source_in_that_language(tmp_path: Path) -> None:
    (tmp_path / "tandem.toml").write_text(
        '[[knowledge.source]]\npath = "old.xlsx"\n[[knowledge.source]]\npath = "fi.xlsx"\nlanguage = "fi"\n'
    )
    sources = load(None, {"KNOWLEDGE_SOURCE_EN": "new.xlsx"}, tmp_path).knowledge.source
    assert [source.path.name for source in sources] == ["new.xlsx", "fi.xlsx"]


def test_a_source_may_be_named_by_its_web_address(tmp_path: Path) -> None:
    (tmp_path / "tandem.toml").write_text(
        '[[knowledge.source]]\npath = "old.xlsx"\n[[knowledge.source]]\nurl = "https://a.example/b"\nlanguage = "fi"\n'
    )
    environment = {"KNOWLEDGE_SOURCE_EN": "https://share.example.com/kb/en.xlsx", "KNOWLEDGE_SOURCE_FI": "fi.xlsx"}
    settings = load(None, environment, tmp_path)
    english, finnish = settings.knowledge.source
    assert (english.path, english.url) == (Path(), "https://share.example.com/kb/en.xlsx")
    assert (finnish.path, finnish.url) == (tmp_path / "fi.xlsx", "")
    assert any("TANDEM_KNOWLEDGE__SOURCE__0__URL" in note for note in settings.notes)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("10.0.0.5", "http://10.0.0.5:11434/v1"),
        ("10.0.0.5:9999", "http://10.0.0.5:9999/v1"),
        ("0.0.0.0:11434", "http://127.0.0.1:11434/v1"),
        (":11434", "http://127.0.0.1:11434/v1"),
        ("https://models.example.com", "https://models.example.com/v1"),
        ("[::1]:11434", "http://[::1]:11434/v1"),
    ],
)
def test_the_host_of_ollama_becomes_the_address_of_its_api(host: str, url: str, tmp_path: Path) -> None:
    writer = load(None, {"MODEL_BACKEND": "ollama", "OLLAMA_MODEL": "qwen3", "OLLAMA_HOST": host}, tmp_path).writer
    assert (writer.kind, writer.model, writer.base_url) == ("openai", "qwen3", url)


def test_ollama_without_a_host_is_the_one_on_this_machine(tmp_path: Path) -> None:
    writer = load(None, {"MODEL_BACKEND": "ollama", "OLLAMA_MODEL": "qwen3"}, tmp_path).writer
    assert (writer.kind, writer.model, writer.base_url) == ("openai", "qwen3", "http://127.0.0.1:11434/v1")


def test_ollamas_own_host_does_not_replace_what_the_file_says(tmp_path: Path) -> None:
    (tmp_path / "tandem.toml").write_text('[writer]\nkind = "openai"\nbase_url = "http://10.0.0.9:8000/v1"\n')
    assert load(None, {"OLLAMA_HOST": "0.0.0.0"}, tmp_path).writer.base_url == "http://10.0.0.9:8000/v1"


def test_the_log_of_the_pipeline_is_off_unless_a_path_is_given(tmp_path: Path) -> None:
    assert load(None, {}, tmp_path).log.pipeline_path is None
    assert load(None, {"PIPELINE_LOG_PATH": "log.jsonl"}, tmp_path).log.pipeline_path == tmp_path / "log.jsonl"


def test_account_records_are_found_under_their_older_name(tmp_path: Path) -> None:
    assert load(None, {"ACCOUNT_DATA_PATH": "records.xlsx"}, tmp_path).accounts.path == tmp_path / "records.xlsx"


def test_an_older_name_set_to_nothing_counts_as_not_set(tmp_path: Path) -> None:
    environment = dict.fromkeys((*PATHS, *SOURCES), "")
    settings = load(None, environment, tmp_path)
    assert settings.mailbox == ()
    assert settings.notes == ()


def test_a_port_that_does_not_go_with_the_protection_is_noted(tmp_path: Path) -> None:
    (note,) = load(None, {"TANDEM_MAILBOX__0__SMTP__HOST": "smtp.example.com", "TANDEM_MAILBOX__0__SMTP__PORT": "465",
                          "TANDEM_MAILBOX__0__SENDER": "support@example.com"}, tmp_path).notes  # fmt: skip
    assert "465" in note


def test_the_voice_can_be_set_up_with_its_older_names(tmp_path: Path) -> None:
    environment = {
        "WHISPER_ENABLED": "true", "WHISPER_MOCK": "false", "WHISPER_MODEL": "whisper-tiny", "WHISPER_DEVICE": "cpu",
        "WHISPER_COMPUTE_TYPE": "float32", "WHISPER_BEAM_SIZE": "2",
    }  # fmt: skip
    settings = load(None, environment, tmp_path)
    voice = settings.voice
    assert (voice.enabled, voice.mock, voice.model, voice.device, voice.compute_type, voice.beam_size) == (
        True, False, "whisper-tiny", "cpu", "float32", 2,
    )  # fmt: skip
    assert len(settings.notes) == len(environment)


def test_the_ear_is_off_and_a_stub_unless_somebody_says_otherwise(tmp_path: Path) -> None:
    voice = load(None, {}, tmp_path).voice
    assert (voice.enabled, voice.mock) == (False, True)
