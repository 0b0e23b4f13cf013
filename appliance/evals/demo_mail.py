"""Sample mails as files, with an index that says what must become of each.

The texts lie in a readable source (``packaging/demo/mails.toml`` shows its shape); here they get a sender, a day and a mail
program. ``count`` may exceed the source: then the texts come round again from other people. The same source, count and seed give
the same bytes, on every machine.

    python -m appliance.evals.demo_mail SOURCE FOLDER [--count N] [--seed S]
"""

import argparse
import csv
import io
import sys
import tomllib
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Literal

import msgspec

from appliance.evals.mail_clients import CLIENTS, Letter, write
from appliance.ground.errors import TandemError
from appliance.records.base import Record
from appliance.records.language import Code

Required = Literal["send", "review", "route", "not-send"]
"""What must become of a mail; ``not-send``: held or routed, whichever, but no reply leaves by itself."""

INDEX = "index.csv"
_STRIDE = 167  # a prime: counting on by it visits every pair of names before one comes again
_ZONES: dict[Code, timezone] = {"fi": timezone(timedelta(hours=2)), "sv": timezone(timedelta(hours=1)), "en": timezone(timedelta())}


class DemoMailError(TandemError):
    """The source of the mails cannot be used."""


class Company(Record):
    """Who the mails are written to. ``begins`` is the first mail's day, in ISO 8601."""

    name: str
    address: str
    authserv_id: str
    begins: datetime


class People(Record):
    """Names to deal out, and the mail hosts of those who bear them."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    hosts: tuple[str, ...]


class Specimen(Record):
    """One text of the source. ``keys`` are the facts that a reply must rest on; "a|b" when either will do."""

    id: str
    language: Code
    category: str
    outcome: Required
    why: str
    subject: str
    body: str
    keys: tuple[str, ...] = ()
    client: str = ""
    signature: str = ""
    quoted: str = ""
    hidden: str = ""
    attachment: str = ""
    dmarc: Literal["pass", "fail"] = "pass"


class Source(Record):
    """A company's people and texts."""

    company: Company
    people: dict[Code, People]
    mail: tuple[Specimen, ...]


class Expected(Record):
    """A line of the index: a file and what must become of it."""

    file: str
    language: Code
    category: str
    outcome: Required
    keys: tuple[str, ...]
    sender: str
    subject: str
    why: str


class DemoMail(Record):
    """A mail as bytes, and its line in the index."""

    expected: Expected
    raw: bytes


def read_source(path: Path) -> Source:
    """Read and check a source; raises :class:`DemoMailError`."""
    try:
        source = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Source)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DemoMailError(f"{path.name} is no source of mails: {error}.", "Compare it with packaging/demo/mails.toml.") from error
    unknown = {specimen.client for specimen in source.mail} - {*CLIENTS, ""}
    if unknown or not source.mail:
        reason = f"there is no mail program {', '.join(sorted(unknown))}" if unknown else "it holds no mails"
        raise DemoMailError(f"{path.name} cannot be used: {reason}.", f"The programs are {', '.join(CLIENTS)}.")
    return source


