"""The OpenAPI document: the calls of the service descriptor, the routes around them, and the data plane's."""

from collections.abc import Iterable, Sequence
from typing import Any

from gatewright.control.api import ledger, targets
from gatewright.control.api.calls import CALLS, PREFIXES, Call, rules
from gatewright.control.api.discovery import DISCOVERY
from gatewright.control.api.inference import inference, operation_id
from gatewright.control.api.schemas import Schema, Schemas, described

_DESCRIPTION = """\
One server in front of every LLM provider. The **management** calls store secrets, model definitions and endpoints;
they need an admin key. The **inference** routes are what applications call; `model` is an endpoint's name.

Management calls are also served under `/ajax-api/3.0`. Errors are JSON with `error_code` and `message`.
"""

_ERROR: Schema = {
    "type": "object",
    "required": ["error_code", "message"],
    "properties": {
        "error_code": {"type": "string", "description": "Machine-readable.", "examples": ["INVALID_PARAMETER_VALUE"]},
        "message": {"type": "string", "description": "What happened, which thing, and what to do."},
        "sqlstate": {"type": "string"},
        "error_class": {"type": "string"},
    },
}
_FAILURES = {
    "400": "The request cannot be served as it is; the message names the field.",
    "401": "No key was sent, or not a valid one.",
    "403": "The key may not manage.",
    "404": "The thing named does not exist.",
    "409": "The thing is in use.",
    "413": "The body is larger than the server allows.",
    "503": "The database or the key file cannot be used now; what is served goes on.",
}


def document(operations: Sequence[tuple[str, str, str]], *, version: str) -> Schema:
    """The whole document.

    Args:
        operations: method, path and summary of the data plane's routes; `{name}` in a path is a parameter.
        version: the program's version.
    """
    schemas = Schemas()
    paths: dict[str, Schema] = {}
    for call in CALLS:
        paths.setdefault(PREFIXES[0] + call.path, {})[call.method.lower()] = _management(call, schemas)
    paths[ledger.PATH] = {"get": _ledger()}
    paths[targets.PATH] = {"get": _targets()}
    for path, summary, names in _PROBES:
        paths[path] = {"get": _probe(path, summary, names)}
    for method, path, summary in operations:
        paths.setdefault(path, {})[method.lower()] = inference(method, path, summary)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Gatewright", "version": version, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"basic": []}],
        "tags": [{"name": name} for name in dict.fromkeys(_tags(paths.values()))],
        "paths": paths,
        "components": {
            "schemas": schemas.found | ledger.schemas() | targets.schemas() | {"Error": _ERROR},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A key, as applications send it."},
                "basic": {"type": "http", "scheme": "basic", "description": "Any user name, the key as password."},
            },
        },
    }


def _tags(paths: Iterable[Schema]) -> Iterable[str]:
    return (tag for methods in paths for operation in methods.values() for tag in operation["tags"])


def _management(call: Call, schemas: Schemas) -> Schema:
    request: Any = call.request.DESCRIPTOR
    response: Any = call.response.DESCRIPTOR
    operation: Schema = {
        "operationId": call.name,
        "summary": call.summary,
        **described(request.full_name),
        "tags": [call.path.split("/")[-2 if "gateway" not in call.path else 3]],
        "responses": {"200": _json_content("Done.", schemas.message(response)), **_failures()},
    }
    if call.method == "GET":
        operation["parameters"] = [
            {
                "name": field.name,
                "in": "query",
                "required": bool(rules(field).required),
                "schema": schemas.field(field),
                **described(field.full_name),
            }
            for field in request.fields
        ]
    else:
        operation["requestBody"] = {"required": True, **_json_content(None, schemas.reference(request))}
    return operation


def _ledger() -> Schema:
    return {
        "operationId": "listRequests",
        "summary": "List finished requests, the newest first.",
        "tags": ["requests"],
        "parameters": ledger.parameters(),
        "responses": {"200": _json_content("Done.", {"$ref": "#/components/schemas/Requests"}), **_failures()},
    }


def _targets() -> Schema:
    return {
        "operationId": "listTargets",
        "summary": "Tell how each target stands.",
        "tags": ["targets"],
        "responses": {"200": _json_content("Done.", {"$ref": "#/components/schemas/Targets"}), **_failures()},
    }


def _json_content(description: str | None, schema: Schema) -> Schema:
    content: Schema = {"content": {"application/json": {"schema": schema}}}
    return content if description is None else {"description": description, **content}


def _failures() -> Schema:
    reference = {"$ref": "#/components/schemas/Error"}
    return {status: _json_content(meaning, reference) for status, meaning in _FAILURES.items()}


_PROBES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (DISCOVERY + "/supported-providers", "List the providers that can be called.", ()),
    (DISCOVERY + "/supported-models", "List the models defined for a provider.", ("provider",)),
    (DISCOVERY + "/provider-config", "Show which fields the secret of a provider has.", ("provider",)),
    (DISCOVERY + "/secrets/config", "Tell whether secrets can be stored.", ()),
    (PREFIXES[0] + "/mlflow/server-info", "Tell clients which features this server has.", ()),
)


def _probe(path: str, summary: str, names: tuple[str, ...]) -> Schema:
    parameters = [
        {"name": name, "in": "query", "required": path.endswith("config"), "schema": {"type": "string"}}
        for name in names
    ]
    return {
        "operationId": operation_id("get", path),
        "summary": summary,
        "tags": ["discovery"],
        **({"parameters": parameters} if parameters else {}),
        "responses": {"200": _json_content("Done.", {"type": "object"}), **_failures()},
    }
