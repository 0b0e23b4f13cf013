"""Mail out by SMTP, once and no more.

The whole care is about one moment. Until the final dot has left, the server has nothing that it may deliver (RFC 5321,
4.1.1.4), so whatever breaks before that is tried again. Once the dot has left, the server answers for the mail from the
moment it decides to say 250 (RFC 5321, 4.2.5, 6.1), but we only know when its answer reaches us (RFC 1047). Its answer, when
there is one, is the truth: 2xx sent, 4xx refused for now, 5xx refused for good. When there is none, because the line dropped
or the time ran out, the mail may be out or not. That is an *uncertain* delivery: it is never repeated, and a person finds out.

    before the dot    no line, no greeting, no sign-in, lease lost   try again, not counted against the mail
                      4xx to MAIL, RCPT or DATA                      try again
                      5xx to MAIL, RCPT or DATA                      refused for good
    after the dot     2xx                                            sent
                      4xx, 5xx                                       try again, refused for good
                      nothing, or nothing that can be understood     uncertain
"""

import re
import smtplib
from collections.abc import Callable
from dataclasses import dataclass

from appliance.channels.mail.accounts import ImapAccount, SmtpAccount
from appliance.channels.mail.compose import compose, recipients
from appliance.channels.mail.errors import ServerRefused, Unsendable
from appliance.channels.mail.sent import find_sent
from appliance.channels.mail.smtp_line import Line, Stopped, put_off, refused
from appliance.channels.mail.wire_address import NoAddress, WireAddress, wire
from appliance.ground.clock import Clock
from appliance.ground.errors import TandemError
from appliance.ground.faults import reach
from appliance.ground.log import Log, Trouble
from appliance.records.delivery import Delivery, DeliveryKind, DeliveryOutcome, DeliveryResult
from appliance.records.message import Address

