"""The process of a language model: mlx-lm's own server with its continuous batching and prompt cache, on this machine alone.

The server is theirs; the door before it is ours. It asks for the key of this run, knows one model only, loads nothing else that a request
may name, and fetches nothing: theirs would load any folder and any picture's address that a request names.
"""

import os
import sys
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from appliance.engines.child_side import Pipes
from appliance.engines.errors import EngineMissing, EngineUnavailable
from appliance.engines.server_child import KEY_VARIABLE, Listening

REQUEST_BYTES_MOST = 2_000_000
TOKENS_MOST = 4_096
PROMPT_CACHE_BYTES = "512MB"
PIP = 'pip install "tandem-appliance[llm]"'
_LOOK_SECONDS = 0.05


def main() -> None:
    """``mlx_child MODEL_FOLDER AT_ONCE``: serve until standard input closes."""
    pipes = Pipes()
    pipes.begin()
    folder, at_once = sys.argv[1], sys.argv[2]
    key = os.environ.pop(KEY_VARIABLE, "")
    try:
        server = _their_server()
        server.run = lambda _host, _port, provider: _serve(server, provider, pipes, key, Path(folder).name)
        sys.argv = [
            "mlx_lm.server", "--model", folder, "--host", "127.0.0.1", "--decode-concurrency", at_once, "--prompt-concurrency", at_once,
            "--prompt-cache-bytes", PROMPT_CACHE_BYTES, "--log-level", "ERROR",
        ]  # fmt: skip
        server.main()
    except Exception as error:
        pipes.tell_error(error)
        os._exit(4)


def _their_server() -> Any:
    try:
        from mlx_lm import server
    except ImportError as error:
        raise EngineMissing(f"mlx-lm is not installed or does not run on this machine ({type(error).__name__}).", f"Run: {PIP}") from error
    return server


def _serve(server: Any, provider: Any, pipes: Pipes, key: str, model: str) -> None:
    generator = server.ResponseGenerator(provider, server.LRUPromptCache(provider.cli_args.prompt_cache_size))
    fingerprint = server.get_system_fingerprint()
    handler = _handler(server.APIHandler, key, model)
    web = ThreadingHTTPServer(("127.0.0.1", 0), lambda *told: handler(generator, *told, system_fingerprint=fingerprint))
    web.daemon_threads = True
    _wait_for_model(generator, provider, model)
    pipes.tell("ready", Listening(port=web.server_port))
    web.serve_forever()


def _wait_for_model(generator: Any, provider: Any, model: str) -> None:
    """It is loaded by the generator's own thread, which ends when that fails."""
    pause = threading.Event()
    while provider.model_key is None:
        if not generator.generation_available():
            raise EngineUnavailable(
                f"The model {model} cannot be loaded: its files are damaged, or of a kind that mlx-lm does not know.",
                f"Run: tandem models verify {model}",
            )
        pause.wait(_LOOK_SECONDS)


def _handler(theirs: type, key: str, model: str) -> type:
    """Their handler behind our door."""

    class Handler(theirs):  # type: ignore[misc]
        timeout = 600

        def do_POST(self) -> None:
            if self._is_let_in() and self._is_small():
                super().do_POST()

        def do_GET(self) -> None:
            if not self._is_let_in():
                return
            if self.path.startswith("/v1/models"):
                self._say(200, f'{{"object":"list","data":[{{"id":"{model}","object":"model","created":{self.created}}}]}}')
            else:
                super().do_GET()

        def validate_model_parameters(self) -> None:
            self.requested_model, self.requested_draft_model, self.adapter = "default_model", "default_model", None
            tokens = vars(self).get("max_tokens")
            self.max_tokens = min(tokens, TOKENS_MOST) if isinstance(tokens, int) else tokens
            super().validate_model_parameters()

        def handle_chat_completions(self) -> Any:
            for message in self.body.get("messages", []):
                content = message.get("content") if isinstance(message, dict) else None
                if isinstance(content, list) and any(not isinstance(part, dict) or part.get("type") != "text" for part in content):
                    raise ValueError("only text is taken")
            return super().handle_chat_completions()

        def log_message(self, *_: Any) -> None:
            """Nothing: a line a request helps nobody."""

        def _is_let_in(self) -> bool:
            if self.headers.get("Authorization", "") == f"Bearer {key}":
                return True
            self._say(401, '{"error":{"message":"a key is needed","type":"invalid_request_error","code":"invalid_api_key"}}')
            return False

        def _is_small(self) -> bool:
            length = self.headers.get("Content-Length", "")
            if length.isdecimal() and int(length) <= REQUEST_BYTES_MOST:
                return True
            self._say(413, '{"error":{"message":"the request is too large","type":"invalid_request_error"}}')
            return False

        def _say(self, status: int, body: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

    return Handler


if __name__ == "__main__":
    main()
