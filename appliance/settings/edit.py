"""Small changes to ``tandem.toml`` by a command: added at the end, so that a person's own lines and comments stay as they are."""

import tomllib
from pathlib import Path

from appliance.ground.errors import SettingsError
from appliance.ground.files import write_atomically
from appliance.records.language import Code
from appliance.settings.describe import toml_value
from appliance.settings.layers import FILE_NAME


def add_source(home: Path, source: Path | str, language: Code) -> Path:
    """Name this file, or this web address, as a source of knowledge in the ``tandem.toml`` of this home, and return that file.

    A source that is named already is not named twice. Raises ``SettingsError`` when the file cannot be added to.
    """
    file = home / FILE_NAME
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    if source in _sources(text, file, home):
        return file
    entry = f"[[knowledge.source]]\n{_place(home, source)}\nlanguage = {toml_value(language)}\n"
    changed = f"{text.rstrip()}\n\n{entry}" if text.strip() else entry
    if len(_sources(changed, file, home)) != len(_sources(text, file, home)) + 1:
        raise _by_hand(file)
    home.mkdir(parents=True, exist_ok=True)
    write_atomically(file, changed.encode("utf-8"))
    return file


def _place(home: Path, source: Path | str) -> str:
    if isinstance(source, str):
        return f"url = {toml_value(source)}"
    return f"path = {toml_value(str(source.relative_to(home) if source.is_relative_to(home) else source))}"


def _sources(text: str, file: Path, home: Path) -> list[Path | str]:
    """What is named already: files as paths, web addresses as text."""
    try:
        knowledge = tomllib.loads(text).get("knowledge", {})
        return [str(source["url"]) if source.get("url") else home / source["path"] for source in knowledge.get("source", [])]
    except (tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError):
        raise _by_hand(file) from None


def _by_hand(file: Path) -> SettingsError:
    return SettingsError(
        f"{file} cannot be added to as it stands.", "Write the [[knowledge.source]] by hand, then run: tandem config check"
    )
