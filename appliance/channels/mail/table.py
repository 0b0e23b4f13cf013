"""A table of messages: one row a message, for a batch that somebody kept in a spreadsheet.

The first row names the columns: ``body`` (or text, message), ``sender`` (or from, email), ``subject``, ``id``; others are
ignored. A row without words is passed over; a table without a body column is refused with the names that would do.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from email.utils import parseaddr
from itertools import islice
from pathlib import Path

from appliance.channels.mail.errors import FolderUnusable
from appliance.language.clean import cut_reply
from appliance.records.message import Address, Message

SUFFIXES = (".csv", ".xlsx")
ROWS_MOST = 100_000
_NAMES: dict[str, tuple[str, ...]] = {
    "body": ("body", "text", "message", "question", "viesti", "teksti", "kysymys", "meddelande", "fråga"),
    "sender": ("sender", "from", "email", "e-mail", "lähettäjä", "sähköposti", "avsändare", "e-post"),
    "subject": ("subject", "title", "aihe", "otsikko", "ämne", "rubrik"),
    "id": ("id", "message_id", "message-id"),
}


def messages(path: Path, mailbox: str) -> Iterator[Message]:
    """The rows as messages. Raises ``FolderUnusable`` for a table that cannot be read."""
    rows = iter(_rows(path, mailbox))
    columns = _columns(next(rows, ()))
    if "body" not in columns:
        reason = f"{path} has no column with the messages' words."
        raise FolderUnusable(mailbox, reason, f"Name one of its columns {', '.join(_NAMES['body'])}.")
    for row in islice(rows, ROWS_MOST):
        cell = {name: row[place].strip() if place < len(row) else "" for name, place in columns.items()}
        if cell["body"]:
            yield _message(cell)


def _message(cell: dict[str, str]) -> Message:
    name, address = parseaddr(cell.get("sender", ""))
    return Message(
        channel="mail",
        message_id=f"<{cell['id']}@table.invalid>" if cell.get("id") else "",
        sender=Address(name=name, address=address),
        subject=cell.get("subject", ""),
        text=cut_reply(cell["body"]).text,
        full_text=cell["body"],
    )


def _columns(headings: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, heading in enumerate(headings):
        for name, spellings in _NAMES.items():
            if heading.strip().lower() in spellings:
                found.setdefault(name, place)
    return found


def _rows(path: Path, mailbox: str) -> Iterator[Sequence[str]]:
    try:
        yield from _workbook(path) if path.suffix.lower() == ".xlsx" else _csv(path)
    except Exception as error:  # a workbook can be broken in as many ways as there are programs that write one
        raise FolderUnusable(mailbox, f"{path} cannot be read ({type(error).__name__}).", "Save it again as CSV (UTF-8).") from error


def _csv(path: Path) -> Iterator[Sequence[str]]:
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    first = text.partition("\n")[0]
    yield from csv.reader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")


def _workbook(path: Path) -> Iterator[Sequence[str]]:
    from openpyxl import load_workbook  # late: only this command needs it

    sheet = load_workbook(path, read_only=True, data_only=True).worksheets[0]
    for row in sheet.iter_rows(values_only=True):
        yield ["" if value is None else str(value) for value in row]
