"""The account sheet: read as offices keep it, live within a look, never half, and never across customers."""

import datetime
import io
import os
from pathlib import Path

import pytest
from openpyxl import Workbook

from appliance.knowledge.account_rows import NEEDED, normal_address, normal_order, read_rows
from appliance.knowledge.accounts import Accounts
from appliance.knowledge.errors import SourceUnreadable
from appliance.knowledge.pieces import LIMITS, Limits
from appliance.records.account import AccountRecord, Miss
from tests.support.accounts import ROWS, csv, table
from tests.support.clock import FakeClock


def workbook(*sheets: list[list[object]]) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()


def one(content: bytes, address: str, order: str, name: str = "accounts.csv") -> AccountRecord:
    found = read_rows(name, content, {}).find(address, order)
    assert isinstance(found, AccountRecord)
    return found


@pytest.mark.parametrize(
    "header",
    [
        "order;email;status;expected",
        "Order number;E-mail;Order status;Delivery date",
        "Tilausnumero;Sähköposti;Tila;Toimituspäivä",
        "Ordernummer;E-post;Status;Leveransdatum",
    ],
)
def test_the_columns_are_known_in_three_languages(header: str) -> None:
    record = one(f"{header}\n10496;a@example.fi;shipped;2026-11-25".encode(), "a@example.fi", "10496")
    assert record.values == {"order": "10496", "email": "a@example.fi", "status": "shipped", "expected": "2026-11-25"}


def test_the_companys_own_headings_are_known_when_they_are_named() -> None:
    rows = read_rows("a.csv", b"Viite;Kontakti;Tila\n10496;a@example.fi;ok", {"order": ["Viite"], "email": ["Kontakti"]})
    assert isinstance(rows.find("a@example.fi", "10496"), AccountRecord)
    assert rows.columns == ("order", "email", "status")


def test_a_workbook_gives_its_dates_in_one_form_and_its_numbers_without_decimals() -> None:
    day = datetime.date(2026, 11, 25)
    content = workbook([["Orders of today"], ["Order", "Email", "Expected"], [10496, "a@example.fi", day]])
    record = one(content, "a@example.fi", "10496", "accounts.xlsx")
    assert record.values == {"order": "10496", "email": "a@example.fi", "expected": "2026-11-25"}
    assert record.citation == "accounts: row 3"


def test_a_row_on_a_further_sheet_is_cited_with_its_sheet() -> None:
    content = workbook([["order", "email"], [1, "a@example.fi"]], [["order", "email"], [2, "b@example.fi"]])
    assert one(content, "b@example.fi", "2", "accounts.xlsx").citation == "accounts: sheet 2, row 2"


def test_an_order_is_found_by_its_customer_alone() -> None:
    rows = table()
    assert isinstance(rows.find("MATTI@example.com ", "ab 10001"), AccountRecord)
    assert rows.find("aino@example.fi", "AB-10001") is Miss.OTHER
    assert rows.find("matti@example.com", "AB-99999") is Miss.NONE
    assert rows.find("", "") is Miss.NONE


def test_two_rows_for_one_customer_and_order_are_ambiguous_and_counted() -> None:
    rows = table()
    assert rows.find("matti@example.com", "AB-10005") is Miss.AMBIGUOUS
    assert rows.find("aino@example.fi", "AB-10005") is Miss.OTHER
    assert rows.duplicates == 2
    thrice = table([ROWS[0], *[("AB-1", "a@b.fi", "x", "", "")] * 3])
    assert (thrice.find("a@b.fi", "AB-1"), thrice.duplicates, len(thrice.rows)) == (Miss.AMBIGUOUS, 3, 0)


def test_letters_that_only_look_alike_are_other_customers() -> None:
    assert normal_address(" Matti@Example.COM") == "matti@example.com"
    assert normal_address("\N{KELVIN SIGN}alle@example.com") != "kalle@example.com"
    assert normal_order(" ab-12 345 ") == "AB12345"


def test_a_formulas_error_is_no_value_and_a_row_without_address_or_order_is_counted() -> None:
    rows = read_rows("a.csv", b"order;email;status\n1;a@b.fi;#REF!\n2;;x\n;c@d.fi;x\n3;no address;x\n#N/A;e@f.fi;x", {})
    found = rows.find("a@b.fi", "1")
    assert isinstance(found, AccountRecord)
    assert found.values["status"] == ""
    assert (rows.incomplete, len(rows.rows)) == (4, 1)


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("a.csv", b"order;status\n1;x", "source_broken", "no column for: email"),
        ("a.csv", b"", "source_broken", "no column for: email, order"),
        ("a.csv", b"order;email\n;\n", "source_empty", "no row"),
        ("a.csv", b"order;email;customer email\n1;seller@b.fi;a@b.fi", "source_broken", "two columns for: email"),
        ("a.xlsx", b"PK\x03\x04 half saved", "source_broken", "damaged"),
        ("a.pdf", b"%PDF", "source_kind_unknown", ".pdf"),
    ],
)
def test_a_sheet_that_cannot_be_used_says_why(name: str, content: bytes, code: str, words: str) -> None:
    with pytest.raises(SourceUnreadable, match=words) as raised:
        read_rows(name, content, {})
    assert raised.value.code == code
    assert raised.value.remedy


