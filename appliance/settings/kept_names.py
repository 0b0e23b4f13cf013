"""Environment names from before, which people still type. Each stands for a key, and its use is noted in the log.

They are read before the ``TANDEM_…`` names, so that those win. A host or model of Ollama does not replace what the file
says: the same names steer Ollama itself and are often set for it.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from appliance.records.language import LANGUAGES
from appliance.settings.describe import environment_name
from appliance.settings.layers import Given, place, said_where
from appliance.settings.network import is_loopback
from appliance.settings.problems import Problem

PATHS: dict[str, str] = {
    "ACCOUNT_DATA_PATH": "accounts.path",
    "PIPELINE_LOG_PATH": "log.pipeline_path",
    "MODEL_BACKEND": "writer.kind",
    "OLLAMA_MODEL": "writer.model",
    "OLLAMA_HOST": "writer.base_url",
    "IMAP_HOST": "mailbox.0.imap.host",
    "IMAP_USERNAME": "mailbox.0.imap.user",
    "IMAP_PASSWORD": "mailbox.0.imap.password",
    "IMAP_FOLDER": "mailbox.0.imap.folder",
    "IMAP_SSL": "mailbox.0.imap.security",
    "IMAP_PORT": "mailbox.0.imap.port",
    "SMTP_HOST": "mailbox.0.smtp.host",
    "SMTP_PORT": "mailbox.0.smtp.port",
    "SMTP_STARTTLS": "mailbox.0.smtp.security",
    "SMTP_USERNAME": "mailbox.0.smtp.user",
    "SMTP_PASSWORD": "mailbox.0.smtp.password",
    "SMTP_FROM": "mailbox.0.sender",
    "SMTP_TO": "mailbox.0.smtp.drafts_to",
    "WHISPER_ENABLED": "voice.enabled",
    "WHISPER_MOCK": "voice.mock",
    "WHISPER_MODEL": "voice.model",
    "WHISPER_DEVICE": "voice.device",
    "WHISPER_COMPUTE_TYPE": "voice.compute_type",
    "WHISPER_BEAM_SIZE": "voice.beam_size",
}
SOURCES: dict[str, str] = {"KNOWLEDGE_SOURCE": "", **{f"KNOWLEDGE_SOURCE_{code.upper()}": code for code in LANGUAGES}}
_UNLESS_IN_FILE = ("OLLAMA_MODEL", "OLLAMA_HOST")
OLLAMA_PORT = 11434
_YES = ("1", "true", "yes", "on")


def add_kept_names(tree: dict[str, Any], environment: Mapping[str, str], problems: list[Problem]) -> list[str]:
    """Put the older names that are set into the tree; returns the notes for the log, without any value."""
    notes = []
    for name, path in PATHS.items():
        text = environment.get(name, "")
        if not text or (name in _UNLESS_IN_FILE and said_where(tree, path)):
            continue
        value = READINGS[name](text, environment) if name in READINGS else text
        place(tree, path.split("."), Given(value, name, text=True), problems)
        notes.append(_note(name, environment_name(path)))
    if environment.get("MODEL_BACKEND", "").lower() == "ollama" and not said_where(tree, "writer.base_url"):
        place(tree, ["writer", "base_url"], Given(_base_url("", environment), "MODEL_BACKEND", text=True), problems)
    for name, code in SOURCES.items():
        if environment.get(name):
            key = "url" if environment[name].lower().startswith(("http://", "https://")) else "path"
            position = _add_source(tree, key, Given(environment[name], name, text=True), code)
            notes.append(_note(name, environment_name(f"knowledge.source.{position}.{key}")))
    return notes


def _note(name: str, newer: str) -> str:
    return f"The environment name {name} is used; its newer name is {newer}."


def _add_source(tree: dict[str, Any], key: str, said: Given, code: str) -> int:
    """The source of this language is this file or address now, whether or not there was one. Returns its position."""
    knowledge = tree.setdefault("knowledge", {})
    sources = knowledge.setdefault("source", []) if isinstance(knowledge, dict) else []
    if not isinstance(sources, list):
        return 0  # the file has something else here; building says so
    language = code or _first_language(tree)
    for position, source in enumerate(sources):
        spoken = source.get("language")
        if (spoken.value if isinstance(spoken, Given) else "en") == language:
            source.pop("url" if key == "path" else "path", None)
            source[key] = said
            return position
    sources.append({key: said, "language": Given(language, said.where, text=True)})
    return len(sources) - 1


def _first_language(tree: dict[str, Any]) -> str:
    company = tree.get("company")
    said = company.get("languages") if isinstance(company, dict) else None
    if isinstance(said, Given) and isinstance(said.value, list | tuple) and said.value:
        return str(said.value[0])
    return LANGUAGES[0]


# What an older value means in the newer words


def _kind(text: str, _: Mapping[str, str]) -> str:
    return {"ollama": "openai", "template": "grounded", "templates": "grounded"}.get(text.lower(), text.lower())


def _base_url(text: str, _: Mapping[str, str]) -> str:
    """Ollama's host, host and port, or URL, as the base of its OpenAI-compatible API."""
    parts = urlsplit(text if "://" in text else f"http://{text}")
    try:
        port = parts.port or (None if "://" in text else OLLAMA_PORT)
    except ValueError:
        return text  # no number where the port belongs: judged like any other address that cannot be used
    host = parts.hostname or "127.0.0.1"
    host = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host  # what a server binds to is no address to call
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}/{parts.path.strip('/') or 'v1'}"


def _imap_security(text: str, environment: Mapping[str, str]) -> str:
    if text.lower() in _YES:
        return "tls"
    return "none" if is_loopback(environment.get("IMAP_HOST", "")) else "starttls"


def _smtp_security(text: str, environment: Mapping[str, str]) -> str:
    if text.lower() in _YES:
        return "starttls"
    return "none" if is_loopback(environment.get("SMTP_HOST", "")) else "tls"


READINGS: dict[str, Callable[[str, Mapping[str, str]], str]] = {
    "MODEL_BACKEND": _kind,
    "OLLAMA_HOST": _base_url,
    "IMAP_SSL": _imap_security,
    "SMTP_STARTTLS": _smtp_security,
}
