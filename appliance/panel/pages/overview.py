"""The overview: is it all right, what waits, what left today and why, and the levers."""

from typing import Annotated, Any

from litestar import Response

from appliance.panel import plot
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.glance import escalated, given_up, glance, repairs
from appliance.panel.levers import LEVERS, TAPS, pull, shown
from appliance.panel.pages.forms import FORM, LeverForm, notice, redirect
from appliance.panel.routes import form, page
from appliance.panel.waiting import waiting_rows
from appliance.policy import roles

SHOWN_WAITING = 5


def routes(panel: Panel) -> list[Any]:
    @page("/", action="see_status", summary="The overview page")
    def overview(request: Call) -> Response[bytes]:
        commands, voice = panel.commands, panel.voice(panel.language_of(request))
        status, health, today = commands.status(), commands.health(), commands.today()
        role = actor_of(request).role
        to_repair = repairs(status, health, commands.sources(), commands.counts(), voice)
        if roles.may(role, "see_cases"):
            to_repair = (*escalated(commands.unseen_escalations(), voice), *to_repair, *given_up(commands.push_counts().failed, voice))
        waiting = waiting_rows(commands, SHOWN_WAITING)
        oldest = voice.now - waiting[0].received_at if waiting else None
        return panel.page(
            request,
            "overview.html",
            glance=glance(status, to_repair, oldest, voice),
            repairs=to_repair,
            today=today,
            plot=plot.of_day(today.get("hours", []), voice),
            waiting=waiting if roles.may(role, "see_cases") else None,
            levers=shown(commands, role, LEVERS),
            setting_up=_setting_up(panel, request),
        )

    @form("/switches", action="see_status")
    def switch(request: Call, data: Annotated[LeverForm, FORM]) -> Response[bytes]:
        name = pull(panel.commands, actor_of(request), data.name, data.on)
        notice(request, f"done.{name}.{'on' if data.on else 'off'}")
        return redirect("/admin" if name in TAPS else "/")

    return [overview, switch]


def _setting_up(panel: Panel, request: Call) -> tuple[int, int] | None:
    """How many steps of the first run are behind us, and of how many; None when all are, or for somebody who cannot go on with them."""
    if not roles.may(actor_of(request).role, "set_up"):
        return None
    behind, steps = panel.commands.setup_progress(actor_of(request))
    return (behind, steps) if behind < steps else None
