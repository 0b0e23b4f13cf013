"""What a mailbox tells of a mail and of itself, and what the store makes of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.channels.mail.parse import parse
from appliance.records.message import Cursor, MessageKind
from appliance.store import schema, sqlite
from tests.support.clock import FakeClock
from tests.unit.store.support import Desk, message, open_store

BOUNCE = """From: Mail Delivery <mailer-daemon@mx.example.com>
To: support@company.example
Subject: Delivery Status Notification (Failure)
Message-ID: <report-1@mx.example.com>
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b

It failed.
--b
Content-Type: message/delivery-status

Final-Recipient: rfc822; maija@customer.example
Action: failed
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

Message-ID: <rewritten@exchange.example>
X-Tandem-Key: %s
Subject: Re: A question

--b--
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    clock = FakeClock()
    with open_store(tmp_path / "home", clock) as store:
        yield Desk(store, clock)


def answered(desk: Desk) -> tuple[str, str]:
    """A case whose reply has left, and the key of that reply."""
    case = desk.answer(message())
    delivery = desk.started()
    desk.finish(delivery)
    return case.id, delivery.key


def test_a_bounce_of_our_reply_finds_its_case_by_the_key_where_the_message_id_was_rewritten(desk: Desk) -> None:
    case, key = answered(desk)
    bounce = parse((BOUNCE % key).encode())
    assert bounce.kind is MessageKind.BOUNCE
    desk.take_in(bounce)
    assert desk.claim().about == case


def test_a_forged_key_in_a_bounce_ties_it_to_nothing(desk: Desk) -> None:
    _, key = answered(desk)
    forged = key.replace(".1@", ".2@")
    assert forged != key
    desk.take_in(parse((BOUNCE % forged).encode()))
    assert desk.claim().about == ""


def test_the_go_live_line_is_kept_with_the_cursor(desk: Desk) -> None:
    cursor = Cursor(mailbox="support", folder="INBOX", uid_validity=7, uid=12, older_until_uid=5, since=1_800_000_000.25)
    desk.store.acknowledge((), cursor, term=desk.term)
    assert desk.store.cursor("support", "INBOX") == cursor


def test_a_database_from_before_the_go_live_line_keeps_its_cursors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tandem.db"
    connection = sqlite.open_writer(path)
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "STEPS", schema.STEPS[:1])
        schema.bring_up_to_date(connection, path)
    connection.execute("INSERT INTO cursors (mailbox, folder, uid_validity, uid, older_until_uid) VALUES ('support', 'INBOX', 7, 12, 5)")
    schema.bring_up_to_date(connection, path)
    assert connection.execute("SELECT uid, older_until_uid, since FROM cursors").fetchall() == [(12, 5, 0.0)]
    connection.close()
