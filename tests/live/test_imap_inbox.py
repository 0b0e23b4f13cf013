"""Mail in from a real Dovecot: nothing missed, nothing changed, nothing taken twice."""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from msgspec import structs

from appliance.channels.mail.accounts import ImapAccount
from appliance.channels.mail.errors import LineLost, Unreachable
from appliance.channels.mail.imap import ImapInbox
from appliance.channels.protocol import Inbox
from appliance.ground.clock import SystemClock
from appliance.records.message import Arrival, Batch, Cursor, MessageKind
from tests.live.servers.child import CannotStart
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.wire import Wire

MAIL = b"From: Aino <aino@example.fi>\r\nSubject: %d\r\nMessage-ID: <%d@x>\r\n\r\nHello\r\n"
Open = Callable[..., ImapInbox]


def mail(number: int) -> bytes:
    return MAIL % (number, number)


@pytest.fixture
def opened(account: ImapAccount) -> Iterator[Open]:
    """Opens inboxes of the account, with other settings where named, and closes them."""
    inboxes: list[ImapInbox] = []

    def build(**fields: object) -> ImapInbox:
        inboxes.append(ImapInbox(dataclasses.replace(account, **fields), SystemClock()))  # type: ignore[arg-type]
        return inboxes[-1]

    yield build
    for inbox in inboxes:
        inbox.close()


def numbers(batch: Batch) -> list[int]:
    return [int(arrival.message.subject) for arrival in batch.arrivals]


def go_live(inbox: ImapInbox) -> Cursor:
    cursor = inbox.take(None).cursor
    assert cursor is not None
    return cursor


def everything(inbox: Inbox, cursor: Cursor | None) -> tuple[list[Arrival], Cursor]:
    """Walk the intake loop until nothing is left."""
    taken: list[Arrival] = []
    while True:
        batch = inbox.take(cursor)
        inbox.claim([arrival.origin for arrival in batch.arrivals])
        taken += batch.arrivals
        cursor = batch.cursor
        if not batch.more:
            assert cursor is not None
            return taken, cursor


def test_new_mail_comes_once_and_in_order(dovecot: Dovecot, user: str, opened: Open) -> None:
    inbox = opened()
    cursor = go_live(inbox)
    for number in range(5):
        dovecot.deliver(user, mail(number))
    batch = inbox.take(cursor)
    assert numbers(batch) == [0, 1, 2, 3, 4]
    assert batch.cursor is not None
    assert inbox.take(batch.cursor).arrivals == ()
    assert numbers(inbox.take(cursor)) == [0, 1, 2, 3, 4]  # offered until the cursor moves
    assert not any(arrival.older or arrival.claimed_elsewhere for arrival in batch.arrivals)


def test_what_is_left_is_counted_without_taking_or_touching_it(dovecot: Dovecot, user: str, opened: Open) -> None:
    inbox = opened()
    dovecot.deliver(user, mail(0))
    assert inbox.left(None) == 0  # before the line is drawn none is ours
    cursor = go_live(inbox)
    assert inbox.left(cursor) == 0
    for number in range(1, 4):
        dovecot.deliver(user, mail(number))
        assert inbox.left(cursor) == number
    assert numbers(inbox.take(cursor)) == [1, 2, 3]


def test_the_last_mail_is_not_taken_again_when_nothing_is_new(dovecot: Dovecot, user: str, opened: Open) -> None:
    inbox = opened(start="all")
    dovecot.deliver(user, mail(1))
    taken, cursor = everything(inbox, None)
    assert len(taken) == 1
    assert inbox.take(cursor) == Batch(cursor=cursor)  # UID 2:* names mail 1, which is below it


def test_mail_from_before_going_live_is_left_alone(dovecot: Dovecot, user: str, opened: Open) -> None:
    for number in range(3):
        dovecot.deliver(user, mail(number))
    inbox = opened()
    first = inbox.take(None)
    assert first.arrivals == ()
    assert first.cursor is not None
    assert first.cursor.uid == first.cursor.older_until_uid == 3
    dovecot.deliver(user, mail(3))
    assert numbers(inbox.take(first.cursor)) == [3]


