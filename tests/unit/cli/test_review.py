"""Files that people write for the review."""

import pytest

from appliance.cli.review import approvals
from appliance.ground.errors import SettingsError


def test_approvals_saved_by_a_spreadsheet_are_read_with_their_letters() -> None:
    (one,) = approvals("\ufeffid;decision;comment;decided_at\r\nc-1;approve;hyvää;\r\n".encode())
    assert (one.case, one.decision, one.comment) == ("c-1", "approve", "hyvää")


def test_approvals_in_another_code_page_are_refused_and_no_letter_is_guessed() -> None:
    with pytest.raises(SettingsError, match="is not in UTF-8"):
        approvals("id;decision;comment\r\nc-1;approve;hyvää\r\n".encode("cp1252"))
