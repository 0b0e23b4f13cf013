"""How a case is printed."""

import msgspec
import pytest

from appliance.cli.cases import _print_file
from appliance.records.message import MessageKind
from tests.support.clock import FakeClock
from tests.support.panel_twin import a_case


def test_a_customers_words_command_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    _print_file(a_case(1, FakeClock(), subject="Hi\x1b[2J", text="Bicycles?\x1b]0;owned\x07\nTickets?"))
    shown = capsys.readouterr().out
    assert "Subject: Hi\ufffd[2J" in shown
    assert "  Bicycles?\ufffd]0;owned\ufffd\n  Tickets?" in shown


def test_a_mail_that_could_not_be_read_is_shown_as_that(capsys: pytest.CaptureFixture[str]) -> None:
    file = a_case(1, FakeClock(), text="%%% rubbish")
    assert file.message is not None
    _print_file(msgspec.structs.replace(file, message=msgspec.structs.replace(file.message, kind=MessageKind.UNREADABLE)))
    shown = capsys.readouterr().out
    assert "rubbish" not in shown
    assert f"tandem cases raw {file.row.id} FILE.eml" in shown
