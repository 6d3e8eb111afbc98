"""Google's schemas as JSON Schema.

`parameters` and `responseSchema` are a subset of OpenAPI 3.0 with types in upper case, `nullable` and
`propertyOrdering` (https://ai.google.dev/api/caching#Schema); numbers of limits may be strings, as Google writes int64.
`parametersJsonSchema` and `responseJsonSchema` are JSON Schema, and what other dialects' schemas are written to.
"""

from typing import Any

_OWN = {"propertyOrdering", "property_ordering", "nullable"}
_LIMITS = {"maxItems", "minItems", "maxLength", "minLength", "maxProperties", "minProperties"}
_NAMES = {
    "any_of": "anyOf",
    "max_items": "maxItems",
    "min_items": "minItems",
    "max_length": "maxLength",
    "min_length": "minLength",
    "max_properties": "maxProperties",
    "min_properties": "minProperties",
    "additional_properties": "additionalProperties",
    "defs": "$defs",
    "ref": "$ref",
}
_MAPS = {"properties", "$defs"}


def json_schema(schema: Any) -> Any:
    """JSON Schema of one of Google's; what is none already passes as it is."""
    if not isinstance(schema, dict):
        return schema
    found: dict[str, Any] = {}
    given: str
    for given, value in schema.items():
        if given in _OWN:
            continue
        name: str = _NAMES.get(given, given)
        if name in _MAPS and isinstance(value, dict):
            found[name] = {field: json_schema(inner) for field, inner in value.items()}
        elif name in ("items", "additionalProperties"):
            found[name] = json_schema(value)
        elif name in ("anyOf", "prefixItems") and isinstance(value, list):
            found[name] = [json_schema(inner) for inner in value]
        elif name == "type":
            found.update(_type(value))
        elif name in _LIMITS and isinstance(value, str) and value.isdecimal():
            found[name] = int(value)
        elif name == "example":
            found["examples"] = [value]
        else:
            found[name] = value
    return _nullable(found) if schema.get("nullable") is True else found


def _type(value: Any) -> dict[str, Any]:
    if not isinstance(value, str):
        return {"type": value}
    return {} if value == "TYPE_UNSPECIFIED" else {"type": value.lower()}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    if isinstance(kind, str) and kind != "null":
        schema["type"] = [kind, "null"]
        if isinstance(schema.get("enum"), list):
            schema["enum"] = [*schema["enum"], None]
    elif isinstance(schema.get("anyOf"), list):
        schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]
    return schema
