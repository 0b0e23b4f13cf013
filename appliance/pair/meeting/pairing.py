"""Two nodes become a pair: one shows a code, a person types it on the other.

    joiner                                    offerer (it shows the code, and has the data)
    Start(share, fingerprint)          ->
                                       <-     Answer(share)
    Proof                              ->     a wrong one costs a try
                                       <-     Proof
    Introduction, sealed               ->     judged: twin, versions, not empty, ...
                                       <-     Welcome, sealed: introduction, pair, the common secret
    Agreed, sealed                     ->     writes the membership down
    writes the membership down         <-     Settled, sealed

**Who can do what.** The network is believed in nothing: anybody may listen, answer in the other's place, or call the offerer.

* *Listening* gives nothing. The line is TLS, and below it SPAKE2 gives no way to try codes afterwards.
* *Calling the offerer and guessing*: each guess costs one of 3 tries, and the joiner must prove first, so that a guess cannot be had for
  less. 3 of 10^8 codes is a chance of 1 in 33 million for each code that is shown. Whoever leaves before the proof has learned nothing
  and is charged nothing. Wrong proofs make the code void: that much harm anybody in the network can do, and a new code is shown.
* *Standing in the middle*, or answering the joiner in the offerer's place: the line's certificate is part of the key as each side sees
  it, so passing words on fails at the proof. Guessing there is one guess for each time that a person types the code, 1 in 10^8.
* *Reading the code* from the screen within its two minutes: whoever can do that, and reach the port first, is the peer. The
  panel shows who joined.
* *A secret file* never expires and is not used up by wrong guesses (or anybody could stop a set-up that nobody watches): it has 16
  characters at least, which should be random, and is asked for once a second after a wrong one. At 16 random hex digits that
  is an even chance in 3 * 10^11 years.

A line that is lost in the last step leaves the offerer in a pair that the joiner does not know of. The joiner then joins
again with the same code: the same node gets the same pair, as long as the code holds.
"""

import threading
from collections.abc import Callable
from typing import Literal

from appliance.ground.clock import Clock
from appliance.ground.errors import TandemError
from appliance.ground.ids import new_id, random_bytes
from appliance.ground.log import Log
from appliance.ground.machine import same_machine
from appliance.pair.line.certificate import Identity, fingerprint_of
from appliance.pair.line.errors import LineError, LineRefused
from appliance.pair.line.wire import PAIRING, Line, Open, dial
from appliance.pair.meeting.addresses import Address, as_text
from appliance.pair.meeting.code import Secret, new_code, password
from appliance.pair.meeting.errors import PairingRefused
from appliance.pair.meeting.exchange import Channel, Exchange, Party
from appliance.pair.meeting.membership import SECRET_BYTES, Membership
from appliance.pair.meeting.talk import conversation, hear, hear_sealed, tell
from appliance.pair.meeting.words import Agreed, Answer, Introduction, Proof, Settled, Start, Welcome
from appliance.records.base import Record

VALID_SECONDS = 120.0
TRIES = 3
PAUSE_SECONDS = 1.0
DIAL_SECONDS = 5.0

State = Literal["waiting", "joined", "expired", "void"]
Save = Callable[[Membership], None]
"""Writes the membership down, flushed; to be done twice for one pair without harm. Such as ``kept.enter`` with a home."""

log = Log("pair")


class Joined(Record):
    """What came of a pairing: what this node keeps, and who the other one is."""

    membership: Membership
    peer: Introduction


