"""The diagnostics file: one zip with what a helper from outside needs to see, and no customer's word, name, address or secret.

This is the assembling. A piece is a name and a function that makes its content; each is made for itself, and one that cannot be
made says so in its place and takes no other along. Whoever collects (``node/diagnostics.py``) has let through only what ``redaction``
allows; everything goes through the hider once more on its way into the zip.
"""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from appliance.care.redaction import Hider
from appliance.ground.errors import TandemError
from appliance.records.base import Record

PIECE_BYTES_MOST = 2_000_000

README = """\
Diagnostics of a Tandem appliance, made {made}
{line}

Somebody at the company made this file and decides who gets it. The appliance sends it nowhere. Everything in it is plain text:
open it and read it before you pass it on.

What is in it
  versions.json    the program, Python, the operating system, SQLite, and the installed packages
  settings.json    which settings there are; texts of your own stand there as [set]
  policy.json      names, tiers and thresholds of the policy; no phrases, no templates, no addresses
  status.json      role, levers, how many cases wait
  health.json      each dependency: whether it works, since when not, and the code of what is wrong
  numbers.json     how many cases are in each state, escalations, today's numbers
  journal.jsonl    the newest entries: kind, time and numbers only
  log.jsonl        the last 24 hours of the log: times, codes, numbers and places in the program; no sentences
  machine.json     free disk space, uptime, and whether the clock jumped
  mailboxes.json   what each mail server can do, and the code of what it refused
  knowledge.json   the sources' names and how much they hold; nothing of what they say
  files.json       the appliance's own files with their sizes and permissions
  preflight.json   what the checks of this machine found
  When the appliance could not be opened at all, trouble.json says why, and what needs it open is missing.

What is not in it
  Customers' words, names, addresses, order numbers and files; drafts, replies, notes and chats; the account sheet; what your knowledge
  says; names and addresses of your people; passwords, keys, tokens and other secrets; digests of any of these.
  {hosts}

{troubles}"""
_HOSTS = {
    True: "Host names are in it, as you asked for with --with-hosts.",
    False: "Host names are not in it either; tandem diagnostics --with-hosts puts them in.",
}


class Listed(Record):
    """A file in the zip. ``trouble``: why there is nothing in it, as a code; "" when all is well."""

    name: str
    size_bytes: int
    trouble: str = ""


class Diagnostics(Record):
    """The zip, and what is in it."""

    name: str
    data: bytes
    files: tuple[Listed, ...]


Piece = tuple[str, Callable[[], Any]]  # a list becomes one line each when the name ends in .jsonl


def assemble(pieces: Iterable[Piece], hide: Hider, at: float, *, with_hosts: bool = False) -> Diagnostics:
    """The zip of these pieces, with the README in front. ``at``: Unix seconds."""
    made = [_made(name, make, hide) for name, make in pieces]
    readme = _readme([listed for listed, _ in made], at, with_hosts).encode()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (("README.txt", readme), *((listed.name, data) for listed, data in made)):
            archive.writestr(zipfile.ZipInfo(name, time.gmtime(at)[:6]), data, zipfile.ZIP_DEFLATED)
    files = (Listed(name="README.txt", size_bytes=len(readme)), *(listed for listed, _ in made))
    return Diagnostics(name=time.strftime("tandem-diagnostics-%Y%m%d-%H%M%S.zip", time.gmtime(at)), data=content.getvalue(), files=files)


def _made(name: str, make: Callable[[], Any], hide: Hider) -> tuple[Listed, bytes]:
    try:
        data = _written(name, hide(make()))
    except Exception as error:  # one piece that fails must not take the others along; what it says may hold anybody's words
        trouble = (isinstance(error, TandemError) and error.code) or type(error).__name__
        data = _written("", {"missing": True, "because": trouble})
        return Listed(name=name, size_bytes=len(data), trouble=trouble), data
    return Listed(name=name, size_bytes=len(data)), data


def _written(name: str, value: Any) -> bytes:
    if name.endswith(".jsonl"):
        return _newest([json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in value])
    data = json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"
    if len(data) > PIECE_BYTES_MOST:
        raise TandemError("The piece is too large.", code="too_large")
    return data


def _newest(lines: Sequence[bytes]) -> bytes:
    """As many of the last lines as there is room for."""
    taken, size = [], 0
    for line in reversed(lines):
        size += len(line)
        if size > PIECE_BYTES_MOST:
            break
        taken.append(line)
    return b"".join(reversed(taken))


def _readme(files: Sequence[Listed], at: float, with_hosts: bool) -> str:
    made = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))
    troubles = "".join(f"  {listed.name} could not be made: {listed.trouble}\n" for listed in files if listed.trouble)
    told = f"What is missing\n{troubles}" if troubles else "Nothing is missing.\n"
    return README.format(made=made, line="=" * (38 + len(made)), hosts=_HOSTS[with_hosts], troubles=told)
