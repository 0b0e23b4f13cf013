"""Every dependency of a node by name: whether it is there, and where not, why and what to do."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from appliance.ground.errors import TandemError
from appliance.knowledge.accounts import NAME as ACCOUNTS
from appliance.node import account_watch, pair_faults
from appliance.records.knowledge import SourceState
from appliance.records.policy import Switches
from appliance.store.drills import MAILBOX as DRILL

if TYPE_CHECKING:
    from appliance.node.node import Node


def rows(node: "Node") -> list[dict[str, Any]]:
    """One row a dependency."""
    return [*_own(node), *_of_the_company(node), *_at_work(node), *_of_the_pair(node)]


def _own(node: "Node") -> Iterator[dict[str, Any]]:
    yield row_of("store", node.broken)
    yield row_of("levers", _levers_fault(node.switches()))
    yield row_of("policy", _policy_fault(node.policy.trouble.reason))


def _of_the_company(node: "Node") -> Iterator[dict[str, Any]]:
    """What the company wrote: macros, the files of calls, knowledge, the account sheet."""
    node.macros()
    yield row_of("macros", _macros_fault(node.macros.trouble.error))
    yield from (row_of(f"call:{name}", _call_fault(fault), {"name": name}) for name, fault in node.call_desk.faults())
    yield from (row_of(f"knowledge:{source.name}", _source_fault(source), {"name": source.name}) for source in node.library.states())
    state, policy = node.accounts.state(), node.policy()
    if account_watch.is_shown(state, policy):
        row = row_of(ACCOUNTS, account_watch.fault(state, policy), {"name": node.settings.accounts.path.name})
        yield {**row, **account_watch.numbers(state)}


def _at_work(node: "Node") -> Iterator[dict[str, Any]]:
    """The loops, the ways out, the engines."""
    yield from (row_of(loop.name, loop.trouble.error) for loop in node.loops if loop.name != f"deliver:{DRILL}")
    yield from (row_of(f"outbox:{name}", outbox.fault) for name, outbox in node.outboxes.items() if name != DRILL)
    yield row_of(f"writer:{node.engines.writer.name}", node.engines.fault())
    if node.settings.voice.enabled:
        yield row_of("ear", node.ear_fault())
    if node.settings.crm.enabled:
        yield row_of("crm", node.crm_fault())


def _of_the_pair(node: "Node") -> Iterator[dict[str, Any]]:
    if node.pair is not None and node.running:
        names = pair_faults.gaps(node.pair)
        yield row_of("pair", pair_faults.of_reason(node.pair), names)
        yield row_of("copying", pair_faults.of_copying(node.pair), names)


def row_of(name: str, fault: TandemError | None, gaps: Mapping[str, str] | None = None) -> dict[str, Any]:
    """``code`` and ``gaps`` say in other languages what ``reason`` and ``remedy`` say in English; no code: there are no other words."""
    if fault is None:
        return {"name": name, "connected": True, "reason": "", "remedy": "", "code": "", "gaps": {}}
    told = {"reason": fault.message, "remedy": fault.remedy, "code": fault.code, "gaps": dict(gaps or fault.gaps)}
    return {"name": name, "connected": False, **told}


def _levers_fault(switches: Switches) -> TandemError | None:
    told = ("they cannot be read; everything is held", "tandem verify")
    return None if switches.readable else TandemError(*told, code="levers_unreadable")


def _policy_fault(reason: str) -> TandemError | None:
    remedy = "Mend policy.toml; the last good one stays in force."
    return TandemError(reason, remedy, code="policy_unusable") if reason else None


def _macros_fault(error: TandemError | None) -> TandemError | None:
    return None if error is None else TandemError(error.message, error.remedy, code="macros_unusable")


def _call_fault(error: TandemError) -> TandemError:
    return TandemError(error.message, error.remedy, code="call_file_unusable")


def _source_fault(source: SourceState) -> TandemError | None:
    return TandemError(source.trouble, source.remedy, code=source.code) if source.trouble else None
