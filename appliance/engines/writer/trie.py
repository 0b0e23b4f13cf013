"""The only ways a quoting model may go: a tree of the tokens of the sentences that it was given, and of one way to refuse.

Before each token the model is asked only how it likes those that lead on to a given sentence. So whatever its weights are, the
end is a choice of places in the list of sentences, or a refusal. Nothing that it writes is ever read: a sentence is taken from the
list by its place, and a tokenizer that loses letters cannot change one.

No model and no library in here: tokens are numbers, and who prefers which is handed in.
"""

from collections.abc import Callable, Collection, Iterable, Sequence

REFUSAL = -1  # the place of the refusal among the choices


class Node:
    """A place in the tree: the tokens that lead on, and the choice that is whole here (None: none is)."""

    __slots__ = ("choice", "onward")

    def __init__(self) -> None:
        self.onward: dict[int, Node] = {}
        self.choice: int | None = None


def grow(ways: Iterable[tuple[int, Sequence[int]]]) -> Node:
    """The tree of these choices and their tokens. Of choices with the same tokens the first counts; one without tokens cannot be made."""
    root = Node()
    for choice, tokens in ways:
        node = root
        for token in tokens:
            node = node.onward.setdefault(token, Node())
        if node is not root and node.choice is None:
            node.choice = choice
    return root


class Walk:
    """One model's way from the first token to the end. ``chosen`` are places among ``sentences``, in the order in which they were made.

    ``line`` is the token that ends a sentence, ``ends`` those that end everything; ``most`` sentences may be chosen. To refuse is
    possible in the beginning and not any more once a sentence was chosen.
    """

    def __init__(self, sentences: Sequence[Sequence[int]], refusal: Sequence[int], line: int, ends: Collection[int], most: int) -> None:
        self._sentences = dict(enumerate(sentences))
        self._line = line
        self._ends = tuple(ends)
        self._most = most
        self.chosen: list[int] = []
        # The refusal comes first: a passage with its very words in it is never an answer.
        self._root = self._node = grow([(REFUSAL, tuple(refusal)), *self._sentences.items()])
        self.refused = self.finished = not self._root.onward or most < 1 or not any(self._sentences.values())

    def allowed(self) -> tuple[int, ...]:
        """The tokens that may come next; never empty before the end."""
        if self.finished:
            return ()
        tokens = tuple(self._node.onward)
        if self._node.choice is not None:
            tokens += (self._line,)
        if self._node is self._root and self.chosen:
            tokens += self._ends
        return tuple(dict.fromkeys(tokens))

    def take(self, token: int) -> None:
        """Go on by one of the allowed tokens; ValueError for any other."""
        if token not in self.allowed():
            raise ValueError(f"token {token} leads nowhere")
        if self._node is self._root and self.chosen and token in self._ends:
            self.finished = True
        elif self._node.choice is not None and token == self._line:
            self._choose(self._node.choice)
        else:
            self._node = self._node.onward[token]

    def forced(self) -> list[int]:
        """Take every token that is without an alternative, and give them back: the model need not be asked about those."""
        taken = []
        while len(ways := self.allowed()) == 1:
            self.take(ways[0])
            taken.append(ways[0])
        return taken

    def _choose(self, choice: int) -> None:
        if choice == REFUSAL:
            self.refused = self.finished = True
            return
        self.chosen.append(choice)
        said = tuple(self._sentences[choice])
        self._sentences = {place: tokens for place, tokens in self._sentences.items() if tuple(tokens) != said}
        self._root = self._node = grow(self._sentences.items())
        self.finished = len(self.chosen) >= self._most or not self._root.onward


def follow(walk: Walk, prefer: Callable[[list[int], tuple[int, ...]], int]) -> int:
    """Walk to the end: ``prefer(new, allowed)`` says which of the allowed tokens follows the ``new`` ones. How many were taken."""
    new: list[int] = walk.forced()
    taken = len(new)
    while not walk.finished:
        token = prefer(new, walk.allowed())
        walk.take(token)
        new = [token, *walk.forced()]
        taken += len(new)
    return taken
