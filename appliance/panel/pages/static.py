"""The program's own looks, for everybody."""

from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from appliance.panel.frame import Panel
from appliance.panel.guard import PUBLIC
from appliance.panel.problems import not_found

_A_YEAR = "public, max-age=31536000, immutable"


def routes(panel: Panel) -> list[Any]:
    @get("/static/{name:str}", opt={"action": PUBLIC}, include_in_schema=False, sync_to_thread=False)
    def static(name: FromPath[str]) -> Response[bytes]:
        """A file of ``web/static``; its address changes with its content, so it may be kept."""
        file = panel.static.file(name)
        if file is None:
            raise not_found("file of that name")
        return Response(file.content, media_type=file.media_type, headers={"cache-control": _A_YEAR})

    return [static]
