"""The lexicons: what a topic is known by in each language, as it travels with the program.

``models/lexicons/<language>/<name>.toml`` holds the lists named in :mod:`appliance.policy.terms`. All languages of a topic are
matched on every message: people mix languages, and a detector may be wrong.
"""

import tomllib
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from appliance.ground.assets import asset
from appliance.policy.errors import PolicyError
from appliance.policy.terms import TopicWords
from appliance.records.language import LANGUAGES, Code

KEYS = ("words", "phrases", "together", "patterns", "except")


def folder() -> Path:
    """Where the lexicons lie."""
    return asset("models") / "lexicons"


@lru_cache(maxsize=64)
def topic(name: str) -> TopicWords:
    """What a topic is known by in all languages. Raises :class:`PolicyError` when no language knows the topic."""
    files = [path for code in LANGUAGES if (path := folder() / code / f"{name}.toml").is_file()]
    if not files:
        known = sorted(path.stem for path in (folder() / LANGUAGES[0]).glob("*.toml"))
        raise PolicyError("lexicons", name, "there is no such lexicon", f"Use one of: {', '.join(known)}.")
    return merge(tuple(_read(path) for path in files))


def lists(name: str, code: Code) -> dict[str, tuple[str, ...]]:
    """The lists of one file in one language, whatever their names."""
    path = folder() / code / f"{name}.toml"
    return {key: tuple(value) for key, value in tomllib.loads(path.read_text(encoding="utf-8")).items()}


def merge(parts: tuple[TopicWords, ...]) -> TopicWords:
    """Several languages, or a lexicon and a company's own words, as one topic."""
    return TopicWords(
        phrases=tuple(phrase for part in parts for phrase in part.phrases),
        together=tuple(phrase for part in parts for phrase in part.together),
        patterns=tuple(pattern for part in parts for pattern in part.patterns),
        exceptions=tuple(phrase for part in parts for phrase in part.exceptions),
    )


def from_table(table: dict[str, list[str]]) -> TopicWords:
    """A topic's words out of a table with the keys of a lexicon."""
    return TopicWords(
        phrases=(*table.get("words", ()), *table.get("phrases", ())),
        together=tuple(table.get("together", ())),
        patterns=tuple(table.get("patterns", ())),
        exceptions=tuple(table.get("except", ())),
    )


@lru_cache(maxsize=1)
def digest() -> str:
    """What all lexicons together are known by, as 16 hexadecimal digits."""
    total = sha256()
    for path in sorted(path for path in folder().rglob("*") if path.is_file()):
        total.update(f"{path.parent.name}/{path.name}\0".encode() + path.read_bytes() + b"\0")
    return total.hexdigest()[:16]


def _read(path: Path) -> TopicWords:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        name = f"{path.parent.name}/{path.name}"
        raise PolicyError("lexicons", name, str(error), "Restore the file from the installation.") from error
    return from_table(table)
