"""The mailbox as the third voice, at a real mail server: two who race, who tidy up, who come late, and a server that stands still."""

import dataclasses
import imaplib
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from appliance.channels.mail.accounts import ImapAccount
from appliance.channels.mail.imap_witness import FOLDER, RENEWED_SECONDS, ImapWitness
from appliance.ground.clock import SystemClock
from appliance.pair.messages import Ask, Look, Note, Reply, Take, WitnessRecord
from appliance.pair.witness.mail_book import CHECKPOINT_EVERY, KEPT_BEHIND, MailBook
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.wire import Wire

SECRET = b"s" * 32
ROUNDS = 200
SECONDS = 20.0
LIMIT_SECONDS, SLACK_SECONDS = 1.0, 3.0


class Asking:
    """One node's way to the mailbox, with the book that it reads in."""

    def __init__(self, account: ImapAccount, seconds: float, clock: SystemClock) -> None:
        self.book = MailBook("p-7m9q", SECRET, 3.0)
        self.witness: ImapWitness[Ask, Reply] = ImapWitness(account, self.book, clock, seconds=seconds)

    def ask(self, ask: Ask) -> Reply:
        reply = self.witness.ask(ask)
        assert reply is not None, self.witness.trouble
        return reply

    def record(self) -> WitnessRecord:
        return self.ask(Look(number=0)).record


Make = Callable[..., Asking]


@pytest.fixture
def make(account: ImapAccount) -> Iterator[Make]:
    made: list[Asking] = []

    def one(seconds: float = 10.0, clock: SystemClock | None = None, **changes: object) -> Asking:
        made.append(Asking(dataclasses.replace(account, **changes), seconds, clock or SystemClock()))  # type: ignore[arg-type]
        return made[-1]

    yield one
    for each in made:
        each.witness.close()


def note(number: int, in_sync: bool = True, term: int = 4, node: str = "a") -> Note:
    return Note(number=number, node=node, term=term, in_sync=in_sync)


def together(*works: Callable[[], object]) -> None:
    """Do all at the same moment, each in a thread; whatever one raises is raised here."""
    gate, failed = threading.Barrier(len(works)), []

    def run(work: Callable[[], object]) -> None:
        try:
            gate.wait(SECONDS)
            work()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def take(replies: dict[str, Reply], node: Asking, question: Take) -> None:
    replies[question.node] = node.ask(question)


def test_of_two_who_take_one_term_at_once_exactly_one_gets_it(make: Make, dovecot: Dovecot, user: str) -> None:
    """Two hundred times, while the folder is tidied up under their hands; both come to the same record, and so does a newcomer."""
    nodes = {"a": make(), "b": make()}
    leader, number, term = "a", 1, 4
    for _ in range(ROUNDS):
        number, term = number + 1, term + 1
        assert nodes[leader].ask(note(number, term=term, node=leader)).granted
        number, term = number + 1, term + 1
        replies: dict[str, Reply] = {}
        together(*[partial(take, replies, nodes[name], Take(number=number, node=name, term=term)) for name in nodes])
        (leader,) = [name for name in nodes if replies[name].granted]
        assert nodes["a"].record() == nodes["b"].record() == WitnessRecord(holder=leader, term=term, in_sync=False, number=number)
    assert make().record() == nodes["a"].record()
    assert len(dovecot.files(user, FOLDER)) < 2 * ROUNDS, "six hundred were written, and it was tidied up meanwhile"


def test_what_is_tidied_away_under_the_hands_of_who_reads_changes_nothing(make: Make, dovecot: Dovecot, user: str) -> None:
    a, b = make(), make()
    a.ask(note(1))
    rounds = 2 * CHECKPOINT_EVERY + 50

    def write() -> None:
        for number in range(3, rounds):
            assert a.ask(note(number, in_sync=False)).granted
            a.record()

    def stand() -> None:
        for number in range(1, rounds):
            assert not b.ask(Take(number=number, node="b", term=5)).granted, "a is alone, whatever was deleted"

    assert not b.ask(Take(number=0, node="b", term=4)).granted
    a.ask(note(2, in_sync=False))
    together(write, stand)
    assert a.record() == b.record() == make().record()
    assert len(dovecot.files(user, FOLDER)) < CHECKPOINT_EVERY + 2 * KEPT_BEHIND + 10


def test_what_others_put_there_changes_nothing(make: Make, dovecot: Dovecot, user: str) -> None:
    """Mail of their own, and copies of ours, which the server numbers as if they were new."""
    a = make()
    a.ask(note(1))
    a.ask(note(2, in_sync=False))
    before = a.record()
    dovecot.append(user, b"Subject: hello\r\n\r\nhello\r\n", FOLDER)
    dovecot.append(user, b"Subject: hello\r\nX-Tandem-Witness: c3Ryb25n\r\n\r\nhello\r\n", FOLDER)
    with dovecot.client(user, FOLDER) as client:
        assert client.uid("COPY", "1:2", FOLDER)[0] == "OK"
        assert client.uid("COPY", "1", FOLDER)[0] == "OK"
    assert a.record() == before
    b = make()
    assert not b.ask(Take(number=1, node="b", term=5)).granted
    assert a.record() == before


