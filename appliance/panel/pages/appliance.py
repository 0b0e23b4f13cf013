"""The appliance: what it stands on and what to do where that is broken, what it knows, how the machine is, help from outside."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Response

from appliance.panel.erasing import address_of
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.levers import TAPS, shown
from appliance.panel.pages.forms import FORM, EraseForm, PlainForm, TryForm, notice, redirect
from appliance.panel.problems import Problem
from appliance.panel.routes import form, page
from appliance.policy import roles

_MAILBOX_PARTS = ("intake", "outbox", "sent", "deliver")


def routes(panel: Panel) -> list[Any]:
    @page("/admin", action="see_status", summary="The appliance page")
    def appliance(request: Call) -> Response[bytes]:
        return _shown(panel, request)

    @form("/admin/erase", action="erase_customer")
    def erase_form(request: Call, data: Annotated[EraseForm, FORM]) -> Response[bytes]:
        address = address_of(data.address)
        if address != address_of(data.again):
            raise Problem(400, "not_twice", "The two addresses are not the same.", "Write the same address twice; nothing was erased.")
        return _shown(panel, request, erased=panel.commands.erase(actor_of(request), address))

    return [appliance, erase_form, *_remedies(panel)]


def _remedies(panel: Panel) -> list[Any]:
    """What can be done about a trouble at a button."""

    @form("/admin/read-knowledge", action="refresh_knowledge")
    def read_knowledge(request: Call, data: Annotated[PlainForm, FORM]) -> Response[bytes]:  # noqa: ARG001  the token, which the guard reads
        notice(request, "done.machine.read", n=str(len(panel.commands.refresh())))
        return redirect("/admin")

    @form("/admin/try-mailbox", action="see_configuration")
    def try_mailbox(request: Call, data: Annotated[TryForm, FORM]) -> Response[bytes]:
        findings = panel.commands.test_mailbox(actor_of(request), data.mailbox)
        return _shown(panel, request, tried={"mailbox": data.mailbox, "findings": findings})

    @form("/admin/verify", action="verify_journal")
    def verify(request: Call, data: Annotated[PlainForm, FORM]) -> Response[bytes]:  # noqa: ARG001
        found = panel.commands.check_journal(actor_of(request))
        if found["ok"]:
            notice(request, "done.machine.verified", n=panel.voice(panel.language_of(request)).number(found["entries"]))
        return redirect("/admin#node")

    return [read_knowledge, try_mailbox, verify]


def _shown(panel: Panel, request: Call, erased: dict[str, Any] | None = None, tried: dict[str, Any] | None = None) -> Response[bytes]:
    dependencies = panel.commands.health().get("dependencies", [])
    return panel.page(
        request,
        "appliance.html",
        dependencies=sorted(dependencies, key=lambda row: bool(row["connected"])),  # what is broken stands first
        mailbox_of=mailbox_of,
        sources=panel.commands.sources(),
        version=panel.options.version,
        machine=panel.commands.machine(),
        levers=shown(panel.commands, actor_of(request).role, TAPS),
        may_erase=roles.may(actor_of(request).role, "erase_customer"),
        erased=erased,
        tried=tried,
    )


def mailbox_of(row: Mapping[str, Any]) -> str:
    """Which mailbox a dependency is a part of; "" when it is part of none that can be signed in to."""
    part, _, mailbox = str(row.get("name", "")).partition(":")
    return mailbox if part in _MAILBOX_PARTS and mailbox != "chat" else ""
