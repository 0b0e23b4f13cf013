"""A customer's right to be forgotten, over HTTP."""

from typing import Annotated, Any

from litestar.params import PathParameter

from appliance.panel.erasing import ADDRESS_PATTERN, address_of
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.routes import destroys

Address = Annotated[str, PathParameter(description="The customer's mail address.", pattern=ADDRESS_PATTERN)]


def routes(panel: Panel) -> list[Any]:
    @destroys("/api/v1/users/{address:str}/data", action="erase_customer", summary="Destroy a customer's words; tells each step")
    def erase(request: Call, address: Address) -> dict[str, Any]:
        return panel.commands.erase(actor_of(request), address_of(address))

    return [erase]