def test_a_sheet_with_more_rows_than_the_limit_is_refused() -> None:
    assert LIMITS.rows == 200_000
    with pytest.raises(SourceUnreadable, match="more than 3 rows"):
        read_rows("a.csv", csv(), {}, Limits(rows=3))


# Under watch


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def watched(path: Path, clock: FakeClock, stale_days: int = 7) -> Accounts:
    return Accounts(path, {}, stale_days, clock)


def write(path: Path, content: bytes, clock: FakeClock, seconds_ago: float = 60.0) -> None:
    path.write_bytes(content)
    os.utime(path, (clock.now() - seconds_ago, clock.now() - seconds_ago))


def test_an_edit_is_seen_at_the_next_look_and_the_old_rows_are_gone(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "accounts.csv"
    write(path, csv(), clock, 120)
    accounts = watched(path, clock)
    assert accounts.find("matti@example.com", "AB-10001") is Miss.CLOSED
    assert accounts.refresh() is True
    assert isinstance(accounts.find("matti@example.com", "AB-10001"), AccountRecord)
    assert accounts.refresh() is False
    write(path, csv([ROWS[0], ("AB-7", "new@example.com", "shipped", "", "")]), clock)
    assert accounts.refresh() is True
    assert accounts.find("matti@example.com", "AB-10001") is Miss.NONE
    assert isinstance(accounts.find("new@example.com", "AB-7"), AccountRecord)


def test_a_broken_or_missing_file_leaves_the_last_good_rows_and_is_told_until_it_is_mended(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "accounts.csv"
    write(path, csv(), clock, 300)
    accounts = watched(path, clock)
    accounts.refresh()
    for seconds, content, code in ((200, b"order;status\n1;x", "source_broken"), (100, b"", "source_broken")):
        write(path, content, clock, seconds)
        accounts.refresh()
        assert accounts.state().code == code
        assert isinstance(accounts.find("matti@example.com", "AB-10001"), AccountRecord)
        assert accounts.refresh() is False
    path.unlink()
    assert accounts.refresh() is True
    assert (accounts.state().code, accounts.state().rows) == ("source_missing", 6)
    write(path, csv(), clock)
    assert accounts.refresh() is True
    assert accounts.state().trouble == ""


def test_a_file_that_is_still_being_written_is_left_for_the_next_look(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "accounts.csv"
    write(path, csv(), clock, 300)
    accounts = watched(path, clock)
    accounts.refresh(1.0)
    write(path, csv(ROWS[:2]), clock, 0.5)
    assert accounts.refresh(1.0) is False
    clock.move(1.0)
    assert accounts.refresh(1.0) is True


def test_a_sheet_that_never_was_is_no_trouble(tmp_path: Path, clock: FakeClock) -> None:
    accounts = watched(tmp_path / "accounts.xlsx", clock)
    accounts.refresh()
    state = accounts.state()
    assert (state.trouble, state.rows, state.read_at) == ("", 0, 0.0)
    assert state.missing == NEEDED
    assert accounts.find("matti@example.com", "AB-10001") is Miss.CLOSED


@pytest.mark.parametrize(("stale_days", "days", "told"), [(7, 6, False), (7, 8, True), (0, 900, False)])
def test_a_sheet_that_nobody_renewed_is_told_to_be_old(tmp_path: Path, clock: FakeClock, stale_days: int, days: int, told: bool) -> None:
    write(tmp_path / "accounts.csv", csv(), clock, days * 86_400)
    accounts = watched(tmp_path / "accounts.csv", clock, stale_days)
    accounts.refresh()
    assert (accounts.state().code == "accounts_stale") is told
    assert isinstance(accounts.find("matti@example.com", "AB-10001"), AccountRecord)


def test_no_value_of_a_row_stands_in_what_the_log_might_print_of_the_rows(tmp_path: Path, clock: FakeClock) -> None:
    write(tmp_path / "accounts.csv", csv(), clock)
    accounts = watched(tmp_path / "accounts.csv", clock)
    accounts.refresh()
    assert not any(value in f"{table()!r} {accounts.state()!r}" for value in ("matti", "10001", "4711", "neighbour"))
