"""The tree of what was said becomes records; whatever does not fit is collected, not raised."""

from pathlib import Path
from typing import Any, get_origin

import msgspec

from appliance.settings.describe import choices_of, describe, is_optional, key_range, plain, table_of, tables
from appliance.settings.layers import TABLES_MAX, Given
from appliance.settings.problems import Problem, nearest, problem
from appliance.settings.secret import Secret

_NO = ("false", "no", "off", "0")
_YES = ("true", "yes", "on", "1")


def build(of: type[msgspec.Struct], tree: dict[str, Any], base: Path, problems: list[Problem], path: str = "") -> Any:
    """The record of one table. What cannot be used keeps its default and becomes a problem. ``base`` is where relative paths begin."""
    known = dict(tables(of))
    values: dict[str, Any] = {}
    for name, said in tree.items():
        here = f"{path}{name}"
        if name not in known:
            problems.append(_unknown(here, said))
            continue
        inner, repeated = table_of(known[name].type)
        if inner is None:
            value = _leaf(here, known[name].type, said, base, problems)
        elif repeated:
            value = _list(inner, said, base, problems, here)
        else:
            value = _table(inner, said, base, problems, here)
        if value is not msgspec.UNSET:
            values[name] = value
    for name in known.keys() - tree.keys():
        inner, repeated = table_of(known[name].type)
        default = known[name].default
        if inner is not None and not repeated:
            values[name] = build(inner, {}, base, problems)
        elif isinstance(default, Path) and default != Path():
            values[name] = base / default
    return of(**values)


def _table(of: type[msgspec.Struct], said: Any, base: Path, problems: list[Problem], path: str) -> Any:
    if isinstance(said, dict):
        return build(of, said, base, problems, f"{path}.")
    remedy = f"Write [{_header(path)}] on a line of its own, its keys below."
    problems.append(problem(path, "it is a table", remedy, _where(said)))
    return msgspec.UNSET


def _list(of: type[msgspec.Struct], said: Any, base: Path, problems: list[Problem], path: str) -> Any:
    if isinstance(said, Given) and said.value == []:
        return ()
    if not isinstance(said, list):
        remedy = f"Write [[{path}]] on a line of its own for each, its keys below."
        problems.append(problem(path, "it is a list of tables", remedy, _where(said)))
        return msgspec.UNSET
    if len(said) > TABLES_MAX:
        problems.append(problem(path, f"there are {len(said)}, and {TABLES_MAX} is the most", "Remove some."))
    return tuple(build(of, one, base, problems, f"{path}.{position}.") for position, one in enumerate(said[:TABLES_MAX]))


def _leaf(path: str, annotation: Any, said: Any, base: Path, problems: list[Problem]) -> Any:
    kind, meta = plain(annotation)
    if not isinstance(said, Given):
        problems.append(problem(path, "it is a single value, not a table", _allowed(kind, meta)))
        return msgspec.UNSET
    if kind is Secret:
        return _secret(path, said, problems)
    try:
        value = _from_text(kind, said.value) if said.text else said.value
        if kind is Path or is_optional(kind):
            return _path(msgspec.convert(value, str), kind, base)
        return msgspec.convert(value, annotation)
    except (msgspec.ValidationError, ValueError):
        # The reason is written from the annotation: a message about the value might repeat a password.
        problems.append(problem(path, "this value does not fit", _allowed(kind, meta), said.where))
        return msgspec.UNSET


def _secret(path: str, said: Given, problems: list[Problem]) -> Any:
    if said.text:
        return Secret(said.value)
    remedy = f"Put it into a file of its own, chmod 600, and name that in {path}_file."
    problems.append(problem(path, "a password may not stand in this file", remedy, said.where))
    return msgspec.UNSET


def _path(text: str, kind: Any, base: Path) -> Path | None:
    if "\0" in text:
        raise ValueError("no path holds a NUL")
    if not text:
        return None if is_optional(kind) else Path()
    try:
        return base / Path(text).expanduser()
    except RuntimeError:
        raise ValueError("there is no user of that name") from None  # ~somebody/...


def _from_text(kind: Any, text: str) -> Any:
    """An environment's text as the type wants it. Raises ``ValueError`` when it cannot be read so."""
    if kind is bool:
        if text.lower() in _YES or text.lower() in _NO:
            return text.lower() in _YES
        raise ValueError("neither yes nor no")
    if kind in (int, float):
        return kind(text)
    if get_origin(kind) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _allowed(kind: Any, meta: msgspec.Meta) -> str:
    """The remedy: what may stand here."""
    choices = choices_of(kind)
    if choices and get_origin(kind) is tuple:
        return f"A list of {', '.join(choices)}, at least one."
    if choices:
        return f"One of: {', '.join(choices)}."
    if kind is bool:
        return "true or false."
    if kind in (int, float):
        return f"A {'whole ' if kind is int else ''}number, {key_range(kind, meta, ())}."
    if meta.examples:
        return f"A text such as {meta.examples[0]}."
    return {False: "A text.", True: "A text in quotes, not empty."}[bool(meta.min_length)]


def _unknown(path: str, said: Any) -> Problem:
    paths = [key.path for key in describe()]
    known = [*paths, *{path.rpartition(".")[0] for path in paths}, *{path.partition(".")[0] for path in paths}]
    meant = nearest(".".join("0" if part.isdecimal() else part for part in path.split(".")), known)
    remedy = f"Did you mean {_as_written(meant, path)}?" if meant else "All of them: tandem config template"
    return problem(path, "there is no such key", remedy, _where(said))


def _as_written(meant: str, path: str) -> str:
    """The known path with the positions of the one that was written."""
    positions = iter([part for part in path.split(".") if part.isdecimal()])
    return ".".join(next(positions, "0") if part == "0" else part for part in meant.split("."))


def _header(path: str) -> str:
    return ".".join(part for part in path.split(".") if not part.isdecimal())


def _where(said: Any) -> str:
    return said.where if isinstance(said, Given) else ""
