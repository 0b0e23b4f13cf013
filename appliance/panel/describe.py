"""The API described: the OpenAPI document, and the same as rows for a page.

The document is made by an app that exists for nothing else, when somebody first asks for it: the one that serves stays free
of routes it did not name, and of the quarter of a second that describing costs.
"""

from collections.abc import Sequence
from typing import Any

from litestar.handlers import BaseRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, Reference, SecurityScheme

from appliance.panel import bare
from appliance.panel.v1 import described
from appliance.records.base import Record

_KEYS: dict[str, SecurityScheme | Reference] = {
    "key": SecurityScheme(type="apiKey", name="X-API-Key", security_scheme_in="header", description="A key as `tandem keys` issues it."),
    "bearer": SecurityScheme(type="http", scheme="bearer", description="The same key."),
}


class Operation(Record):
    """One thing the API can do, as the page lists it."""

    method: str
    path: str
    summary: str
    group: str


def description(handlers: Sequence[BaseRouteHandler], version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these routes."""
    config = OpenAPIConfig(
        title="Tandem",
        version=version,
        description="The appliance's own API. Every operation but the three probes needs a key.",
        components=Components(security_schemes=_KEYS),
        security=[{"key": []}, {"bearer": []}],
    )
    document: dict[str, Any] = bare.app(route_handlers=handlers, openapi_config=config, logging_config=None).openapi_schema.to_schema()
    document["paths"] = {path: item for path, item in document["paths"].items() if not path.startswith("/schema")}
    described.add_to(document, handlers)
    _describe_files(document)
    for name in _taken_as_bodies(document):  # they refuse what they do not know, which the generated schema leaves out
        document["components"]["schemas"][name]["additionalProperties"] = False
    return document


def _describe_files(document: dict[str, Any]) -> None:
    """A form's file, for which no type can be given where it is taken: bytes, at least one, and it must be there."""
    for item in document["paths"].values():
        for operation in item.values():
            form = operation.get("requestBody", {}).get("content", {}).get("multipart/form-data", {}).get("schema", {})
            schema = document["components"]["schemas"].get(form.get("$ref", "").rpartition("/")[2])
            if schema is not None and "file" in schema["properties"]:
                schema["properties"]["file"] = {"type": "string", "format": "binary", "minLength": 1}
                schema["required"] = sorted({"file", *schema.get("required", [])})


def _taken_as_bodies(document: dict[str, Any]) -> set[str]:
    """The names of the schemas that operations take as JSON."""
    bodies = [operation.get("requestBody", {}) for item in document["paths"].values() for operation in item.values()]
    taken = [body.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "") for body in bodies]
    return {reference.rpartition("/")[2] for reference in taken if reference}


def operations(document: dict[str, Any]) -> list[Operation]:
    """The operations of the document, by path."""
    return [
        Operation(method=method.upper(), path=path, summary=str(row.get("summary", "")), group=str((row.get("tags") or [""])[0]))
        for path, item in sorted(document["paths"].items())
        for method, row in item.items()
        if isinstance(row, dict)
    ]
