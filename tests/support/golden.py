"""Golden journals: what a release wrote, kept as files that every later release must be able to take.

tests/data/journals/VERSION/
    journal.jsonl     one entry a line with its sealed bodies, as it went to the other node; binary fields in base64
    keyring           the part of the keyring that both nodes share, as it was before anything was erased; TEST keys
    expected.json     where the journal ends, a digest of each column of each table that follows from it, and the subjects that can be read

A digest stands for one column and not for a table, so that a later release may add columns and tables and still compare what was
there. A column that it takes away, or from which it makes something else on purpose, is named in ``test_golden_journals``.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from appliance.store.journal import Entry
from appliance.store.schema import STATE_TABLES
from appliance.store.shipment import BodyRow, Shipment
from appliance.store.sqlite import Connection

FOLDER = Path(__file__).parents[1] / "data" / "journals"
Tables = dict[str, dict[str, Any]]


def versions() -> list[str]:
    """The releases that there is a golden journal of, the oldest first."""
    found = [folder.name for folder in FOLDER.iterdir() if (folder / "journal.jsonl").exists()]
    return sorted(found, key=lambda name: [int(part) for part in name.split(".")])


def write(folder: Path, shipments: Iterable[Shipment], keys: bytes, expected: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(_as_line(entry, shipment)) for shipment in shipments for entry in shipment.entries]
    (folder / "journal.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "keyring").write_bytes(keys)
    (folder / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read(version: str) -> tuple[list[Shipment], bytes, dict[str, Any]]:
    """The journal as one shipment an entry, the shared keys, and what the tables must come to."""
    folder = FOLDER / version
    shipments = [_as_shipment(json.loads(line)) for line in (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()]
    return shipments, (folder / "keyring").read_bytes(), json.loads((folder / "expected.json").read_text(encoding="utf-8"))


def _as_line(entry: Entry, shipment: Shipment) -> dict[str, Any]:
    bodies = [body._replace(sealed=_text(body.sealed)) for body in shipment.bodies if body.id // 8 == entry.position]
    binary = {name: _text(getattr(entry, name)) for name in ("payload", "prev", "hash")}
    return {**entry._asdict(), **binary, "bodies": entry.bodies, "sealed": [body._asdict() for body in bodies]}


def _as_shipment(line: dict[str, Any]) -> Shipment:
    bodies = tuple(BodyRow(**{**body, "sealed": b64decode(body["sealed"])}) for body in line.pop("sealed"))
    binary = {name: b64decode(line[name]) for name in ("payload", "prev", "hash")}
    return Shipment(entries=(Entry(**{**line, **binary}),), bodies=bodies)


def _text(raw: bytes) -> str:
    return b64encode(raw).decode("ascii")


def tables(connection: Connection) -> Tables:
    """Of every table that follows from the journal: the columns that order its rows, how many there are, a digest of each column."""
    return {table: digests(connection, table, order, columns_of(connection, table)) for table, order in STATE_TABLES.items()}


def columns_of(connection: Connection, table: str) -> list[str]:
    return [str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})").fetchall()]


def digests(connection: Connection, table: str, order: str, columns: Iterable[str]) -> dict[str, Any]:
    found = {name: connection.execute(f"SELECT {name} FROM {table} ORDER BY {order}").fetchall() for name in columns}
    rows = len(next(iter(found.values()), []))
    return {"order": order, "rows": rows, "columns": {name: _digest(values) for name, values in found.items()}}


def _digest(values: list[Any]) -> str:
    return hashlib.sha256(repr([value for (value,) in values]).encode()).hexdigest()


def differing(connection: Connection, expected: Tables, gone: Iterable[str] = ()) -> list[str]:
    """The columns, as TABLE.COLUMN, in which a database is not what was expected. Whatever came later is not looked at."""
    wrong = []
    for table, told in expected.items():
        wanted = {name: digest for name, digest in told["columns"].items() if f"{table}.{name}" not in gone}
        missing = wanted.keys() - columns_of(connection, table)
        found = digests(connection, table, told["order"], wanted.keys() - missing)["columns"] if wanted.keys() - missing else {}
        wrong += [f"{table}.{name}" for name, digest in wanted.items() if found.get(name) != digest]
    return wrong
