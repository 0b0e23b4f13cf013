"""What is kept of each reply in a folder: its writer's words, without what they quote and without their signature."""

import re
from pathlib import Path
from typing import Any

from appliance.channels.mail.charset import decode
from appliance.channels.mail.parse import parse
from appliance.evals.folder import FILE_BYTES_MAX, files_of, name_of
from appliance.evals.table import table
from appliance.language.clean import cut_reply
from appliance.language.html import html_to_text
from appliance.records.message import Address

_ENDINGS = frozenset((".eml", ".txt", ".html", ".htm", ""))
# Beside a reply may lie what is known about it: NAME_sender beside NAME_body, NAME_reply_text beside NAME.eml.
_BESIDE = re.compile(r"_(?:sender|signature|reply_text)$")
_PREVIEW = 60  # characters of the kept text in the table


def evaluate(folder: Path) -> dict[str, Any]:
    """Cut every reply of a folder: ``.eml`` as mails, ``.html`` as HTML, ``.txt`` and files without an ending as text."""
    per_file = []
    for path in files_of(folder, _ENDINGS):
        if _BESIDE.search(path.name):
            continue
        text, signature = _kept(path)
        per_file.append({"file": name_of(path, folder), "text": text, "signature": signature})
    return {"files": len(per_file), "per_file": per_file}


def _kept(path: Path) -> tuple[str, str]:
    with open(path, "rb") as file:
        raw = file.read(FILE_BYTES_MAX)
    if path.suffix.lower() == ".eml":
        message = parse(raw)
        return message.text, cut_reply(message.full_text, sender=message.sender).signature
    letters = decode(raw, "utf-8").text
    text = html_to_text(letters) if path.suffix.lower() in (".html", ".htm") else letters
    cut = cut_reply(text, sender=_sender(path))
    return cut.text, cut.signature


def _sender(path: Path) -> Address:
    """Who wrote a reply, when a file beside it says so: a name or an address."""
    beside = path.with_name(f"{path.name.removesuffix('_body')}_sender")
    if not path.name.endswith("_body") or not beside.is_file():
        return Address()
    words = decode(beside.read_bytes()[:1000]).text.strip()
    return Address(address=words) if "@" in words else Address(name=words)


def render(result: dict[str, Any]) -> str:
    """The result for a person: the beginning of what was kept of each file."""
    rows = [(entry["file"], _preview(entry["text"])) for entry in result["per_file"]]
    return "\n".join((f"{result['files']} replies cut", "", table(("file", "kept"), rows)))


def _preview(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _PREVIEW else f"{line[: _PREVIEW - 1]}…"
