"""The door's operations in the API's description: their bodies, which no handler's signature tells, and their media types."""

from collections.abc import Iterable
from typing import Any

import msgspec
from litestar.handlers import BaseRouteHandler

from appliance.panel.v1.declared import JSON

_REFERENCE = "#/components/schemas/{name}"


def add_to(document: dict[str, Any], handlers: Iterable[BaseRouteHandler]) -> None:
    """Put what the handlers' ``opt`` says of bodies and answers into the document."""
    told = [(path, handler.opt) for handler in handlers if _is_shown(handler) for path in handler.paths]
    schemas, components = msgspec.json.schema_components([opt["body"] for _, opt in told], ref_template=_REFERENCE)
    taken = document["components"]["schemas"].keys() & components
    if taken:
        raise ValueError(f"two bodies of one name: {', '.join(sorted(taken))}")
    document["components"]["schemas"] |= components
    for (path, opt), schema in zip(told, schemas, strict=True):
        operation = document["paths"][path]["post"]
        content = {"multipart/form-data": {"schema": _with_file(schema, components)}} if opt["form"] else {JSON: {"schema": schema}}
        operation["requestBody"] = {"required": True, "content": content}
        answer = operation["responses"].setdefault("200", {"description": "The answer."})
        answer["content"] = {media_type: {"schema": _shape(media_type)} for media_type in opt["answers"]}


def _is_shown(handler: BaseRouteHandler) -> bool:
    return "body" in handler.opt and getattr(handler, "include_in_schema", True) is not False


def _shape(media_type: str) -> dict[str, Any]:
    return {"type": "object"} if media_type == JSON else {"type": "string"}


def _with_file(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """A form's fields, and the file among them."""
    found = components[schema["$ref"].rpartition("/")[2]]
    properties = {"file": {"type": "string", "format": "binary"}, **found["properties"]}
    return {**found, "properties": properties, "required": ["file", *found["required"]]}
