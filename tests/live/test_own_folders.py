"""Drafts and Sent of a real server, wherever they are and whatever they are called."""

import dataclasses
from collections.abc import Callable, Iterator

import pytest
from msgspec import structs

from appliance.channels.mail.accounts import ImapAccount
from appliance.channels.mail.own_folders import MAILS_AT_ONCE, ImapOwnFolders
from appliance.ground.clock import SystemClock
from tests.live.servers.child import CannotStart
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.wire import Wire
from tests.support.mailbox_home import in_folder, persons_answer

KEY = "c-000000000bghpd7wvn.0123456789abcdef.tandem.c-000000000bghpd7wvn.1@pumps.example"
DRAFT = f"X-Tandem-Key: {KEY}\r\nSubject: Re: Question\r\n\r\nFrom nine to five.\r\n".encode()


@pytest.fixture
def folders(account: ImapAccount) -> Iterator[ImapOwnFolders]:
    folders = ImapOwnFolders(account, SystemClock())
    yield folders
    folders.close()


def test_laying_the_same_draft_down_twice_leaves_one(folders: ImapOwnFolders, dovecot: Dovecot, user: str) -> None:
    assert not folders.lies(KEY)
    for _ in range(2):
        folders.lay(KEY, DRAFT)
    assert len(in_folder(dovecot, user, "Drafts")) == 1
    assert folders.lies(KEY)
    assert folders.take_out(KEY)
    assert not folders.take_out(KEY)
    assert in_folder(dovecot, user, "Drafts") == []


def test_a_line_that_breaks_is_made_anew(dovecot: Dovecot, account: ImapAccount, wire: Callable[[int], Wire]) -> None:
    cable = wire(dovecot.imap_port)
    folders = ImapOwnFolders(dataclasses.replace(account, port=cable.port, security="none"), SystemClock())
    folders.lay(KEY, DRAFT)
    cable.cut()
    assert folders.lies(KEY)
    folders.close()


def test_sent_is_read_once_from_where_it_stood_in_lots(folders: ImapOwnFolders, dovecot: Dovecot, user: str) -> None:
    dovecot.append(user, persons_answer(0), "Sent")
    line = folders.sent(None)
    assert line.mails == ()
    for number in range(1, MAILS_AT_ONCE + 3):
        dovecot.deliver(user, persons_answer(number), "Sent")
    first = folders.sent(line.cursor)
    assert (len(first.mails), first.more) == (MAILS_AT_ONCE, True)
    rest = folders.sent(first.cursor)
    assert [mail.in_reply_to for mail in rest.mails] == [("<101@example.com>",), ("<102@example.com>",)]
    assert folders.sent(rest.cursor).mails == ()
    assert [address.address for address in rest.mails[0].to] == ["customer101@example.com"]


def test_a_folder_that_was_numbered_afresh_is_begun_again_at_its_end(folders: ImapOwnFolders, dovecot: Dovecot, user: str) -> None:
    dovecot.append(user, persons_answer(1), "Sent")
    line = folders.sent(None).cursor
    assert line is not None
    again = folders.sent(structs.replace(line, uid_validity=line.uid_validity + 1, uid=0))
    assert again.mails == ()
    assert again.cursor is not None
    assert (again.cursor.uid_validity, again.cursor.uid) == (line.uid_validity, 1)


def test_folders_with_names_of_their_own_are_known_by_the_servers_marks() -> None:
    more = "namespace inbox {\n  mailbox Keskeneräiset {\n    special_use = \\Drafts\n    auto = create\n  }\n}"
    try:
        server = Dovecot.start(more=more)
    except CannotStart as reason:
        pytest.skip(str(reason))
    try:
        server.add_user("aino")
        account = ImapAccount(
            mailbox="support", host="127.0.0.1", port=server.imap_port, security="none", user="aino", secret=lambda: "secret"
        )
        folders = ImapOwnFolders(account, SystemClock())
        folders.lay(KEY, DRAFT)
        assert in_folder(server, "aino", "Drafts") == []
        assert folders.take_out(KEY)
        folders.close()
    finally:
        server.stop()
