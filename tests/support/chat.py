"""A chat on a port of its own before a whole node, and a foreign web page that shows it."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from appliance.node.node import Node
from appliance.panel.chat.app import build_chat
from appliance.panel.chat.options import ChatOptions
from appliance.panel.front import CHAT, PanelServer
from tests.support.home import make_home, running_node


@dataclass
class Shown:
    """A served chat: the node behind it, its address, the server that can be stopped and started again on its port."""

    node: Node
    options: ChatOptions
    server: PanelServer = field(default_factory=PanelServer)

    def start(self, port: int = 0) -> None:
        self.server = PanelServer()
        self.server.start("127.0.0.1", port, CHAT)
        self.server.attach(build_chat(self.node.commands, self.options))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"


@contextmanager
def shown(home: Path, **options: object) -> Iterator[Shown]:
    """A node of the small company with its chat."""
    with running_node(make_home(home)) as node:
        chat = Shown(node, ChatOptions(company="Test Pumps", **options))  # type: ignore[arg-type]
        chat.start()
        try:
            yield chat
        finally:
            chat.server.stop(3.0)


PAGE = """<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>Pumps for everybody</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body style="font-family: serif"><main><h1>Pumps for everybody</h1><p>We sell pumps. <a href="#">Read more</a></p></main>
{scripts}</body></html>"""
SCRIPT = """<script src="{chat}/widget.js" async data-language="{language}"></script>
"""
SCRIPT_OF_A_PAIR = """<script src="{chat}/widget.js" async data-language="{language}" data-also="{also}"></script>
"""


@dataclass
class ForeignPage:
    """A company's own web site with a strict policy: it lets the chat's script in and lets it talk home, and nothing else.

    ``also``: the chat of the other machine of a pair. The page then has the script of both.
    """

    chat: str = ""
    also: str = ""
    csp: bool = True
    port: int = 0

    def address(self, language: str = "en") -> str:
        return f"http://localhost:{self.port}/{language}"

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    def content(self, path: str) -> bytes:
        language = path.strip("/") if path.strip("/") in ("fi", "sv", "en") else "en"
        script = SCRIPT_OF_A_PAIR if self.also else SCRIPT
        both = ((self.chat, self.also), (self.also, self.chat)) if self.also else ((self.chat, ""),)
        scripts = "".join(script.format(chat=chat, also=also, language=language) for chat, also in both)
        return PAGE.format(scripts=scripts, language=language).encode()

    def policy(self) -> str:
        return (
            f"default-src 'none'; style-src-attr 'unsafe-inline'; script-src {self.chat} {self.also}; connect-src {self.chat} {self.also}"
        )


@contextmanager
def foreign_page() -> Iterator[ForeignPage]:
    """Served under another name and another port than the chat; ``chat`` is to be set before it is asked for."""
    page = ForeignPage()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = page.content(self.path)
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.send_header("content-security-policy", page.policy())
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """A test needs no log of requests."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    page.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield page
    finally:
        server.shutdown()
        server.server_close()