def test_older_mail_is_taken_by_choice_and_marked(dovecot: Dovecot, user: str, opened: Open) -> None:
    for number in range(3):
        dovecot.deliver(user, mail(number))
    inbox = opened(start="all")
    line = inbox.take(None)
    assert line.arrivals == ()  # the line is drawn and can be written down before any mail is taken
    assert line.more
    dovecot.deliver(user, mail(3))
    taken, _ = everything(inbox, line.cursor)
    assert [(arrival.message.subject, arrival.older) for arrival in taken] == [("0", True), ("1", True), ("2", True), ("3", False)]


def test_a_changed_uidvalidity_starts_over_with_everything_marked_older(dovecot: Dovecot, user: str, opened: Open) -> None:
    inbox = opened()
    go_live(inbox)
    for number in range(3):
        dovecot.deliver(user, mail(number))
    _, cursor = everything(inbox, inbox.take(None).cursor)
    inbox.close()
    dovecot.renumber(user)
    line = inbox.take(cursor)
    assert line.arrivals == ()
    assert line.cursor is not None
    assert line.cursor.uid_validity != cursor.uid_validity
    assert (line.cursor.uid, line.cursor.older_until_uid) == (0, 3)
    dovecot.deliver(user, mail(3))
    taken, _ = everything(inbox, line.cursor)
    assert [arrival.older for arrival in taken] == [True, True, True, False]


@pytest.fixture
def years_of_mail(dovecot: Dovecot, user: str) -> None:
    """Three mails that came years before we went live."""
    with dovecot.client(user) as colleague:
        for number in range(3):
            colleague.append("INBOX", "", '"06-Nov-2020 16:00:00 +0200"', mail(number))


@pytest.mark.usefixtures("years_of_mail")
def test_mail_from_before_going_live_is_left_alone_after_a_changed_uidvalidity_too(dovecot: Dovecot, user: str, opened: Open) -> None:
    inbox = opened(batch_mails=2)
    line = go_live(inbox)
    assert abs(line.since - time.time()) < 60
    dovecot.deliver(user, mail(3))
    _, cursor = everything(inbox, line)
    assert cursor.since == line.since
    inbox.close()
    dovecot.renumber(user)
    dovecot.deliver(user, mail(4))
    taken, cursor = everything(inbox, cursor)
    assert [(arrival.message.subject, arrival.older) for arrival in taken] == [("3", True), ("4", True)]
    assert (cursor.uid, cursor.since) == (5, line.since)


@pytest.mark.usefixtures("years_of_mail")
def test_with_start_all_everything_is_taken_after_a_changed_uidvalidity(dovecot: Dovecot, user: str, opened: Open) -> None:
    inbox = opened(start="all")
    _, cursor = everything(inbox, None)
    inbox.close()
    dovecot.renumber(user)
    taken, _ = everything(inbox, cursor)
    assert len(taken) == 3


@pytest.mark.usefixtures("years_of_mail")
def test_a_cursor_that_knows_no_go_live_line_takes_everything_rather_than_lose_a_mail(dovecot: Dovecot, user: str, opened: Open) -> None:
    inbox = opened()
    cursor = structs.replace(go_live(inbox), since=0.0)
    inbox.close()
    dovecot.renumber(user)
    taken, cursor = everything(inbox, cursor)
    assert [arrival.older for arrival in taken] == [True, True, True]
    assert cursor.since == 0.0


def test_what_others_do_with_seen_makes_no_difference_and_we_never_set_it(dovecot: Dovecot, user: str, opened: Open) -> None:
    inbox = opened()
    cursor = go_live(inbox)
    dovecot.deliver(user, mail(1))
    dovecot.deliver(user, mail(2))
    with dovecot.client(user) as colleague:
        colleague.uid("STORE", "1", "+FLAGS", "(\\Seen)")
    taken, _ = everything(inbox, cursor)
    assert len(taken) == 2
    assert "\\Seen" in dovecot.flags(user, 1)
    assert "\\Seen" not in dovecot.flags(user, 2)


