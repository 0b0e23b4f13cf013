"""The account sheet in a running node: made from the settings, its changes told to the journal, its state told in ``health``.

The journal gets how many rows there are and that a reading failed; a digest would let somebody guess at a small sheet's content.
"""

from typing import Any

import msgspec

from appliance.ground.clock import Clock
from appliance.ground.errors import TandemError
from appliance.ground.log import Log
from appliance.knowledge.accounts import NAME, Accounts
from appliance.policy.model import Policy
from appliance.records.account import AccountsState
from appliance.records.events import SourceFailed, SourceRefreshed
from appliance.records.policy import Reason
from appliance.settings.model import Settings
from appliance.store.store import Store

log = Log("accounts")


def make(settings: Settings, clock: Clock) -> Accounts:
    """The account sheet of this home; nothing is read yet."""
    names = msgspec.structs.asdict(settings.accounts.columns)
    return Accounts(settings.home / settings.accounts.path, names, settings.accounts.stale_days, clock)


def refresh(accounts: Accounts, store: Store, clock: Clock, term: int, settle_seconds: float = 0.0) -> None:
    """Look at the sheet; what is new is put into the journal and said in the log, as numbers."""
    if not accounts.refresh(settle_seconds):
        return
    state, now = accounts.state(), clock.now()
    if state.trouble:
        store.record(SourceFailed(at=now, by=NAME, source=NAME, reason=Reason(code="source_unreadable")), term=term)
    elif state.read_at:
        store.record(SourceRefreshed(at=now, by=NAME, source=NAME, digest="", passages=state.rows), term=term)
    else:
        return  # there never was a sheet, which is nothing to tell
    log.info("accounts_changed", rows=state.rows, duplicates=state.duplicates, incomplete=state.incomplete, code=state.code)


def fault(state: AccountsState, policy: Policy) -> TandemError | None:
    """What is wrong with the sheet, or None. One that never was is a fault only where a template needs it."""
    if state.trouble:
        return TandemError(state.trouble, state.remedy, code=state.code)
    if not state.read_at and is_needed(policy):
        reason, remedy = f"There is no file {state.path}.", "Put the account sheet there, or correct accounts.path in tandem.toml."
        return TandemError(reason, remedy, code="source_missing")
    return None


def is_needed(policy: Policy) -> bool:
    """Whether any approved template shows a customer's record."""
    return any(template.needs_account for template in policy.templates.values())


def is_shown(state: AccountsState, policy: Policy) -> bool:
    """Whether the sheet is one of the things that this company stands on."""
    return bool(state.read_at or state.trouble) or is_needed(policy)


def numbers(state: AccountsState) -> dict[str, Any]:
    """How large and how old the sheet is: for ``health``, where nothing of its content may stand."""
    told = ("rows", "duplicates", "incomplete", "read_at", "modified_at")
    return {name: getattr(state, name) for name in told}
