"""Small changes to ``tandem.toml`` by a command: added at the end, so that a person's own lines and comments stay as they are."""

import tomllib
from pathlib import Path

from appliance.ground.errors import SettingsError
from appliance.ground.files import write_atomically
from appliance.records.language import Code
from appliance.settings.describe import toml_value
from appliance.settings.layers import FILE_NAME


def add_source(home: Path, source: Path, language: Code) -> Path:
    """Name this file as a source of knowledge in the ``tandem.toml`` of this home, and return that file.

    A source that is named already is not named twice. Raises ``SettingsError`` when the file cannot be added to.
    """
    file = home / FILE_NAME
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    if any(home / path == source for path in _sources(text, file)):
        return file
    shown = source.relative_to(home) if source.is_relative_to(home) else source
    entry = f"[[knowledge.source]]\npath = {toml_value(str(shown))}\nlanguage = {toml_value(language)}\n"
    changed = f"{text.rstrip()}\n\n{entry}" if text.strip() else entry
    if len(_sources(changed, file)) != len(_sources(text, file)) + 1:
        raise _by_hand(file)
    home.mkdir(parents=True, exist_ok=True)
    write_atomically(file, changed.encode("utf-8"))
    return file


def _sources(text: str, file: Path) -> list[str]:
    try:
        knowledge = tomllib.loads(text).get("knowledge", {})
        return [str(source["path"]) for source in knowledge.get("source", [])]
    except (tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError):
        raise _by_hand(file) from None


def _by_hand(file: Path) -> SettingsError:
    return SettingsError(
        f"{file} cannot be added to as it stands.", "Write the [[knowledge.source]] by hand, then run: tandem config check"
    )
