"""How a folder of mails is read: what would become a case, what is a bounce, what had to be named, and that nothing is lost."""

from pathlib import Path
from typing import Any

from appliance.channels.mail.parse import parse
from appliance.evals.folder import files_of, mails_of
from appliance.evals.table import table
from appliance.records.message import Message, MessageKind

_LEFT_ASIDE = {
    "message_over_limit": "longer than is read; the rest is only in the raw mail",
    "attachment_over_limit": "an attachment is over the limit; it is named, not kept",
    "text_over_limit": "its text is longer than is read",
    "html_over_limit": "its HTML is longer than is read",
    "parts_over_limit": "more or deeper parts than are read",
}


def evaluate(folder: Path, authserv_id: str = "") -> dict[str, Any]:
    """Read every mail of a folder as intake would.

    ``files`` were opened and ``messages`` found in them (an mbox holds several, named ``file#n``). ``cases`` are the
    messages for the desk, ``bounces`` delivery reports. ``named`` says of every other one, and of those of which something
    was left aside, why. ``lost`` is what is in none of these: it must be 0.
    """
    counts = dict.fromkeys(MessageKind, 0)
    named: list[dict[str, str]] = []
    per_file: list[dict[str, str]] = []
    messages = 0
    files = files_of(folder)
    for path in files:
        for mail in mails_of(path, folder):
            messages += 1
            message = parse(mail.raw, authserv_id=authserv_id)
            counts[message.kind] += 1
            reason = mail.trouble or _reason(message)
            if reason:
                named.append({"file": mail.name, "reason": reason})
            per_file.append({"file": mail.name, "subject": message.subject, "body": message.full_text, "kind": message.kind.value})
    return {
        "files": len(files),
        "messages": messages,
        "cases": counts[MessageKind.MESSAGE],
        "bounces": counts[MessageKind.BOUNCE],
        "automatic": counts[MessageKind.AUTOMATIC],
        "unreadable": counts[MessageKind.UNREADABLE],
        "named": named,
        "lost": messages - len(per_file),
        "per_file": per_file,
    }


def _reason(message: Message) -> str:
    """Why a mail is named: it is nothing for the desk, or something of it was left aside. "" for all others."""
    if message.kind is MessageKind.AUTOMATIC:
        return f"automatic: {message.automatic_reason}"
    if message.kind is MessageKind.UNREADABLE:
        return f"unreadable: {', '.join(message.oddities) or 'nothing to read'}"
    return "; ".join(sentence for oddity, sentence in _LEFT_ASIDE.items() if oddity in message.oddities)


def render(result: dict[str, Any]) -> str:
    """The result for a person: the counts, then each mail that had to be named."""
    counts = [
        ("mails", result["messages"]),
        ("for the desk", result["cases"]),
        ("bounces", result["bounces"]),
        ("automatic", result["automatic"]),
        ("unreadable", result["unreadable"]),
        ("lost", result["lost"]),
    ]
    lines = [f"{result['files']} files read", "", table(("", ""), [(name, str(number)) for name, number in counts], right=(1,))]
    if result["named"]:
        lines += ["", table(("named", "reason"), [(entry["file"], entry["reason"]) for entry in result["named"]])]
    return "\n".join(lines)
