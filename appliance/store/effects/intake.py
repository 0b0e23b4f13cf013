"""A message came in; the channel was told."""

from appliance.records.events import IntakeAcknowledged, MessageReceived
from appliance.store.effects.tables import CLOSE, FIRST_STATE, RETIRE, Tables, case_no, delivery_no
from appliance.store.effects.voice import clips_came
from appliance.store.prints import print_number

_CASE = """INSERT INTO cases (no, id, channel, mailbox, state, thread, slot, kind, received_at, changed_at, hold, duplicate_of, about,
    overtook, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_CUSTOMER = "INSERT INTO customers (digest, slot) VALUES (?, ?) ON CONFLICT DO UPDATE SET slot = excluded.slot"
_ORIGIN = "INSERT INTO origins (mailbox, folder, uid_validity, uid, name, case_no) VALUES (?, ?, ?, ?, ?, ?)"
_PRINT = "INSERT INTO prints (print, case_no, content, at) VALUES (?, ?, ?, ?)"
_TO_THE_NEWEST = """ON CONFLICT DO UPDATE SET case_no = excluded.case_no, content = excluded.content, at = excluded.at
    WHERE content = 0"""
_FIRST_PRINT = f"{_PRINT} ON CONFLICT DO NOTHING"
_NEWEST_PRINT = f"{_PRINT} {_TO_THE_NEWEST}"
_TWO_PRINTS = f"{_PRINT}, (?, ?, ?, ?) {_TO_THE_NEWEST}"
_TOLD = f"UPDATE cases SET state = {FIRST_STATE}, changed_at = ? WHERE no = ? AND state = 'arrived'"
_CURSOR = """INSERT INTO cursors (mailbox, folder, uid_validity, uid, older_until_uid, since) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET uid_validity = excluded.uid_validity, uid = excluded.uid, older_until_uid = excluded.older_until_uid,
    since = excluded.since"""


def message_received(to: Tables, event: MessageReceived) -> None:
    """A new case; a duplicate is closed at once and shown with the case that it repeats."""
    origin, no = event.origin, to.position
    duplicate_of = case_no(event.duplicate_of) if event.duplicate_of else 0
    about = case_no(event.about) if event.about else 0
    state, reason = ("closed", "duplicate") if duplicate_of else ("arrived", "")
    execute = to.connection.execute
    thread = no if event.thread == event.case else case_no(event.thread)
    execute(
        _CASE,
        (
            no, event.case, event.channel, origin.mailbox, state, thread, event.slot, event.message_kind.value,
            event.received_at, event.at, event.hold, duplicate_of, about, len(event.supersedes), reason,
        ),
    )  # fmt: skip
    if event.new_customer:
        execute(_CUSTOMER, (bytes.fromhex(event.customer), event.slot))
    execute(_ORIGIN, (origin.mailbox, origin.folder, origin.uid_validity, origin.uid, origin.name, no))
    if duplicate_of:
        to.line(duplicate_of)
    else:
        _remember_prints(to, event)
    if event.clips:
        clips_came(to, event)
    if about:
        to.line(about)
    if event.supersedes or event.overtakes:
        _overtake(to, event)


def _remember_prints(to: Tables, event: MessageReceived) -> None:
    """What the message will be known by.

    The first holder of a Message-ID keeps it. What has no content yet goes to the newest: equal words, and a Message-ID that
    somebody's References had only mentioned.
    """
    no, execute, content = to.position, to.connection.execute, print_number(event.content_print)
    if event.message_id_print and content:
        execute(_TWO_PRINTS, (print_number(event.message_id_print), no, content, event.at, content, no, 0, event.at))
    elif content:
        execute(_NEWEST_PRINT, (content, no, 0, event.at))
    elif event.message_id_print:
        execute(_NEWEST_PRINT, (print_number(event.message_id_print), no, 0, event.at))
    for mention in (event.thread_print, *event.reference_prints) if event.thread_print or event.reference_prints else ():
        if mention:
            execute(_FIRST_PRINT, (print_number(mention), no, 0, event.at))


def _overtake(to: Tables, event: MessageReceived) -> None:
    """Earlier messages of the thread that nobody has answered are closed, and what was about to leave for them is taken back."""
    for case in event.supersedes:
        no = case_no(case)
        to.execute(CLOSE, (event.at, "superseded", no))
        to.execute(RETIRE, (event.at, "superseded", no))
        to.line(no)
    for delivery in event.overtakes:
        to.execute("UPDATE deliveries SET overtaken = 1 WHERE no = ?", (delivery_no(delivery),))


def intake_acknowledged(to: Tables, event: IntakeAcknowledged) -> None:
    """The cases wait for the ear or the desk; the cursor moves."""
    numbers = [case_no(case) for case in event.cases]
    for case in event.claimed_elsewhere:
        to.execute("UPDATE cases SET hold = 'claimed_elsewhere' WHERE no = ? AND hold = ''", (case_no(case),))
    to.executemany(_TOLD, [(event.at, no) for no in numbers])
    to.lines(numbers)
    cursor = event.cursor
    if cursor is not None:
        to.execute(_CURSOR, (cursor.mailbox, cursor.folder, cursor.uid_validity, cursor.uid, cursor.older_until_uid, cursor.since))
