"""Where two journals part, by asking for hashes."""

from hypothesis import given
from hypothesis import strategies as st

from appliance.pair.copying.agreeing import find_common


@given(st.integers(0, 1 << 40), st.data())
def test_the_last_common_position_is_found_with_few_questions(upper: int, data: st.DataObject) -> None:
    common = data.draw(st.integers(0, upper))
    asked: list[int] = []

    def same(position: int) -> bool:
        asked.append(position)
        return position <= common

    assert find_common(same, upper) == common
    assert len(asked) <= 2 * upper.bit_length() + 2
    assert all(0 < position <= upper for position in asked)


def test_a_fork_near_the_end_of_a_long_journal_needs_few_questions() -> None:
    asked: list[int] = []

    def same(position: int) -> bool:
        asked.append(position)
        return position <= 9_999_998

    assert find_common(same, 10_000_000) == 9_999_998
    assert len(asked) <= 5
