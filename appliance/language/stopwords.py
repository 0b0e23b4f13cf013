"""Words that carry no topic, from ``models/lexicons/stopwords``.

Search gives them next to no weight; the detector reads them as signs of their language, also for languages that we do
not answer in.
"""

from functools import cache

from appliance.ground.assets import asset


@cache
def stopwords(code: str) -> frozenset[str]:
    """The listed words of a language in lower case; empty for a language without a list."""
    path = asset("models") / "lexicons" / "stopwords" / f"{code}.txt"
    if not path.is_file():
        return frozenset()
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@cache
def languages_with_lists() -> tuple[str, ...]:
    """Codes of all languages that have a list, in alphabetical order."""
    folder = asset("models") / "lexicons" / "stopwords"
    return tuple(sorted(path.stem for path in folder.glob("*.txt")))
