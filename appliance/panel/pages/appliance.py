"""The appliance: what it stands on, what it knows, and destroying a customer's words."""

from typing import Annotated, Any

from litestar import Response

from appliance.panel.erasing import address_of
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.levers import TAPS, shown
from appliance.panel.pages.forms import FORM, EraseForm
from appliance.panel.problems import Problem
from appliance.panel.routes import form, page
from appliance.policy import roles


def routes(panel: Panel) -> list[Any]:
    @page("/admin", action="see_status", summary="The appliance page")
    def appliance(request: Call) -> Response[bytes]:
        return _shown(panel, request, None)

    @form("/admin/erase", action="erase_customer")
    def erase_form(request: Call, data: Annotated[EraseForm, FORM]) -> Response[bytes]:
        address = address_of(data.address)
        if address != address_of(data.again):
            raise Problem(400, "not_twice", "The two addresses are not the same.", "Write the same address twice; nothing was erased.")
        return _shown(panel, request, panel.commands.erase(actor_of(request), address))

    return [appliance, erase_form]


def _shown(panel: Panel, request: Call, erased: dict[str, Any] | None) -> Response[bytes]:
    health, role = panel.commands.health(), actor_of(request).role
    return panel.page(
        request,
        "appliance.html",
        dependencies=health.get("dependencies", []),
        sources=panel.commands.sources(),
        version=panel.options.version,
        may_erase=roles.may(role, "erase_customer"),
        levers=shown(panel.commands, role, TAPS),
        erased=erased,
    )
