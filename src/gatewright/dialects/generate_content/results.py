"""What a tool answered: `functionResponse`.

Its `response` is an object; "output" or "error" in it are the answer, any other object is the answer as a whole
(https://ai.google.dev/api/caching#FunctionResponse); Google's SDKs write "result" too.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from gatewright.dialects.conversation import Dropped, Media, Native, Part, Refusal, Text, ToolResult
from gatewright.dialects.fields import to_text
from gatewright.dialects.generate_content.calls import CallIds
from gatewright.dialects.generate_content.fields import Fields, restored
from gatewright.dialects.generate_content.media import encode_media

_ANSWERS = ("output", "result", "error")


def function_response(fields: Fields, ids: CallIds, parts_of: Callable[[Fields], list[Part]]) -> ToolResult:
    """A tool's answer; what is no plain text in it becomes JSON text.

    Args:
        fields: of the part.
        ids: of the calls.
        parts_of: reads a part inside.
    """
    inner = fields.inner("functionResponse")
    inner.absent("id")
    inner.absent("response")
    name = inner.need("name", str)
    result = ToolResult(id=ids.result(inner.label("id"), name), name=name)
    response = inner.get("response", dict)
    if response:
        key = next(iter(response)) if len(response) == 1 else None
        key = key if key in _ANSWERS else None
        value: Any = response if key is None else response[key]
        result.parts.append(Text(text=value if isinstance(value, str) else to_text(value)))
        result.error = True if key == "error" else None
        fields.form["answer"] = [key, isinstance(value, str)]
    for part in inner.objects("parts"):
        known = part.has("inlineData") or part.has("fileData")
        result.parts += parts_of(part) if known else [Native(rest=part.rest())]
    result.form, result.rest = fields.form, fields.rest()
    return result


def encode_result(result: ToolResult, name: str, dropped: Dropped, *, same: bool, inside: bool) -> list[dict[str, Any]]:
    """A tool's answer as a part, and the parts that must follow it.

    Args:
        result: the answer.
        name: the tool's.
        dropped: takes the names of what cannot be said.
        same: whether it comes from this dialect.
        inside: whether the model takes media inside of a `functionResponse`.
    """
    text = "\n".join(part.text for part in result.parts if isinstance(part, Text | Refusal))
    shown = [
        part.rest if isinstance(part, Native) else encode_media(part, dropped, same=same)
        for part in result.parts
        if isinstance(part, Media) or (isinstance(part, Native) and same)
    ]
    media = [part for part in shown if part is not None]
    body: dict[str, Any] = {"id": result.id, "name": name}
    if same:
        body["response"] = _response(text, result)
        if media:
            body["parts"] = media
        return [restored({"functionResponse": body}, result.form, result.rest)]
    dropped.rest(result, same=False)
    body["response"] = {"error" if result.error else "output": text}
    if media and inside:
        body["parts"] = media
        media = []
    return [{"functionResponse": body}, *media]


def _response(text: str, result: ToolResult) -> dict[str, Any]:
    if not text and "answer" not in result.form:
        return {}
    key, plain = result.form.get("answer") or ("error" if result.error else "output", True)
    value: Any = text
    if not plain:
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            key = key or "output"
    if key is None:
        return value if isinstance(value, dict) else {"output": value}
    return {key: value}
