"""A small account sheet and a policy that answers from it."""

from collections.abc import Iterable

from appliance.knowledge.account_rows import AccountRows, read_rows

POLICY = r"""
version = 1
[[template]]
name = "order_status"
approved_by = "Anna"
approved_on = "2026-01-01"
[template.text]
fi = "Tilauksesi {account.order} tila on: {account.status}. Arvioitu toimituspäivä on {account.expected}."
sv = "Statusen för din order {account.order} är: {account.status}. Beräknad leveransdag är {account.expected}."
en = "The status of your order {account.order} is: {account.status}. The expected delivery date is {account.expected}."
[[rule]]
name = "order_status"
tier = 2
needs_account = true
template = "order_status"
phrases.en = ["where is my order", "has it been"]
phrases.fi = ["missä tilau*"]
phrases.sv = ["var är min order"]
[accounts]
order = '[A-Z]{2}-?\d{5}'
[accounts.fields.expected]
kind = "date"
[accounts.fields.status]
kind = "word"
[accounts.fields.status.words]
shipped = { fi = "lähetetty", sv = "skickad", en = "shipped" }
in_production = { fi = "valmistuksessa", en = "in production" }
"""

ROWS = (
    ("order", "email", "status", "expected", "note"),
    ("AB-10001", "matti@example.com", "shipped", "2026-11-25", "gate code 4711"),
    ("AB-10002", "aino@example.fi", "shipped", "2026-11-26", "leave at the neighbour's"),
    ("AB-10003", "matti@example.com", "on hold", "2026-11-27", ""),
    ("AB-10004", "matti@example.com", "shipped", "", ""),
    ("AB-10005", "matti@example.com", "shipped", "2026-11-28", "first line"),
    ("AB-10005", "matti@example.com", "shipped", "2026-11-29", "second line"),
    ("AB-10006", "matti@example.com", "In production", "2026-12-01", ""),
    ("AB-10007", "matti@example.com", "shipped", "sometime", ""),
)


def csv(rows: Iterable[Iterable[str]] = ROWS) -> bytes:
    """The rows as a sheet in a file."""
    return "\n".join(";".join(row) for row in rows).encode()


def table(rows: Iterable[Iterable[str]] = ROWS) -> AccountRows:
    """The rows as the desk looks something up in them."""
    return read_rows("accounts.csv", csv(rows), {})