def test_a_thousand_mails_are_taken_in_limited_batches_and_each_once(dovecot: Dovecot, user: str, opened: Open) -> None:
    inbox = opened()
    cursor: Cursor | None = go_live(inbox)
    for number in range(1000):
        dovecot.deliver(user, mail(number))
    taken: list[int] = []
    while True:
        batch = inbox.take(cursor)
        assert len(batch.arrivals) <= 50
        assert inbox.claim([arrival.origin for arrival in batch.arrivals]) == ()
        taken += numbers(batch)
        cursor = batch.cursor
        if not batch.more:
            break
    assert sorted(taken) == list(range(1000))


def test_a_batch_is_limited_in_bytes_as_well(dovecot: Dovecot, user: str, opened: Open) -> None:
    inbox = opened(batch_bytes=25_000)
    cursor = go_live(inbox)
    for number in range(4):
        dovecot.deliver(user, mail(number) + b"x" * 10_000)
    batch = inbox.take(cursor)
    assert (numbers(batch), batch.more) == ([0, 1], True)


def test_a_huge_mail_is_taken_by_its_beginning_and_marked_and_holds_up_nobody(dovecot: Dovecot, user: str, opened: Open) -> None:
    inbox = opened(mail_bytes_max=10_000)
    cursor = go_live(inbox)
    dovecot.deliver(user, mail(1))
    dovecot.deliver(user, mail(2) + b"beginning\r\n" + b"x" * 76 * 1000)
    dovecot.deliver(user, mail(3))
    taken, _ = everything(inbox, cursor)
    assert ["too_large" in arrival.message.oddities for arrival in taken] == [False, True, False]
    assert taken[1].message.subject == "2"
    assert "beginning" in taken[1].message.full_text


def test_a_mail_that_vanishes_between_two_looks_is_no_error(dovecot: Dovecot, user: str, opened: Open) -> None:
    inbox = opened(batch_mails=2)
    cursor = go_live(inbox)
    for number in range(6):
        dovecot.deliver(user, mail(number))
    first = inbox.take(cursor)
    with dovecot.client(user) as colleague:
        colleague.uid("STORE", "3,4", "+FLAGS.SILENT", "(\\Deleted)")
        colleague.expunge()
    second = inbox.take(first.cursor)
    third = inbox.take(second.cursor)
    assert (numbers(first), numbers(second), numbers(third)) == ([0, 1], [], [4, 5])
    assert second.more


def test_a_mail_that_the_server_cannot_read_is_shown_and_the_rest_comes(dovecot: Dovecot, user: str, opened: Open) -> None:
    inbox = opened()
    cursor = go_live(inbox)
    for number in range(3):
        dovecot.deliver(user, mail(number))
    inbox.take(cursor)
    dovecot.files(user)[1].chmod(0)
    again, arrivals, breaks = opened(), [], 0
    while len(arrivals) < 3:
        try:
            batch = again.take(cursor)
        except LineLost:  # this server hangs up over such a mail
            breaks += 1
            assert breaks < 6
            continue
        assert batch.cursor is not None
        arrivals, cursor = arrivals + list(batch.arrivals), batch.cursor
    assert [arrival.message.subject for arrival in arrivals] == ["0", "", "2"]
    assert arrivals[1].message.kind is MessageKind.UNREADABLE
    assert arrivals[1].message.oddities == ("withheld",)


def test_the_raw_mail_is_kept_when_asked_for_and_is_byte_for_byte_the_same(dovecot: Dovecot, user: str, opened: Open) -> None:
    inbox = opened(retain_raw=True)
    cursor = go_live(inbox)
    raw = b"From: a@b.fi\r\nSubject: \xff\xfe odd\r\n\r\nbytes \x80\x81\r\n.\r\n"
    dovecot.deliver(user, raw)
    assert inbox.take(cursor).arrivals[0].raw == raw


