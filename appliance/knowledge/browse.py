"""A source page by page: its passages in their order, or those with all of some words."""

from collections.abc import Sequence

from appliance.records.base import Record
from appliance.records.knowledge import Passage

A_PAGE_MOST = 100


class Leaf(Record):
    """Some passages of a source. ``total`` counts all that fit, ``start`` is the place of the first one here, from 0."""

    passages: tuple[Passage, ...]
    total: int
    start: int


def browse(passages: Sequence[Passage], text: str, start: int, limit: int) -> Leaf:
    """The passages from ``start`` on that hold all words of the text, in whatever form of capitals."""
    words = text.casefold().split()
    fitting = [one for one in passages if all(word in _words_of(one) for word in words)]
    start, limit = max(start, 0), min(max(limit, 1), A_PAGE_MOST)
    return Leaf(passages=tuple(fitting[start : start + limit]), total=len(fitting), start=start)


def _words_of(passage: Passage) -> str:
    return "\n".join((passage.key, passage.title, passage.text, *passage.aliases, *passage.tags)).casefold()
