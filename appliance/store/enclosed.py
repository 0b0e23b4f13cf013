"""Files beside the words: those that came with a mail, and those that leave with a reply.

They are sealed as one body an entry, packed as bytes (MessagePack), since JSON would make them a third longer.
"""

import msgspec

from appliance.ground.errors import Refused
from appliance.records.base import Record
from appliance.records.person import Approval
from appliance.records.work import File
from appliance.store import cases
from appliance.store.bodies import Bodies
from appliance.store.effects.tables import body_number
from appliance.store.errors import NoSuchCase, WrongState
from appliance.store.limits import StoreLimits
from appliance.store.names import case_number
from appliance.store.schema import BODIES_PER_ENTRY
from appliance.store.sqlite import Connection

ATTACHMENTS = "attachments"
ENCLOSED = "enclosed"


class Attachments(Record):
    """The bytes of a message's attachments, by their place in its list."""

    files: dict[int, bytes]


class Enclosed(Record):
    """What goes along with a reply that a person approved."""

    files: tuple[File, ...] = ()
    signature: str = ""


def pack(record: Attachments | Enclosed) -> bytes:
    return msgspec.msgpack.encode(record)


def enclosed_with(approval: Approval, limits: StoreLimits) -> Enclosed | None:
    """What goes along with this reply, within the limits; None when nothing does."""
    files, signature = approval.files, approval.signature.strip()
    if len(files) > limits.enclosed_files:
        raise WrongState(
            f"There are {len(files)} files; {limits.enclosed_files} may go with a reply.", "Send fewer, or one archive of them."
        )
    if sum(len(file.data) for file in files) > limits.enclosed_bytes:
        most = f"{limits.enclosed_bytes / 1e6:g} MB"
        raise WrongState(f"The files are larger than {most} together.", "Send smaller ones, or tell the customer where to fetch them.")
    if any(not file.name.strip() or not file.data for file in files):
        raise WrongState("A file has no name, or nothing is in it.", "Choose it once more.")
    if len(signature) > limits.signature_characters:
        raise WrongState(f"The signature is longer than {limits.signature_characters} characters.", "Shorten it in the person's profile.")
    return Enclosed(files=files, signature=signature) if files or signature else None


def enclosed_of(connection: Connection, bodies: Bodies, body: int) -> Enclosed:
    """What goes along, by the number of its body; nothing for 0."""
    found = cases.sealed_words(connection, bodies, body) if body else None
    return Enclosed() if found is None else msgspec.msgpack.decode(found[1], type=Enclosed)


def attachment_of(connection: Connection, bodies: Bodies, case: str, index: int) -> File:
    """One attachment of the case's message with its bytes. Refused when it was not kept, or is there no more."""
    message = cases.message_of(connection, bodies, case_number(case) or 0)
    if message is None:
        raise NoSuchCase(f"There is no case {case}, or its words were removed.", "`tandem cases list` shows the cases.")
    data = _bytes_of(connection, bodies, case_number(case) or 0).get(index) if 0 <= index < len(message.attachments) else None
    if data is None:
        raise _not_kept(case, index)
    told = message.attachments[index]
    return File(name=told.name, media_type=told.media_type, data=data)


def _bytes_of(connection: Connection, bodies: Bodies, number: int) -> dict[int, bytes]:
    first = body_number(number, 0)
    row = connection.execute(
        "SELECT id FROM bodies WHERE id BETWEEN ? AND ? AND role = ?", (first, first + BODIES_PER_ENTRY - 1, ATTACHMENTS)
    ).fetchone()
    found = cases.sealed_words(connection, bodies, row[0]) if row else None
    return {} if found is None else msgspec.msgpack.decode(found[1], type=Attachments).files


def _not_kept(case: str, index: int) -> Refused:
    return NoSuchCase(
        f"Attachment {index} of case {case} was not kept.",
        "Attachments are kept up to 10 MB each, 20 MB and 30 files a mail; the mail in the mailbox has them all.",
    )