def test_a_weekend_in_the_mailbox_counts_as_waiting(dovecot: Dovecot, user: str, opened: Open) -> None:
    inbox = opened()
    cursor = go_live(inbox)
    with dovecot.client(user) as colleague:
        colleague.append("INBOX", "", '"06-Nov-2026 16:00:00 +0200"', mail(1))
        colleague.append("INBOX", "", '"06-Nov-2090 16:00:00 +0200"', mail(2))
    first, second = inbox.take(cursor).arrivals
    assert first.received_at == 1_793_973_600.0
    assert second.received_at <= time.time()


def test_waiting_ends_at_once_when_mail_comes(dovecot: Dovecot, user: str, opened: Open) -> None:
    inbox = opened()
    cursor = go_live(inbox)
    threading.Timer(0.5, dovecot.append, (user, mail(1))).start()
    began = time.monotonic()
    inbox.wait(20, threading.Event())
    assert 0.3 < time.monotonic() - began < 5
    assert numbers(inbox.take(cursor)) == [1]


def test_mail_that_came_before_the_waiting_began_is_not_waited_for(dovecot: Dovecot, user: str, opened: Open) -> None:
    inbox = opened()
    cursor = go_live(inbox)
    for number in range(10):
        dovecot.append(user, mail(number))
        began = time.monotonic()
        inbox.wait(20, threading.Event())
        assert time.monotonic() - began < 2
        batch = inbox.take(cursor)
        assert numbers(batch) == [number]
        assert batch.cursor is not None
        cursor = batch.cursor


def test_mail_that_was_told_of_during_another_command_is_not_waited_for(dovecot: Dovecot, user: str, opened: Open) -> None:
    inbox = opened()
    cursor = go_live(inbox)
    dovecot.append(user, mail(1))
    batch = inbox.take(cursor)
    dovecot.append(user, mail(2))
    inbox.claim([arrival.origin for arrival in batch.arrivals])
    began = time.monotonic()
    inbox.wait(20, threading.Event())
    assert time.monotonic() - began < 2
    assert numbers(inbox.take(batch.cursor)) == [2]


def test_waiting_ends_within_a_second_when_told_to_stop(opened: Open) -> None:
    for idle in (True, False):
        inbox = opened(idle=idle)
        go_live(inbox)
        stop = threading.Event()
        threading.Timer(0.2, stop.set).start()
        began = time.monotonic()
        inbox.wait(20, stop)
        assert time.monotonic() - began < 1.2


def test_waiting_lasts_no_longer_than_asked(opened: Open) -> None:
    inbox = opened()
    go_live(inbox)
    began = time.monotonic()
    inbox.wait(1.0, threading.Event())
    assert 0.9 < time.monotonic() - began < 2.0


def test_without_idle_the_mailbox_is_polled(dovecot: Dovecot, user: str, opened: Open, wire: Callable[[int], Wire]) -> None:
    cable = wire(dovecot.imap_port)
    inbox = opened(idle=False, port=cable.port, security="none")
    cursor = go_live(inbox)
    dovecot.deliver(user, mail(1))
    began = time.monotonic()
    inbox.wait(0.5, threading.Event())
    assert time.monotonic() - began >= 0.4
    assert b"IDLE" not in cable.said
    assert numbers(inbox.take(cursor)) == [1]