def make_mails(source: Source, count: int | None = None, seed: int = 1) -> tuple[DemoMail, ...]:
    """So many mails (None: each text once), in an order and from people that depend on the seed."""
    total = len(source.mail) if count is None else count
    rounds = -(-total // len(source.mail))
    order = [specimen for number in range(rounds) for specimen in _shuffled(source.mail, seed, number)][:total]
    seen: dict[Code, int] = {}
    mails = []
    for number, specimen in enumerate(order, start=1):
        turn = seen[specimen.language] = seen.get(specimen.language, -1) + 1
        letter = _letter(specimen, source, number, turn, seed)
        client = specimen.client or _dealt(tuple(CLIENTS), seed, "client", specimen.id, number)
        mails.append(DemoMail(expected=_expected(specimen, letter), raw=write(letter, CLIENTS[client])))
    return tuple(mails)


def write_mails(source: Path, folder: Path, count: int | None = None, seed: int = 1) -> tuple[Expected, ...]:
    """Make the mails of a source into ``folder``, with ``index.csv`` beside them. Earlier .eml files there are removed."""
    mails = make_mails(read_source(source), count, seed)
    folder.mkdir(parents=True, exist_ok=True)
    for earlier in folder.glob("*.eml"):
        earlier.unlink()
    for mail in mails:
        (folder / mail.expected.file).write_bytes(mail.raw)
    index = tuple(mail.expected for mail in mails)
    (folder / INDEX).write_text(index_text(index), encoding="utf-8", newline="")
    return index


def index_text(index: Sequence[Expected]) -> str:
    """The index as CSV with a header line."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(Expected.__struct_fields__)
    for line in index:
        values = msgspec.structs.asdict(line)
        table.writerow([*({**values, "keys": " ".join(line.keys)}.values())])
    return text.getvalue()


def read_index(path: Path) -> tuple[Expected, ...]:
    """The lines of an ``index.csv``, in order; raises :class:`DemoMailError`."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [{**row, "keys": row["keys"].split()} for row in csv.DictReader(file)]
        return tuple(msgspec.convert(row, Expected) for row in rows)
    except (OSError, UnicodeDecodeError, KeyError, msgspec.ValidationError) as error:
        raise DemoMailError(f"{path.name} is no index of mails: {error}.", "Make the mails again.") from error


def _digest(seed: int, *what: object) -> int:
    """A number that depends on the seed and on what it is for, the same on every machine."""
    return int.from_bytes(sha256("\0".join(map(str, (seed, *what))).encode()).digest()[:8], "big")


def _dealt(choices: tuple[str, ...], seed: int, *what: object) -> str:
    return choices[_digest(seed, *what) % len(choices)]


def _shuffled(specimens: tuple[Specimen, ...], seed: int, number: int) -> list[Specimen]:
    return sorted(specimens, key=lambda specimen: _digest(seed, "order", number, specimen.id))


def _letter(specimen: Specimen, source: Source, number: int, turn: int, seed: int) -> Letter:
    people, company = source.people[specimen.language], source.company
    pairs = len(people.first) * len(people.last)
    place = (_digest(seed, "people", specimen.language) + turn * _STRIDE) % pairs
    first, last = people.first[place % len(people.first)], people.last[place // len(people.first)]
    again = turn // pairs  # the names have been dealt out: from here on the address carries a number
    host = people.hosts[(turn + again) % len(people.hosts)]
    filled = {"first": first, "name": f"{first} {last}", "phone": _phone(specimen.language, turn), "order": str(10200 + 37 * number)}
    return Letter(
        number=number,
        language=specimen.language,
        sender_name=filled["name"],
        sender_address=f"{_ascii(first)}.{_ascii(last)}{again + 1 if again else ''}@{host}",
        company=company.name,
        company_address=company.address,
        authserv_id=company.authserv_id,
        sent=(company.begins + timedelta(minutes=7 * number, seconds=_digest(seed, "second", number) % 240)).astimezone(
            _ZONES[specimen.language]
        ),
        subject=_filled(specimen.subject, filled),
        text=_filled(specimen.body, filled),
        signature=_filled(specimen.signature, filled),
        quoted=_filled(specimen.quoted, filled),
        hidden=specimen.hidden,
        attachment=specimen.attachment,
        dmarc=specimen.dmarc,
    )


def _filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text.strip()


def _phone(language: Code, turn: int) -> str:
    """A number out of those that nobody has: Ofcom's and the Swedish regulator's for fiction, and an unassigned Finnish prefix."""
    return {"fi": f"08 000 {2000 + turn % 8000}", "sv": f"070-174 06 {5 + turn % 95:02}", "en": f"07700 900{turn % 1000:03}"}[language]


def _ascii(name: str) -> str:
    """A name as it stands in an address: without accents and apostrophes, in lower case."""
    plain = unicodedata.normalize("NFKD", name.replace("ø", "o").replace("Ø", "O"))
    return "".join(character for character in plain if character.isascii() and (character.isalnum() or character == "-")).lower()


def _expected(specimen: Specimen, letter: Letter) -> Expected:
    return Expected(
        file=f"{letter.number:03}-{specimen.id}.eml",
        language=specimen.language,
        category=specimen.category,
        outcome=specimen.outcome,
        keys=specimen.keys,
        sender=letter.sender_address,
        subject=letter.subject,
        why=specimen.why,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 0 only when the files are there."""
    parser = argparse.ArgumentParser(prog="demo_mail", description="Write sample mails as .eml files with an index.")
    parser.add_argument("source", type=Path, help="a mails.toml")
    parser.add_argument("folder", type=Path, help="where the .eml files go; those that lie there are removed")
    parser.add_argument("--count", type=int, default=None, help="how many mails; each text once when left out")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives another order and other senders")
    options = parser.parse_args(arguments)
    try:
        index = write_mails(options.source, options.folder, options.count, options.seed)
    except TandemError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{len(index)} mails and {INDEX} are in {options.folder}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
