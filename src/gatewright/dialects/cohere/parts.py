"""Content blocks and tool calls, and the parts they mean.

Source: Cohere, "Chat" reference, `messages` (https://docs.cohere.com/reference/chat). A `tool_plan` is what the model
thinks before it calls tools, in models that have no `thinking` blocks: it is a thought, not something said to the user,
so it is a `Reasoning` whose `form` tells it from the blocks.
"""

import re
from typing import Any

from gatewright.dialects.cohere.citations import decode_citations
from gatewright.dialects.cohere.documents import told
from gatewright.dialects.conversation import (
    Dropped,
    Media,
    Native,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from gatewright.dialects.fields import Fields, to_text
from gatewright.dialects.freetext import to_arguments

Block = dict[str, Any]

PLAN = "tool_plan"
"""Field of a message that holds a plan, and the mark of a thought that stood there."""

_DATA = re.compile(r"data:([\w.+/-]+);base64,")


def decode_spoken(message: Fields) -> tuple[list[Part], bool]:
    """Take what an assistant's message says: its parts, and whether its content was one plain string.

    They come in the order in which they are made: the plan, the content, the calls.
    """
    plan = message.get(PLAN, str) if message.peek(PLAN) != "" else None
    content, bare = decode_content(message)
    decode_citations(message, content)
    calls = [_decode_call(one) for one in message.objects("tool_calls")]
    planned: list[Part] = [] if plan is None else [Reasoning(text=plan, form={PLAN: True})]
    return [*planned, *content, *calls], bare


def decode_content(message: Fields) -> tuple[list[Part], bool]:
    """Take a message's `content`: its parts, and whether it was one plain string."""
    found = message.peek("content")
    if isinstance(found, str):
        del message.left["content"]
        return ([Text(text=found)] if found else []), True
    if found is not None and not isinstance(found, list):
        raise message.wrong("content", "a string or a list of content blocks")
    return [decode_block(one) for one in message.objects("content")], False


def decode_block(fields: Fields) -> Part:
    """The part a content block means; one of a kind not known is kept whole."""
    wire, kind = dict(fields.left), fields.need("type", str)
    if kind == "text":
        return Text(text=fields.need("text", str), rest=fields.left)
    if kind == "thinking":
        text, signature, sealed = fields.need("thinking", str), fields.get("signature", str), fields.get("sealed", str)
        return Reasoning(text=text, signature=signature, sealed=sealed, rest=fields.left)
    if kind == "image_url":
        return _decode_image(fields)
    if kind == "document":
        document = fields.inner("document")
        if not document.has("data"):
            raise fields.fault(f"{document.path('data')} is required.")
        text, _ = told(document.pop("data"))
        return Text(
            text=text, rest={f"document.{key}": left for key, left in document.left.items()}, form={"block": wire}
        )
    return Native(rest=wire)


def _decode_image(fields: Fields) -> Media:
    inner = fields.inner("image_url")
    url, part = inner.need("url", str), Media(kind="image", detail=inner.get("detail", str))
    data = _DATA.match(url)
    if data is None:
        part.url = url
    else:
        part.media_type, part.data = data[1], url[data.end() :]
    part.rest = fields.left | ({"image_url": inner.left} if inner.left else {})
    return part


def _decode_call(fields: Fields) -> ToolCall:
    fields.pop("type")
    inner = fields.inner("function")
    call = ToolCall(
        id=fields.need("id", str),
        name=inner.need("name", str),
        arguments=inner.get("arguments", str) or "",
        signature=fields.get("signature", str),
        rest=fields.left,
    )
    if inner.left:
        fields.left["function"] = inner.left
    return call


def is_plan(part: Part) -> bool:
    """Whether a part stood in `tool_plan`."""
    return isinstance(part, Reasoning) and PLAN in part.form


def content_of(parts: list[Part], *, same: bool) -> list[Part]:
    """The parts that stand in a message's `content`."""
    return [
        part
        for part in parts
        if not isinstance(part, ToolCall)
        and not (same and is_plan(part))
        and not (isinstance(part, Media) and "document" in part.form)
    ]


def encode_block(part: Part, *, same: bool, dropped: Dropped) -> Block | None:
    """The content block of a part; None where this API has none for it.

    A thought that another provider signed keeps its signature in fields of our own, which Cohere's clients send back.
    """
    if isinstance(part, Native):
        return _native(part, same, dropped)
    if same and "block" in part.form:
        block: Block = part.form["block"]
        return block
    rest = dropped.rest(part, same=same)
    if isinstance(part, Text | Refusal):
        return {"type": "text", "text": part.text, **rest}
    if isinstance(part, Reasoning):
        signed = {"signature": part.signature, "sealed": part.sealed}
        kept = {key: value for key, value in signed.items() if value is not None}
        return {"type": "thinking", "thinking": part.text, **kept, **rest}
    if isinstance(part, Media) and (image := encode_image(part)) is not None:
        inner = rest.get("image_url", {})
        return rest | {"type": "image_url", "image_url": image | inner}
    dropped.add(part.kind if isinstance(part, Media) else type(part).__name__.lower())
    return None


def _native(part: Native, same: bool, dropped: Dropped) -> Block | None:
    if same:
        return part.rest
    dropped.native(part)
    return None


def encode_image(part: Media) -> Block | None:
    """The `image_url` of an image, by its address or with its data; None for what is no such image."""
    if part.kind != "image" or (part.url is None and part.data is None):
        return None
    url = part.url if part.data is None else f"data:{part.media_type or 'image/png'};base64,{part.data}"
    return {"url": url} | ({} if part.detail is None else {"detail": part.detail})


def encode_call(call: ToolCall, *, same: bool, dropped: Dropped) -> Block:
    """An entry of `tool_calls`."""
    rest = dropped.rest(call, same=same)
    stated = to_text(to_arguments(call)) if call.custom else call.arguments
    function = {"name": call.name, "arguments": stated if same else stated or "{}"}
    signed = {} if call.signature is None else {"signature": call.signature}
    made = {"id": call.id, "type": "function", "function": function | rest.get("function", {})}
    return rest | made | signed


def encode_own_content(message: Block, parts: list[Part], bare: bool, dropped: Dropped) -> None:
    """Put a message's `content` as the wire had it; null, none and an empty list are in what was left."""
    blocks = [encode_block(part, same=True, dropped=dropped) for part in parts]
    if bare:
        message["content"] = "".join(part.text for part in parts if isinstance(part, Text))
    elif blocks:
        message["content"] = blocks
