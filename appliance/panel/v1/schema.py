"""A small part of JSON Schema, held against values: as much as clients send for typed answers, and a plain no to the rest.

What this is not: a validator for any schema. A keyword that it does not know is refused by name, so that nobody believes something
was checked that was not.
"""

from collections.abc import Callable, Mapping
from typing import Any

from appliance.panel.problems import Problem
from appliance.panel.v1.failures import unsupported

Schema = Any
_SAYS_NOTHING = frozenset({"title", "description", "default", "examples", "format", "$schema", "$id", "$comment", "strict"})
_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
STEPS_MOST = 20_000  # a schema may lead to itself, or double with each reference


def check(schema: Schema, place: str) -> None:
    """Raises a problem that names the first thing in the schema that cannot be checked here. ``place`` is where it stands."""
    for inner, where in _inside(schema, place):
        check(inner, where)


def _inside(schema: Schema, place: str) -> list[tuple[Schema, str]]:
    if isinstance(schema, bool):
        return []
    if not isinstance(schema, dict):
        raise unsupported(place, f"{place} is no schema.")
    for keyword, value in schema.items():
        if keyword not in _SAYS_NOTHING and (keyword not in _SHAPES or not _SHAPES[keyword](value)):
            raise unsupported(f"{place}.{keyword}", f"The schema's {keyword} at {place} cannot be checked here.")
    within = [(inner, f"{place}.properties.{name}") for name, inner in schema.get("properties", {}).items()]
    within += [(inner, f"{place}.anyOf[{number}]") for number, inner in enumerate(schema.get("anyOf", ()))]
    within += [(schema["items"], f"{place}.items")] if "items" in schema else []
    within += [(inner, f"{place}.$defs.{name}") for name, inner in schema.get("$defs", {}).items()]
    return within


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_type(value: Any) -> bool:
    return all(isinstance(each, str) and each in _TYPES for each in (value if isinstance(value, list) and value else [value]))


_SHAPES: Mapping[str, Callable[[Any], bool]] = {
    "type": _is_type,
    "properties": lambda value: isinstance(value, dict),
    "$defs": lambda value: isinstance(value, dict),
    "required": lambda value: isinstance(value, list) and all(isinstance(name, str) for name in value),
    "additionalProperties": lambda value: isinstance(value, bool),
    "items": lambda value: isinstance(value, dict | bool),
    "anyOf": lambda value: isinstance(value, list) and bool(value),
    "enum": lambda value: isinstance(value, list),
    "const": lambda _: True,
    "$ref": lambda value: isinstance(value, str) and value.startswith("#/$defs/"),
    "minLength": _is_count,
    "maxLength": _is_count,
    "minItems": _is_count,
    "maxItems": _is_count,
    "minimum": _TYPES["number"],
    "maximum": _TYPES["number"],
}


def resolved(schema: Schema, root: Schema) -> Schema:
    """The schema that a reference leads to; a reference to a reference leads nowhere."""
    if isinstance(schema, dict) and "$ref" in schema:
        return root.get("$defs", {}).get(schema["$ref"].removeprefix("#/$defs/"), False)
    return schema


def misfit(value: Any, schema: Schema, root: Schema) -> str:
    """Where and how the value does not fit a checked schema; "" when it does."""
    try:
        return _Fitting(root).misfit(value, schema, "$")
    except RecursionError as error:
        raise _endless() from error


def _endless() -> Problem:
    return unsupported("response_format", "The schema leads round and round.")


class _Fitting:
    """One value on its way through one schema, in so many steps at most."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._left = STEPS_MOST

    def misfit(self, value: Any, schema: Schema, place: str) -> str:
        self._left -= 1
        if self._left < 0:
            raise _endless()
        schema = resolved(schema, self._root)
        if isinstance(schema, bool):
            return "" if schema else f"{place} may not be there"
        own = _own_misfit(value, schema) or self._no_alternative(value, schema, place)
        if own:
            return f"{place} {own}"
        if isinstance(value, dict):
            return self._object_misfit(value, schema, place)
        if isinstance(value, list) and "items" in schema:
            found = (self.misfit(each, schema["items"], f"{place}[{number}]") for number, each in enumerate(value))
            return next((words for words in found if words), "")
        return ""

    def _no_alternative(self, value: Any, schema: dict[str, Any], place: str) -> str:
        alternatives = schema.get("anyOf", ())
        return "fits none of the alternatives" if alternatives and all(self.misfit(value, each, place) for each in alternatives) else ""

    def _object_misfit(self, value: dict[str, Any], schema: dict[str, Any], place: str) -> str:
        properties = schema.get("properties", {})
        missing = [name for name in schema.get("required", ()) if name not in value]
        if missing:
            return f"{place} lacks {missing[0]}"
        strange = [name for name in value if name not in properties]
        if strange and schema.get("additionalProperties", True) is False:
            return f"{place} has {strange[0][:60]}, which is not in the schema"
        found = (self.misfit(value[name], inner, f"{place}.{name}") for name, inner in properties.items() if name in value)
        return next((words for words in found if words), "")


def _own_misfit(value: Any, schema: dict[str, Any]) -> str:
    """What of the value itself does not fit, without what is inside it."""
    types = schema.get("type", ())
    types = types if isinstance(types, list) else [types] if types else []
    if types and not any(_TYPES[name](value) for name in types):
        return f"is not of the type {' or '.join(types)}"
    if "enum" in schema and value not in schema["enum"]:
        return "is none of the values"
    if "const" in schema and value != schema["const"]:
        return "is not the value"
    return _size_misfit(value, schema)


def _size_misfit(value: Any, schema: dict[str, Any]) -> str:
    size = len(value) if isinstance(value, str | list) else value
    if not isinstance(size, int | float) or isinstance(size, bool):
        return ""
    unit = "Length" if isinstance(value, str) else "Items" if isinstance(value, list) else "imum"
    least, most = schema.get(f"min{unit}"), schema.get(f"max{unit}")
    if least is not None and size < least:
        return "is too small"
    return "is too large" if most is not None and size > most else ""
