"""Real mails read as another, established parser reads them: the number that agree may only grow."""

import json
from pathlib import Path
from typing import Any

from appliance.channels.mail.parse import parse

FOLDER = Path(__file__).parents[3] / "data" / "mail" / "stalwart"
GOLD = tuple(sorted(FOLDER.glob("*.json")))


def field(gold: dict[str, Any], name: str) -> Any:
    return next((entry["value"] for entry in gold["parts"][0]["headers"] if entry["name"] == name), None)


def addresses(value: Any) -> list[tuple[str, str]]:
    groups = value.get("Address", {}) if isinstance(value, dict) else {}
    people = [*groups.get("List", ()), *(person for group in groups.get("Group", ()) for person in group["addresses"])]
    return [(person["name"] or "", (person["address"] or "").lower()) for person in people]


def words(text: str) -> str:
    return " ".join(text.split())


def test_subjects_agree() -> None:
    wrong = []
    for path in GOLD:
        subject = field(json.loads(path.read_text()), "subject")
        expected = subject["Text"] if isinstance(subject, dict) else ""
        if words(expected) != parse(path.with_suffix(".eml").read_bytes()).subject:
            wrong.append(path.stem)
    assert wrong == []


def test_senders_and_recipients_agree() -> None:
    for path in GOLD:
        gold, message = json.loads(path.read_text()), parse(path.with_suffix(".eml").read_bytes())
        assert [(a.name, a.address.lower()) for a in message.to] == addresses(field(gold, "to")), path.stem
        assert [(a.name, a.address.lower()) for a in message.cc] == addresses(field(gold, "cc")), path.stem
        sender = addresses(field(gold, "from"))
        assert [(message.sender.name, message.sender.address)] == (sender[:1] or [("", "")]), path.stem


def test_text_bodies_agree() -> None:
    compared = 0
    for path in GOLD:
        gold = json.loads(path.read_text())
        bodies = [gold["parts"][number]["body"] for number in gold["text_body"]]
        if any("Html" in body for body in bodies):
            continue
        expected = words(" ".join(body.get("Text", "") for body in bodies))
        assert words(parse(path.with_suffix(".eml").read_bytes()).full_text) == expected, path.stem
        compared += 1
    assert compared >= 15


def test_attachments_agree() -> None:
    for path in GOLD:
        gold = json.loads(path.read_text())
        inline = [number for number in gold["text_body"] + gold["html_body"] if "InlineBinary" in gold["parts"][number]["body"]]
        assert len(parse(path.with_suffix(".eml").read_bytes()).attachments) == len({*gold["attachments"], *inline}), path.stem
