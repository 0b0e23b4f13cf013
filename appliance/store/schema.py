"""The tables, as a list of steps that is only ever appended to.

``PRAGMA user_version`` counts the steps taken, so a start with an up-to-date database reads one number and imports nothing;
only a step to be taken loads sqlite-utils. Tables are STRICT; the ones that are looked up by key have no hidden row number.

``cases.no`` is the position of the journal entry by which the case came in, ``deliveries.no`` of the one that queued it, and a
body's id is its entry's position times eight plus its place in the entry: three lookups that need no index.
Everything but ``journal``, ``bodies`` and the local tables follows from the journal and is changed by ``apply`` alone.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.ground.absent import absent
from appliance.store import sqlite
from appliance.store.errors import StoreCorrupt, StoreTooNew

BODIES_PER_ENTRY = 8

#: The tables that are this node's own: the other one never gets them.
LOCAL_TABLES = ("heads", "countersigned")

#: The tables that follow from the journal, each with the columns that order its rows.
STATE_TABLES: dict[str, str] = {
    "cases": "no",
    "lines": "case_no, position",
    "customers": "digest",
    "erasures": "slot",
    "origins": "mailbox, folder, uid_validity, uid, name",
    "prints": "print",
    "cursors": "mailbox, folder",
    "deliveries": "no",
    "counters": "state",
    "tallies": "quarter, name",
    "switches": "name",
    "sources": "name",
    "keys": "id",
    "escalations": "no",
    "people": "id",
    "sessions": "id",
    "chats": "id",
    "drafts": "delivery_no",
    "terms": "position",
    "drills": "id",
    "pushes": "no",
    "usages": "quarter, tier, engine",
    "candidates": "no",
    "clips": "case_no, place",
    "calls": "case_no",
}

_FIRST = """
CREATE TABLE journal (
    position INTEGER PRIMARY KEY, term INTEGER NOT NULL, version INTEGER NOT NULL, kind TEXT NOT NULL, at REAL NOT NULL,
    payload BLOB NOT NULL, bodies INTEGER NOT NULL, prev BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE TABLE heads (position INTEGER PRIMARY KEY, hash BLOB NOT NULL, signature BLOB NOT NULL, at REAL NOT NULL) STRICT;
CREATE TABLE bodies (
    id INTEGER PRIMARY KEY, role TEXT NOT NULL, slot INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;

CREATE TABLE cases (
    no INTEGER PRIMARY KEY, id TEXT NOT NULL, channel TEXT NOT NULL, mailbox TEXT NOT NULL, state TEXT NOT NULL,
    thread INTEGER NOT NULL, slot INTEGER NOT NULL, kind TEXT NOT NULL, received_at REAL NOT NULL, changed_at REAL NOT NULL,
    hold TEXT NOT NULL, duplicate_of INTEGER NOT NULL, about INTEGER NOT NULL, overtook INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, agent TEXT NOT NULL DEFAULT '', claim INTEGER NOT NULL DEFAULT 0,
    claimed_until REAL NOT NULL DEFAULT 0, language TEXT NOT NULL DEFAULT '', tier INTEGER, reason TEXT NOT NULL DEFAULT '',
    team TEXT NOT NULL DEFAULT '', score REAL, settled INTEGER NOT NULL DEFAULT 0, draft INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX cases_waiting ON cases (received_at, no) WHERE state = 'waiting';
CREATE INDEX cases_claimed ON cases (claimed_until, no) WHERE state = 'claimed';
CREATE INDEX cases_review ON cases (no) WHERE state = 'review';
CREATE INDEX cases_routed ON cases (no) WHERE state = 'routed';
CREATE INDEX cases_replying ON cases (no) WHERE state = 'replying';
CREATE INDEX cases_uncertain ON cases (no) WHERE state = 'uncertain';
CREATE INDEX cases_dead ON cases (no) WHERE state = 'dead';
CREATE INDEX cases_thread ON cases (thread, no) WHERE thread <> no;

CREATE TABLE counters (state TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO counters (state, count) VALUES ('arrived', 0), ('waiting', 0), ('claimed', 0), ('review', 0), ('routed', 0),
    ('replying', 0), ('replied', 0), ('uncertain', 0), ('dead', 0), ('closed', 0);
CREATE TABLE tallies (quarter INTEGER NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (quarter, name))
    STRICT, WITHOUT ROWID;
CREATE TRIGGER cases_came AFTER INSERT ON cases BEGIN
    UPDATE counters SET count = count + 1 WHERE state = NEW.state;
    INSERT INTO tallies (quarter, name, count) VALUES (CAST(NEW.changed_at / 900 AS INTEGER), 'came', 1)
        ON CONFLICT DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER cases_moved AFTER UPDATE OF state ON cases WHEN NEW.state <> OLD.state BEGIN
    UPDATE counters SET count = count - 1 WHERE state = OLD.state;
    UPDATE counters SET count = count + 1 WHERE state = NEW.state;
    INSERT INTO tallies (quarter, name, count)
        SELECT CAST(NEW.changed_at / 900 AS INTEGER), NEW.state, 1
        WHERE NEW.state IN ('replied', 'review', 'routed', 'closed', 'dead')
        ON CONFLICT DO UPDATE SET count = count + 1;
END;

CREATE TABLE lines (case_no INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (case_no, position)) STRICT, WITHOUT ROWID;
CREATE TABLE customers (digest BLOB PRIMARY KEY, slot INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX customers_slot ON customers (slot);
CREATE TABLE erasures (slot INTEGER PRIMARY KEY, position INTEGER NOT NULL) STRICT;
CREATE TABLE origins (
    mailbox TEXT NOT NULL, folder TEXT NOT NULL, uid_validity INTEGER NOT NULL, uid INTEGER NOT NULL, name TEXT NOT NULL,
    case_no INTEGER NOT NULL, PRIMARY KEY (mailbox, folder, uid_validity, uid, name)) STRICT, WITHOUT ROWID;
CREATE TABLE prints (print INTEGER PRIMARY KEY, case_no INTEGER NOT NULL, content INTEGER NOT NULL, at REAL NOT NULL) STRICT;
CREATE TABLE cursors (
    mailbox TEXT NOT NULL, folder TEXT NOT NULL, uid_validity INTEGER NOT NULL, uid INTEGER NOT NULL,
    older_until_uid INTEGER NOT NULL, PRIMARY KEY (mailbox, folder)) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
    no INTEGER PRIMARY KEY, id TEXT NOT NULL, case_no INTEGER NOT NULL, slot INTEGER NOT NULL, kind TEXT NOT NULL,
    mailbox TEXT NOT NULL, state TEXT NOT NULL, automatic INTEGER NOT NULL, lever INTEGER NOT NULL, message_id TEXT NOT NULL,
    body INTEGER NOT NULL, attempts INTEGER NOT NULL, not_before REAL NOT NULL, queued_at REAL NOT NULL, changed_at REAL NOT NULL,
    agent TEXT NOT NULL, term INTEGER NOT NULL, reason TEXT NOT NULL, overtaken INTEGER NOT NULL) STRICT;
CREATE INDEX deliveries_due ON deliveries (lever, not_before, no) WHERE state = 'queued';
CREATE INDEX deliveries_sending ON deliveries (no) WHERE state = 'sending';
CREATE INDEX deliveries_case ON deliveries (case_no, no);
CREATE INDEX deliveries_sender ON deliveries (slot, queued_at) WHERE automatic = 1;
CREATE INDEX deliveries_hour ON deliveries (queued_at) WHERE automatic = 1;

CREATE TABLE switches (name TEXT PRIMARY KEY, is_on INTEGER NOT NULL, by TEXT NOT NULL, at REAL NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE sources (
    name TEXT PRIMARY KEY, digest TEXT NOT NULL, passages INTEGER NOT NULL, refreshed_at REAL NOT NULL, trouble TEXT NOT NULL)
    STRICT, WITHOUT ROWID;
CREATE TABLE keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, role INTEGER NOT NULL, digest TEXT NOT NULL UNIQUE, by TEXT NOT NULL,
    issued_at REAL NOT NULL, revoked_at REAL NOT NULL) STRICT, WITHOUT ROWID;
"""


def _first(database: Any) -> None:
    database.executescript(_FIRST)


def _since_in_cursors(database: Any) -> None:
    database.execute("ALTER TABLE cursors ADD COLUMN since REAL NOT NULL DEFAULT 0")


_TALLIED = "('replied', 'review', 'uncertain', 'routed', 'closed', 'dead')"
_MINUS_ONE = "quarter = CAST(OLD.changed_at / 900 AS INTEGER) AND name = OLD.state"
_PLUS_ONE = """INSERT INTO tallies (quarter, name, count) VALUES (CAST(NEW.changed_at / 900 AS INTEGER), NEW.state, 1)
    ON CONFLICT DO UPDATE SET count = count + 1"""

#: A case counts where it stands, in the quarter of an hour in which it came there, and nowhere else: what a person decides leaves
#: the ones that are held. So the tallies are at any time what counting the cases would give, whatever happened on the way.
_COUNTED_ONCE = (
    "DROP TRIGGER cases_moved",
    """CREATE TRIGGER cases_moved AFTER UPDATE OF state ON cases WHEN NEW.state <> OLD.state BEGIN
        UPDATE counters SET count = count - 1 WHERE state = OLD.state;
        UPDATE counters SET count = count + 1 WHERE state = NEW.state;
    END""",
    f"""CREATE TRIGGER cases_left AFTER UPDATE OF state ON cases WHEN OLD.state IN {_TALLIED} BEGIN
        UPDATE tallies SET count = count - 1 WHERE {_MINUS_ONE};
        DELETE FROM tallies WHERE {_MINUS_ONE} AND count = 0;
    END""",
    f"CREATE TRIGGER cases_reached AFTER UPDATE OF state ON cases WHEN NEW.state IN {_TALLIED} BEGIN {_PLUS_ONE}; END",
    f"CREATE TRIGGER cases_ended_at_once AFTER INSERT ON cases WHEN NEW.state IN {_TALLIED} BEGIN {_PLUS_ONE}; END",
    "DELETE FROM tallies WHERE name <> 'came'",
    f"""INSERT INTO tallies (quarter, name, count)
        SELECT CAST(changed_at / 900 AS INTEGER), state, count(*) FROM cases WHERE state IN {_TALLIED} GROUP BY 1, 2""",
)


def _each_case_counted_once(database: Any) -> None:
    for statement in _COUNTED_ONCE:
        database.execute(statement)


def _waiting_for_a_person_by_age(database: Any) -> None:
    database.execute("CREATE INDEX cases_for_a_person ON cases (received_at, no) WHERE state IN ('review', 'uncertain')")


def _drafts_that_never_came(database: Any) -> None:
    database.execute("CREATE INDEX deliveries_drafts_lost ON deliveries (no) WHERE kind = 'draft' AND state IN ('uncertain', 'dead')")


def _removed_words(database: Any) -> None:
    """When a case's words were removed (0: they were not, or their customer was erased), and whether it was archived."""
    database.execute("ALTER TABLE cases ADD COLUMN words_removed_at REAL NOT NULL DEFAULT 0")
    database.execute("ALTER TABLE cases ADD COLUMN archived INTEGER NOT NULL DEFAULT 0")
    database.execute(
        """CREATE INDEX cases_ended ON cases (changed_at, no)
        WHERE state IN ('replied', 'closed', 'routed', 'dead') AND words_removed_at = 0"""
    )


_PEOPLE = (
    """CREATE TABLE people (
        id TEXT PRIMARY KEY, role INTEGER NOT NULL, active INTEGER NOT NULL, sealed BLOB NOT NULL, added_at REAL NOT NULL,
        seen_at REAL NOT NULL) STRICT, WITHOUT ROWID""",
    """CREATE TABLE sessions (
        id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, who TEXT NOT NULL, opened_at REAL NOT NULL, seen_at REAL NOT NULL,
        until REAL NOT NULL, longest_until REAL NOT NULL) STRICT, WITHOUT ROWID""",
    "CREATE INDEX sessions_who ON sessions (who, seen_at)",
    "CREATE INDEX sessions_until ON sessions (until)",
)


def _people_and_sessions(database: Any) -> None:
    for statement in _PEOPLE:
        database.execute(statement)


def _chats(database: Any) -> None:
    """Conversations of the chat. Their messages are cases: ``origins`` has the session as their folder."""
    database.execute(
        """CREATE TABLE chats (
        id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, language TEXT NOT NULL, opened_at REAL NOT NULL, person_at REAL NOT NULL,
        closed_at REAL NOT NULL, address INTEGER NOT NULL) STRICT, WITHOUT ROWID"""
    )
    database.execute("CREATE INDEX origins_of_chats ON origins (case_no) WHERE mailbox = 'chat'")


def _work_on_cases(database: Any) -> None:
    """Who takes care of a case, the files that leave with a reply, and the drafts that people corrected."""
    database.execute("ALTER TABLE cases ADD COLUMN assigned TEXT NOT NULL DEFAULT ''")
    database.execute("CREATE INDEX cases_assigned ON cases (assigned, no) WHERE assigned <> ''")
    database.execute("CREATE INDEX cases_corrected ON cases (no) WHERE draft <> 0 AND draft <> settled * 8")
    database.execute("ALTER TABLE deliveries ADD COLUMN enclosed INTEGER NOT NULL DEFAULT 0")


def _drafts_in_mailboxes(database: Any) -> None:
    """Drafts that lie, or may lie, in the Drafts folder of their mailbox; the number is that of their delivery."""
    database.execute(
        """CREATE TABLE drafts (
        delivery_no INTEGER PRIMARY KEY, case_no INTEGER NOT NULL, mailbox TEXT NOT NULL) STRICT"""
    )
    database.execute("CREATE INDEX drafts_case ON drafts (case_no)")


def _escalations(database: Any) -> None:
    """Cases that somebody higher up must know of; the number is that of the entry."""
    database.execute("ALTER TABLE cases ADD COLUMN escalated INTEGER NOT NULL DEFAULT 0")
    database.execute(
        """CREATE TABLE escalations (
        no INTEGER PRIMARY KEY, case_no INTEGER NOT NULL, level INTEGER NOT NULL, code TEXT NOT NULL, by TEXT NOT NULL,
        raised_at REAL NOT NULL, seen_at REAL NOT NULL, seen_by TEXT NOT NULL) STRICT"""
    )
    database.execute("CREATE INDEX escalations_case ON escalations (case_no)")


def _countersigned_heads(database: Any) -> None:
    """Heads that this node signed and the other one too. Like ``heads`` it is this node's own and follows from nothing."""
    database.execute(
        """CREATE TABLE countersigned (
        position INTEGER PRIMARY KEY, hash BLOB NOT NULL, node_key TEXT NOT NULL, signature BLOB NOT NULL, peer_key TEXT NOT NULL,
        peer_signature BLOB NOT NULL, at REAL NOT NULL) STRICT"""
    )


def _terms(database: Any) -> None:
    """Who led since when. What the journal holds already is written down too, so that a replay comes to the same."""
    database.execute(
        """CREATE TABLE terms (
        position INTEGER PRIMARY KEY, term INTEGER NOT NULL, node TEXT NOT NULL, at REAL NOT NULL, how TEXT NOT NULL) STRICT"""
    )
    database.execute(
        """INSERT INTO terms (position, term, node, at, how)
        SELECT position, term, json_extract(CAST(payload AS TEXT), '$.node'), at,
            coalesce(json_extract(CAST(payload AS TEXT), '$.how'), '') FROM journal WHERE kind = 'term_began'"""
    )


_REAL = "mailbox <> 'drill'"

#: Made-up messages of a drill are cases like any other, but no page's numbers of the day count them.
_DRILLS = (
    """CREATE TABLE drills (
        id TEXT PRIMARY KEY, what TEXT NOT NULL, sandbox INTEGER NOT NULL, began INTEGER NOT NULL, ran INTEGER NOT NULL,
        ok INTEGER NOT NULL, at REAL NOT NULL) STRICT, WITHOUT ROWID""",
    "CREATE INDEX cases_of_drills ON cases (no) WHERE mailbox = 'drill' AND archived = 0",
    "CREATE INDEX drills_open ON drills (began) WHERE ran = 0",
    "DROP TRIGGER cases_came",
    "DROP TRIGGER cases_left",
    "DROP TRIGGER cases_reached",
    "DROP TRIGGER cases_ended_at_once",
    """CREATE TRIGGER cases_came AFTER INSERT ON cases BEGIN
        UPDATE counters SET count = count + 1 WHERE state = NEW.state;
    END""",
    f"""CREATE TRIGGER cases_tallied AFTER INSERT ON cases WHEN NEW.{_REAL} BEGIN
        INSERT INTO tallies (quarter, name, count) VALUES (CAST(NEW.changed_at / 900 AS INTEGER), 'came', 1)
            ON CONFLICT DO UPDATE SET count = count + 1;
    END""",
    f"""CREATE TRIGGER cases_left AFTER UPDATE OF state ON cases WHEN OLD.state IN {_TALLIED} AND NEW.{_REAL} BEGIN
        UPDATE tallies SET count = count - 1 WHERE {_MINUS_ONE};
        DELETE FROM tallies WHERE {_MINUS_ONE} AND count = 0;
    END""",
    f"""CREATE TRIGGER cases_reached AFTER UPDATE OF state ON cases WHEN NEW.state IN {_TALLIED} AND NEW.{_REAL}
        BEGIN {_PLUS_ONE}; END""",
    f"""CREATE TRIGGER cases_ended_at_once AFTER INSERT ON cases WHEN NEW.state IN {_TALLIED} AND NEW.{_REAL}
        BEGIN {_PLUS_ONE}; END""",
)


def _drills(database: Any) -> None:
    """Rehearsed faults; the numbers are those of the entries by which one began and ended, 0 while it runs."""
    for statement in _DRILLS:
        database.execute(statement)


def _engines(database: Any) -> None:
    """What engines took, by quarter of an hour, and shadow mode's looks; their numbers are those of the entries."""
    database.execute(
        """CREATE TABLE usages (
        quarter INTEGER NOT NULL, tier INTEGER NOT NULL, engine TEXT NOT NULL, cases INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL,
        cached_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, seconds REAL NOT NULL, PRIMARY KEY (quarter, tier, engine))
        STRICT, WITHOUT ROWID"""
    )
    database.execute(
        """CREATE TABLE candidates (
        no INTEGER PRIMARY KEY, case_no INTEGER NOT NULL, asked_at REAL NOT NULL, answered_at REAL NOT NULL, writer TEXT NOT NULL,
        prompt TEXT NOT NULL, decision TEXT NOT NULL, decided TEXT NOT NULL, reason TEXT NOT NULL, score REAL, alike REAL,
        seconds REAL NOT NULL, tokens INTEGER NOT NULL, failure TEXT NOT NULL) STRICT"""
    )
    database.execute("CREATE INDEX candidates_asked ON candidates (asked_at)")


_PUSHES = (
    """CREATE TABLE pushes (
        no INTEGER PRIMARY KEY, id TEXT NOT NULL, case_no INTEGER NOT NULL, state TEXT NOT NULL, demo INTEGER NOT NULL,
        attempts INTEGER NOT NULL, spent INTEGER NOT NULL, not_before REAL NOT NULL, until REAL NOT NULL, queued_at REAL NOT NULL,
        changed_at REAL NOT NULL, agent TEXT NOT NULL, code INTEGER NOT NULL, reason TEXT NOT NULL, crm_error TEXT NOT NULL,
        by TEXT NOT NULL, scrubbed_at REAL NOT NULL) STRICT""",
    "CREATE INDEX pushes_due ON pushes (not_before, no) WHERE state = 'queued'",
    "CREATE INDEX pushes_sending ON pushes (until, no) WHERE state = 'sending'",
    "CREATE INDEX pushes_state ON pushes (state, changed_at)",
    "CREATE INDEX pushes_case ON pushes (case_no, no)",
)


def _pushes(database: Any) -> None:
    """What the CRM is told. The number is that of the entry that queued it; ``spent`` are tries of rounds before the present one."""
    for statement in _PUSHES:
        database.execute(statement)


def _clips(database: Any) -> None:
    """What is to be heard, by case and by its place among the message's attachments; ``cases.words``: the body of the message as it
    stands, 0 for the one that it came with. The numbers ``transcript``, ``first`` and ``words`` are those of bodies."""
    database.execute(
        """CREATE TABLE clips (
        case_no INTEGER NOT NULL, place INTEGER NOT NULL, slot INTEGER NOT NULL, print INTEGER NOT NULL, size_bytes INTEGER NOT NULL,
        state TEXT NOT NULL, received_at REAL NOT NULL, changed_at REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
        claim INTEGER NOT NULL DEFAULT 0, claimed_until REAL NOT NULL DEFAULT 0, not_before REAL NOT NULL DEFAULT 0,
        transcript INTEGER NOT NULL DEFAULT 0, first INTEGER NOT NULL DEFAULT 0, final INTEGER NOT NULL DEFAULT 0,
        words INTEGER NOT NULL DEFAULT 0, confidence REAL, language TEXT NOT NULL DEFAULT '', seconds REAL NOT NULL DEFAULT 0,
        speech_seconds REAL NOT NULL DEFAULT 0, took_seconds REAL NOT NULL DEFAULT 0, ear TEXT NOT NULL DEFAULT '',
        trouble TEXT NOT NULL DEFAULT '', heard INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (case_no, place)) STRICT, WITHOUT ROWID"""
    )
    database.execute("CREATE INDEX clips_print ON clips (print)")
    database.execute("CREATE INDEX clips_heard ON clips (heard) WHERE heard > 0")
    database.execute("CREATE INDEX clips_claimed ON clips (claim) WHERE state = 'claimed'")
    database.execute("ALTER TABLE cases ADD COLUMN words INTEGER NOT NULL DEFAULT 0")
    database.execute("CREATE INDEX cases_words ON cases (words) WHERE words > 0")
    database.execute("CREATE INDEX cases_listening ON cases (received_at, no) WHERE state = 'listening'")
    database.execute("INSERT INTO counters (state, count) VALUES ('listening', 0)")


def _calls(database: Any) -> None:
    """Where what was kept of a call lies: the position is that of the newest entry."""
    database.execute(
        """CREATE TABLE calls (
        case_no INTEGER PRIMARY KEY, position INTEGER NOT NULL, at REAL NOT NULL, by TEXT NOT NULL) STRICT"""
    )
    database.execute("CREATE INDEX cases_of_calls ON cases (no) WHERE channel = 'voice' AND archived = 0")


#: Each takes a ``sqlite_utils.Database``; a later one may use its ``transform`` and ``add_column``.
STEPS: tuple[Callable[[Any], None], ...] = (
    _first,
    _since_in_cursors,
    _each_case_counted_once,
    _waiting_for_a_person_by_age,
    _drafts_that_never_came,
    _removed_words,
    _people_and_sessions,
    _chats,
    _work_on_cases,
    _drafts_in_mailboxes,
    _escalations,
    _countersigned_heads,
    _terms,
    _drills,
    _pushes,
    _engines,
    _clips,
    _calls,
)


def bring_up_to_date(connection: sqlite.Connection, path: Path) -> None:
    """Take the steps this database has not taken yet, all or none."""
    taken = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if taken == len(STEPS):
        return
    if taken > len(STEPS):
        raise StoreTooNew(
            f"The database {path} has schema {taken}, this program knows {len(STEPS)}.",
            "Start it with the newer release that wrote it, or restore a backup from before the update.",
        )
    if taken == 0 and connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise StoreCorrupt(f"The file {path} is a database, but not one of Tandem's.", "Move it out of the home folder.")
    _take_steps(connection, taken)


def _take_steps(connection: sqlite.Connection, taken: int) -> None:
    with absent("numpy", "pandas"):
        import sqlite_utils  # late: a quarter of a second, and only when there is something to do

    database = sqlite_utils.Database(connection, execute_plugins=False)  # type: ignore[arg-type]  # it is pysqlite3's
    connection.execute("BEGIN IMMEDIATE")
    try:
        for number, step in enumerate(STEPS[taken:], start=taken + 1):
            step(database)
            connection.execute(f"PRAGMA user_version={number}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
