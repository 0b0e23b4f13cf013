"""What may be shown to a helper outside the house, and what is taken out first.

Nothing is looked for and struck out: only what is named here is let through. A setting is shown when its value can be nothing but a
choice, a number or a name that the company gave to a part of the appliance; of a log line the codes and numbers stay and no
sentence; of a journal entry its kind, its time and its numbers. What was let through is then cleared once more of every personal
value that the configuration holds (``Hider``), in case a name of the one kind is a word of the other.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from appliance.ground.log import scrub
from appliance.settings.describe import NOT_KEYS, plain
from appliance.settings.model import Settings
from appliance.settings.secret import Secret

SET = "[set]"
HIDDEN = "[hidden]"
SHORTEST_HIDDEN = 4  # characters: striking out every "fi" or "tls" would leave nothing to read
TEXT_MOST = 1_000  # characters of one text; the masks take far longer over a long one than over many short ones

KEPT = frozenset({"company.hours", "panel.time_zone", "mailbox.id", "mailbox.team", "mailbox.imap.folder", "writer.model"})
HOSTS = frozenset({
    "panel.host", "panel.public_url", "panel.peers", "chat.host", "chat.origins", "chat.proxies", "mailbox.imap.host",
    "mailbox.imap.sign_in_url", "mailbox.smtp.host", "mailbox.smtp.authserv_id", "knowledge.source.url", "pair.listen",
    "pair.static_peer", "pair.witness", "writer.base_url",
})  # fmt: skip

_CODE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,79}")
_CODE_FIELDS = ("mailbox", "outcome", "stage", "code", "decision", "language", "state", "step", "loops", "source", "case", "node")
_REASON_IS_CODE = ("case_settled",)  # elsewhere it is a sentence
_REPLY = re.compile(r"(?<![\d.-])[245]\d\d(?![\d.-])|(?<![\d.])[245]\.\d\.\d{1,2}(?![\d.])")  # RFC 5321, RFC 3463
_RESPONSES = frozenset(
    {
        "ALREADYEXISTS",
        "AUTHENTICATIONFAILED",
        "AUTHORIZATIONFAILED",
        "CANNOT",
        "CLIENTBUG",
        "CONTACTADMIN",
        "CORRUPTION",
        "EXPIRED",
        "EXPUNGEISSUED",
        "INUSE",
        "LIMIT",
        "NONEXISTENT",
        "NOPERM",
        "OVERQUOTA",
        "PRIVACYREQUIRED",
        "SERVERBUG",
        "UNAVAILABLE",
    }
)  # fmt: skip  RFC 5530
_FRAME = re.compile(r'  File "(.+)", line (\d+), in ([\w<>]+)')
_RAISED = re.compile(r"[A-Za-z_][\w.]*(?=:|$)")


class Hider:
    """Takes personal values, addresses, phone and identity numbers out of whatever is about to be shown."""

    def __init__(self, personal: Iterable[str]) -> None:
        words = sorted({word.strip() for word in personal if len(word.strip()) >= SHORTEST_HIDDEN}, key=len, reverse=True)
        self._personal = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)" if words else r"(?!)", re.IGNORECASE)

    def __call__(self, value: Any) -> Any:
        """The value with the same shape."""
        if isinstance(value, str):
            return scrub(self._personal.sub(HIDDEN, value[:TEXT_MOST]))
        if isinstance(value, Mapping):
            return {self(name): self(held) for name, held in value.items()}
        if isinstance(value, (list, tuple)):
            return [self(held) for held in value]
        return value


# Settings


def settings_shown(settings: Settings, with_hosts: bool) -> dict[str, Any]:
    """The settings as they were read. A text that was set and is not shown stands there as ``[set]``."""
    shown = _table(settings, "", KEPT | HOSTS if with_hosts else KEPT)
    return {name: value for name, value in shown.items() if name not in NOT_KEYS}


def personal_words(settings: Settings, with_hosts: bool) -> Iterator[str]:
    """Every text that was set and that ``settings_shown`` does not show, line by line."""
    kept = KEPT | HOSTS if with_hosts else KEPT
    shown = {box.id for box in settings.mailbox}
    for key, annotation, value in _leaves(settings, ""):
        if key in kept or key in NOT_KEYS or _is_choice(annotation):
            continue
        for text in value if isinstance(value, tuple) else (value,):
            told = text.reveal() if isinstance(text, Secret) else str(text) if isinstance(text, (str, Path)) else ""
            yield from (line for line in told.splitlines() if line not in shown)


def _table(record: msgspec.Struct, at: str, kept: frozenset[str]) -> dict[str, Any]:
    return {field.name: _shown(getattr(record, field.name), field.type, f"{at}{field.name}", kept) for field in _fields(record)}


def _shown(value: Any, annotation: Any, key: str, kept: frozenset[str]) -> Any:
    if isinstance(value, msgspec.Struct):
        return _table(value, f"{key}.", kept)
    if isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
        return [_table(one, f"{key}.", kept) for one in value]
    if value is None or isinstance(value, (bool, int, float)) or key in kept or _is_choice(annotation):
        return value
    if isinstance(value, Path):
        return SET + value.suffix
    return (SET if value else "") if not isinstance(value, tuple) else [SET] * len(value)


def _leaves(record: msgspec.Struct, at: str) -> Iterator[tuple[str, Any, Any]]:
    for field in _fields(record):
        key, value = f"{at}{field.name}", getattr(record, field.name)
        several = value if isinstance(value, tuple) else (value,)
        tables = [one for one in several if isinstance(one, msgspec.Struct)]
        for one in tables:
            yield from _leaves(one, f"{key}.")
        if not tables and value != field.default:
            yield key, field.type, value


def _fields(record: msgspec.Struct) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(record)


def _is_choice(annotation: Any) -> bool:
    """Whether it can hold nothing but words of the program's own."""
    base, _ = plain(annotation)
    parts = [part for part in get_args(base) if part is not ...] if get_origin(base) is tuple else [base]
    return bool(parts) and all(get_origin(plain(part)[0]) is Literal for part in parts)