class Offer:
    """A code that is shown, or a secret that is waited for, on the node that has the data. Any thread may look and serve.

    One joiner is talked to at a time. Raises ``PairingRefused("paired")`` when this node is in a pair already.
    """

    def __init__(self, clock: Clock, me: Introduction, save: Save, secret: Secret | None = None) -> None:
        if me.pair:
            raise PairingRefused("paired")
        self.code = "" if secret else new_code()
        self.joined: Joined | None = None
        self.ended = threading.Event()
        """Set when somebody has joined and been told so, or nobody can any more; not by time passing."""
        self._clock, self._me, self._save = clock, me, save
        self._password = password(secret or self.code)
        self._tries = -1 if secret else TRIES
        self._until = float("inf") if secret else clock.elapsed() + VALID_SECONDS
        self._not_before = float("-inf")
        self._closed = False
        self._pair, self._common = new_id("pair"), random_bytes(SECRET_BYTES)
        self._talking = threading.Lock()

    @property
    def expires_seconds(self) -> float:
        """For how long the code still holds; 0 when it does not, infinite for a secret."""
        return max(0.0, self._until - self._clock.elapsed())

    @property
    def tries_left(self) -> int:
        """Wrong codes until it is void; -1 for a secret, which has no such number."""
        return self._tries

    @property
    def state(self) -> State:
        if self.joined is not None:
            return "joined"
        if self._closed or self._tries == 0:
            return "void"
        return "waiting" if self.expires_seconds > 0 else "expired"

    def close(self) -> None:
        """Take the code back. Who has joined stays joined."""
        self._closed = True
        self.ended.set()

    def serve(self, line: Line, open_: Open) -> None:
        """The service "pairing" of the listener: talk to one joiner, and judge it. Nothing that it says raises here."""
        try:
            with conversation(line):
                if not self._talking.acquire(blocking=False):
                    raise PairingRefused("busy")
                try:
                    self._check_open()
                    self._talk(line, open_)
                finally:
                    self._talking.release()
        except PairingRefused as refused:
            log.info("pairing_refused", code=refused.code, tries_left=self._tries)
        if self.joined is not None:
            self.ended.set()

    def _check_open(self) -> None:
        if self._closed or self._tries == 0:
            raise PairingRefused("void")
        if self.expires_seconds <= 0:
            raise PairingRefused("expired")
        if self._clock.elapsed() < self._not_before:
            raise PairingRefused("busy")

    def _talk(self, line: Line, open_: Open) -> None:
        start = hear(line, Start)
        mine = Party(node=self._me.node, fingerprint=fingerprint_of(self._me.certificate))
        exchange = Exchange("offerer", self._password, Party(node=open_.node, fingerprint=start.fingerprint), mine)
        channel = exchange.agree(start.share)
        line.send(Answer(share=exchange.share))
        proof = hear(line, Proof)
        self._check_open()  # it may have been taken back, or have run out, meanwhile
        self._charge(channel.proves(proof.mac))
        line.send(Proof(mac=channel.proof()))
        joiner = hear_sealed(line, channel, Introduction)
        if joiner.node != open_.node:
            raise PairingRefused("bad_message")
        self._judge(joiner, start.fingerprint)
        tell(line, channel, Welcome(introduction=self._me, pair=self._pair, secret=self._common, side="b"))
        hear_sealed(line, channel, Agreed)
        self._settle(joiner, line.address[0], start.fingerprint)
        tell(line, channel, Settled())

    def _charge(self, right: bool) -> None:
        if right:
            return
        if self._tries < 0:
            self._not_before = self._clock.elapsed() + PAUSE_SECONDS
        else:
            self._tries -= 1
            if self._tries == 0:
                self.ended.set()
        raise PairingRefused("wrong_code", self._tries)

    def _judge(self, joiner: Introduction, fingerprint: str) -> None:
        if code := judge(joiner, self._me) or _judge_certificate(joiner, fingerprint):
            raise PairingRefused(code)
        joined = self.joined
        if joined is not None and (joined.peer.node, joined.membership.peer_fingerprint) != (joiner.node, fingerprint):
            raise PairingRefused("paired")

    def _settle(self, joiner: Introduction, host: str, fingerprint: str) -> None:
        membership = _membership(self._me, joiner, (host, joiner.port), self._clock, fingerprint, self._pair, self._common, "a")
        try:
            self._save(membership)
        except (TandemError, OSError) as error:
            log.error("pairing_not_saved", error=error)
            raise PairingRefused("cannot_save") from error
        self.joined = Joined(membership=membership, peer=joiner)
        log.info("paired", peer=joiner.node, pair=self._pair, side="a")