QUIET_SECONDS = 5.0  # a line that was quiet for so long is asked for a sign of life before it is used
PIECE = 64 * 1024
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A composed mail and its envelope. ``copies`` may be refused without harm to the rest."""

    raw: bytes
    sender: WireAddress
    to: tuple[WireAddress, ...]
    copies: tuple[WireAddress, ...]

    @property
    def utf8(self) -> bool:
        return any(address.utf8 for address in (self.sender, *self.to))


def try_line(account: SmtpAccount) -> str:
    """Connect, sign in and hang up again; says in a sentence what was found. Raises a ``ChannelError`` that names what is wrong."""
    place = f"the SMTP server {account.host}, port {account.port},"
    try:
        line = Line(account)
    except Stopped as stopped:
        reason = f"{place} said {stopped.result.code} at {stopped.result.stage!r}."
        raise stopped.trouble or ServerRefused(account.mailbox, reason, "Ask whoever runs the server.") from stopped
    size = f", takes mails up to {line.size_max / 1e6:.0f} MB" if line.size_max else ""
    line.quit()
    return f"{account.host}: {'signed in' if account.user else 'greeted'}{size}"


class SmtpOutbox:
    """The way out of one mailbox. See ``protocol.Outbox``. One thread at a time; ``close`` may be called from another.

    ``sent``: the mailbox in which ``find`` looks, None when there is none. ``trouble`` says what the operator has to mend.
    """

    def __init__(
        self, account: SmtpAccount, sender: Address, signature: str, company: str, clock: Clock, sent: ImapAccount | None = None
    ) -> None:
        self._account = account
        self._sender = sender
        self._signature = signature
        self._company = company
        self._clock = clock
        self._sent = sent
        self._line: Line | None = None
        self._line_since = 0.0
        self._line_used = 0.0
        self._busy = False
        self._trouble = Trouble(Log("mail"), "smtp")

    @property
    def mailbox(self) -> str:
        return self._account.mailbox

    @property
    def trouble(self) -> str:
        """Why nothing can be sent now, with the remedy; "" when nothing stands in the way."""
        return self._trouble.reason

    @property
    def fault(self) -> TandemError | None:
        """The same as the error it was; None when nothing stands in the way."""
        return self._trouble.error

    def deliver(self, delivery: Delivery, may_still_send: Callable[[], bool]) -> DeliveryResult:
        try:
            letter = self._letter(delivery)
        except Unsendable:
            return DeliveryResult(outcome=DeliveryOutcome.REFUSED, stage="address")
        try:
            self._busy = True
            return self._send(letter, may_still_send)
        except Stopped as stopped:
            if stopped.gone:
                self._hang_up()
            if stopped.trouble is not None:
                self._trouble.broke(str(stopped.trouble), error=stopped.trouble, mailbox=self.mailbox)
            return stopped.result
        except BaseException:
            self._hang_up()  # wherever it stopped, the next mail must not go on from there
            raise
        finally:
            self._busy = False

    def find(self, delivery: Delivery) -> bool:
        if self._sent is None:
            return False
        return find_sent(self._sent, delivery.message_id, delivery.key)

    def close(self) -> None:
        if self._busy:
            self._hang_up()  # another thread is waiting for the server: it gets its end now, and makes of it what it is
            return
        self._say_goodbye()

    def _say_goodbye(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.quit()

    def _letter(self, delivery: Delivery) -> Letter:
        raw = compose(delivery, self._sender, self._signature, self._company, at=self._clock.now())
        to, cc = recipients(delivery, self._sender)
        try:
            sender = wire(self._sender.address)
            copies = [wire(address.address) for address in cc]
            if self._account.copy_to_self and delivery.kind is not DeliveryKind.DRAFT:
                copies.append(sender)
            return Letter(raw=raw, sender=sender, to=tuple(wire(one.address) for one in to), copies=tuple(dict.fromkeys(copies)))
        except NoAddress as error:
            raise Unsendable(self.mailbox, f"an address of the reply cannot be used: {error}.") from error

    def _send(self, letter: Letter, may_still_send: Callable[[], bool]) -> DeliveryResult:
        line, dropped = self._announced(letter)
        reach("deliver.before_data")
        if not may_still_send():
            line.command("reset", "RSET")
            raise _lease_lost()
        code = line.command("data", "DATA")
        if code != 354:
            raise self._no(line, "data", code)
        self._write(line, letter.raw)
        if line.has_spoken():
            # A server that speaks or hangs up before the dot has not taken the mail, and will not.
            raise put_off("data")
        if not may_still_send():
            raise _lease_lost()  # hanging up without the dot throws the data away
        return self._finish(line, dropped)

    def _announced(self, letter: Letter) -> tuple[Line, int]:
        """A line that has taken the envelope. One that was used before may have died meanwhile: then a fresh one is tried."""
        line, used_before = self._ready()
        reach("deliver.connected")
        try:
            return line, self._envelope(line, letter)
        except Stopped as stopped:
            if not (used_before and stopped.result.code in (0, 421)):
                raise
        self._hang_up()
        line, _ = self._ready()
        return line, self._envelope(line, letter)

    def _ready(self) -> tuple[Line, bool]:
        now, line = self._clock.elapsed(), self._line
        if line is not None:
            worn = line.mails >= self._account.mails_per_line or now - self._line_since > self._account.line_seconds
            if not worn and (now - self._line_used < QUIET_SECONDS or self._answers(line)):
                return line, True
            self._say_goodbye()
        self._line = Line(self._account)
        self._trouble.healed()
        self._line_since = self._line_used = self._clock.elapsed()
        return self._line, False

    def _answers(self, line: Line) -> bool:
        try:
            return line.command("noop", "NOOP", seconds=10.0) == 250
        except Stopped:
            return False

    def _envelope(self, line: Line, letter: Letter) -> int:
        """MAIL and RCPT; returns how many copies the server would not take."""
        if 0 < line.size_max < len(letter.raw):
            raise refused("size", 552)
        if letter.utf8 and not line.takes_utf8:
            raise refused("address", 553)
        options = f" SIZE={len(letter.raw)}" if line.size_max else ""
        options += " SMTPUTF8" if letter.utf8 else ""
        code = line.command("mail", f"MAIL FROM:<{letter.sender.text}>{options}")
        if code != 250:
            raise self._no(line, "mail", code)
        for address in letter.to:
            code = line.command("rcpt", f"RCPT TO:<{address.text}>")
            if code not in (250, 251):
                raise self._no(line, "rcpt", code)
        return sum(not self._copied(line, address) for address in letter.copies)

    def _copied(self, line: Line, address: WireAddress) -> bool:
        if address.utf8 and not line.takes_utf8:
            return False
        code = line.command("rcpt", f"RCPT TO:<{address.text}>")
        if code == 421:
            raise refused("rcpt", code)
        return code in (250, 251)

    def _no(self, line: Line, stage: str, code: int) -> Stopped:
        """The server refused; the line is made ready for the next mail."""
        stopped = refused(stage, code)
        if not stopped.gone:
            line.command("reset", "RSET")
        self._line_used = self._clock.elapsed()
        return stopped

    def _write(self, line: Line, raw: bytes) -> None:
        """All but the final dot, leading dots doubled (RFC 5321, 4.5.2)."""
        stuffed = _LEADING_DOT.sub(b"..", raw)
        try:
            for start in range(0, len(stuffed), PIECE):
                line.write(stuffed[start : start + PIECE])
        except (OSError, smtplib.SMTPException) as error:
            raise put_off("data") from error

    def _finish(self, line: Line, dropped: int) -> DeliveryResult:
        """The final dot and what the server says to it. From here on only its own word makes a result certain."""
        try:
            line.write(b".\r\n")
            code = line.answer()
        except (OSError, smtplib.SMTPException):
            code = -1
        if 200 <= code < 300:
            reach("deliver.after_data")
            line.mails += 1
            self._line_used = self._clock.elapsed()
            return DeliveryResult(outcome=DeliveryOutcome.SENT, code=code, stage="sent", dropped=dropped)
        if 400 <= code < 600:
            raise _after_data(code)
        self._hang_up()
        return DeliveryResult(outcome=DeliveryOutcome.UNCERTAIN, code=max(code, 0), stage="after_data", dropped=dropped)

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.break_off()


def _lease_lost() -> Stopped:
    return put_off("lease", retry_after_seconds=1.0)


def _after_data(code: int) -> Stopped:
    """Refused in answer to the dot: definite, since the server has said that it did not take the mail."""
    outcome = DeliveryOutcome.REFUSED if code >= 500 else DeliveryOutcome.TRY_AGAIN
    return Stopped(DeliveryResult(outcome=outcome, code=code, stage="after_data"), gone=code == 421)
