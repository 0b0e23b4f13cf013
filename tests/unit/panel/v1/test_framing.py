"""An answer's content comes out of its framing whole, however it was cut on the way."""

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.panel.v1.framing import Body, OddFraming

CHUNKED = [(b"Transfer-Encoding", b"chunked")]


def framed(pieces: list[bytes]) -> bytes:
    """As a server of h11's would write it."""
    server = h11.Connection(h11.SERVER)
    server.receive_data(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    server.next_event()
    server.next_event()
    head = server.send(h11.Response(status_code=200, headers=[("Transfer-Encoding", "chunked")])) or b""
    parts = [server.send(h11.Data(data=piece)) or b"" for piece in pieces]
    return b"".join((head, *parts, server.send(h11.EndOfMessage()) or b"")).partition(b"\r\n\r\n")[2]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.lists(st.integers(1, 9), min_size=1, max_size=8))
def test_chunks_come_out_whole_however_they_were_cut(pieces: list[bytes], cuts: list[int]) -> None:
    sent, body, found, turn = framed(pieces), Body(CHUNKED), b"", 0
    while sent:
        size = cuts[turn % len(cuts)]
        turn += 1
        found += body.content(sent[:size])
        sent = sent[size:]
    assert found == b"".join(pieces)
    assert body.whole


def test_a_body_of_a_known_length_ends_there() -> None:
    body = Body([(b"content-length", b"5")])
    assert body.content(b"abc") + body.content(b"defgh") == b"abcde"
    assert body.whole
    assert Body([(b"content-length", b"0")]).whole


def test_a_body_without_a_length_ends_with_its_line() -> None:
    body = Body([])
    assert body.content(b"abc") == b"abc"
    assert body.may_just_end
    assert not body.whole


@pytest.mark.parametrize("odd", [b"hello\r\nworld", b"-5\r\n", b"fffffffff\r\n", b"1" * 2000])
def test_what_is_no_chunk_is_not_guessed_at(odd: bytes) -> None:
    with pytest.raises(OddFraming):
        Body(CHUNKED).content(odd)
