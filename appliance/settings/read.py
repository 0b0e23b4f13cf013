"""Reading the settings: everything that was said, checked together, as one frozen value."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from appliance.settings.build import build
from appliance.settings.home import find_home
from appliance.settings.kept_names import add_kept_names
from appliance.settings.layers import FILE_NAME, add_environment, read_dotenv, read_file, said_where
from appliance.settings.model import Settings
from appliance.settings.problems import Problem, SettingsInvalid
from appliance.settings.rules import notes_of, problems_of

__all__ = ["find_home", "load"]


def load(path: Path | None = None, environment: Mapping[str, str] | None = None, home: Path | None = None) -> Settings:
    """The settings of a home.

    ``path`` is the file to read; None takes ``tandem.toml`` of the home when there is one, else safe defaults. ``environment``
    is the process's own unless another is given, and ``home`` what ``find_home`` finds in it. Relative paths begin at the
    folder of the file. Raises ``SettingsInvalid`` with every problem at once.
    """
    environment = os.environ if environment is None else environment
    home = find_home(environment) if home is None else home
    file = path if path is not None else home / FILE_NAME
    there = path is not None or file.exists()
    tree: dict[str, Any] = read_file(file) if there else {}
    said = {**read_dotenv(home / ".env"), **environment}
    problems: list[Problem] = []
    notes = add_kept_names(tree, said, problems)
    add_environment(tree, said, problems)
    base = file.parent.absolute() if there else home.absolute()
    settings: Settings = build(Settings, tree, base, problems)
    known = {each.key for each in problems}
    problems += [msgspec.structs.replace(each, where=said_where(tree, each.key)) for each in problems_of(settings) if each.key not in known]
    if problems:
        raise SettingsInvalid(problems)
    notes += notes_of(settings)
    return msgspec.structs.replace(settings, home=home.absolute(), file=file.absolute() if there else None, notes=tuple(notes))
