"""A customer's own row of the account sheet, as far as one reply may use it."""

from enum import StrEnum

from appliance.records.base import Record


class AccountRecord(Record):
    """One row. ``citation`` names it for people and the journal ("accounts: row 17"), never for the customer.

    ``values`` are the row's words by field name: a customer's data, which stands in sealed drafts and nowhere else.
    """

    citation: str
    values: dict[str, str]


class Miss(StrEnum):
    """Why there is no row to answer from. The value is the reason code."""

    NONE = "account_no_match"  # nobody has this order
    OTHER = "account_other_customer"  # somebody else has it; the customer is told nothing in either case
    AMBIGUOUS = "account_ambiguous"  # two rows for the same customer and order
    CLOSED = "account_data"  # there are no account records to look in


class AccountsState(Record):
    """The account sheet as it stands: numbers and times, nothing of what it says.

    ``rows`` can be answered from, ``duplicates`` are left out because their key stands twice, ``incomplete`` because they lack
    an address or an order. ``modified_at`` is when the file was last written, 0 when there never was one.
    """

    path: str
    rows: int = 0
    duplicates: int = 0
    incomplete: int = 0
    columns: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    read_at: float = 0.0
    modified_at: float = 0.0
    code: str = ""
    trouble: str = ""
    remedy: str = ""
