"""The API's own description, for programs."""

from typing import Any

import msgspec
from litestar import Response

from appliance.panel.frame import Panel
from appliance.panel.guard import SIGNED_IN
from appliance.panel.routes import reads


def routes(panel: Panel) -> list[Any]:
    @reads("/openapi.json", action=SIGNED_IN, summary="This description")
    def openapi() -> Response[bytes]:
        return Response(msgspec.json.encode(panel.description), media_type="application/json")

    return [openapi]
