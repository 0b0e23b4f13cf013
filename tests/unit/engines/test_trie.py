"""Whatever a model prefers, the walk ends with sentences that were given, or with a refusal."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from appliance.engines.writer.trie import Walk, follow

LINE, END, OTHER_END = 10, 1, 2
REFUSAL = (78, 79)


def walk(*sentences: Sequence[int], most: int = 3) -> Walk:
    return Walk(sentences, REFUSAL, LINE, (END, OTHER_END), most)


def led(one: Walk, *wishes: int) -> Walk:
    """Prefers the wished tokens in their order, and the first allowed one when the wish is not."""
    left = list(wishes)

    def prefer(_: list[int], allowed: tuple[int, ...]) -> int:
        wish = left.pop(0) if left else END
        return wish if wish in allowed else allowed[0]

    follow(one, prefer)
    return one


def test_it_chooses_in_the_order_in_which_the_model_wrote() -> None:
    assert led(walk((20, 21), (30, 31)), 30, 20, END).chosen == [1, 0]


def test_it_refuses_only_in_the_beginning() -> None:
    assert led(walk((20, 21), (30, 31)), REFUSAL[0]).refused
    begun = led(walk((20, 21), (30, 31)), 20, REFUSAL[0])
    assert not begun.refused
    assert begun.chosen[0] == 0


def test_of_two_sentences_that_begin_alike_either_can_be_chosen_also_the_one_that_is_the_beginning_of_the_other() -> None:
    assert led(walk((20, 21), (20, 21, 22), most=1), 20, LINE).chosen == [0]
    assert led(walk((20, 21), (20, 21, 22), most=1), 20, 22).chosen == [1]


def test_a_sentence_that_stands_twice_is_chosen_once() -> None:
    assert led(walk((20, 21), (20, 21), (30,)), 20, 30).chosen == [0, 2]


def test_the_words_of_a_refusal_in_a_passage_are_a_refusal() -> None:
    assert led(walk(REFUSAL, (20,)), REFUSAL[0]).refused


@pytest.mark.parametrize("sentences", [(), ((),), ((), ())])
def test_with_nothing_to_choose_it_has_refused(sentences: tuple[tuple[int, ...], ...]) -> None:
    nothing = walk(*sentences)
    assert nothing.refused
    assert nothing.finished
    assert nothing.allowed() == ()


def test_another_token_is_refused() -> None:
    with pytest.raises(ValueError, match="leads nowhere"):
        walk((20,)).take(99)


tokens = some.lists(some.sampled_from([0, END, OTHER_END, LINE, 20, 21, 22, *REFUSAL]), max_size=5)


@settings(max_examples=300, deadline=None)
@given(some.lists(tokens, max_size=6), some.integers(0, 4), some.randoms(use_true_random=False))
def test_any_preference_ends_with_different_given_sentences_or_a_refusal(sentences: list[list[int]], most: int, dice: object) -> None:
    one = walk(*sentences, most=most)
    taken = follow(one, lambda _, allowed: dice.choice(allowed))  # type: ignore[attr-defined]
    assert one.finished
    assert one.refused == (not one.chosen)
    assert len({tuple(sentences[place]) for place in one.chosen}) == len(one.chosen) <= most
    assert all(sentences[place] for place in one.chosen)
    assert taken <= sum(map(len, sentences)) + len(sentences) + len(REFUSAL) + 2
