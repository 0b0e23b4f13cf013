"""Two clients race for the same thing, to see whether a mail server can decide between two nodes.

Two things are raced for: the creation of a folder, by which a pair can take a new term, and a claim on a mail. Everything
happens in folders of its own, which are deleted again.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from appliance.channels.mail import imap_claim
from appliance.channels.mail.accounts import ImapAccount
from appliance.channels.mail.errors import ClaimsImpossible
from appliance.channels.mail.imap_session import Glance, Session
from appliance.ground.ids import new_id

_MAIL = b"Subject: race\r\n\r\nTwo nodes race for this mail. It may be deleted.\r\n"
_UNSEEN = Glance(flags=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Races:
    """How many races of one kind had one winner, two, or none."""

    one_winner: int = 0
    two_winners: int = 0
    no_winner: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceReport:
    """What a mail server made of the races."""

    rounds: int
    creates: Races
    stores: Races

    @property
    def fit(self) -> bool:
        """Whether a pair may rely on this server, for its claims and as its witness: a folder always has one creator, and a
        mail never two claimants. Where a mail has none, because both stood back, a person gets it; that must be rare."""
        folders = self.creates.one_winner == self.rounds
        return folders and self.stores.two_winners == 0 and self.stores.one_winner * 2 > self.rounds


def race(account_a: ImapAccount, account_b: ImapAccount, rounds: int = 200) -> RaceReport:
    """Race two connections ``rounds`` times for a folder and as often for a mail.

    Raises ``ClaimsImpossible`` when the server has no CONDSTORE or keeps no keywords, and any other ``MailboxError``.
    """
    first, second = Session(replace(account_a, claimant="a")), Session(replace(account_b, claimant="b"))
    folder = new_id("Tandem-race")
    try:
        creates = _race_for_folders(first, second, folder, rounds)
        return RaceReport(rounds=rounds, creates=creates, stores=_race_for_mails(first, second, folder, rounds))
    finally:
        first.log_out()
        second.log_out()


def _race_for_folders(first: Session, second: Session, folder: str, rounds: int) -> Races:
    def run(number: int) -> tuple[bool, bool]:
        name = f"{folder}-{number}"
        try:
            return _together(lambda: first.create(name), lambda: second.create(name))
        finally:
            first.delete(name)

    return _count([run(number) for number in range(rounds)])


def _race_for_mails(first: Session, second: Session, folder: str, rounds: int) -> Races:
    first.create(folder)
    try:
        for _ in range(rounds):
            first.append(folder, _MAIL)
        for session in (first, second):
            opened = session.open(folder)
            if not (opened.condstore and opened.keywords):
                raise ClaimsImpossible(
                    session.account.mailbox,
                    f"the server {session.account.host} " + ("keeps no keywords." if opened.condstore else "has no CONDSTORE."),
                    'Two nodes cannot share this mailbox without another witness: set pair.witness to "tcp://host:port".',
                )
        uids = first.uids_above(0, rounds, rounds + 1)
        return _count([_race_for_mail(first, second, uid) for uid in uids])
    finally:
        first.delete(folder)


def _race_for_mail(first: Session, second: Session, uid: int) -> tuple[bool, bool]:
    seen = [session.glance([uid], modseq=True).get(uid, _UNSEEN) for session in (first, second)]
    return _together(
        lambda: not imap_claim.claim(first, {uid: seen[0]}, condstore=True),
        lambda: not imap_claim.claim(second, {uid: seen[1]}, condstore=True),
    )


def _together(one: Callable[[], bool], other: Callable[[], bool]) -> tuple[bool, bool]:
    """Run both at the same moment, in two threads; whatever the second raises is raised here."""
    gate = threading.Barrier(2)
    ended: list[bool | BaseException] = []

    def run() -> None:
        try:
            gate.wait(timeout=10)
            ended.append(other())
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=run, name="race")
    thread.start()
    try:
        gate.wait(timeout=10)
        mine = one()
    finally:
        thread.join()
    if isinstance(ended[0], BaseException):
        raise ended[0]
    return mine, ended[0]


def _count(races: list[tuple[bool, bool]]) -> Races:
    winners = [sum(race) for race in races]
    return Races(one_winner=winners.count(1), two_winners=winners.count(2), no_winner=winners.count(0))