def test_idling_begins_anew_before_the_server_hangs_up(
    dovecot: Dovecot, opened: Open, wire: Callable[[int], Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.channels.mail.imap.IDLE_SECONDS_MAX", 0.3)
    cable = wire(dovecot.imap_port)
    inbox = opened(port=cable.port, security="none")
    go_live(inbox)
    inbox.wait(1.5, threading.Event())
    assert 3 <= cable.said.count(b" IDLE\r\n") <= 5
    assert cable.said.count(b"DONE\r\n") == cable.said.count(b" IDLE\r\n")


def test_a_connection_that_was_cut_is_made_anew_by_itself(dovecot: Dovecot, user: str, opened: Open, wire: Callable[[int], Wire]) -> None:
    cable = wire(dovecot.imap_port)
    inbox = opened(port=cable.port, security="none")
    cursor = go_live(inbox)
    cable.cut()
    dovecot.deliver(user, mail(1))
    assert numbers(inbox.take(cursor)) == [1]
    threading.Timer(0.3, cable.cut).start()
    began = time.monotonic()
    inbox.wait(20, threading.Event())  # cut while idling: noticed at once, and not retried in a tight loop
    assert time.monotonic() - began < 3
    assert numbers(inbox.take(cursor)) == [1]


def test_a_connection_that_fell_silent_is_noticed(dovecot: Dovecot, user: str, opened: Open, wire: Callable[[int], Wire]) -> None:
    cable = wire(dovecot.imap_port)
    inbox = opened(port=cable.port, security="none", reply_seconds=0.5, connect_seconds=0.5)
    cursor = go_live(inbox)
    cable.dangle()
    began = time.monotonic()
    with pytest.raises((LineLost, Unreachable)):
        inbox.take(cursor)
    assert time.monotonic() - began < 3
    cable.mend()
    dovecot.deliver(user, mail(1))
    assert numbers(inbox.take(cursor)) == [1]


def test_a_server_that_is_down_is_tried_again_after_a_growing_pause(opened: Open) -> None:
    inbox = opened(port=1)
    pauses = []
    for _ in range(3):
        with pytest.raises(Unreachable):
            inbox.take(None)
        began = time.monotonic()
        inbox.wait(1.5, threading.Event())
        pauses.append(round(time.monotonic() - began, 1))
    assert pauses == [1.0, 1.5, 1.5]  # 1, 2, 4 seconds, but never longer than asked


def test_a_server_restart_costs_nothing_but_time() -> None:
    try:
        server = Dovecot.start()
    except CannotStart as reason:
        pytest.skip(str(reason))
    try:
        server.add_user("support")
        inbox = ImapInbox(
            ImapAccount(
                mailbox="support", host=server.host, port=server.imap_port, security="none", user="support", secret=lambda: "secret"
            ),
            SystemClock(),
        )
        cursor = go_live(inbox)
        server.halt()
        with pytest.raises((Unreachable, LineLost)):
            inbox.take(cursor)
        server.deliver("support", mail(1))
        server.resume()
        assert numbers(inbox.take(cursor)) == [1]
        inbox.close()
    finally:
        server.stop()


def test_a_rotated_password_is_picked_up_at_the_next_connection(
    dovecot: Dovecot, user: str, opened: Open, wire: Callable[[int], Wire]
) -> None:
    passwords = ["secret"]
    cable = wire(dovecot.imap_port)
    inbox = opened(port=cable.port, security="none", secret=lambda: passwords[-1])
    cursor = go_live(inbox)
    dovecot.add_user(user, "rotated")
    passwords.append("rotated")
    cable.cut()
    assert inbox.take(cursor).arrivals == ()


def test_our_own_copies_are_recognised_by_their_key(dovecot: Dovecot, user: str, opened: Open) -> None:
    inbox = opened()
    cursor = go_live(inbox)
    dovecot.deliver(user, b"X-Tandem-Key: d-1\r\n" + mail(1))
    assert inbox.take(cursor).arrivals[0].message.tandem_key == "d-1"


def test_a_hundred_and_more_uids_are_searched_in_stretches(
    dovecot: Dovecot, user: str, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.channels.mail.imap_session.SEARCHED_AT_ONCE", 3)
    for number in range(10):
        dovecot.deliver(user, mail(number))
    with dovecot.client(user) as colleague:
        colleague.uid("STORE", "2:8", "+FLAGS.SILENT", "(\\Deleted)")
        colleague.expunge()
        for number in (20, 21, 22):
            colleague.append("INBOX", "", "", mail(number))
    taken, _ = everything(opened(start="all"), None)
    assert [int(arrival.message.subject) for arrival in taken] == [0, 8, 9, 20, 21, 22]
