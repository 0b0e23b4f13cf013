"""What the API can do, as a page that needs nothing from outside."""

from typing import Any

from litestar import Response

from appliance.panel.describe import operations
from appliance.panel.frame import Call, Panel
from appliance.panel.guard import SIGNED_IN
from appliance.panel.routes import page


def routes(panel: Panel) -> list[Any]:
    @page("/docs", action=SIGNED_IN, summary="The operations of the API, for people")
    def docs(request: Call) -> Response[bytes]:
        return panel.page(request, "docs.html", operations=operations(panel.description))

    return [docs]
