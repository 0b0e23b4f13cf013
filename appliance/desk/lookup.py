"""Looking up a customer's own record, and saying what it holds in approved words. Pure but for the look into the accounts.

A record is used only when all of it is beyond doubt: our own mail server vouches for the sender (DMARC), the mail names exactly one
order, and exactly one row has both. Whatever is less goes to a person. The customer cannot tell why: another customer's order and
one that does not exist come to the same, which is no automatic reply.
"""

import re
from dataclasses import dataclass
from datetime import date

from appliance.desk.desk import Desk
from appliance.desk.holds import replies_go_elsewhere
from appliance.knowledge.account_rows import EMAIL, ORDER, normal_address, normal_order
from appliance.knowledge.cells import as_text
from appliance.policy.accounts import GAP, AccountPolicy, gaps, pattern, spelled
from appliance.records.account import AccountRecord, Miss
from appliance.records.case import Case
from appliance.records.language import Code
from appliance.records.message import Message, Trust
from appliance.records.policy import Reason, Verdict

READ_AT_MOST = 40_000  # characters, as in the question
_VALUE_CHARACTERS = 200
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?")
_FINNISH = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")


@dataclass(frozen=True)
class Lookup:
    """What was found. ``reason``: why the record may not be used, or that there is none."""

    record: AccountRecord | None = None
    reason: Reason | None = None


def look_up(verdict: Verdict, case: Case, code: Code, desk: Desk) -> Lookup:
    """The record that the verdict's template is filled from; nothing of either when the template needs none."""
    template = desk.policy.templates.get(verdict.template)
    if template is None or not template.needs_account:
        return Lookup()
    found = _found(case.message, desk)
    if isinstance(found, Reason):
        return Lookup(reason=found)
    wanted = gaps(template.text.get(code, ""))
    unfit = tuple(name for name in wanted if not shown(found, name, code, desk.policy.accounts))
    if unfit:
        return Lookup(reason=Reason(code="account_field", names=unfit))
    return Lookup(record=_only(found, wanted))


def _found(message: Message, desk: Desk) -> AccountRecord | Reason:
    if message.trust is not Trust.PASSED:
        return Reason(code="not_trusted_account")
    if replies_go_elsewhere(message):  # a person's reply would go there
        return Reason(code="reply_to_differs")
    orders = orders_in(message, desk.policy.accounts)
    if not orders:
        return Reason(code="account_no_order")
    if len(orders) > 1:
        return Reason(code="account_several_orders", numbers={"orders": len(orders)})
    try:
        found = desk.accounts.find(message.sender.address, orders[0])
    except Exception:  # whatever is wrong with the accounts, the case goes to a person
        return Reason(code="account_lookup_failed")
    if isinstance(found, Miss):
        return Reason(code=str(found))
    return found if is_theirs(found, message, desk.policy.accounts) else Reason(code=str(Miss.OTHER))


def orders_in(message: Message, accounts: AccountPolicy) -> tuple[str, ...]:
    """The order numbers that the customer names in the subject and the text, each once."""
    if not accounts.order:
        return ()
    words = f"{message.subject}\n{message.text}"[:READ_AT_MOST]
    return tuple(dict.fromkeys(normal_order(found[0]) for found in pattern(accounts.order).finditer(words)))


def is_theirs(record: AccountRecord, message: Message, accounts: AccountPolicy) -> bool:
    """Is it the row of whoever wrote, about the one order that they named? Asked of what was found, and again of every draft."""
    own = normal_address(record.values.get(EMAIL, "")) == normal_address(message.sender.address) != ""
    return own and message.trust is Trust.PASSED and orders_in(message, accounts) == (normal_order(record.values.get(ORDER, "")),)


def _only(record: AccountRecord, names: tuple[str, ...]) -> AccountRecord:
    """The record with nothing in it but what is shown and whose it is."""
    kept = {name: record.values[name] for name in (EMAIL, ORDER, *names) if name in record.values}
    return AccountRecord(citation=record.citation, values=kept)


def filled(text: str, record: AccountRecord, code: Code, accounts: AccountPolicy) -> str:
    """The approved text with the record's values in its gaps; "" when a gap has none."""
    values = {name: shown(record, name, code, accounts) for name in gaps(text)}
    return GAP.sub(lambda gap: values[gap[1]], text).strip() if all(values.values()) else ""


def shown(record: AccountRecord, name: str, code: Code, accounts: AccountPolicy) -> str:
    """A field's value as the customer reads it; "" when it is empty, or not of the kind that it was declared to be."""
    declared = accounts.fields.get(name)
    value = " ".join(record.values.get(name, "").split())
    if declared is None or not value or len(value) > _VALUE_CHARACTERS:
        return ""
    if declared.kind == "word":
        return declared.words.get(spelled(value), {}).get(code, "")
    return _date(value, code) if declared.kind == "date" else value


def _date(value: str, code: Code) -> str:
    iso, finnish = _ISO.fullmatch(value), _FINNISH.fullmatch(value)
    parts = iso.groups() if iso else finnish.groups()[::-1] if finnish else None
    try:
        return as_text(date(*map(int, parts)), code) if parts else ""
    except ValueError:
        return ""
