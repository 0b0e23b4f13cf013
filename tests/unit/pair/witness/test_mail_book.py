"""The record that a folder's messages come to, and what people who share the mailbox can do to it."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.pair.messages import Ask, Look, Note, Reply, Take, WitnessRecord
from appliance.pair.witness.mail_book import CHECKPOINT_EVERY, KEPT_BEHIND, MailBook
from appliance.pair.witness_record import answer

SECRET = b"s" * 32


@dataclasses.dataclass
class Folder:
    """A folder as a mail server keeps it: it numbers upwards and never gives a number twice."""

    validity: int = 7
    uid_next: int = 1
    lines: dict[int, str] = dataclasses.field(default_factory=dict)

    def append(self, line: str) -> int:
        uid, self.uid_next = self.uid_next, self.uid_next + 1
        self.lines[uid] = line
        return uid

    def reader(self, secret: bytes = SECRET, pair: str = "p") -> MailBook:
        """Somebody who opens the folder for the first time."""
        book = MailBook(pair, secret, 3.0)
        book.opened(self.validity, self.uid_next)
        return book

    def show(self, book: MailBook) -> WitnessRecord:
        book.read({uid: line for uid, line in self.lines.items() if uid > book.uid})
        return book.page.record

    def put(self, book: MailBook, ask: Ask) -> Reply | None:
        """Put a question and read the answer."""
        if line := book.line(ask):
            self.append(line)
        self.show(book)
        return book.answer(ask)

    def tidy(self, book: MailBook) -> bool:
        line = book.checkpoint(late=False)
        if line:
            self.append(line)
            self.show(book)
            for uid in [uid for uid in self.lines if uid <= book.needless()]:
                del self.lines[uid]
        return bool(line)


def granted(reply: Reply | None) -> bool:
    assert reply is not None
    return reply.granted


def note(number: int, in_sync: bool = True, term: int = 4, node: str = "a") -> Note:
    return Note(number=number, node=node, term=term, in_sync=in_sync)


@pytest.fixture
def folder() -> Folder:
    return Folder()


@pytest.fixture
def a(folder: Folder) -> MailBook:
    return folder.reader()


@pytest.fixture
def b(folder: Folder) -> MailBook:
    return folder.reader()


def test_an_empty_folder_grants_nothing_until_a_leader_says_that_its_peer_is_with_it(folder: Folder, a: MailBook, b: MailBook) -> None:
    assert not granted(folder.put(b, Take(number=1, node="b", term=9)))
    assert granted(folder.put(a, note(1)))
    assert granted(folder.put(b, Take(number=2, node="b", term=9)))
    assert folder.show(a) == folder.show(b) == WitnessRecord(holder="b", term=9, in_sync=False, number=2)


def test_of_two_questions_for_one_term_the_one_that_lies_first_is_granted(folder: Folder, a: MailBook, b: MailBook) -> None:
    folder.put(a, note(1))
    takes = {name: Take(number=2, node=name, term=5) for name in ("a", "b")}
    folder.append(b.line(takes["b"]))  # neither has seen the other's
    folder.append(a.line(takes["a"]))
    folder.show(a), folder.show(b)
    assert (granted(a.answer(takes["a"])), granted(b.answer(takes["b"]))) == (False, True)
    assert a.page.record == b.page.record


def test_a_question_that_does_not_show_yet_has_no_answer(folder: Folder, a: MailBook) -> None:
    folder.put(a, note(1))
    a.line(note(2))
    folder.show(a)
    assert a.answer(note(2)) is None
    assert a.answer(note(1)) is None, "an older answer is not handed out for it"


def test_a_look_reads_and_writes_nothing(folder: Folder, a: MailBook, b: MailBook) -> None:
    folder.put(a, note(1))
    reply = folder.put(b, Look(number=5))
    assert reply == Reply(number=5, granted=True, record=WitnessRecord(holder="a", term=4, in_sync=True, number=1))
    assert len(folder.lines) == 1


ASKS = st.lists(
    st.builds(
        lambda take, node, term, flag: (take, node, term, flag), st.booleans(), st.sampled_from("ab"), st.integers(1, 6), st.booleans()
    ),
    max_size=12,
)


def written(folder: Folder, asks: list[tuple[bool, str, int, bool]], tidy: bool = False) -> tuple[WitnessRecord, dict[str, MailBook]]:
    """Put the questions, each node's numbers growing; the record that they come to by the plain rules."""
    books, record = {"a": folder.reader(), "b": folder.reader()}, WitnessRecord()
    for number, (take, node, term, flag) in enumerate(asks, 1):
        ask: Ask = (
            Take(number=number, node=node, term=term, forced=flag) if take else Note(number=number, node=node, term=term, in_sync=flag)
        )
        record, reply = answer(record, ask, 3.0)
        assert folder.put(books[node], ask) == reply
        if tidy:
            folder.tidy(books[node])
    return record, books


