"""Outlook finds its conversation again."""

import base64
import struct

import pytest

from appliance.channels.mail.thread_index import extended

BEGAN = 1_700_000_000.0
HEADER = struct.pack(">Q", int((BEGAN + 11_644_473_600) * 10_000_000))[:6] + bytes(range(16))
PARENT = base64.b64encode(HEADER).decode()


def blocks(index: str) -> list[bytes]:
    raw = base64.b64decode(index)
    assert raw[:22] == HEADER
    return [raw[start : start + 5] for start in range(22, len(raw), 5)]


def test_an_answer_adds_one_block_to_the_index_it_answers() -> None:
    once = extended(PARENT, BEGAN + 3600, "d-1")
    assert len(blocks(once)) == 1
    assert len(blocks(extended(once, BEGAN + 7200, "d-2"))) == 2


def test_the_block_says_how_long_after_the_beginning_it_was_written() -> None:
    for seconds in (0.0, 60.0, 3600.0, 86_400.0 * 30):
        value = int.from_bytes(blocks(extended(PARENT, BEGAN + seconds, "d"))[0][:4], "big")
        assert value >> 31 == 0
        assert abs((value << 18) / 1e7 - seconds) < 0.1
    value = int.from_bytes(blocks(extended(PARENT, BEGAN + 86_400 * 1000, "d"))[0][:4], "big")
    assert value >> 31 == 1
    assert abs(((value & 0x7FFFFFFF) << 23) / 1e7 - 86_400 * 1000) < 2


def test_the_same_answer_gets_the_same_index() -> None:
    assert extended(PARENT, BEGAN + 5, "d-1") == extended(PARENT, BEGAN + 5, "d-1")
    assert extended(PARENT, BEGAN + 5, "d-1") != extended(PARENT, BEGAN + 5, "d-2")


@pytest.mark.parametrize(
    "parent", ["", "x", "not base64!", base64.b64encode(b"short").decode(), base64.b64encode(HEADER + b"abc").decode(), "ä" * 40]
)
def test_what_is_no_index_is_not_continued(parent: str) -> None:
    assert extended(parent, BEGAN, "d") == ""


def test_a_clock_before_the_beginning_does_no_harm() -> None:
    assert blocks(extended(PARENT, BEGAN - 1e6, "d"))[0][:4] == bytes(4)


def test_an_endless_conversation_is_not_continued_for_ever() -> None:
    index = PARENT
    for _ in range(100):
        index = extended(index, BEGAN, "d") or index
    assert len(index) < 400
