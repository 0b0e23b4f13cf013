"""Reading the settings: defaults, the file, the environment, and how they overlay each other."""

import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.settings.describe import Key, describe, template_toml, toml_value
from appliance.settings.model import Settings
from appliance.settings.problems import SettingsInvalid
from appliance.settings.read import load

# A value that fits and differs from the default, for every key that has not just any text.
OTHER: dict[str, Any] = {
    "company.languages": ("sv", "en"),
    "company.hours": ("mon-fri 8-16",),
    "chat.origins": ("https://www.example.com",),
    "chat.proxies": ("127.0.0.1",),
    "panel.host": "::1",
    "panel.peers": ("http://mini-2.local:8484",),
    "panel.time_zone": "Europe/Stockholm",
    "panel.public_url": "https://desk.example.com",
    "mailbox.0.id": "orders",
    "mailbox.0.sender": "orders@example.com",
    "mailbox.0.imap.host": "127.0.0.1",
    "mailbox.0.imap.security": "starttls",
    "mailbox.0.imap.auth": "microsoft",
    "mailbox.0.imap.start": "all",
    "mailbox.0.imap.sign_in_url": "https://login.example.com",
    "mailbox.0.smtp.host": "127.0.0.1",
    "mailbox.0.smtp.security": "tls",
    "mailbox.0.smtp.auth": "microsoft",
    "mailbox.0.smtp.drafts_to": "drafts@example.com",
    "knowledge.source.0.language": "fi",
    "knowledge.source.0.url": "http://127.0.0.1:8000/kb/en.xlsx",
    "accounts.match": ("order", "email"),
    "accounts.columns.email": ("Kontakt",),
    "accounts.columns.order": ("Reference",),
    "accounts.columns.status": ("Stage",),
    "accounts.columns.expected": ("Promised",),
    "writer.kind": "stub",
    "writer.base_url": "http://127.0.0.1:11434/v1",
    "writer.fallback": ("grounded", "stub"),
    "writer.temperature": 0.5,
    "shadow.kind": "stub",
    "shadow.base_url": "http://127.0.0.1:11434/v1",
    "voice.device": "cpu",
    "voice.compute_type": "float32",
    "voice.reply_mailbox": "support",
    "crm.url": "http://127.0.0.1:8488/hooks",
    "call.contacts_url": "http://127.0.0.1:8489/contact",
    "call.currency": "SEK",
    "call.reference": "keyword",
    "pair.static_peer": "192.168.1.12:8485",
    "pair.witness": "tcp://192.168.1.9:8487",
    "store.durability": "power-loss",
    "models.hub": "https://hub.example.com",
    "embedder.kind": "minilm",
    "log.level": "debug",
}
# What else must be said for the key to make sense: a mailbox must be read or written, a source must be a file.
BESIDE = {"mailbox.0.smtp.host": "127.0.0.1", "mailbox.0.sender": "support@example.com", "knowledge.source.0.path": "knowledge/en.xlsx"}
KEYS = [key for key in describe() if not key.secret]


def other_value(key: Key, folder: Path) -> Any:
    """A value for this key that is allowed and is not its default."""
    if key.path in OTHER:
        return OTHER[key.path]
    if key.path == "crm.enabled":
        (folder / "secret").touch(mode=0o600)
    if isinstance(key.default, bool):
        return not key.default
    if isinstance(key.default, int | float):
        return key.default + 7
    if key.path.endswith(("password_file", "secret_file", "key_file", "token_file", "authorities")):
        secret = folder / "secret"
        secret.touch(mode=0o600)
        secret.write_text("hunter2\n")
        return str(secret)
    return "elsewhere"


def beside(key: Key) -> dict[str, str]:
    """The other keys that this one needs, for reading them back together."""
    table = key.path.partition(".0")[0]
    needed = {path: value for path, value in BESIDE.items() if path.startswith(f"{table}.0") and path != key.path}
    if key.path.startswith("mailbox.0.imap."):
        needed |= {"mailbox.0.imap.host": "127.0.0.1", "mailbox.0.imap.user": "support"}
    if key.path.startswith("mailbox.0.imap.") or key.path in ("mailbox.0.smtp.user", "mailbox.0.smtp.auth"):
        needed |= {"mailbox.0.imap.auth": "microsoft", "mailbox.0.imap.client_id": "desk"}
    if key.path == "mailbox.0.smtp.user":
        needed["mailbox.0.smtp.auth"] = "microsoft"
    if key.path == "knowledge.source.0.url":
        needed.pop("knowledge.source.0.path")
    if key.path == "voice.reply_mailbox":
        needed |= {"mailbox.0.imap.host": "127.0.0.1", "mailbox.0.imap.user": "support", "mailbox.0.imap.auth": "microsoft"}
        needed |= {"mailbox.0.imap.client_id": "desk", "mailbox.0.id": "support", "mailbox.0.sender": "support@example.com"}
    if key.path == "crm.enabled":
        needed |= {"crm.url": "http://127.0.0.1:8488/hooks", "crm.secret_file": "secret"}
    needed.pop(key.path, None)
    return needed


def write(folder: Path, values: dict[str, Any]) -> Path:
    """A ``tandem.toml`` in which each of these paths has its value."""
    lines = []
    for table in sorted({path.rpartition(".")[0] for path in values}):
        name = ".".join(part for part in table.split(".") if part != "0")
        lines.append(f"[[{name}]]" if table.endswith(".0") else f"[{name}]")
        lines += [f"{path.rpartition('.')[2]} = {toml_value(value)}" for path, value in values.items() if path.rpartition(".")[0] == table]
    path = folder / "tandem.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def value_at(settings: Settings, path: str) -> Any:
    inner: Any = settings
    for part in path.split("."):
        inner = inner[int(part)] if part.isdigit() else getattr(inner, part)
    return inner


