"""What ``policy.toml`` says of the customers' own records: how an order number looks, and which fields a template may fill in.

    [accounts]
    order = '[A-Z]{2}-?\\d{5,8}'        # a regular expression; capitals make no difference

    [accounts.fields.status]
    kind = "word"                       # text: as it stands; date: written as the language does; word: by the table below
    [accounts.fields.status.words]
    shipped = { fi = "lähetetty", sv = "skickad", en = "on its way" }

An approved text then says ``{account.status}``. ``{account.order}`` needs no declaration: the customer wrote it.
"""

import re
from typing import Literal, get_args

import msgspec

from appliance.policy.checked import Table
from appliance.records.base import Record
from appliance.records.language import Code

FieldKind = Literal["text", "date", "word"]
FIELDS_MOST = 30
GAP = re.compile(r"\{account\.(\w+)\}")
_BRACED = re.compile(r"\{[^{}\n]{0,60}\}")
_NAME = re.compile(r"[^\W\d]\w{0,39}")


class AccountField(Record):
    """A column that templates may show. ``words`` translates what stands in it, for the kind ``word``."""

    name: str
    kind: FieldKind = "text"
    words: dict[str, dict[Code, str]] = {}


class AccountPolicy(Record):
    """How account records may be used. Without an ``order`` pattern they are used for nothing."""

    order: str = ""
    fields: dict[str, AccountField] = msgspec.field(default_factory=lambda: {"order": AccountField(name="order")})


def read(top: Table) -> AccountPolicy:
    """The table ``[accounts]``; raises ``PolicyError``."""
    table = top.table("accounts")
    order = table.text("order", "")
    try:
        pattern(order)
    except re.error as error:
        raise table.wrong("order", f"it is no regular expression: {error}", r"Write how an order number looks, such as '\d{6}'.") from error
    entries = table.table("fields")
    names = entries.names()
    if len(names) > FIELDS_MOST:
        raise table.wrong("fields", f"there are {len(names)} fields", f"Name at most {FIELDS_MOST}.")
    fields = {name: _field(name, entries.table(name)) for name in names}
    table.done()
    return AccountPolicy(order=order, fields={"order": AccountField(name="order"), **fields})


def _field(name: str, entry: Table) -> AccountField:
    if not _NAME.fullmatch(name):
        raise entry.wrong("", f"'{name}' is no name of a field", "Use letters, digits and _, such as tracking_code.")
    kind = entry.choice("kind", get_args(FieldKind), "text")
    words = entry.table("words")
    table = {spelled(word): words.per_language(word) for word in words.names()}
    if (kind == "word") != bool(table):
        raise entry.wrong("words", "a field of the kind word needs its words, and no other has any", "Add words, or use another kind.")
    entry.done()
    return AccountField(name=name, kind=kind, words=table)  # type: ignore[arg-type]  # choice() has checked it


def spelled(word: str) -> str:
    """A status as it is compared: capitals, spaces and underscores make no difference."""
    return " ".join(word.replace("_", " ").casefold().split())


def pattern(order: str) -> re.Pattern[str]:
    """Finds order numbers that stand alone: not inside a word, a longer code or a price."""
    return re.compile(rf"(?<!\w)(?<!\w-)(?<!\d[.,])(?ai:{order or '(?!)'})(?!\w|-\w|[.,]\d)")


def gaps(text: str) -> tuple[str, ...]:
    """The account fields that a text asks for, each once, in order."""
    return tuple(dict.fromkeys(GAP.findall(text)))


def check_texts(entry: Table, texts: dict[Code, str], accounts: AccountPolicy) -> bool:
    """Whether an approved text is filled from account records. Every gap must be declared, and be in every language."""
    wanted = {code: set(gaps(text)) for code, text in texts.items()}
    for code, text in texts.items():
        strange = next((brace for brace in _BRACED.findall(text) if not GAP.fullmatch(brace)), "")
        unknown = next((f"{{account.{name}}}" for name in gaps(text) if name not in accounts.fields), strange)
        if unknown:
            known = ", ".join(f"{{account.{name}}}" for name in accounts.fields)
            remedy = f"Declare it under [accounts.fields]; known: {known}."
            raise entry.wrong(f"text.{code}", f"nothing is known to fill {unknown} with", remedy)
    if len({frozenset(names) for names in wanted.values()}) > 1:
        raise entry.wrong("text", "the languages show different account fields", "Give every language the same.")
    needed = any(wanted.values())
    if needed and not accounts.order:
        raise entry.wrong("text", "nothing says how the order number looks that it needs", r"Write order = '\d{6}' under [accounts].")
    return needed
