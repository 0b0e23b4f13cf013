"""The word lists that engines use, from ``models/lexicons/<language>/<name>.toml``."""

import tomllib
from functools import lru_cache

from appliance.ground.assets import asset
from appliance.records.language import Code


@lru_cache(maxsize=32)
def lists(name: str, code: Code) -> dict[str, tuple[str, ...]]:
    """The lists of one file in one language, by their names."""
    path = asset("models") / "lexicons" / code / f"{name}.toml"
    return {key: tuple(values) for key, values in tomllib.loads(path.read_text(encoding="utf-8")).items()}
