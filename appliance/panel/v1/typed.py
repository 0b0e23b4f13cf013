"""Typed answers: which fields a client's schema asks for, whether we have them, and the answer written as JSON."""

from typing import Any

import msgspec

from appliance.panel.problems import Problem
from appliance.panel.v1.failures import invalid, unsupported
from appliance.panel.v1.said import Said
from appliance.panel.v1.schema import check, misfit, resolved
from appliance.records.answer import Decision
from appliance.records.base import Record
from appliance.records.language import LANGUAGES

_A_CITATION = {"source": "en.xlsx", "passage": "p1", "title": "Opening hours", "score": 0.9}
#: What a typed answer may have, with examples of each: a schema must leave room for one of them.
FIELDS: dict[str, tuple[Any, ...]] = {
    "answer": ("Monday to Friday 9-17.",),
    "outcome": tuple(str(decision) for decision in Decision),
    "reason": ("answered",),
    "language": LANGUAGES,
    "tier": (3, 0),
    "citations": ([_A_CITATION], []),
}


class Typed(Record):
    """How an answer is to be written. ``names`` are the fields that are asked for; empty for plain text."""

    names: tuple[str, ...] = ()
    schema: Any = True
    root: Any = True

    @property
    def plain(self) -> bool:
        return not self.names


def typed(wish: dict[str, Any], place: str) -> Typed:
    """What a ``response_format`` (or a response's ``text.format``) asks for. Raises a problem that names what cannot be had."""
    kind = wish.get("type")
    if kind == "text":
        return Typed()
    if kind == "json_object":
        return Typed(names=tuple(FIELDS))
    schema, where = schema_in(wish, place)
    return _for_schema(schema, where)


def schema_in(wish: dict[str, Any], place: str) -> tuple[Any, str]:
    """The schema of a ``json_schema`` wish, checked, and where it stands: a chat has it one level deeper than a response."""
    if wish.get("type") != "json_schema":
        raise unsupported(f"{place}.type", "A response format is text, json_object or json_schema.")
    inner, where = (wish["json_schema"], f"{place}.json_schema") if "json_schema" in wish else (wish, place)
    if not isinstance(inner, dict) or "schema" not in inner:
        raise invalid(f"{where}.schema", "The response format has no schema.")
    check(inner["schema"], f"{where}.schema")
    return inner["schema"], f"{where}.schema"


def _for_schema(schema: Any, place: str) -> Typed:
    top = resolved(schema, schema)
    if not isinstance(top, dict) or top.get("type") != "object" or not top.get("properties"):
        raise unsupported(place, "The schema must be of an object with properties.")
    for name in (*top["properties"], *top.get("required", ())):
        if name not in FIELDS:
            raise unsupported(f"{place}.properties.{name}", f"An answer has no field {name!r}.", f"It has {', '.join(FIELDS)}.")
    for name, inner in top["properties"].items():
        troubles = [misfit(example, inner, schema) for example in FIELDS[name]]
        if all(troubles):
            raise unsupported(f"{place}.properties.{name}", f"The schema leaves no room for {name}: {troubles[0]}.")
    return Typed(names=tuple(top["properties"]), schema=top, root=schema)


def written(said: Said, wish: Typed) -> tuple[str, str]:
    """The answer as JSON and "", or "" and why it does not fit what was asked for."""
    everything = {"answer": said.text, **said.extension}
    value = {name: everything[name] for name in wish.names}
    trouble = misfit(value, wish.schema, wish.root)
    if trouble:
        return "", f"The answer does not fit the schema: {trouble}."
    return msgspec.json.encode(value).decode(), ""


def must_fit(text: str, wish: dict[str, Any], place: str) -> None:
    """Raises a problem unless a model's words are JSON of the kind that was asked for: no engine here is believed to see to it."""
    if wish.get("type") == "text":
        return
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _not_so("The model's answer is no JSON.") from error
    if wish["type"] == "json_object":
        trouble = "" if isinstance(value, dict) else "$ is no object"
    else:
        schema, _ = schema_in(wish, place)
        trouble = misfit(value, schema, schema)
    if trouble:
        raise _not_so(f"The model's answer does not fit: {trouble}.")


def _not_so(message: str) -> Problem:
    return Problem(502, "answer_does_not_fit", message, "Ask once more, or ask for less.", {"x-should-retry": "false"})
