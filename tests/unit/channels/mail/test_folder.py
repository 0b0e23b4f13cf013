"""Mail as files: each is taken once it is whole, none is lost, and what is handled goes away."""

import errno
import hashlib
import os
import re
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.channels.mail.accounts import FolderAccount
from appliance.channels.mail.errors import FolderUnusable
from appliance.channels.mail.folder import FolderInbox, FolderOutbox, MboxInbox, shown
from appliance.channels.protocol import Inbox, Outbox
from appliance.records.delivery import Delivery, DeliveryKind, DeliveryOutcome
from appliance.records.message import Address, Arrival, MessageKind
from tests.support.clock import FakeClock

MAIL = b"From: Aino <aino@example.fi>\nSubject: %s\nMessage-ID: <%s@x>\n\nHello there\n"
FROM = b"From aino@example.fi Thu Jan  1 12:00:00 2026\n"


def mail(name: str) -> bytes:
    return MAIL % (name.encode(), name.encode())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(now=1_800_000_000.0)


@pytest.fixture
def inbox_folder(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


@pytest.fixture
def put(inbox_folder: Path, clock: FakeClock) -> Callable[..., Path]:
    """Lays a file into the inbox that was last changed so many seconds ago."""

    def lay(name: str, content: bytes, age: float = 10.0) -> Path:
        path = inbox_folder / name
        path.write_bytes(content)
        os.utime(path, (clock.now() - age, clock.now() - age))
        return path

    return lay


def account(inbox_folder: Path, **fields: object) -> FolderAccount:
    return FolderAccount(**({"mailbox": "support", "inbox": inbox_folder, "archive": inbox_folder.parent / "archive"} | fields))  # type: ignore[arg-type]


def subjects(arrivals: tuple[Arrival, ...]) -> list[str]:
    return [arrival.message.subject for arrival in arrivals]


def everything(inbox: FolderInbox) -> list[Arrival]:
    """Walk the intake loop until nothing is left."""
    taken: list[Arrival] = []
    while (batch := inbox.take(None)).arrivals:
        taken += batch.arrivals
        inbox.done([arrival.origin for arrival in batch.arrivals])
    return taken


def test_the_folder_channel_is_an_inbox_and_an_outbox(inbox_folder: Path, clock: FakeClock) -> None:
    inbox: Inbox = FolderInbox(account(inbox_folder), clock)
    outbox: Outbox = FolderOutbox("support", inbox_folder, Address(address="a@b.fi"), "", "", clock)
    assert (inbox.mailbox, outbox.mailbox) == ("support", "support")
    assert inbox.claim([]) == ()
    inbox.close()
    outbox.close()


def test_mails_come_oldest_first_and_move_to_the_archive_when_done(inbox_folder: Path, clock: FakeClock, put: Callable[..., Path]) -> None:
    put("b.eml", mail("older"), age=100)
    put("a.EML", mail("newer"), age=50)
    inbox = FolderInbox(account(inbox_folder), clock)
    batch = inbox.take(None)
    assert subjects(batch.arrivals) == ["older", "newer"]
    assert batch.cursor is not None
    assert batch.cursor.since == clock.now()
    assert batch.arrivals[0].received_at == clock.now() - 100
    assert subjects(inbox.take(None).arrivals) == ["older", "newer"]  # offered until it is done
    inbox.done([arrival.origin for arrival in batch.arrivals])
    inbox.done([arrival.origin for arrival in batch.arrivals])
    assert inbox.take(None).arrivals == ()
    assert sorted(path.name for path in (inbox_folder.parent / "archive").iterdir()) == ["a.EML", "b.eml"]


def test_without_an_archive_handled_files_are_deleted(inbox_folder: Path, clock: FakeClock, put: Callable[..., Path]) -> None:
    path = put("a.eml", mail("x"))
    assert len(everything(FolderInbox(account(inbox_folder, archive=None), clock))) == 1
    assert not path.exists()


def test_a_file_that_is_still_being_written_is_not_taken(inbox_folder: Path, clock: FakeClock, put: Callable[..., Path]) -> None:
    inbox = FolderInbox(account(inbox_folder), clock)
    put("a.eml", b"Subject: half", age=0)
    assert inbox.take(None).arrivals == ()
    clock.move(1.5)
    put("a.eml", mail("whole"), age=0)
    assert inbox.take(None).arrivals == ()
    clock.move(1.5)
    assert inbox.take(None).arrivals == ()
    clock.move(1.0)
    assert subjects(inbox.take(None).arrivals) == ["whole"]


def test_two_looks_settle_it_when_the_file_s_clock_is_ahead_of_ours(inbox_folder: Path, clock: FakeClock, put: Callable[..., Path]) -> None:
    inbox = FolderInbox(account(inbox_folder), clock)
    put("a.eml", mail("x"), age=-9999)
    assert inbox.take(None).arrivals == ()
    clock.move(2.5)
    (arrival,) = inbox.take(None).arrivals
    assert arrival.received_at == clock.now()


def test_a_whole_file_that_is_renamed_in_is_taken_at_once(inbox_folder: Path, clock: FakeClock, put: Callable[..., Path]) -> None:
    inbox = FolderInbox(account(inbox_folder), clock)
    partial = put("a.eml.part", mail("x"))
    hidden = put(".b.eml", mail("y"))
    assert inbox.take(None).arrivals == ()
    partial.rename(inbox_folder / "a.eml")
    hidden.rename(inbox_folder / "b.eml")
    assert sorted(subjects(inbox.take(None).arrivals)) == ["x", "y"]


def test_an_empty_file_gets_time_to_be_filled_and_is_then_shown_as_unreadable(
    inbox_folder: Path, clock: FakeClock, put: Callable[..., Path]
) -> None:
    put("a.eml", b"", age=10)
    inbox = FolderInbox(account(inbox_folder), clock)
    assert inbox.take(None).arrivals == ()
    clock.move(60)
    (arrival,) = inbox.take(None).arrivals
    assert arrival.message.kind is MessageKind.UNREADABLE


def test_another_mail_under_an_old_name_is_another_mail(inbox_folder: Path, clock: FakeClock, put: Callable[..., Path]) -> None:
    inbox = FolderInbox(account(inbox_folder), clock)
    put("a.eml", mail("first"))
    (first,) = everything(inbox)
    put("a.eml", mail("second"))
    (second,) = everything(inbox)
    assert first.origin != second.origin
    assert sorted(path.read_bytes() for path in (inbox_folder.parent / "archive").iterdir()) == sorted([mail("first"), mail("second")])


def test_the_same_file_is_known_again_after_a_restart(inbox_folder: Path, clock: FakeClock, put: Callable[..., Path]) -> None:
    put("a.eml", mail("x"))
    before = FolderInbox(account(inbox_folder), clock).take(None)
    after = FolderInbox(account(inbox_folder), clock).take(None)
    assert before.arrivals[0].origin == after.arrivals[0].origin


def test_a_file_that_changed_after_it_was_taken_is_not_thrown_away(inbox_folder: Path, clock: FakeClock, put: Callable[..., Path]) -> None:
    inbox = FolderInbox(account(inbox_folder, archive=None), clock)
    put("a.eml", mail("first"))
    batch = inbox.take(None)
    put("a.eml", mail("second"), age=5)
    inbox.done([arrival.origin for arrival in batch.arrivals])
    assert subjects(inbox.take(None).arrivals) == ["second"]


def test_a_file_that_cannot_be_read_is_an_unreadable_message_and_not_a_lost_one(inbox_folder: Path, clock: FakeClock) -> None:
    (inbox_folder / "nowhere.eml").symlink_to(inbox_folder / "missing")
    os.mkfifo(inbox_folder / "pipe.eml")
    inbox = FolderInbox(account(inbox_folder), clock)
    clock.move(100)
    inbox.take(None)
    clock.move(100)
    arrivals = everything(inbox)
    assert [arrival.message.kind for arrival in arrivals] == [MessageKind.UNREADABLE] * 2
    assert list(inbox_folder.iterdir()) == []


def test_file_names_with_odd_bytes_are_taken_and_put_away(inbox_folder: Path, clock: FakeClock, put: Callable[..., Path]) -> None:
    names = ["ä ö.eml", os.fsdecode(b"latin\xe4.eml"), "line\nbreak.eml", "50%~x.eml"]
    for number, name in enumerate(names):
        put(name, mail(str(number)))
    arrivals = everything(FolderInbox(account(inbox_folder), clock))
    assert sorted(subjects(tuple(arrivals))) == ["0", "1", "2", "3"]
    for arrival in arrivals:
        arrival.origin.name.encode("utf-8")
        assert "\n" not in arrival.origin.name
    assert shown(names[1]) == "latin%E4.eml"
    assert list(inbox_folder.iterdir()) == []


def test_other_files_are_left_alone(inbox_folder: Path, clock: FakeClock, put: Callable[..., Path]) -> None:
    put("notes.txt", b"x")
    (inbox_folder / "sub.eml").mkdir()
    assert FolderInbox(account(inbox_folder), clock).take(None).arrivals == ()


def test_a_mail_over_the_limit_is_taken_by_its_beginning_and_marked(inbox_folder: Path, clock: FakeClock, put: Callable[..., Path]) -> None:
    put("a.eml", mail("big") + b"x" * 5000)
    (arrival,) = FolderInbox(account(inbox_folder, mail_bytes_max=1000), clock).take(None).arrivals
    assert arrival.message.subject == "big"
    assert "too_large" in arrival.message.oddities


def test_the_raw_mail_is_kept_only_when_it_is_asked_for(inbox_folder: Path, clock: FakeClock, put: Callable[..., Path]) -> None:
    put("a.eml", mail("x"))
    assert FolderInbox(account(inbox_folder), clock).take(None).arrivals[0].raw is None
    assert FolderInbox(account(inbox_folder, retain_raw=True), clock).take(None).arrivals[0].raw == mail("x")


def test_a_batch_is_limited_in_mails_and_in_bytes(inbox_folder: Path, clock: FakeClock, put: Callable[..., Path]) -> None:
    for number in range(7):
        put(f"{number}.eml", mail(str(number)) + b"x" * 1000, age=100 - number)
    inbox = FolderInbox(account(inbox_folder, batch_mails=3), clock)
    batch = inbox.take(None)
    assert (subjects(batch.arrivals), batch.more) == (["0", "1", "2"], True)
    by_bytes = FolderInbox(account(inbox_folder, batch_bytes=2200), clock).take(None)
    assert (subjects(by_bytes.arrivals), by_bytes.more) == (["0", "1"], True)
    assert sorted(subjects(tuple(everything(inbox)))) == [str(number) for number in range(7)]


def test_each_mail_of_an_mbox_is_one_arrival_with_its_place_in_the_name(
    inbox_folder: Path, clock: FakeClock, put: Callable[..., Path]
) -> None:
    path = put("old.mbox", b"".join(FROM + mail(str(number)) + b"\n" for number in range(120)))
    inbox = FolderInbox(account(inbox_folder), clock)
    first = inbox.take(None)
    assert (len(first.arrivals), first.more) == (50, True)
    assert first.arrivals[6].origin.name.startswith("old.mbox#7~")
    arrivals = everything(inbox)
    assert subjects(tuple(arrivals)) == [str(number) for number in range(120)]
    assert len({arrival.origin for arrival in arrivals}) == 120
    assert not path.exists()


def test_an_mbox_that_is_done_only_in_part_is_offered_again_from_there(
    inbox_folder: Path, clock: FakeClock, put: Callable[..., Path]
) -> None:
    path = put("old.mbox", b"".join(FROM + mail(str(number)) + b"\n" for number in range(5)))
    inbox = FolderInbox(account(inbox_folder), clock)
    origins = [arrival.origin for arrival in inbox.take(None).arrivals]
    inbox.done([origins[0], origins[1], origins[3]])
    assert path.exists()
    assert subjects(inbox.take(None).arrivals) == ["2", "3", "4"]


def test_one_mbox_file_is_an_inbox_of_its_own_and_may_come_later(inbox_folder: Path, clock: FakeClock, put: Callable[..., Path]) -> None:
    inbox = MboxInbox(account(inbox_folder / "spool"), clock)
    assert inbox.take(None).arrivals == ()
    put("spool", FROM + mail("a") + b"\n" + FROM + mail("b"))
    assert subjects(tuple(everything(inbox))) == ["a", "b"]


def test_waiting_ends_when_a_whole_file_is_there_or_it_is_told_to_stop(
    inbox_folder: Path, clock: FakeClock, put: Callable[..., Path]
) -> None:
    inbox = FolderInbox(account(inbox_folder), clock)
    stop = threading.Event()
    began = clock.elapsed()
    inbox.wait(30, stop)
    assert clock.elapsed() - began == 30
    put("a.eml", mail("x"), age=0)
    inbox.wait(30, stop)
    assert clock.elapsed() - began < 35
    stop.set()
    began = clock.elapsed()
    inbox.wait(30, stop)
    assert clock.elapsed() == began


def test_a_folder_that_is_not_there_is_named_with_the_remedy(tmp_path: Path, clock: FakeClock) -> None:
    inbox = FolderInbox(account(tmp_path / "missing"), clock)
    with pytest.raises(FolderUnusable, match=r"support.*missing.*Create it"):
        inbox.take(None)
    inbox.wait(1.0, threading.Event())


def test_an_archive_that_is_the_inbox_is_refused(inbox_folder: Path, clock: FakeClock) -> None:
    with pytest.raises(FolderUnusable):
        FolderInbox(account(inbox_folder, archive=inbox_folder), clock)


def test_a_file_that_cannot_be_moved_away_is_reported_once_and_not_taken_again(
    inbox_folder: Path, clock: FakeClock, put: Callable[..., Path]
) -> None:
    put("Aino Virtanen, velka.eml", mail("x"))
    (inbox_folder.parent / "archive").write_text("a file stands in the way")
    inbox = FolderInbox(account(inbox_folder), clock)
    batch = inbox.take(None)
    with pytest.raises(FolderUnusable, match=re.escape(str(inbox_folder))) as caught:
        inbox.done([arrival.origin for arrival in batch.arrivals])
    assert "Virtanen" not in "".join(traceback.format_exception(caught.value))  # people write names into file names
    assert hashlib.sha256(b"Aino Virtanen, velka.eml").hexdigest()[:12] in str(caught.value)
    assert inbox.take(None).arrivals == ()


def test_a_file_that_cannot_even_be_looked_at_is_not_named(
    inbox_folder: Path, clock: FakeClock, put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(path: Path) -> os.stat_result:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    put("Aino Virtanen.eml", mail("x"))
    inbox = FolderInbox(account(inbox_folder), clock)
    monkeypatch.setattr("appliance.channels.mail.folder._look", closed)
    with pytest.raises(FolderUnusable, match=re.escape(str(inbox_folder))) as caught:
        inbox.take(None)
    assert "Virtanen" not in "".join(traceback.format_exception(caught.value))


def test_a_link_into_a_closed_folder_is_a_mail_that_cannot_be_read(
    inbox_folder: Path, clock: FakeClock, put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    put("a.eml", mail("x"))
    monkeypatch.setattr(Path, "is_file", closed)
    (arrival,) = FolderInbox(account(inbox_folder), clock).take(None).arrivals
    assert arrival.message.kind is MessageKind.UNREADABLE


def delivery(number: int = 1, to: str = "aino@example.fi") -> Delivery:
    return Delivery(
        id=f"d-{number}",
        case="c",
        kind=DeliveryKind.REPLY,
        mailbox="support",
        message_id=f"<d-{number}/../x@pohjola.fi>",
        key=f"d-{number}",
        automatic=True,
        to=(Address(address=to),),
        subject="x",
        text="y",
        language="en",
    )


@pytest.fixture
def outbox(tmp_path: Path, clock: FakeClock) -> FolderOutbox:
    return FolderOutbox("support", tmp_path / "outbox", Address(address="tuki@pohjola.fi"), "Pohjola", "Pohjola", clock)


def test_a_reply_becomes_a_file_that_can_be_found_again(outbox: FolderOutbox, tmp_path: Path) -> None:
    assert not outbox.find(delivery())
    assert outbox.deliver(delivery(), lambda: True).outcome is DeliveryOutcome.SENT
    assert outbox.find(delivery())
    (path,) = (tmp_path / "outbox").iterdir()
    assert b"X-Tandem-Key: d-1\r\n" in path.read_bytes()


def test_a_repeated_reply_overwrites_itself(outbox: FolderOutbox, tmp_path: Path) -> None:
    for number in (1, 1, 2, 1):
        outbox.deliver(delivery(number), lambda: True)
    assert len(list((tmp_path / "outbox").iterdir())) == 2


def test_without_the_lease_no_file_is_written(outbox: FolderOutbox, tmp_path: Path) -> None:
    result = outbox.deliver(delivery(), lambda: False)
    assert (result.outcome, result.stage) == (DeliveryOutcome.TRY_AGAIN, "lease")
    assert list((tmp_path / "outbox").iterdir()) == []


def test_a_full_or_missing_disk_means_later_and_a_broken_address_means_never(clock: FakeClock, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    outbox = FolderOutbox("support", tmp_path / "file" / "outbox", Address(address="tuki@pohjola.fi"), "", "", clock)
    assert outbox.deliver(delivery(), lambda: True).outcome is DeliveryOutcome.TRY_AGAIN
    assert outbox.deliver(delivery(to="nobody"), lambda: True).outcome is DeliveryOutcome.REFUSED


def test_a_file_that_lay_there_long_before_the_folder_went_live_is_older_mail_and_a_later_one_is_not(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    clock = FakeClock()
    for name, age in (("old.eml", 41 * 86_400.0), ("new.eml", 60.0)):
        (inbox / name).write_bytes(f"From: a@example.fi\r\nSubject: {name}\r\n\r\nWhen are you open?\r\n".encode())
        os.utime(inbox / name, (clock.now() - age, clock.now() - age))
    folder = FolderInbox(FolderAccount(mailbox="support", inbox=inbox), clock)
    folder.take(None)
    clock.move(10.0)
    batch = folder.take(None)
    assert {arrival.message.subject: arrival.older for arrival in batch.arrivals} == {"old.eml": True, "new.eml": False}
    assert batch.cursor is not None
    clock.move(30 * 86_400.0)
    later = folder.take(batch.cursor)
    assert later.cursor is None
    assert {arrival.message.subject: arrival.older for arrival in later.arrivals} == {"old.eml": True, "new.eml": False}