def as_text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def expected(key: Key, value: Any, folder: Path) -> Any:
    return folder / value if isinstance(key.default, Path) or key.kind == "path" else value


def test_without_a_file_the_defaults_are_careful(tmp_path: Path) -> None:
    settings = load(None, {}, tmp_path)
    assert settings.file is None
    assert settings.home == tmp_path
    assert settings.mailbox == ()
    assert settings.policy.safe_mode
    assert not settings.policy.automation_enabled
    assert settings.panel.host == "127.0.0.1"
    assert settings.policy.path == tmp_path / "policy.toml"


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_every_key_can_be_set_by_the_file(key: Key, tmp_path: Path) -> None:
    value = other_value(key, tmp_path)
    write(tmp_path, {**beside(key), key.path: value})
    assert value_at(load(None, {}, tmp_path), key.path) == expected(key, value, tmp_path)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_every_key_can_be_set_by_the_environment(key: Key, tmp_path: Path) -> None:
    value = other_value(key, tmp_path)
    names = {each.path: each.environment for each in KEYS}
    environment = {names[path]: as_text(said) for path, said in {**beside(key), key.path: value}.items()}
    assert value_at(load(None, environment, tmp_path), key.path) == expected(key, value, tmp_path)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_every_key_says_what_it_is_in_one_sentence(key: Key) -> None:
    assert key.sentence.endswith(".")
    assert key.sentence[0].isupper()
    assert key.range


def test_the_environment_stands_above_the_file_and_the_dotenv_below_the_environment(tmp_path: Path) -> None:
    write(tmp_path, {"panel.port": 1001, "panel.chat_port": 1002, "pair.port": 1003})
    (tmp_path / ".env").write_text("export TANDEM_PANEL__PORT='2001'\n# a comment\n\nTANDEM_PANEL__CHAT_PORT=2002  # the chat\n")
    settings = load(None, {"TANDEM_PANEL__PORT": "3001"}, tmp_path)
    assert (settings.panel.port, settings.panel.chat_port, settings.pair.port) == (3001, 2002, 1003)


def test_the_environment_changes_one_key_of_a_mailbox_and_adds_another_mailbox(tmp_path: Path) -> None:
    write(tmp_path, {"mailbox.0.id": "support", "mailbox.0.folder.inbox": "in"})
    environment = {"TANDEM_MAILBOX__0__TEAM": "sales", "TANDEM_MAILBOX__1__ID": "orders", "TANDEM_MAILBOX__1__FOLDER__INBOX": "orders"}
    first, second = load(None, environment, tmp_path).mailbox
    assert (first.id, first.team, first.folder.inbox) == ("support", "sales", tmp_path / "in")
    assert (second.id, second.folder.inbox) == ("orders", tmp_path / "orders")


def test_relative_paths_begin_at_the_folder_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    file = write(tmp_path / "etc", {"knowledge.source.0.path": "knowledge/fi.csv", "knowledge.source.0.language": "fi"})
    settings = load(file, {}, tmp_path / "home")
    assert settings.knowledge.source[0].path == tmp_path / "etc" / "knowledge" / "fi.csv"
    assert settings.policy.path == tmp_path / "etc" / "policy.toml"
    assert settings.home == tmp_path / "home"
    assert settings.file == file


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    settings = load(None, {}, tmp_path)
    with pytest.raises(AttributeError):
        settings.panel.port = 1  # type: ignore[misc]


def test_the_template_toml_says_nothing_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "tandem.toml").write_text(template_toml(), encoding="utf-8")
    settings = load(None, {}, tmp_path)
    (tmp_path / "tandem.toml").unlink()
    assert msgspec.structs.replace(settings, file=None) == load(None, {}, tmp_path)


def test_the_template_toml_works_with_its_comments_taken_off(tmp_path: Path) -> None:
    text = template_toml()
    for name in ("imap", "smtp", "share", "model-key", "crm", "crm-old", "hub"):
        secret = tmp_path / "secrets" / name
        secret.parent.mkdir(exist_ok=True)
        secret.touch(mode=0o600)
    (tmp_path / "authorities.pem").touch()
    text = text[: text.index("#[mailbox.folder]")] + text[text.index("#[[knowledge.source]]") :]
    text = text.replace('#path = "knowledge/en.xlsx"\n', "")  # a source has a path or a url
    bare = "\n".join(line[1:] if line.startswith("#") and not line.startswith("# ") else line for line in text.splitlines())
    (tmp_path / "tandem.toml").write_text(bare, encoding="utf-8")
    settings = load(None, {}, tmp_path)
    assert settings.mailbox[0].imap.host == "imap.example.com"
    named = {key.path for key in KEYS if not key.path.startswith(("mailbox.0.folder.", "knowledge.source.0.path"))}
    written = {path for path in named if _present(tomllib.loads(bare), path)}
    assert written == named


def _present(tree: Any, path: str) -> bool:
    for part in path.split("."):
        if isinstance(tree, list):
            tree = tree[int(part)]
        elif part in tree:
            tree = tree[part]
        else:
            return False
    return True


@given(st.text(max_size=60))
def test_any_text_in_any_key_gives_settings_or_a_settings_error(text: str) -> None:
    for key in KEYS:
        if "\0" in text or key.path.endswith(("password_file", "secret_file", "authorities")):
            continue
        with suppress(SettingsInvalid):
            load(None, {key.environment: text}, Path("/nowhere"))
