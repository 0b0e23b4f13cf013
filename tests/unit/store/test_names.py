from hypothesis import given
from hypothesis import strategies as st

from appliance.store import names

_KEY = b"k" * 32
positions = st.integers(min_value=0, max_value=2**50 - 1)
threads = st.integers(min_value=0, max_value=2**30 - 1)


@given(positions, st.binary(min_size=5, max_size=5))
def test_a_case_id_carries_its_position(position: int, randomness: bytes) -> None:
    case = names.case_id(position, randomness)
    assert names.case_number(case) == position
    assert names.delivery_number(names.delivery_id(position, case)) == position
    assert names.our_case(names.message_id(case, 1, "x.example")) == case


@given(positions, positions)
def test_case_ids_sort_by_position(one: int, other: int) -> None:
    assert (names.case_id(one, bytes(5)) < names.case_id(other, bytes(5))) == (one < other)


@given(threads)
def test_a_subject_token_leads_back_to_its_thread(thread: int) -> None:
    subject = f"Re: order [#{names.subject_token(thread, _KEY).upper()}] (fwd)"
    assert names.thread_of_token(subject, _KEY) == thread


def test_tokens_of_neighbouring_threads_look_unrelated() -> None:
    tokens = [names.subject_token(thread, _KEY) for thread in range(1, 2_000)]
    assert len(set(tokens)) == len(tokens)
    assert tokens != sorted(tokens)
    assert names.subject_token(1, b"other" * 6) != tokens[0]


@given(st.text())
def test_anything_else_names_nothing(text: str) -> None:
    assert names.case_number(f"c-{text}x") is None or len(text) == 17
    names.thread_of_token(text, _KEY)
    names.our_case(text)
