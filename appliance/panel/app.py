"""The panel put together: the guard around a Litestar app that serves the pages and the API."""

from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response
from litestar.handlers import BaseRouteHandler

from appliance import __version__
from appliance.ground.assets import asset
from appliance.ground.errors import TandemError
from appliance.pair.meeting.announcement import LEADER_HOST, beside, pair_hash
from appliance.pair.meeting.membership import load
from appliance.panel import bare
from appliance.panel.api import ask, cases, escalations, knowledge, metrics, node, openapi, switches, users, work
from appliance.panel.api import call as call_api
from appliance.panel.api import chat as chat_api
from appliance.panel.api import diagnostics as diagnostics_api
from appliance.panel.api import knowledge_changes as knowledge_changes_api
from appliance.panel.api import models as models_api
from appliance.panel.api import pair as pair_api
from appliance.panel.api import people as people_api
from appliance.panel.api import pushes as pushes_api
from appliance.panel.api import voice as voice_api
from appliance.panel.describe import description
from appliance.panel.door import Commands, PanelOptions
from appliance.panel.feed import Feed
from appliance.panel.frame import Panel, Routes
from appliance.panel.guard import Guard, allowed
from appliance.panel.pages import analytics, appliance, case, docs, events, manual, overview, review, sign_in
from appliance.panel.pages import call as call_page
from appliance.panel.pages import cases as cases_page
from appliance.panel.pages import chat as chat_page
from appliance.panel.pages import escalations as escalations_page
from appliance.panel.pages import knowledge as knowledge_page
from appliance.panel.pages import me as me_page
from appliance.panel.pages import models as models_page
from appliance.panel.pages import pair as pair_page
from appliance.panel.pages import people as people_page
from appliance.panel.pages import pushes as pushes_page
from appliance.panel.pages import setup as setup_page
from appliance.panel.pages import shadow as shadow_page
from appliance.panel.pages import staged as staged_page
from appliance.panel.pages import static as static_page
from appliance.panel.pages import voice as voice_page
from appliance.panel.pages import work as work_page
from appliance.panel.problems import problem_of
from appliance.panel.static import Static
from appliance.panel.v1 import chat as v1_chat
from appliance.panel.v1 import embeddings, models, responses, transcriptions
from appliance.settings.model import Settings

BODY_BYTES_MOST = 1024 * 1024  # the longest reply, with every letter escaped as JSON may have it, and room to spare

PAGES: tuple[Routes, ...] = (
    overview.routes, review.routes, cases_page.routes, case.routes, appliance.routes, analytics.routes,
    docs.routes, manual.routes, sign_in.routes, static_page.routes, events.routes,
    people_page.routes, me_page.routes, work_page.routes, escalations_page.routes, chat_page.routes,
    knowledge_page.routes, staged_page.routes,
    call_page.routes, setup_page.routes, pair_page.routes, shadow_page.routes, pushes_page.routes, models_page.routes, voice_page.routes,
)  # fmt: skip
OPERATIONS: tuple[Routes, ...] = (
    node.routes, cases.routes, switches.routes, knowledge.routes, ask.routes, users.routes, metrics.routes, openapi.routes,
    people_api.routes, work.routes, escalations.routes, chat_api.routes, knowledge_changes_api.routes,
    diagnostics_api.routes, pair_api.routes, pushes_api.routes, call_api.routes, models_api.routes, voice_api.routes,
    models.routes, v1_chat.routes, responses.routes, embeddings.routes, transcriptions.routes,
)  # fmt: skip


def build_app(commands: Commands, options: PanelOptions) -> Litestar:
    """The app for ``PanelServer.attach``. It answers nobody whom its guard does not know."""

    def describe() -> dict[str, Any]:
        return description(all_handlers(panel), options.version)

    static = Static(asset("web") / "static")
    panel = Panel(commands, options, Guard(commands, options), Feed(commands), static, describe)

    def explain(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        return panel.problem(request, problem_of(error))

    app = bare.app(
        route_handlers=all_handlers(panel),
        middleware=[allowed],
        exception_handlers={Exception: explain},
        request_max_body_size=BODY_BYTES_MOST,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    # Outside the router, so that an address that leads nowhere is told apart from one that leads somewhere only to those let in.
    app.asgi_handler = panel.guard.wrap(app.asgi_handler, panel.refuse)
    return app


def options_of(settings: Settings) -> PanelOptions:
    """What the panel is told, from ``tandem.toml``."""
    return PanelOptions(
        host=settings.panel.host,
        port=settings.panel.port,
        public_url=settings.panel.public_url,
        hosts=leader_names(settings.home),
        time_zone=settings.panel.time_zone,
        company=settings.company.name,
        languages=settings.company.languages,
        version=__version__,
    )


def leader_names(home: Path) -> tuple[str, ...]:
    """What the machine that leads is called in its network; both of a pair answer to it, for either may lead by the next request."""
    try:
        membership = load(home)
    except TandemError:  # whoever starts the node says so
        return ()
    if membership is None:
        return ()
    return tuple(name.rstrip(".") for name in (LEADER_HOST, beside(pair_hash(membership.pair))))


def all_handlers(panel: Panel) -> list[BaseRouteHandler]:
    """Every page and every operation."""
    return [handler for routes in (*PAGES, *OPERATIONS) for handler in routes(panel)]