# Sentences, log lines, journal entries


def code(text: object) -> str:
    """The text, if it has the shape of a code; else ``[words]``. An empty one stays empty."""
    told = str(text)
    return told if not told or _CODE.fullmatch(told) else "[words]"


def signs(sentence: str) -> list[str]:
    """What a mail server's answer says in codes: reply and status codes of SMTP, response codes of IMAP. No other word of it."""
    return [*dict.fromkeys(_REPLY.findall(sentence)), *(word for word in re.findall(r"[A-Z]+", sentence) if word in _RESPONSES)]


def log_line(line: str) -> dict[str, Any] | None:
    """A line of our own log without its sentences; None when it is none of ours."""
    try:
        record = msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError:
        return None
    shown: dict[str, Any] = {name: code(record.get(name, "")) for name in ("time", "level", "event", "thread")}
    for name, value in record.items():
        if isinstance(value, (bool, int, float)) or (name in _CODE_FIELDS and isinstance(value, str)):
            shown[code(name)] = code(value) if isinstance(value, str) else value
    reason = str(record.get("reason", ""))
    more = {
        "reason": code(reason) if record.get("event") in _REASON_IS_CODE else "",
        "signs": signs(reason),
        "trace": frames(str(record.get("trace", ""))),
    }
    return shown | {name: value for name, value in more.items() if value}


def frames(trace: str) -> list[str]:
    """Where an error came up and of what kind it was: places in the program, never what the error says."""
    told: list[str] = []
    ended = False  # the line after the frames names the error; any line after that may be words of it
    for line in trace.splitlines():
        if place := _FRAME.fullmatch(line):
            path, number, function = place.groups()
            told.append(f"{'/'.join(Path(path).parts[-3:])}:{number} {function}")
            ended = True
        elif ended and line and not line.startswith(" "):
            raised = _RAISED.match(line)
            told.append(raised.group(0) if raised else "[words]")
            ended = False
    return told


def entry_shown(position: int, kind: str, at: float, payload: bytes) -> dict[str, Any]:
    """A journal entry: what kind, when, its numbers, and the code of its reason."""
    told = msgspec.json.decode(payload, type=dict[str, Any])
    numbers = {name: value for name, value in told.items() if name != "at" and isinstance(value, (bool, int, float))}
    reason = told.get("reason")
    because = {"reason": code(reason["code"])} if isinstance(reason, dict) and isinstance(reason.get("code"), str) else {}
    return {"position": position, "kind": kind, "at": at, **numbers, **because}
