"""The three levers: what a set of them allows.

    safe_mode on              everything goes to a team; nothing is answered
    automation_enabled off    drafts are written, a person sends them
    outbound_enabled off      nothing leaves at all, mail still comes in; drafts wait for a person

The store keeps the same meaning where it starts a delivery (it may not import this room): an automatic one needs
``outbound_enabled``, ``automation_enabled`` and not ``safe_mode``; any other needs ``outbound_enabled``. What could not be
read counts as closed.

The tap ``intake_enabled`` stands beside them: it rules what comes in and allows nothing to leave. Its careful value is open,
so to pause the intake counts as opening (an operator does it) and to resume it as closing (any agent may).
"""

from appliance.records.policy import Allowance, Switches

CAREFUL: dict[str, bool] = {"safe_mode": True, "automation_enabled": False, "outbound_enabled": False, "intake_enabled": True}


def closed_by(switches: Switches) -> tuple[tuple[Allowance, str], ...]:
    """Every lever that stands in the way of an automatic reply: the most it leaves, and its reason code."""
    if not switches.readable:
        return ((Allowance.ROUTE, "levers_unreadable"),)
    closed = []
    if switches.safe_mode:
        closed.append((Allowance.ROUTE, "safe_mode"))
    if not switches.automation_enabled:
        closed.append((Allowance.REVIEW, "automation_off"))
    if not switches.outbound_enabled:
        closed.append((Allowance.REVIEW, "outbound_off"))
    return tuple(closed)


def may_start(switches: Switches, *, automatic: bool) -> bool:
    """May a delivery start now? One that a person approved, and a handover, pass the automation levers."""
    if not switches.readable or not switches.outbound_enabled:
        return False
    return not automatic or (switches.automation_enabled and not switches.safe_mode)


def opens(name: str, on: bool) -> bool:
    """Does this pull allow more than before? Closing a lever is easier than opening it."""
    return CAREFUL[name] != on
