"""From bytes to an arrival, the same for every way that mail comes in.

Nothing that lies in a mailbox may be lost or stand in the way of the rest, so what cannot be read becomes an arrival as well:
an unreadable message, which a person gets to see.
"""

from dataclasses import dataclass, field

import msgspec

from appliance.channels.mail.parse import Parsed, ParseLimits, parse_whole
from appliance.channels.voice.sound import places
from appliance.ground.log import Log
from appliance.records.message import Arrival, Message, MessageKind, Origin

# Codes among ``Message.oddities``.
TOO_LARGE = "too_large"  # over the size limit: only its beginning was read
WITHHELD = "withheld"  # it is there, but the server or the disk does not hand it out
PARSER_FAILED = "parser_failed"
TOO_MANY_CLIPS = "clips_over_limit"  # more sound is attached than is heard by itself
CLIPS_MOST = 5
_OVER_LIMIT = "_over_limit"  # the parser's: a part was left out

_log = Log("mail")


def unreadable(code: str) -> Message:
    """Stands for a mail of which nothing could be got."""
    return Message(channel="mail", kind=MessageKind.UNREADABLE, oddities=(code,))


def _read_in_part(message: Message) -> bool:
    """Whether there is more in the mail than the message holds, so that the mail itself must be kept."""
    return message.kind is MessageKind.UNREADABLE or any(code == TOO_LARGE or code.endswith(_OVER_LIMIT) for code in message.oddities)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Makes arrivals of one mailbox. ``authserv_id``: whose Authentication-Results are believed; "" nobody's.

    ``clean`` False leaves quotes and signatures in what the desk reads. ``hears``: attached sound is heard before the desk looks.
    """

    authserv_id: str = ""
    retain_raw: bool = False
    clean: bool = True
    hears: bool = False
    limits: ParseLimits = field(default_factory=ParseLimits)

    def arrival(
        self,
        origin: Origin,
        raw: bytes | None,
        received_at: float,
        *,
        cut: bool = False,
        older: bool = False,
        claimed_elsewhere: bool = False,
    ) -> Arrival:
        """``raw`` None: it could not be had. ``cut``: only its beginning was fetched."""
        message, attachments = self._parsed(origin, raw)
        if cut:
            message = msgspec.structs.replace(message, oddities=(*message.oddities, TOO_LARGE))
        clips = places(message.attachments, attachments) if self.hears and attachments and message.kind is MessageKind.MESSAGE else ()
        if len(clips) > CLIPS_MOST:  # each may be an hour long, and everybody else's would wait: a person listens
            message, clips = msgspec.structs.replace(message, oddities=(*message.oddities, TOO_MANY_CLIPS)), ()
        return Arrival(
            origin=origin,
            message=message,
            received_at=received_at,
            raw=raw if self.retain_raw or _read_in_part(message) else None,
            older=older,
            claimed_elsewhere=claimed_elsewhere,
            attachments=attachments,
            clips=clips,
        )

    def _parsed(self, origin: Origin, raw: bytes | None) -> Parsed:
        if raw is None:
            return Parsed(unreadable(WITHHELD), {})
        try:
            parsed = parse_whole(raw, self.limits, self.authserv_id)
            return parsed if self.clean else parsed._replace(message=msgspec.structs.replace(parsed.message, text=parsed.message.full_text))
        except Exception as error:  # the parser promises not to; if it does, one mail must not stop a mailbox for good
            _log.error("parser_failed", error=error, mailbox=origin.mailbox, uid=origin.uid, name=origin.name)
            return Parsed(unreadable(PARSER_FAILED), {})
