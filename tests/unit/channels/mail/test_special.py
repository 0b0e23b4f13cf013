"""Which folder is Sent and which is Drafts."""

import pytest

from appliance.channels.mail.special import Use, folders_for

PLAIN: frozenset[bytes] = frozenset()


def test_what_the_server_marks_goes_before_any_name() -> None:
    folders = [("Sent", PLAIN), ("Lähteneet", frozenset((b"\\Sent", b"\\HasNoChildren"))), ("Trash", frozenset((b"\\Trash",)))]
    assert folders_for("Sent", folders) == ("Lähteneet",)


@pytest.mark.parametrize(
    ("use", "name"),
    [
        ("Sent", "Sent Items"),
        ("Sent", "INBOX.Sent"),
        ("Sent", "INBOX/Sent Messages"),
        ("Sent", "[Gmail]/Sent Mail"),
        ("Sent", "Lähetetyt"),
        ("Sent", "Skickat"),
        ("Drafts", "Drafts"),
        ("Drafts", "INBOX.Luonnokset"),
        ("Drafts", "Utkast"),
    ],
)
def test_without_a_mark_the_usual_names_in_three_languages_are_known(use: Use, name: str) -> None:
    assert folders_for(use, [("INBOX", PLAIN), (name, PLAIN)]) == (name,)


def test_a_folder_that_merely_sounds_like_it_is_none() -> None:
    assert folders_for("Drafts", [("Old drafts", PLAIN), ("Draftsmen", PLAIN), ("INBOX", PLAIN)]) == ()


def test_a_name_that_holds_no_mail_is_none() -> None:
    assert folders_for("Drafts", [("Drafts", frozenset((b"\\Noselect",)))]) == ()