@given(asks=ASKS)
def test_everybody_who_reads_comes_to_what_the_rules_say(asks: list[tuple[bool, str, int, bool]]) -> None:
    folder = Folder()
    record, books = written(folder, asks)
    assert {folder.show(book) == record for book in (*books.values(), folder.reader())} == {True}


@given(asks=ASKS, copies=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 12)), max_size=8))
def test_copies_of_old_questions_change_nothing_wherever_they_are_put(
    asks: list[tuple[bool, str, int, bool]], copies: list[tuple[int, int]]
) -> None:
    """A copy lies anywhere above what it is a copy of: a server gives no number twice."""
    plain = Folder()
    record, _ = written(plain, asks)
    lines = [plain.lines[uid] for uid in sorted(plain.lines)]
    mixed = Folder()
    for place, line in enumerate(lines):
        mixed.append(line)
        for source, after in copies:
            if after == place and source <= place:
                mixed.append(lines[source])
    assert mixed.show(mixed.reader()).number == record.number
    assert mixed.show(mixed.reader()) == record


@given(asks=ASKS, gone=st.sets(st.integers(1, 12)), copy=st.integers(0, 11))
def test_behind_a_hole_nothing_is_granted_that_was_asked_before_it_was_seen(
    asks: list[tuple[bool, str, int, bool]], gone: set[int], copy: int
) -> None:
    folder = Folder()
    written(folder, asks)
    lines = list(folder.lines.values())
    if len(lines) not in gone:
        return  # nothing is missing at the end
    for uid in gone & folder.lines.keys():
        del folder.lines[uid]
    if copy < len(lines):
        folder.append(lines[copy])
    late = folder.reader()
    folder.show(late)
    term = 1 + max(ask[2] for ask in asks)
    reply = folder.put(late, Take(number=1 << 40, node="a", term=term))
    assert reply is None or not reply.granted
    assert late.page.record == WitnessRecord()


def test_whoever_had_read_what_was_taken_away_keeps_what_it_knows(folder: Folder, a: MailBook, b: MailBook) -> None:
    folder.put(a, note(1))
    folder.put(a, note(2, in_sync=False))
    folder.show(b)
    folder.lines.clear()
    assert folder.put(b, Take(number=1, node="b", term=5)) == Reply(number=1, granted=False, record=a.page.record)


def test_a_message_that_is_missing_makes_the_record_empty_until_a_leader_writes_it_anew(folder: Folder, a: MailBook, b: MailBook) -> None:
    folder.put(a, note(1))
    folder.show(b)
    folder.put(a, note(2, in_sync=False))
    del folder.lines[2]
    assert not granted(folder.put(b, Take(number=1, node="b", term=5))), "it has not seen that a is alone"
    assert b.page.record == WitnessRecord()
    assert granted(folder.put(a, note(3)))
    assert folder.show(b) == folder.show(folder.reader()) == WitnessRecord(holder="a", term=4, in_sync=True, number=3)


def test_an_old_note_put_back_behind_a_hole_is_not_believed(folder: Folder, a: MailBook) -> None:
    folder.put(a, note(1))
    folder.put(a, note(2, in_sync=False))
    old, fresh = folder.lines[1], folder.reader()
    folder.lines.clear()
    folder.append(old)
    assert folder.show(fresh) == WitnessRecord()
    assert fresh.hole(folder.lines) is False, "it has been passed"


def test_a_hole_is_noticed_while_it_may_still_fill(folder: Folder, a: MailBook, b: MailBook) -> None:
    folder.put(a, note(1))
    folder.put(a, note(2))
    assert b.hole({2: folder.lines[2]})
    assert not b.hole(folder.lines)
    assert not b.hole({})


@pytest.mark.parametrize("line", ["", "hello", "A" * 4000, "=" * 40, "ä", "A" * 44, "-_" * 50])
def test_a_message_of_somebody_else_is_passed_over(line: str, folder: Folder, a: MailBook) -> None:
    folder.put(a, note(1))
    before = a.page.record
    folder.append(line)
    assert folder.show(a) == before
    assert granted(folder.put(a, note(2)))


