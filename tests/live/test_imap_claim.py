"""Two who read one mailbox: at most one of them may answer a mail."""

import dataclasses
import threading
from collections.abc import Callable, Iterator

import pytest

from appliance.channels.mail.accounts import ImapAccount
from appliance.channels.mail.errors import ClaimsImpossible
from appliance.channels.mail.imap import ImapInbox
from appliance.channels.mail.imap_race import race
from appliance.ground.clock import SystemClock
from appliance.records.message import Cursor, Origin
from tests.live.servers.child import CannotStart
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.wire import Wire

MAIL = b"From: Aino <aino@example.fi>\r\nSubject: %d\r\nMessage-ID: <%d@x>\r\n\r\nHello\r\n"


class Reader:
    """One of several that read the mailbox, with the go-live line behind it."""

    def __init__(self, account: ImapAccount, claimant: str) -> None:
        self.inbox = ImapInbox(dataclasses.replace(account, claimant=claimant), SystemClock())
        cursor = self.inbox.take(None).cursor
        assert cursor is not None
        self.cursor: Cursor = cursor

    def take(self) -> list[Origin]:
        """The origins of what was not claimed when it was taken."""
        return [arrival.origin for arrival in self.inbox.take(self.cursor).arrivals if not arrival.claimed_elsewhere]

    def lost(self, origins: list[Origin]) -> list[int]:
        return [origin.uid for origin in self.inbox.claim(origins)]


@pytest.fixture
def readers(account: ImapAccount) -> Iterator[tuple[Reader, Reader]]:
    first, second = Reader(account, "a"), Reader(account, "b")
    yield first, second
    first.inbox.close()
    second.inbox.close()


def deliver(dovecot: Dovecot, user: str, count: int) -> None:
    for number in range(count):
        dovecot.deliver(user, MAIL % (number, number))


def test_a_claim_is_a_keyword_that_everybody_sees(dovecot: Dovecot, user: str, readers: tuple[Reader, Reader]) -> None:
    first, second = readers
    deliver(dovecot, user, 3)
    assert first.lost(first.take()) == []
    assert all("$tandem" in dovecot.flags(user, uid) for uid in (1, 2, 3))
    assert second.take() == []
    assert all(arrival.claimed_elsewhere for arrival in second.inbox.take(second.cursor).arrivals)


@pytest.mark.parametrize("claimants", [("a", "b"), ("", "")])
def test_who_comes_second_between_look_and_claim_is_told(
    dovecot: Dovecot, user: str, account: ImapAccount, claimants: tuple[str, str]
) -> None:
    first, second = (Reader(account, claimant) for claimant in claimants)
    deliver(dovecot, user, 3)
    seen_by_first, seen_by_second = first.take(), second.take()
    assert len(seen_by_first) == len(seen_by_second) == 3
    assert first.lost(seen_by_first[:2]) == []
    assert second.lost(seen_by_second) == [1, 2]
    assert first.lost(seen_by_first) == [3]


def test_our_own_claim_from_before_a_crash_is_not_somebody_else_s(dovecot: Dovecot, user: str, account: ImapAccount) -> None:
    before = Reader(account, "a")
    deliver(dovecot, user, 1)
    origins = before.take()
    before.inbox.claim(origins)
    before.inbox.close()
    after = Reader(account, "a")
    (arrival,) = after.inbox.take(before.cursor).arrivals
    assert arrival.claimed_elsewhere  # the journal knows the origin and so knows better
    assert after.inbox.claim([arrival.origin]) == ()
    after.inbox.close()


def test_a_colleague_s_other_flags_are_no_claim(dovecot: Dovecot, user: str, readers: tuple[Reader, Reader]) -> None:
    first, _ = readers
    deliver(dovecot, user, 2)
    origins = first.take()
    with dovecot.client(user) as colleague:
        colleague.uid("STORE", "1", "+FLAGS", "(\\Seen \\Flagged)")
    assert first.lost(origins) == []
    assert "\\Seen" in dovecot.flags(user, 1)
    assert "$tandem" in dovecot.flags(user, 1)


def test_a_mail_that_is_gone_by_then_is_not_ours(dovecot: Dovecot, user: str, readers: tuple[Reader, Reader]) -> None:
    first, _ = readers
    deliver(dovecot, user, 3)
    origins = first.take()
    with dovecot.client(user) as colleague:
        colleague.uid("STORE", "2", "+FLAGS.SILENT", "(\\Deleted)")
        colleague.expunge()
    assert first.lost(origins) == [2]


def test_a_claim_goes_through_when_the_line_was_cut_in_between(
    dovecot: Dovecot, user: str, account: ImapAccount, wire: Callable[[int], Wire]
) -> None:
    cable = wire(dovecot.imap_port)
    reader = Reader(dataclasses.replace(account, port=cable.port, security="none"), "a")
    deliver(dovecot, user, 2)
    origins = reader.take()
    cable.cut()
    assert reader.lost(origins) == []
    assert "$tandem" in dovecot.flags(user, 2)
    reader.inbox.close()


def test_mail_of_another_numbering_is_not_claimed_by_the_old_numbers(dovecot: Dovecot, user: str, account: ImapAccount) -> None:
    reader = Reader(account, "a")
    deliver(dovecot, user, 2)
    origins = reader.take()
    reader.inbox.close()
    dovecot.renumber(user)
    assert reader.lost(origins) == [1, 2]
    assert "$tandem" not in dovecot.flags(user, 1)


