"""Every key as a list: for checking, for the help, and for the commented file that ``tandem config template`` writes."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from appliance.records.base import Record
from appliance.settings.model import Settings
from appliance.settings.secret import Secret

NOT_KEYS = ("home", "file", "notes")
ENVIRONMENT_PREFIX = "TANDEM_"
_REPEATED = "0"  # stands for the position in a list of tables


class Key(Record):
    """One key. ``path`` is dotted, with ``0`` for the position in a list of tables (``mailbox.0.imap.host``)."""

    path: str
    kind: str  # text, number, yes or no, path, list, secret
    default: Any
    sentence: str
    range: str
    environment: str
    choices: tuple[str, ...] = ()
    example: Any = None
    secret: bool = False


def tables(of: type[msgspec.Struct] = Settings) -> Iterator[tuple[str, Any]]:
    """The fields of a record that can be configured: name and annotation."""
    for field in msgspec.structs.fields(of):
        if not (of is Settings and field.name in NOT_KEYS):
            yield field.name, field


def table_of(annotation: Any) -> tuple[type[msgspec.Struct] | None, bool]:
    """The record behind an annotation and whether it is a list of them; None when the annotation is a single key."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation, False
    if get_origin(annotation) is tuple:
        inner = get_args(annotation)[0]
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            return inner, True
    return None, False


def plain(annotation: Any) -> tuple[Any, msgspec.Meta]:
    """The type and what is said about it."""
    if get_origin(annotation) is Annotated:
        base, meta, *_ = get_args(annotation)
        return base, meta
    return annotation, msgspec.Meta()


def environment_name(path: str) -> str:
    """``mailbox.0.imap.host`` is ``TANDEM_MAILBOX__0__IMAP__HOST``."""
    return ENVIRONMENT_PREFIX + path.upper().replace(".", "__")


@cache
def describe() -> tuple[Key, ...]:
    """All keys, in the order of the file."""
    return tuple(_walk(Settings, ""))


def _walk(of: type[msgspec.Struct], prefix: str) -> Iterator[Key]:
    for name, field in tables(of):
        path = f"{prefix}{name}"
        inner, repeated = table_of(field.type)
        if inner is None:
            yield _key(path, field)
        else:
            yield from _walk(inner, f"{path}.{_REPEATED}." if repeated else f"{path}.")


def _key(path: str, field: Any) -> Key:
    base, meta = plain(field.type)
    choices = choices_of(base)
    return Key(
        path=path,
        kind=_kind(base),
        default=field.default,
        sentence=meta.description or "",
        range=key_range(base, meta, choices),
        environment=environment_name(path),
        choices=choices,
        example=meta.examples[0] if meta.examples else None,
        secret=base is Secret,
    )


def choices_of(base: Any) -> tuple[str, ...]:
    """The words that a key or the members of its list may have; empty when any will do."""
    if get_origin(base) is tuple:
        base = get_args(base)[0]
    return get_args(base) if get_origin(base) is Literal else ()


def is_optional(base: Any) -> bool:
    """Whether an empty text means that there is none."""
    return isinstance(base, UnionType) and type(None) in get_args(base)


def _kind(base: Any) -> str:
    if base is Secret:
        return "secret"
    if base is bool:
        return "yes or no"
    if base in (int, float):
        return "number"
    if base is Path or is_optional(base):
        return "path"
    return "list" if get_origin(base) is tuple else "text"


def key_range(base: Any, meta: msgspec.Meta, choices: tuple[str, ...]) -> str:
    """What is allowed, in words."""
    if choices:
        return ("any of " if get_origin(base) is tuple else "one of ") + ", ".join(choices)
    if base is bool:
        return "true or false"
    if meta.ge is not None and meta.le is not None:
        return f"{meta.ge} to {meta.le}"
    if meta.max_length is not None:
        return f"up to {meta.max_length} characters"
    if meta.min_length is not None:
        return "not empty"
    return {"path": "a path", "secret": "a secret"}.get(_kind(base), "a text")


# The commented file


def template_toml() -> str:
    """A ``tandem.toml`` in which every key stands with its sentence, range and default, each commented out."""
    lines = [
        "# Tandem's settings. Every key has a default: only what differs needs to stand here.",
        "# Paths are relative to the folder of this file. Check it with: tandem config check",
    ]
    table = ""
    for key in describe():
        if key.secret:
            continue
        head = key.path.rpartition(".")[0]
        if head != table:
            table = head
            lines += ["", *_heading(head)]
        lines += [
            f"# {key.sentence} ({key.range})",
            f"#{key.path.rpartition('.')[2]} = {toml_value(key.default if key.example is None else key.example)}",
        ]
    return "\n".join(lines) + "\n"


def _heading(table: str) -> list[str]:
    """The table's line. A list of tables and what belongs to one entry of it stay commented out: naming one makes an entry."""
    parts = table.split(".")
    name = ".".join(part for part in parts if part != _REPEATED)
    if parts[-1] == _REPEATED:
        return [f"#[[{name}]]"]
    return [f"#[{name}]" if _REPEATED in parts else f"[{name}]"]


def toml_value(value: Any) -> str:
    """A default or example as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    if isinstance(value, int | float):
        return str(value)
    text = "" if value is None or value == Path() else str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