def join(address: Address, code: str | Secret, identity: Identity, me: Introduction, save: Save, clock: Clock) -> Joined:
    """Join the node that shows this code at this address. Raises ``PairingRefused``, and what ``save`` raises."""
    word = password(code)
    if me.pair or not me.empty:
        raise PairingRefused("other_pair" if me.pair else "not_empty")
    open_ = Open(service=PAIRING, node=me.node, pair=me.pair, version=me.version, proto=me.proto, least=me.least)
    try:
        line, opened = dial(address, identity, fingerprint=None, open_=open_, seconds=DIAL_SECONDS, clock=clock)
    except LineRefused as refused:
        raise PairingRefused("no_pairing" if refused.code == "no_such_service" else refused.code) from refused
    except LineError as error:
        raise PairingRefused("unreachable") from error
    with conversation(line):
        joined = _agree(line, Party(node=opened.node, fingerprint=line.fingerprint), word, me, address, clock)
    save(joined.membership)
    log.info("paired", peer=joined.peer.node, pair=joined.membership.pair, side="b")
    return joined


def _agree(line: Line, offerer: Party, word: bytes, me: Introduction, address: Address, clock: Clock) -> Joined:
    mine = Party(node=me.node, fingerprint=fingerprint_of(me.certificate))
    exchange = Exchange("joiner", word, mine, offerer)
    line.send(Start(share=exchange.share, fingerprint=mine.fingerprint))
    channel = exchange.agree(hear(line, Answer).share)
    _prove(line, channel)
    tell(line, channel, me)
    welcome = hear_sealed(line, channel, Welcome)
    peer = welcome.introduction
    if code := judge(me, peer) or _judge_certificate(peer, offerer.fingerprint):
        raise PairingRefused(code)
    if peer.node != offerer.node or welcome.side != "b":
        raise PairingRefused("bad_message")
    tell(line, channel, Agreed())
    hear_sealed(line, channel, Settled)
    return Joined(membership=_membership(me, peer, address, clock, offerer.fingerprint, welcome.pair, welcome.secret, "b"), peer=peer)


def _prove(line: Line, channel: Channel) -> None:
    """Show the offerer that the code was known, and see that it knows it too."""
    line.send(Proof(mac=channel.proof()))
    if not channel.proves(hear(line, Proof).mac):
        raise PairingRefused("wrong_code")


def judge(joiner: Introduction, offerer: Introduction) -> str:
    """Why these two cannot be a pair, as a code of ``REASONS``; "" when they can. Both sides ask, and come to the same answer."""
    if joiner.node == offerer.node:
        return "itself" if same_machine(joiner.machine, offerer.machine) else "twin"
    if joiner.proto < offerer.least:
        return "too_old"
    if joiner.least > offerer.proto:
        return "too_new"
    if offerer.pair:
        return "paired"
    if joiner.pair:
        return "other_pair"
    return "" if joiner.empty else "not_empty"


def _judge_certificate(of: Introduction, fingerprint: str) -> str:
    """The certificate that it shows is the one that went into the key."""
    try:
        return "" if fingerprint_of(of.certificate) == fingerprint else "wrong_certificate"
    except LineError:
        return "wrong_certificate"


def _membership(
    me: Introduction,
    peer: Introduction,
    address: Address,
    clock: Clock,
    fingerprint: str,
    pair: str,
    secret: bytes,
    side: Literal["a", "b"],
) -> Membership:
    return Membership(
        pair=pair, me=me.node, peer=peer.node, side=side, peer_fingerprint=fingerprint, peer_certificate=peer.certificate, secret=secret,
        peer_name=peer.name, peer_addresses=tuple(as_text((host, peer.port)) for host in peer.addresses),
        last_address=as_text(address), paired_at=clock.now(), key=peer.key, machine=me.machine,
    )  # fmt: skip
