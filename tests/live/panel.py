"""A panel for browsers: a real socket, a node that lives in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import BrowserContext, Page

from appliance.ground.clock import SystemClock
from appliance.panel.app import build_app
from appliance.panel.door import PanelOptions
from appliance.panel.front import PanelServer
from appliance.records.person import Actor, Role
from appliance.records.push import PushState
from tests.support.panel_company import company, work_on
from tests.support.panel_twin import PanelTwin
from tests.support.twin_knowledge import STAGED

FIRST = "c-000000000000000001"
UNCERTAIN = "c-000000000000000006"
PAGES = {
    "overview": "/",
    "review": "/review",
    "one case in review": f"/review?case={FIRST}",
    "uncertain": f"/review?case={UNCERTAIN}",
    "no draft": "/cases/c-000000000000000004",
    "cases": "/cases",
    "case": f"/cases/{FIRST}",
    "nothing found": "/cases?text=zzz",
    "appliance": "/admin",
    "pair": "/pair",
    "analytics": "/analytics?days=30",
    "escalations": "/escalations",
    "crm": "/pushes",
    "models": "/models",
    "candidate": "/shadow",
    "help": "/help",
    "a chapter": "/help/review",
    "more": "/more",
    "mine": "/review?whose=mine",
    "knowledge": "/knowledge",
    "knowledge searched": "/knowledge?text=pumpun+palautus&language=fi",
    "a source": "/knowledge/source/fi.xlsx",
    "a passage": "/knowledge/passage/p1",
    "a new version": f"/knowledge/staged/{STAGED}",
    "setting up": "/setup",
    "people": "/people",
    "me": "/me",
    "docs": "/docs",
    "problem": "/cases/none",
}


@dataclass
class Served:
    """A running panel. ``token`` makes a one-time token of a role."""

    twin: PanelTwin
    address: str
    made: int = 0

    def token(self, role: Role = Role.ADMIN) -> str:
        self.made += 1
        self.twin.tokens[f"token-{self.made}"] = Actor(name="Maria", role=role)
        return f"token-{self.made}"

    def enter(self, window: BrowserContext, role: Role = Role.ADMIN) -> Page:
        """A page that has signed in with a one-time token."""
        page = window.new_page()
        page.goto(f"{self.address}/sign-in?token={self.token(role)}")
        return page


def push_on(twin: PanelTwin) -> None:
    """The CRM was told of the first case before, and not lately."""
    for _ in range(3):
        push = twin.push_call(Actor(name="Aino Laine", role=Role.AGENT), FIRST)
        twin.change_push(push, state=PushState.SYNCED, attempts=1, response_code=200)
    fields = {"attempts": 15, "reason": "server_error", "response_code": 500, "crm_error": "internal_error"}
    twin.change_push(push, state=PushState.DEAD, **fields)
    twin.done.clear()


@contextmanager
def served(port: int = 0) -> Iterator[Served]:
    clock = SystemClock()
    twin = company(clock)
    work_on(twin)
    push_on(twin)
    for name, role in (("Maria Kallio", Role.ADMIN), ("Aino Laine", Role.AGENT)):
        twin.hire(name, role)
    server = PanelServer()
    server.start("127.0.0.1", port)
    server.attach(build_app(twin, PanelOptions(port=server.port, company="Pohjolan Pumput", clock=clock)))
    try:
        yield Served(twin, f"http://127.0.0.1:{server.port}")
    finally:
        server.stop(2.0)
