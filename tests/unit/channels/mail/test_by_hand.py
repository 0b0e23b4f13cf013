"""Mail files and tables that a person names."""

from pathlib import Path

import openpyxl
import pytest

from appliance.channels.mail import by_hand
from appliance.channels.mail.by_hand import FilesInbox
from appliance.records.message import Message
from tests.support.clock import FakeClock

MAIL = b"From: aino@example.fi\r\nSubject: hello\r\n\r\nWhen are you open?\r\n"
MBOX = b"From a Mon Jan  1 00:00:00 2026\n" + MAIL.replace(b"\r", b"") + b"\nFrom b Mon Jan  1 00:00:00 2026\n" + MAIL.replace(b"\r", b"")


def taken(*paths: Path) -> list[Message]:
    inbox = FilesInbox("support", paths, FakeClock())
    found: list[Message] = []
    while arrivals := inbox.take(None).arrivals:
        found += [arrival.message for arrival in arrivals]
    return found


def test_mails_of_a_folder_are_taken_and_left_where_they_lie(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(MAIL)
    (tmp_path / "b.mbox").write_bytes(MBOX)
    (tmp_path / "notes.txt").write_text("no mail")
    assert [message.sender.address for message in taken(tmp_path)] == ["aino@example.fi"] * 3
    assert (tmp_path / "a.eml").read_bytes() == MAIL


def test_the_same_file_under_another_name_is_the_same_mail(tmp_path: Path) -> None:
    for name in ("a.eml", "b.eml"):
        (tmp_path / name).write_bytes(MAIL)
    arrivals = FilesInbox("support", [tmp_path], FakeClock()).take(None).arrivals
    assert len({arrival.origin for arrival in arrivals}) == 1


def test_a_table_is_a_message_a_row_in_whatever_language_its_columns_are(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    rows = "id;Lähettäjä;Aihe;Viesti\n1;Aino <aino@example.fi>;Auki?;Milloin olette auki?\n2;ben@example.fi;Tyhjä;\n"
    table.write_text(rows, encoding="utf-8-sig")
    (message,) = taken(table)
    assert (message.sender.name, message.sender.address, message.subject) == ("Aino", "aino@example.fi", "Auki?")
    assert message.text == "Milloin olette auki?"


def test_a_workbook_of_messages_is_read_as_well(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["subject", "body"])
    book.active.append(["Hours", "When are you open?"])
    book.save(tmp_path / "table.xlsx")
    assert [message.text for message in taken(tmp_path / "table.xlsx")] == ["When are you open?"]


@pytest.mark.parametrize(("name", "content"), [("a.csv", b"x,y\n1,2\n"), ("a.xlsx", b"no workbook"), ("a.pdf", b"%PDF-1.7\n\0\1")])
def test_a_file_that_cannot_be_taken_is_named_with_the_remedy_and_the_others_go_on(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "b.eml").write_bytes(MAIL)
    for paths in ((tmp_path / name, tmp_path / "b.eml"), (tmp_path,)):
        inbox = FilesInbox("support", paths, FakeClock())
        assert len(inbox.take(None).arrivals) == 1
        (refused,) = inbox.refused
        assert refused.file == str(tmp_path / name)
        assert name in refused.reason
        assert refused.remedy


def test_a_file_that_a_person_names_is_a_mail_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "saved").write_bytes(MAIL)
    inbox = FilesInbox("support", [tmp_path / "saved"], FakeClock())
    assert (len(inbox.take(None).arrivals), inbox.refused) == (1, [])
    inbox = FilesInbox("support", [tmp_path], FakeClock())
    assert (len(inbox.take(None).arrivals), len(inbox.refused)) == (0, 1)


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    inbox = FilesInbox("support", [tmp_path / "gone.eml"], FakeClock())
    assert inbox.take(None).arrivals == ()
    assert "gone.eml cannot be read (No such file or directory)." in inbox.refused[0].reason


def test_refused_files_are_named_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_hand, "REFUSED_MOST", 2)
    for number in range(4):
        (tmp_path / f"{number}.txt").write_text("no mail")
    inbox = FilesInbox("support", [tmp_path], FakeClock())
    assert inbox.take(None).arrivals == ()
    assert len(inbox.refused) == 2
