"""An OpenAI-compatible server that does whatever a test asks of it: answer, hang, drip, break off, refuse, talk nonsense."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = '{"sentences": [{"text": "So it stands in the first passage.", "passages": [1]}], "unanswered": []}'
LONGEST_SECONDS = 30.0


class ModelServer:
    """``fault`` is what it does with the next requests, "" answers; ``text`` what it says. ``asked`` are the bodies it got."""

    def __init__(self) -> None:
        self.fault = ""
        self.text = ANSWER
        self.texts: list[str] = []  # said first, one a request
        self.retry_after = ""
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.gone_away = threading.Event()  # a client closed its connection in the middle of an answer
        self.let_go = threading.Event()  # ends every hanging
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # that a client went away is what is tested
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def stop(self) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()


def _handler(owner: ModelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            owner.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            owner.keys.append(self.headers.get("Authorization", ""))
            FAULTS[owner.fault](self, owner)

        def log_message(self, *_: Any) -> None:
            pass

        def say(self, status: int, body: bytes, kind: str = "application/json", length: int | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            if owner.retry_after:
                self.send_header("Retry-After", owner.retry_after)
            self.end_headers()
            self.wfile.write(body)

        def stream(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()

        def chunk(self, told: dict[str, Any] | str) -> None:
            try:
                self.wfile.write(f"data: {told if isinstance(told, str) else json.dumps(told)}\n\n".encode())
                self.wfile.flush()
            except OSError:
                owner.gone_away.set()
                raise

    return Handler


def _delta(text: str, finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}


USAGE = {"prompt_tokens": 120, "completion_tokens": 30, "prompt_tokens_details": {"cached_tokens": 100}}


def _answer(handler: Any, owner: ModelServer) -> None:
    text = owner.texts.pop(0) if owner.texts else owner.text
    if not owner.asked[-1]["stream"]:
        message = {"role": "assistant", "content": text}
        handler.say(200, json.dumps({"choices": [{"message": message, "finish_reason": "stop"}], "usage": USAGE}).encode())
        return
    handler.stream()
    for start in range(0, len(text), 7):
        handler.chunk(_delta(text[start : start + 7]))
    handler.chunk(_delta("", "stop"))
    handler.chunk({"choices": [], "usage": USAGE})
    handler.chunk("[DONE]")


def _hang(_: Any, owner: ModelServer) -> None:
    owner.let_go.wait(LONGEST_SECONDS)


def _drip(handler: Any, owner: ModelServer) -> None:
    handler.stream()
    while not owner.let_go.wait(0.05):
        handler.chunk(_delta("x"))


def _drip_headers(handler: Any, owner: ModelServer) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    while not owner.let_go.wait(0.05):
        handler.wfile.write(b"x")


def _endless(handler: Any, owner: ModelServer) -> None:
    handler.stream()
    while not owner.let_go.is_set():
        handler.chunk(_delta("and so on " * 100))


def _cut(handler: Any, _: ModelServer) -> None:
    handler.stream()
    handler.chunk(_delta('{"sentences": [{"te'))


def _cut_whole(handler: Any, _: ModelServer) -> None:
    handler.say(200, b'{"choices": [{"mess', length=5_000)


def _silent_close(handler: Any, _: ModelServer) -> None:
    handler.connection.close()


def _plain_only(handler: Any, owner: ModelServer) -> None:
    """A small server that takes offence at options it does not know."""
    if owner.asked[-1]["stream"]:
        handler.say(400, b'{"error": {"message": "unknown option", "type": "invalid_request_error"}}')
    else:
        _answer(handler, owner)


def _newer_only(handler: Any, owner: ModelServer) -> None:
    """A provider's newer model: it names the limit of tokens otherwise."""
    if "max_tokens" in owner.asked[-1]:
        handler.say(400, b'{"error": {"message": "use another", "type": "invalid_request_error", "code": "unsupported_parameter"}}')
    else:
        _answer(handler, owner)


def _says(status: int, body: bytes, kind: str = "application/json") -> Callable[[Any, ModelServer], None]:
    return lambda handler, _: handler.say(status, body, kind)


_QUOTA = b'{"error": {"message": "Anna Virtanen has no money", "type": "insufficient_quota", "code": "insufficient_quota"}}'

FAULTS: dict[str, Callable[[Any, ModelServer], None]] = {
    "": _answer,
    "hang": _hang,
    "drip": _drip,
    "drip_headers": _drip_headers,
    "endless": _endless,
    "cut": _cut,
    "cut_whole": _cut_whole,
    "close": _silent_close,
    "plain_only": _plain_only,
    "newer_only": _newer_only,
    "garbage": _says(200, b"<html>Welcome to your router</html>", "text/html"),
    "garbage_stream": _says(200, b"data: {broken\n\n", "text/event-stream"),
    "other_json": _says(200, b'{"hello": "world"}'),
    "list": _says(200, b"[1, 2, 3]"),
    "no_text": _says(200, b'{"choices": [{"message": {"content": {"a": 1}}}]}'),
    "error_inside": _says(200, b'data: {"error": {"message": "broke", "code": "server_error"}}\n\n', "text/event-stream"),
    "deep": _says(200, b"[" * 200_000),
    "401": _says(401, b'{"error": {"message": "Incorrect API key sk-secret", "code": "invalid_api_key"}}'),
    "403": _says(403, b"no"),
    "404": _says(404, b'{"error": "model not found"}'),
    "429": _says(429, _QUOTA),
    "500": _says(500, b"Anna Virtanen broke the server"),
    "503": _says(503, b""),
    "301": _says(301, b""),
    "400": _says(400, b'{"error": {"code": "context_length_exceeded"}}'),
}
