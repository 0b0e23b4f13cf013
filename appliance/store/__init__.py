"""Everything that knows SQL: one writer, the journal, what entries do to the tables, sealed words, the audit.

    store.py      the door: everything the other rooms may ask for; looking.py is its half that only reads
    intake · claims · outbox · review · erasure     what happens to one thing, as jobs of the writer
    writer.py     the one thread that writes; concurrent callers share a flush
    books.py      what a job works with: append an event, and it is journalled, chained and applied
    apply.py      what each event does to the tables; nothing else changes them
    replication.py    the pair's side: what is shipped (shipment.py), taken (taking.py), seeded (seed.py), signed by both (heads.py),
                  compared (digests.py), and what becomes of a tail that lost (divergent.py)
    audit.py      the threat model, and how a changed past is found
    keyring.py    the keys, in a file outside the database
    sqlite.py     the only import of the SQLite library

A caller's thread prepares, the writer's thread decides and writes, and an answer means that it is on disk.
"""
