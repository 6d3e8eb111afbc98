"""Content blocks and the parts they mean.

Source: `ContentBlock` of the API reference
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html). Blocks this file does not name
(the calls of tools that Bedrock runs itself, changes of the tools, …) are `Native`: kept whole and in their place.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import msgspec

from gatewright.dialects.conversation import (
    Media,
    MediaKind,
    Native,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from gatewright.dialects.converse.citations import decode_citation, encode_citation
from gatewright.dialects.converse.media import KINDS, decode_media, decode_search_result, encode_media, joined
from gatewright.dialects.converse.wire import Block, Encoding, cached, known_id, merged
from gatewright.dialects.fields import Fault, Fields, to_text
from gatewright.dialects.freetext import to_arguments

_IN_RESULTS = ("text", "json", "image", "document", "video", "searchResult")
_STATES = {"success": False, "error": True}


def decode_parts(found: list[Any], where: str, fault: Fault) -> list[Part]:
    """The parts of a content; a cache point, or a citation without words, belongs to the part before it."""
    parts: list[Part] = []
    for at, block in enumerate(found):
        fields = Fields(block, f"{where}[{at}]", fault)
        part = _decode(fields, block)
        last = parts[-1] if parts else None
        if isinstance(part, Native) and set(block) == {"cachePoint"} and last is not None and _can_be_cached(last):
            cached(last, block)
        elif isinstance(part, Text) and "cited" in part.form and not part.text and isinstance(last, Text):
            last.citations += part.citations
            last.form.setdefault("after", []).append(block)
        elif isinstance(part, ToolCall) and isinstance(last, Reasoning) and last.signature and not last.text:
            part.signature = last.signature  # which the answer with a signed call carried in an empty thought
            parts[-1] = part
        else:
            parts.append(part)
    return parts


def _can_be_cached(part: Part) -> bool:
    return not isinstance(part, Native) and not any("cachePoint" in block for block in part.form.get("after", ()))


def _decode(fields: Fields, block: Block) -> Part:
    kinds = [key for key in fields.left if fields.has(key)]
    decode = _DECODERS.get(kinds[0]) if len(fields.left) == len(kinds) == 1 else None
    part = None if decode is None else decode(fields, block)
    return Native(rest=dict(block)) if part is None else part


def _text(fields: Fields, _: Block) -> Part:
    return Text(text=fields.need("text", str))


def _json(fields: Fields, _: Block) -> Part:
    return Text(text=to_text(fields.pop("json")), form={"json": True})


def _medium(fields: Fields, block: Block) -> Part | None:
    kind = next(iter(block))
    return decode_media(cast("MediaKind", kind), fields.inner(kind), block)


def _search_result(fields: Fields, block: Block) -> Part:
    return decode_search_result(fields.inner("searchResult"), block)


def _guarded(fields: Fields, block: Block) -> Part | None:
    guard = fields.inner("guardContent")
    text, image = guard.within("text"), guard.within("image")
    part: Part | None = None
    if image is not None and text is None:
        part = decode_media("image", image, block)
    elif text is not None and image is None:
        part = Text(text=text.need("text", str), rest=text.left)
    if part is not None and not guard.left:
        part.form["guard"] = True
        return part
    return None


def _cited(fields: Fields, block: Block) -> Part:
    cited = fields.inner("citationsContent")
    citations = [
        decode_citation(one, found)
        for one, found in zip(cited.objects("citations"), block["citationsContent"].get("citations") or (), strict=True)
    ]
    return Text(text=joined(cited.pop("content")), citations=citations, form={"cited": block})


def _reasoning(fields: Fields, _: Block) -> Part | None:
    thought = fields.inner("reasoningContent")
    told = thought.within("reasoningText")
    if told is None:
        sealed = thought.get("redactedContent", str)
        return None if sealed is None or thought.left else Reasoning(sealed=sealed)
    if thought.left:
        return None
    return Reasoning(text=told.need("text", str), signature=told.get("signature", str), rest=told.left)


def _tool_use(fields: Fields, _: Block) -> Part | None:
    call = fields.inner("toolUse")
    kind = call.get("type", str)
    found = call.pop("input")
    if kind not in (None, "tool_use") or type(found) is not dict:
        return None  # one that Bedrock answers itself
    form = {} if kind is None else {"type": kind}
    id_, name = call.need("toolUseId", str), call.need("name", str)
    return ToolCall(id=id_, name=name, arguments=to_text(found), rest=call.left, form=form)


def _tool_result(fields: Fields, _: Block) -> Part | None:
    result = fields.inner("toolResult")
    if result.has("type"):
        return None
    content = result.need("content", list)
    made = ToolResult(
        id=result.need("toolUseId", str), parts=decode_parts(content, result.path("content"), fields.fault)
    )
    state = result.peek("status")
    if isinstance(state, str) and state in _STATES:
        made.error = _STATES[result.left.pop("status")]
    made.rest = result.left
    return made


_DECODERS: dict[str, Callable[[Fields, Block], Part | None]] = {
    "text": _text,
    "json": _json,
    **dict.fromkeys(KINDS, _medium),
    "searchResult": _search_result,
    "guardContent": _guarded,
    "citationsContent": _cited,
    "reasoningContent": _reasoning,
    "toolUse": _tool_use,
    "toolResult": _tool_result,
}


def encode_parts(parts: list[Part], how: Encoding) -> list[Block]:
    """The content blocks of parts, in order; from another dialect without blank texts, which the API refuses."""
    blocks: list[Block] = []
    for part in parts:
        own = encode_part(part, how)
        blocks += own + (how.after(part) if own or blocks else [])
    return blocks


def encode_part(part: Part, how: Encoding) -> list[Block]:
    """The content blocks of a part without what comes after: mostly one, none when this API has none for it."""
    return _ENCODERS[type(part)](part, how)


def _write_text(part: Text | Refusal, how: Encoding) -> list[Block]:
    citations = part.citations if isinstance(part, Text) else []
    if how.same:
        return [_own_text(part, how)]
    how.rest(part)
    if isinstance(part, Text) and part.scores:
        how.dropped.add("logprobs")
    if citations and how.answer:
        content = {"content": [{"text": part.text}], "citations": [encode_citation(one, how) for one in citations]}
        return [{"citationsContent": content}]
    if citations:
        how.dropped.add("citations")
    return [{"text": part.text}] if part.text.strip() or (how.answer and part.text) else []


def _own_text(part: Text | Refusal, how: Encoding) -> Block:
    if "cited" in part.form:
        found: Block = part.form["cited"]
        return found
    if "guard" in part.form:
        return {"guardContent": {"text": {"text": part.text, **how.rest(part)}}}
    return {"json": msgspec.json.decode(part.text)} if "json" in part.form else {"text": part.text}


def _write_media(part: Media, how: Encoding) -> list[Block]:
    block = encode_media(part, how)
    if block is None:
        return []
    return [{"guardContent": block} if how.same and "guard" in part.form else block]


def _write_reasoning(part: Reasoning, how: Encoding) -> list[Block]:
    rest = how.rest(part)
    blocks: list[Block] = []
    signed = {} if part.signature is None else {"signature": part.signature}
    # A thought nobody signed can be shown to a client, but makers that sign take none back.
    if part.signature or (part.sealed is None and how.same) or (how.answer and part.text):
        blocks.append({"reasoningContent": {"reasoningText": {"text": part.text, **signed, **rest}}})
    if part.sealed is not None and (how.same or is_base64(part.sealed)):
        blocks.append({"reasoningContent": {"redactedContent": part.sealed}})
    if not blocks:
        how.dropped.add("reasoning")
    return blocks


def is_base64(text: str) -> bool:
    """Whether a text survives a client that decodes it, as those of this API do."""
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)) == text.encode()
    except (binascii.Error, ValueError):
        return False


def _write_call(part: ToolCall, how: Encoding) -> list[Block]:
    stated = {} if how.same or how.answer else {"toolUseId": known_id(part.id)}
    kind = part.form if how.same else {}
    call = {"toolUseId": part.id, "name": part.name, "input": to_arguments(part), "type": kind.get("type")}
    made = {key: value for key, value in call.items() if value is not None} | stated | how.rest(part)
    if not part.signature:
        return [{"toolUse": made}]
    if not (how.same or how.answer):
        how.dropped.add("signature")
        return [{"toolUse": made}]
    # A signed call has no place here, but an empty signed thought before it comes back with the next turn.
    thought = {"reasoningText": {"text": "", "signature": part.signature}}
    return [{"reasoningContent": thought}, {"toolUse": made}]


def _write_result(part: ToolResult, how: Encoding) -> list[Block]:
    blocks = encode_parts(part.parts, how if how.same else replace(how, caches=False))
    if not how.same:
        blocks = [block for block in blocks if next(iter(block)) in _IN_RESULTS]
    result: Block = {"toolUseId": part.id if how.same else known_id(part.id), "content": blocks}
    if part.error or (how.same and part.error is not None):
        result["status"] = "error" if part.error else "success"
    return [{"toolResult": merged(how.rest(part), result)}]


def _write_native(part: Native, how: Encoding) -> list[Block]:
    if how.same:
        return [part.rest]
    how.dropped.native(part)
    return []


_ENCODERS: dict[type, Callable[[Any, Encoding], list[Block]]] = {
    Text: _write_text,
    Refusal: _write_text,
    Media: _write_media,
    Reasoning: _write_reasoning,
    ToolCall: _write_call,
    ToolResult: _write_result,
    Native: _write_native,
}