def test_fifty_claims_cost_two_round_trips(dovecot: Dovecot, user: str, account: ImapAccount, wire: Callable[[int], Wire]) -> None:
    cable = wire(dovecot.imap_port)
    reader = Reader(dataclasses.replace(account, port=cable.port, security="none"), "a")
    for number in range(50):
        dovecot.append(user, MAIL % (number, number))
    origins = reader.take()
    assert len(origins) == 50
    before = len(cable.said)
    assert reader.lost(origins) == []
    said = cable.said[before:]
    assert said.count(b" FETCH ") == 1
    assert said.count(b"NOOP") == 1


def test_of_two_hundred_races_none_has_two_winners(account: ImapAccount) -> None:
    report = race(account, account, rounds=200)
    assert report.creates.one_winner == 200
    assert report.stores.two_winners == 0
    assert report.stores.one_winner + report.stores.no_winner == 200
    assert report.fit


def test_the_races_leave_nothing_behind(dovecot: Dovecot, user: str, account: ImapAccount) -> None:
    race(account, account, rounds=3)
    with dovecot.client(user) as client:
        folders = b" ".join(client.list()[1])  # type: ignore[arg-type]
    assert b"race" not in folders


def test_two_intakes_at_full_speed_never_share_a_mail(dovecot: Dovecot, user: str, readers: tuple[Reader, Reader]) -> None:
    deliver(dovecot, user, 200)
    gate = threading.Barrier(2)
    won: list[list[int]] = []

    def run(reader: Reader) -> None:
        mine: list[int] = []
        gate.wait()
        while True:
            batch = reader.inbox.take(reader.cursor)
            free = [arrival.origin for arrival in batch.arrivals if not arrival.claimed_elsewhere]
            lost = set(reader.inbox.claim(free))
            mine += [origin.uid for origin in free if origin not in lost]
            assert batch.cursor is not None
            reader.cursor = batch.cursor
            if not batch.more:
                break
        won.append(mine)

    threads = [threading.Thread(target=run, args=(reader,)) for reader in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not set(won[0]) & set(won[1])
    assert len(won[0]) + len(won[1]) > 100  # those that nobody won wait for a person; they are few


@pytest.fixture(scope="module")
def plain_server() -> Iterator[Dovecot]:
    """A server that has neither CONDSTORE nor IDLE, and where ``bound`` may not set keywords and ``reader`` nothing at all."""
    more = """
imap_capability = IMAP4rev1 LITERAL+ UIDPLUS NAMESPACE
mail_plugins = acl
plugin {
  acl = vfile:%s/acl
}
"""
    try:
        from tests.live.servers import child

        folder = child.own_folder("dovecot")
        (folder / "acl").write_text("INBOX user=bound lrsp\nINBOX user=reader lr\n* owner lrwstipekxa\n")
        server = Dovecot.start(folder, more=more % folder)
    except CannotStart as reason:
        pytest.skip(str(reason))
    for name in ("support", "bound", "reader", "waiter"):
        server.add_user(name)
    yield server
    server.stop()


def plain_account(server: Dovecot, user: str) -> ImapAccount:
    return ImapAccount(mailbox=user, host=server.host, port=server.imap_port, security="none", user=user, secret=lambda: "secret")


def test_without_condstore_a_claim_is_still_seen_and_read_back(plain_server: Dovecot) -> None:
    account = plain_account(plain_server, "support")
    first, second = Reader(account, "a"), Reader(account, "b")
    deliver(plain_server, "support", 3)
    seen_by_first, seen_by_second = first.take(), second.take()
    assert first.lost(seen_by_first[:2]) == []
    assert second.lost(seen_by_second) == [1, 2]
    assert "$tandem" in plain_server.flags("support", 3)


def test_who_was_second_within_the_same_moment_sees_both_names_and_stands_back(plain_server: Dovecot, wire: Callable[[int], Wire]) -> None:
    plain_server.add_user("moment")
    account = plain_account(plain_server, "moment")
    cable = wire(plain_server.imap_port)
    first, second = Reader(account, "a"), Reader(dataclasses.replace(account, port=cable.port), "b")
    deliver(plain_server, "moment", 2)
    seen_by_first, seen_by_second = first.take(), second.take()
    lost_by_first: list[int] = []
    # The second has looked once more and found the mails free; the first claims them before the second's claim gets through.
    cable.before(b" STORE ", lambda: lost_by_first.extend(first.lost(seen_by_first)))
    assert second.lost(seen_by_second) == [1, 2]
    assert lost_by_first == []


def test_without_condstore_the_race_is_called_impossible_with_the_remedy(plain_server: Dovecot) -> None:
    account = plain_account(plain_server, "support")
    with pytest.raises(ClaimsImpossible, match="has no CONDSTORE") as caught:
        race(account, account, rounds=2)
    assert "witness" in caught.value.remedy


@pytest.mark.parametrize("user", ["bound", "reader"])
@pytest.mark.parametrize("claimant", ["", "a"], ids=["alone", "one of a pair"])
def test_where_no_keyword_can_be_set_a_node_alone_takes_mail_without_one_of_a_pair_leaves_it_to_a_person_and_the_log_says_so_once(
    plain_server: Dovecot, user: str, claimant: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING")
    reader = Reader(plain_account(plain_server, user), claimant)
    deliver(plain_server, user, 2)
    origins = reader.take()
    assert len(origins) == 2
    assert reader.lost(origins) == ([origin.uid for origin in origins] if claimant else [])
    reader.lost(origins)
    assert sum("mail_claims_broke" in record.getMessage() for record in caplog.records) == 1


def test_without_idle_on_the_server_waiting_is_polling(plain_server: Dovecot) -> None:
    reader = Reader(plain_account(plain_server, "waiter"), "a")
    deliver(plain_server, "waiter", 1)
    reader.inbox.wait(0.3, threading.Event())
    assert len(reader.take()) == 1
