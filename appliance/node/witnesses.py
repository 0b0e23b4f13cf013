"""Which witness the pair has, from the settings: a process, the mailbox, or none, and why.

``auto`` takes the mailbox where the race of the first run (``tandem setup try race``) had one winner each time with the server that
is configured now. The two nodes of a pair must come to the same: one that believes in no witness leads on where another takes over.
"""

from pathlib import Path
from typing import Protocol

from appliance.care import first_run
from appliance.channels.mail.imap_witness import ImapWitness
from appliance.ground.clock import Clock
from appliance.node.accounts import imap_account
from appliance.node.trials import Trials
from appliance.pair.messages import Ask, Reply, WitnessKind
from appliance.pair.permission import witness_kind
from appliance.pair.witness.keys import witness_key
from appliance.pair.witness.mail_book import MailBook
from appliance.pair.witness.protocol import Witness
from appliance.pair.witness.tcp_client import TcpWitness
from appliance.records.first_run import StepState
from appliance.settings.model import MailboxSettings, Settings

MAILBOX_SECONDS_LEAST = 2.0


class Member(Protocol):
    """What a witness needs of the membership."""

    @property
    def pair(self) -> str: ...
    @property
    def secret(self) -> bytes: ...


class MailboxWitness(ImapWitness[Ask, Reply]):
    """The mailbox, as the lease knows it."""

    kind: WitnessKind = "mailbox"


def make(settings: Settings, member: Member, clock: Clock) -> tuple[Witness | None, str]:
    """The witness to ask, and a sentence that says which it is and why; None where there is none."""
    kind, why = kind_of(settings, clock)
    lease_seconds = settings.pair.lease_seconds
    if kind == "tcp":
        host, port = address_of(settings.pair.witness)
        return TcpWitness(host, port, witness_key(member.pair, member.secret), clock, lease_seconds=lease_seconds), why
    box = _box(settings)
    if kind == "mailbox" and box is not None:
        book = MailBook(member.pair, member.secret, lease_seconds)
        seconds = max(MAILBOX_SECONDS_LEAST, lease_seconds / 3)
        return MailboxWitness(imap_account(box, settings, clock), book, clock, seconds=seconds), why
    return None, why


def kind_of(settings: Settings, clock: Clock) -> tuple[WitnessKind, str]:
    """What the setting comes to here, and why."""
    wish, box = settings.pair.witness, _box(settings)
    passed = box is not None and race_passed(settings.home, settings, clock)
    kind = witness_kind(wish, passed)
    if kind == "tcp":
        host, port = address_of(wish)
        return kind, f"The witness is the process at {host}, port {port}."
    if kind == "mailbox" and box is None:
        return "none", "There is no witness: pair.witness names the mailbox, and no IMAP mailbox is configured."
    if kind == "mailbox":
        return kind, f"The witness is the mailbox {box.id if box else ''}."
    if wish == "none":
        return kind, "There is no witness: pair.witness says so."
    if box is None:
        return kind, "There is no witness: no IMAP mailbox is configured. Run tandem witness on a third machine."
    return kind, f"There is no witness: the race at mailbox {box.id} has not been passed here. Run: tandem setup try race"


def rules_of(settings: Settings, kind: WitnessKind) -> str:
    """By what this node votes: which witness, where, and how long a lease is. Nodes that go by different rules never vote together."""
    where, box = "", _box(settings)
    if kind == "tcp":
        where = ":{}:{}".format(*address_of(settings.pair.witness))
    elif kind == "mailbox" and box is not None:
        where = f":{box.imap.host}:{box.imap.port}:{box.imap.user}"
    return f"{kind}{where}"[:150] + f"/{settings.pair.lease_seconds:g}"


def race_passed(home: Path, settings: Settings, clock: Clock) -> bool:
    """Whether the mail server that is configured now was seen to decide races."""
    tried = Trials(home, clock).tried().get("race")
    return tried is not None and tried.state is StepState.DONE and tried.about == first_run.about("race", settings)


def address_of(wish: str) -> tuple[str, int]:
    """Host and port of ``tcp://HOST:PORT``, which the settings have checked."""
    host, _, port = wish.removeprefix("tcp://").rpartition(":")
    return host.strip("[]"), int(port)


def _box(settings: Settings) -> MailboxSettings | None:
    """The mailbox whose folder is used: the first that is reached by IMAP, which is the same on both nodes."""
    return next((box for box in settings.mailbox if box.imap.host), None)
