"""Levers, sources, keys, erasure, terms."""

from appliance.records.events import CustomerErased, KeyIssued, KeyRevoked, SourceFailed, SourceRefreshed, SwitchSet, TermBegan
from appliance.store.effects.pushes import forget_documents_of_case
from appliance.store.effects.tables import RETIRE, Tables, body_number, case_no
from appliance.store.schema import BODIES_PER_ENTRY

_SWITCH = """INSERT INTO switches (name, is_on, by, at) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET is_on = excluded.is_on, by = excluded.by, at = excluded.at"""
_SOURCE = """INSERT INTO sources (name, digest, passages, refreshed_at, trouble) VALUES (?, ?, ?, ?, '') ON CONFLICT DO UPDATE SET
    digest = excluded.digest, passages = excluded.passages, refreshed_at = excluded.refreshed_at, trouble = ''"""
_TROUBLE = """INSERT INTO sources (name, digest, passages, refreshed_at, trouble) VALUES (?, '', 0, 0, ?)
    ON CONFLICT DO UPDATE SET trouble = excluded.trouble"""
_KEY = "INSERT INTO keys (id, name, role, digest, by, issued_at, revoked_at) VALUES (?, ?, ?, ?, ?, ?, 0)"
_CLOSE_OPEN = """UPDATE cases SET state = 'closed', changed_at = ?, reason = 'erased' WHERE no = ?
    AND (state IN ('arrived', 'listening', 'waiting', 'claimed', 'review', 'routed', 'uncertain', 'dead') OR state = 'replying'
    AND NOT EXISTS (SELECT 1 FROM deliveries WHERE case_no = cases.no AND state = 'sending'))"""
_TERM = "INSERT INTO terms (position, term, node, at, how) VALUES (?, ?, ?, ?, ?)"
_FORGET = "DELETE FROM bodies WHERE id BETWEEN ? AND ? AND slot = ?"


def switch_set(to: Tables, event: SwitchSet) -> None:
    to.execute(_SWITCH, (event.name, int(event.on), event.by, event.at))


def source_refreshed(to: Tables, event: SourceRefreshed) -> None:
    to.execute(_SOURCE, (event.source, event.digest, event.passages, event.at))


def source_failed(to: Tables, event: SourceFailed) -> None:
    to.execute(_TROUBLE, (event.source, event.reason.code))


def key_issued(to: Tables, event: KeyIssued) -> None:
    to.execute(_KEY, (event.key, event.name, event.role, event.digest, event.by, event.at))


def key_revoked(to: Tables, event: KeyRevoked) -> None:
    to.execute("UPDATE keys SET revoked_at = ? WHERE id = ?", (event.at, event.key))


def customer_erased(to: Tables, event: CustomerErased) -> None:
    """Every word goes, what is open is closed, and the customer's next message will be a stranger's."""
    if event.slot < 0:
        return
    to.execute("INSERT INTO erasures (slot, position) VALUES (?, ?) ON CONFLICT DO NOTHING", (event.slot, to.position))
    to.execute("DELETE FROM customers WHERE slot = ?", (event.slot,))
    for no in map(case_no, event.cases):
        to.execute(RETIRE, (event.at, "erased", no))
        to.execute(_CLOSE_OPEN, (event.at, no))
        _forget(to, no, event.slot)
        forget_documents_of_case(to, no, event.at)
        to.line(no)


def _forget(to: Tables, no: int, slot: int) -> None:
    entries = to.execute("SELECT position FROM lines WHERE case_no = ?", (no,)).fetchall()
    for position in (no, *(row[0] for row in entries)):
        to.execute(_FORGET, (body_number(position, 0), body_number(position, BODIES_PER_ENTRY - 1), slot))


def term_began(to: Tables, event: TermBegan) -> None:
    """Claims of an earlier term can settle nothing any more, so they end now."""
    to.execute(_TERM, (to.position, event.term, event.node, event.at, event.how))
    to.execute("UPDATE cases SET claimed_until = 0 WHERE state = 'claimed' AND claim < ?", (to.position,))
    to.execute("UPDATE clips SET claimed_until = 0 WHERE state = 'claimed' AND claim < ?", (to.position,))
    to.execute("UPDATE pushes SET until = 0 WHERE state = 'sending'")