def test_whoever_lacks_the_secret_or_is_another_pair_says_nothing(folder: Folder, a: MailBook) -> None:
    folder.put(a, note(1))
    before = a.page.record
    for stranger in (folder.reader(b"x" * 32), folder.reader(pair="q")):
        folder.append(stranger.line(Take(number=9, node="b", term=99)))
        folder.append(stranger.line(note(9, in_sync=False, term=99)))
    assert folder.show(a) == before


def test_a_message_of_the_folder_before_it_was_made_anew_says_nothing(folder: Folder, a: MailBook) -> None:
    folder.put(a, note(1))
    anew = Folder(validity=8)
    anew.append(folder.lines[1])
    a.opened(8, anew.uid_next)
    assert anew.show(a) == WitnessRecord()
    assert granted(anew.put(a, note(2)))


def test_a_folder_that_counts_from_the_start_again_under_its_old_name_is_read_anew(folder: Folder, a: MailBook) -> None:
    """A server that forgets its numbering should change UIDVALIDITY; not every one does."""
    folder.put(a, note(1))
    folder.put(a, note(2))
    a.opened(folder.validity, 1)
    assert a.page.record == WitnessRecord()
    assert a.uid == 0


def filled(folder: Folder, book: MailBook) -> None:
    """So many notes that a checkpoint is due."""
    folder.put(book, note(1))
    for number in range(2, CHECKPOINT_EVERY + 1):
        folder.put(book, note(number, in_sync=False))


def test_a_checkpoint_speaks_for_what_was_deleted(folder: Folder, a: MailBook, b: MailBook) -> None:
    filled(folder, a)
    assert folder.tidy(a)
    assert len(folder.lines) == KEPT_BEHIND + 1
    assert folder.show(b) == folder.show(folder.reader()) == a.page.record
    assert b.page == a.page
    assert not granted(folder.put(b, Take(number=1, node="b", term=5)))
    assert not folder.tidy(a)


def test_who_waits_for_an_answer_gets_it_across_a_checkpoint(folder: Folder, a: MailBook, b: MailBook) -> None:
    """Whoever has read lately, that is; one who was far behind asks once more."""
    filled(folder, a)
    folder.show(b)
    for number in range(CHECKPOINT_EVERY + 1, CHECKPOINT_EVERY + KEPT_BEHIND):
        folder.put(a, note(number, in_sync=False))
    take = Take(number=1, node="b", term=5)
    folder.append(b.line(take))
    folder.show(a)
    assert folder.tidy(a)
    folder.show(b)
    assert b.answer(take) == Reply(number=1, granted=False, record=a.page.record)


def test_an_old_checkpoint_put_back_says_nothing_of_what_came_after_it(folder: Folder, a: MailBook) -> None:
    filled(folder, a)
    folder.put(a, note(300))
    assert folder.tidy(a)
    old = folder.lines[max(folder.lines)]
    folder.put(a, note(301, in_sync=False))
    before = a.page.record
    folder.append(old)
    assert folder.show(a) == folder.show(folder.reader()) == before
    folder.lines.clear()
    folder.append(old)
    assert folder.show(folder.reader()) == WitnessRecord()


def test_copies_of_deleted_questions_change_nothing_behind_a_checkpoint(folder: Folder, a: MailBook) -> None:
    filled(folder, a)
    lines = list(folder.lines.values())
    assert folder.tidy(a)
    before = a.page.record
    for line in lines:
        folder.append(line)
    assert folder.show(a) == folder.show(folder.reader()) == before


def test_somebody_who_waits_does_not_wait_for_tidying_before_it_is_long_overdue(folder: Folder, a: MailBook) -> None:
    filled(folder, a)
    assert a.checkpoint(late=True) == ""
    assert a.checkpoint(late=False)
    for number in range(CHECKPOINT_EVERY + 1, 2 * CHECKPOINT_EVERY + 1):
        folder.put(a, note(number, in_sync=False))
    assert a.checkpoint(late=True)


def test_a_question_that_came_in_twice_keeps_its_first_answer(folder: Folder, a: MailBook) -> None:
    line = a.line(note(1))
    folder.append(line)
    folder.append(line)
    folder.show(a)
    assert granted(a.answer(note(1)))


def test_a_checkpoint_speaks_for_nothing_that_lies_behind_it(folder: Folder, a: MailBook) -> None:
    """A folder that counts from the start again under its old name, with a checkpoint of before in it."""
    filled(folder, a)
    assert folder.tidy(a)
    again = Folder(uid_next=2)
    again.append(folder.lines[max(folder.lines)])
    assert again.show(again.reader()) == WitnessRecord()
