"""The names by which columns are known, in three languages."""

import re

KEY, VALUE, QUESTION, ANSWER, TITLE, ALIASES, TAGS = "key", "value", "question", "answer", "title", "aliases", "tags"

_NAMES: dict[str, str] = {
    KEY: "key avain nyckel",
    VALUE: "value arvo värde varde text teksti content sisältö innehåll",
    QUESTION: "question kysymys fråga fraga frågor questions kysymykset",
    ANSWER: "answer vastaus svar answers vastaukset",
    TITLE: "title otsikko rubrik topic aihe ämne",
    ALIASES: "aliases alias synonyms synonyymit synonymer keywords avainsanat hakusanat nyckelord sökord",
    TAGS: "tags tag tunnisteet tagit taggar etiketter",
}
_ROLES = {name: role for role, names in _NAMES.items() for name in names.split()}
_BARE = re.compile(r"[\s:*#]+")


def role_of(header: str) -> str:
    """What a column with this header holds; "" for one that is not known by name."""
    return _ROLES.get(_BARE.sub("", header).casefold(), "")


def roles(row: tuple[str, ...]) -> dict[str, int]:
    """The known columns of a header row, the first of each."""
    found: dict[str, int] = {}
    for column, header in enumerate(row):
        role = role_of(header)
        if role:
            found.setdefault(role, column)
    return found


def is_keyed(found: dict[str, int]) -> bool:
    """Key and Value: one fact a row."""
    return KEY in found and (VALUE in found or ANSWER in found)


def is_questions(found: dict[str, int]) -> bool:
    """Question and Answer, or Title and Text: one titled text a row."""
    return (QUESTION in found or TITLE in found) and (ANSWER in found or VALUE in found)
