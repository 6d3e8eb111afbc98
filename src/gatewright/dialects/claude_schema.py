"""JSON Schema as structured outputs and strict tools of Claude take it.

Source: "Structured outputs", JSON Schema limitations (https://platform.claude.com/docs/en/build-with-claude/structured-outputs):
objects must be closed, limits of numbers, lengths and sizes are refused, and so is `oneOf`.
"""

from typing import Any

from gatewright.dialects.fields import to_text

# Keywords that are refused.
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_SIZES = ("minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties")
_MATCHES = ("contains", "minContains", "maxContains", "patternProperties", "propertyNames", "prefixItems", "not")
_CONDITIONS = (
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedProperties",
    "unevaluatedItems",
)
_REFUSED = frozenset((*_NUMBERS, *_SIZES, *_MATCHES, *_CONDITIONS))
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
_NAMED = ("properties", "$defs", "definitions")  # keywords whose values are schemas by name
_LISTED = ("anyOf", "allOf")  # keywords whose values are lists of schemas


def closed(schema: Any) -> Any:
    """The same schema within the limits; what had to go is said in its description, which the model reads."""
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if not _refused(key, value)}
    gone = {key: value for key, value in schema.items() if key not in kept}
    if "oneOf" in kept:
        kept.setdefault("anyOf", kept.pop("oneOf"))
    for key in _NAMED:
        if isinstance(kept.get(key), dict):
            kept[key] = {name: closed(value) for name, value in kept[key].items()}
    for key in _LISTED:
        if isinstance(kept.get(key), list):
            kept[key] = [closed(value) for value in kept[key]]
    if "items" in kept:
        kept["items"] = closed(kept["items"])
    if kept.get("type") == "object" or "properties" in kept:
        kept["additionalProperties"] = False
    if gone:
        said = kept.get("description")
        kept["description"] = f"{said}\n\n{to_text(gone)}" if isinstance(said, str) else to_text(gone)
    return kept


def _refused(key: str, value: Any) -> bool:
    if key == "format":
        return value not in _FORMATS
    return key in _REFUSED and not (key == "minItems" and value in (0, 1))
