"""The benchmark of the model itself, with the tiny model behind the real server."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli.main import tandem
from appliance.engines.errors import EngineDied, EngineNonsense, EngineUnavailable, ModelMissing
from appliance.engines.writer.wire import Endpoint
from appliance.evals.bench import writer
from appliance.ground.assets import asset
from appliance.node.demo import prepare

TINY = Path(__file__).parents[2] / "data" / "models" / "writer"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    prepare(tmp_path / "home", asset("demo"))
    return tmp_path / "home"


def test_a_run_says_tokens_a_second_the_first_token_and_the_bare_engine_and_adds_a_line(home: Path, tmp_path: Path) -> None:
    log = tmp_path / "writer.csv"
    told = ["--home", str(home), "bench", "writer", "--model", str(TINY), "--count", "2", "--max-tokens", "16", "--log", str(log)]
    done = CliRunner().invoke(tandem, [*told, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    report = json.loads(done.output)
    assert len(report["requests"]) == len(report["bare"]) == 2
    for mine, bare in zip(report["requests"], report["bare"], strict=True):
        assert 0 < mine["first_seconds"] <= mine["seconds"]
        assert mine["prompt_tokens"] == bare["prompt_tokens"]
        assert 0 < mine["completion_tokens"] <= 16
    (row,) = csv.DictReader(log.open())
    assert float(row["tokens_per_second_p50"]) > 0
    assert float(row["ratio"]) > 0


def test_a_home_without_a_model_is_told_to_name_one(home: Path) -> None:
    with pytest.raises(ModelMissing, match="grounded"):
        CliRunner().invoke(tandem, ["--home", str(home), "bench", "writer"], catch_exceptions=False, standalone_mode=False)


def test_a_run_without_a_stream_or_a_peer_leaves_those_columns_empty() -> None:
    one = writer.Request(seconds=2.0, first_seconds=None, prompt_tokens=10, completion_tokens=20)
    state = writer.conditions()
    report = writer.WriterReport(model="m", wishes=writer.Wishes(stream=False), before=state, after=state, requests=(one,))
    line = writer.trend(report)
    assert (line["tokens_per_second_p50"], line["first_token_seconds_p50"], line["ratio"]) == (10.0, "", "")
    assert "first token" not in writer.rendered(report)
    assert writer.PROMPT not in line.values()


def test_a_server_that_is_not_there_or_talks_nonsense_is_an_error_of_the_engine(serving_bytes: object) -> None:
    def endpoint(port: int) -> Endpoint:
        return Endpoint(host="127.0.0.1", port=port, tls=False, path_prefix="/v1", model="m")

    answers = {
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnone": EngineNonsense,
        b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n": EngineUnavailable,
        b"": EngineDied,
    }
    for answer, error in answers.items():
        with serving_bytes(answer) as port, pytest.raises(error):  # type: ignore[operator]
            writer.ask(endpoint(port), writer.Wishes(stream=False))


@pytest.fixture
def serving_bytes() -> object:
    """A server that answers one request with these bytes."""
    import socket
    import threading
    from collections.abc import Iterator
    from contextlib import contextmanager

    @contextmanager
    def serve(answer: bytes) -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def once() -> None:
                line, _ = listener.accept()
                with line:
                    line.recv(65_536)
                    line.sendall(answer)

            thread = threading.Thread(target=once)
            thread.start()
            yield listener.getsockname()[1]
            thread.join()

    return serve
