"""A model's server that means ill: its time has an end in every stage of a connection, and what it says does no harm on its way back."""

import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from appliance.engines.errors import EngineNonsense, EngineTimeout
from appliance.engines.writer.prompt import Message
from appliance.engines.writer.wire import Wish, complete, endpoint_of
from appliance.ground.clock import SystemClock
from tests.support.model_server import ANSWER, ModelServer

SAID = (Message(role="user", content="Hyvää päivää"),)
LONGEST_SECONDS = 12.0


class Drip:
    """Takes a connection and begins a TLS handshake that it sends byte by byte, and that has no end."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        line, _ = self._listener.accept()
        with line:
            line.recv(4096)
            line.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")
            ends = time.monotonic() + LONGEST_SECONDS
            while not self.stop.wait(0.1) and time.monotonic() < ends:
                try:
                    line.sendall(b"\0")
                except OSError:
                    return

    def close(self) -> None:
        self.stop.set()
        self._listener.close()


@pytest.fixture
def drip() -> Iterator[Drip]:
    one = Drip()
    yield one
    one.close()


@pytest.fixture
def server() -> Iterator[ModelServer]:
    one = ModelServer()
    yield one
    one.stop()


def test_a_handshake_that_drips_ends_with_the_time_that_was_given(drip: Drip) -> None:
    began = time.monotonic()
    with pytest.raises(EngineTimeout):
        complete(endpoint_of(drip.url, "tiny"), SAID, Wish(seconds=1.0), SystemClock())
    assert time.monotonic() - began < 5.0


def test_half_a_character_that_a_model_wrote_can_be_shown_to_it_again(server: ModelServer) -> None:
    answered = Message(role="assistant", content=json.loads('"half \\ud83d"'))
    assert complete(endpoint_of(server.url, "tiny"), (*SAID, answered), Wish(seconds=10.0), SystemClock()).text == ANSWER
    assert server.asked[0]["messages"][1]["content"] == "half ?"


def test_an_answer_in_one_piece_has_the_same_limit_as_one_in_many(server: ModelServer) -> None:
    server.fault, server.text = "plain_only", "x" * 50_000
    with pytest.raises(EngineNonsense, match="no end"):
        complete(endpoint_of(server.url, "tiny"), SAID, Wish(seconds=10.0), SystemClock())
