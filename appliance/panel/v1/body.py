"""A request's body, held against the tick-list before anything is done with it."""

import re
from typing import Any, TypeVar

import msgspec

from appliance.panel.problems import Problem
from appliance.panel.v1.failures import invalid, unsupported
from appliance.panel.v1.fields import Fields

R = TypeVar("R")
DEPTH_MOST = 64
_PLACE = re.compile(r" - at `\$\.?([^`]*)`$")
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")


def mapping_of(body: bytes) -> dict[str, Any]:
    """The JSON object in the body. Raises a problem for anything else, and for one that is nested too deeply."""
    try:
        given = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise invalid(None, f"The body is no JSON: {error}.") from error
    except RecursionError as error:
        raise _too_deep() from error
    if not isinstance(given, dict):
        raise invalid(None, "The body is no JSON object.")
    if _deeper_than(given, DEPTH_MOST):
        raise _too_deep()
    return given


def read(given: dict[str, Any], fields: Fields, takes: type[R]) -> R:
    """What counts of it, checked. A field that is null counts as one that is not there."""
    kept = {name: _number(value) for name, value in given.items() if value is not None and name not in fields.ignored}
    for name, harmless in fields.refused.items():
        if name in kept and not _is_one_of(kept.pop(name), harmless):
            raise unsupported(name, f"The field {name} asks for something that is not done here.")
    try:
        return msgspec.convert(kept, takes, strict=True)
    except msgspec.ValidationError as error:
        raise _of_validation(str(error)) from error


def model_of(given: dict[str, Any]) -> str:
    """Which model is asked for."""
    model = given.get("model")
    if not isinstance(model, str) or not model:
        raise invalid("model", "The field model names no model.", "GET /v1/models lists them.")
    return model


def _number(value: Any) -> Any:
    """In JSON 3.0 is the whole number 3."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_one_of(value: Any, harmless: tuple[Any, ...]) -> bool:
    return any(type(value) is type(each) and value == each for each in harmless)


def _of_validation(words: str) -> Problem:
    unknown = _UNKNOWN.search(words)
    place = _PLACE.search(words)
    inside = place[1] if place else ""
    if unknown:
        param = f"{inside}.{unknown[1]}" if inside else unknown[1]
        return unsupported(param, f"The field {param} is not known here.")
    missing = re.search(r"required field `([^`]*)`", words)
    param = ".".join(part for part in (inside, missing[1] if missing else "") if part)
    return invalid(param or None, f"{words}.")


def _deeper_than(value: Any, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each if isinstance(each, list) else ())
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _too_deep() -> Problem:
    return invalid(None, f"The body is nested more than {DEPTH_MOST} deep.", "Send a flatter one.")