def test_a_message_that_somebody_took_away_unread_grants_nothing_until_the_leader_writes_again(
    make: Make, dovecot: Dovecot, user: str
) -> None:
    a, b = make(), make()
    a.ask(note(1))
    assert b.record().in_sync
    a.ask(note(2, in_sync=False))
    with dovecot.client(user, FOLDER) as client:
        assert client.uid("MOVE", "2", "INBOX")[0] == "OK"
        assert client.uid("COPY", "1", FOLDER)[0] == "OK"
    assert not b.ask(Take(number=1, node="b", term=5)).granted
    assert make().record() == WitnessRecord()
    assert a.ask(note(3)).granted
    assert b.ask(Take(number=2, node="b", term=5)).granted


def test_a_folder_that_somebody_deleted_is_a_witness_that_was_never_written_to(make: Make, dovecot: Dovecot, user: str) -> None:
    a, b = make(), make()
    assert a.ask(note(1)).granted
    with dovecot.client(user) as client:
        assert client.delete(FOLDER)[0] == "OK"
    b.witness.close()
    assert b.record() == WitnessRecord()
    assert not b.ask(Take(number=1, node="b", term=9)).granted
    a.witness.ask(note(2, in_sync=False))  # the line it had may be to the folder that is gone
    assert not a.ask(note(3, in_sync=False)).granted
    assert a.ask(note(4)).granted
    b.witness.close()  # a look alone would not tell that its session is of before; it is renewed by and by
    assert b.record() == WitnessRecord(holder="a", term=4, in_sync=True, number=4)


def test_two_may_make_the_folder_at_once_and_nobody_is_subscribed_to_it(make: Make, dovecot: Dovecot, user: str) -> None:
    nodes = [make() for _ in range(2)]
    together(*[node.record for node in nodes])
    with dovecot.client(user) as client:
        assert any(FOLDER.encode() in line for line in client.list()[1] if line)
        assert not any(FOLDER.encode() in line for line in client.lsub()[1] if line)


def test_a_server_that_numbers_the_folder_afresh_is_a_witness_that_was_never_written_to(make: Make, dovecot: Dovecot, user: str) -> None:
    a = make()
    assert a.ask(note(1)).granted
    a.witness.close()
    renumber(dovecot, user)
    assert a.record() == WitnessRecord(), "what lies there names another numbering"
    assert not a.ask(Take(number=2, node="a", term=5)).granted
    assert a.ask(note(3)).granted


def renumber(dovecot: Dovecot, user: str) -> None:
    import shutil

    place = dovecot.maildir(user, FOLDER)
    for path in place.glob("dovecot*"):
        path.unlink()
    (place / "dovecot-uidlist").write_text("3 V2100000001 N1 G0123456789abcdef0123456789abcdee\n")
    shutil.chown(place / "dovecot-uidlist", "nobody", "nogroup")


def test_a_server_that_stands_still_is_no_answer_and_is_found_again(make: Make, dovecot: Dovecot, wire: Callable[[int], Wire]) -> None:
    cable = wire(dovecot.imaps_port)
    a = make(seconds=LIMIT_SECONDS, port=cable.port)
    assert a.ask(note(1)).granted
    cable.dangle()
    began = SystemClock().elapsed()
    assert a.witness.ask(note(2, in_sync=False)) is None
    assert a.witness.trouble
    assert a.witness.ask(Look(number=3)) is None, "nor on a new connection"
    assert SystemClock().elapsed() - began < 2 * LIMIT_SECONDS + SLACK_SECONDS
    cable.mend()
    cable.cut()
    assert a.ask(note(4, in_sync=False)).granted
    assert a.witness.trouble == ""


def test_a_line_that_breaks_between_two_questions_costs_no_answer(make: Make, dovecot: Dovecot, wire: Callable[[int], Wire]) -> None:
    cable = wire(dovecot.imaps_port)
    a = make(port=cable.port)
    for number in (1, 2, 3):
        assert a.ask(note(number)).granted
        cable.cut()


def test_who_only_looks_does_so_on_a_new_line_now_and_then(make: Make, dovecot: Dovecot, wire: Callable[[int], Wire]) -> None:
    cable, clock = wire(dovecot.imaps_port), Ahead()
    a = make(port=cable.port, clock=clock)
    assert a.record() == WitnessRecord()
    clock.ahead = RENEWED_SECONDS
    assert a.ask(note(1)).granted
    assert cable.connections == 1, "whoever writes sees by its own words that the line is good"
    assert a.record().holder == "a"
    assert cable.connections == 2


class Ahead(SystemClock):
    """The machine's clock, moved on by a test."""

    ahead = 0.0

    def elapsed(self) -> float:
        return super().elapsed() + self.ahead


def test_a_password_that_is_refused_is_told_and_no_answer(make: Make) -> None:
    a = make(secret=lambda: "wrong")
    assert a.witness.ask(Look(number=1)) is None
    assert "refused" in a.witness.trouble


def test_people_see_what_the_folder_is_for(make: Make, dovecot: Dovecot, user: str) -> None:
    make().ask(note(1))
    with dovecot.client(user, FOLDER) as client:
        assert isinstance(client, imaplib.IMAP4)
        flags = client.uid("FETCH", "1", "(FLAGS)")[1][0]
    assert b"\\Seen" in flags
    (raw,) = dovecot.messages(user, FOLDER)
    assert b"leave this folder alone" in raw
