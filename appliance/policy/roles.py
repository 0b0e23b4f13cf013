"""Who may do what.

Closing a lever is a thing an agent on duty may do at once; opening one is for an operator. ``policy.toml`` may ask for a
higher role at a lever, never for a lower one than stands here.
"""

from collections.abc import Mapping

from appliance.policy.switches import opens
from appliance.records.person import Role
from appliance.records.policy import SWITCH_NAMES

ACTIONS: dict[str, Role] = {
    "see_status": Role.VIEWER,
    "see_numbers": Role.VIEWER,
    "ask": Role.VIEWER,
    "search_knowledge": Role.VIEWER,
    "embed": Role.VIEWER,
    "transcribe": Role.AGENT,
    "see_cases": Role.AGENT,
    "explain_case": Role.AGENT,
    "replay_case": Role.AGENT,
    "approve_case": Role.AGENT,
    "reject_case": Role.AGENT,
    "route_case": Role.AGENT,
    "resolve_uncertain": Role.AGENT,
    "chat": Role.AGENT,
    "close_chat": Role.AGENT,
    "escalate_case": Role.AGENT,
    "see_escalation": Role.AGENT,
    "import_approvals": Role.OPERATOR,
    "refresh_knowledge": Role.OPERATOR,
    "see_configuration": Role.OPERATOR,
    "verify_journal": Role.OPERATOR,
    "resolve_dead_letter": Role.OPERATOR,
    "change_configuration": Role.ADMIN,
    "manage_keys": Role.ADMIN,
    "erase_customer": Role.ADMIN,
    "expire_words": Role.ADMIN,
    "archive_cases": Role.ADMIN,
    "use_raw_model": Role.ADMIN,
    "manage_people": Role.ADMIN,
    "undo_decision": Role.AGENT,
    "assign_case": Role.AGENT,
    "note_case": Role.AGENT,
    "reopen_case": Role.AGENT,
    "take_clip": Role.AGENT,
    "hear_again": Role.AGENT,
    "change_knowledge": Role.OPERATOR,
    "set_up": Role.ADMIN,
    "make_diagnostics": Role.ADMIN,
    "manage_pair": Role.ADMIN,
    "hand_over": Role.OPERATOR,
    "manage_models": Role.ADMIN,
    "take_over": Role.OPERATOR,
    "drill": Role.OPERATOR,
    "work_on_call": Role.AGENT,
    "work_on_reference": Role.OPERATOR,
    "push_case": Role.AGENT,
    "scrub_pushes": Role.ADMIN,
    **{f"close_{name}": Role.AGENT for name in SWITCH_NAMES},
    **{f"open_{name}": Role.OPERATOR for name in SWITCH_NAMES},
}


def lever_action(name: str, on: bool) -> str:
    """The action of pulling a lever. To switch safe mode on is to close; to switch automation on is to open."""
    return f"{'open' if opens(name, on) else 'close'}_{name}"


def may(role: Role, action: str, levers: Mapping[str, Role] | None = None) -> bool:
    """May this role do that? An action nobody has heard of is refused. ``levers`` is the policy's own, stricter table."""
    needed = ACTIONS.get(action)
    if needed is None:
        return False
    return role >= max(needed, (levers or {}).get(action, needed))
