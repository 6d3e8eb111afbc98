"""JSON Schema as structured outputs and strict tools of Cohere take it.

Source: "Structured Outputs", schema constraints and unsupported schema features
(https://docs.cohere.com/docs/structured-outputs): every object needs a required field, and limits of numbers, lengths
and sizes, most formats, and all compositions but `anyOf` are not supported.
"""

from typing import Any

from gatewright.dialects.fields import to_text

_RANGES = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_SIZES = ("minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties")
_REFUSED = frozenset((*_RANGES, *_SIZES, "allOf", "not"))
_FORMATS = ("date-time", "uuid", "date", "time")
_ANCHORS = ("^", "$", "?=", "?!")  # what a pattern may not have
_NAMED = ("properties", "$defs", "definitions")  # keywords whose values are schemas by name


def fitted(schema: Any) -> Any:
    """The same schema within the limits; what had to go is said in its description, which the model reads."""
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if not _refused(key, value)}
    gone = {key: value for key, value in schema.items() if key not in kept}
    if "oneOf" in kept:
        (gone if "anyOf" in kept else kept)["oneOf" if "anyOf" in kept else "anyOf"] = kept.pop("oneOf")
    for key in _NAMED:
        if isinstance(kept.get(key), dict):
            kept[key] = {name: fitted(value) for name, value in kept[key].items()}
    if isinstance(kept.get("anyOf"), list):
        kept["anyOf"] = [fitted(value) for value in kept["anyOf"]]
    for key in ("items", "additionalProperties"):
        if key in kept:
            kept[key] = fitted(kept[key])
    if isinstance(kept.get("properties"), dict) and kept["properties"] and not kept.get("required"):
        kept["required"] = list(kept["properties"])
    if gone:
        said = kept.get("description")
        kept["description"] = f"{said}\n\n{to_text(gone)}" if isinstance(said, str) else to_text(gone)
    return kept


def _refused(key: str, value: Any) -> bool:
    if key == "format":
        return value not in _FORMATS
    if key == "pattern":
        return any(anchor in str(value) for anchor in _ANCHORS)
    return key in _REFUSED


def enforceable(schema: Any) -> bool:
    """Whether a schema is of an object with fields, which is all that can be enforced."""
    return isinstance(schema, dict) and schema.get("type") == "object" and bool(schema.get("properties"))
