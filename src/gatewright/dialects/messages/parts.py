"""Content blocks of the Messages API and the parts they mean.

Source: Anthropic API reference, "Messages" (https://platform.claude.com/docs/en/api/messages). Blocks this file does
not name (server tools and their results, containers, compactions, …) are `Native`: kept whole and in their place.
"""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from gatewright.dialects.conversation import (
    Dropped,
    Media,
    Native,
    Node,
    Part,
    Reasoning,
    Refusal,
    Rest,
    Text,
    ToolCall,
    ToolResult,
)
from gatewright.dialects.fields import Fault, Fields, to_text
from gatewright.dialects.freetext import to_arguments
from gatewright.dialects.messages.citations import decode_citation, encode_citation, made

Block = dict[str, Any]

# An image's type by how its base64 begins, where the client did not say.
_IMAGES = {"iVBOR": "image/png", "/9j/": "image/jpeg", "R0lG": "image/gif", "UklG": "image/webp"}
_TEXTUAL = re.compile(r"text/|application/(json|xml|yaml|x-yaml|javascript|x-ndjson)")
_URL_SAFE = str.maketrans("-_", "+/")
_NOT_IN_ID = re.compile(r"[^a-zA-Z0-9_-]")
_DIRECT = {"type": "direct"}  # the `caller` of nearly every call: the model itself, and no program that it runs
_IN_RESULTS = ("text", "image", "document", "search_result", "tool_reference")


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How parts are written.

    Attributes:
        same: they come from this dialect, so every `rest` is put back.
        dropped: told what is left out.
        answer: they are an answer for a client, not a request for a provider.
    """

    same: bool
    dropped: Dropped
    answer: bool = False

    def rest(self, node: Node) -> Rest:
        """What stands beside a value's own fields; of another dialect's, the cache control many clients send here."""
        if self.same or self.answer or not isinstance(node.rest.get("cache_control"), dict):
            return self.dropped.rest(node, same=self.same)
        kept = dict(node.rest)
        control = kept.pop("cache_control")
        self.dropped.rest(replace(node, rest=kept), same=False)
        return {"cache_control": control}


def decode_content(found: Any, where: str, fault: Fault) -> tuple[list[Part], bool]:
    """The parts of a content, and whether it was one plain string."""
    if isinstance(found, str):
        return [Text(text=found)], True
    if not isinstance(found, list):
        raise fault(f"{where} must be a string or a list of content blocks.")
    return [decode_block(block, f"{where}[{at}]", fault) for at, block in enumerate(found)], False


def decode_block(found: Any, where: str, fault: Fault) -> Part:
    """The part a content block means."""
    fields = Fields(found, where, fault)
    kind = fields.need("type", str)
    decode = _DECODERS.get(kind)
    part = None if decode is None else decode(fields, found)
    return Native(rest=dict(found)) if part is None else part


def _text(fields: Fields, _: Block) -> Part:
    cited = [decode_citation(one) for one in fields.items("citations")]
    return Text(text=fields.need("text", str), citations=cited, rest=fields.left)


def _image(fields: Fields, block: Block) -> Part | None:
    return _media(Media(kind="image"), fields, block)


def _document(fields: Fields, block: Block) -> Part | None:
    return _media(Media(kind="document", name=fields.get("title", str), cited=_cited(fields)), fields, block)


def _cited(fields: Fields) -> bool | None:
    """Take whether a document may be cited; what else is said of that stays."""
    found = fields.left.get("citations")
    if not isinstance(found, dict) or found.keys() != {"enabled"} or not isinstance(found["enabled"], bool):
        return None
    enabled: bool = fields.left.pop("citations")["enabled"]
    return enabled


def _media(media: Media, fields: Fields, block: Block) -> Part | None:
    source = fields.inner("source")
    kind = source.need("type", str)
    if kind == "content":
        media.text = _joined(source.left.get("content"))
        media.rest, media.form = fields.left, {"block": block}
        return media
    if kind not in _SOURCES:
        return None
    attribute, key = _SOURCES[kind]
    setattr(media, attribute, source.need(key, str))
    media.media_type = source.get("media_type", str)
    media.rest = fields.left | ({"source": source.left} if source.left else {})
    return media


# Where each kind of source has its content, and under which key.
_SOURCES = {
    "base64": ("data", "data"),
    "url": ("url", "url"),
    "file": ("file_id", "file_id"),
    "text": ("text", "data"),
}


def _joined(content: Any) -> str:
    """The text of a content, for dialects that know neither chunks nor search results."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    texts = [block.get("text") for block in blocks if isinstance(block, dict)]
    return "\n\n".join(text for text in texts if isinstance(text, str))


def _search_result(fields: Fields, block: Block) -> Part:
    text, title = _joined(fields.left.pop("content", None)), fields.get("title", str)
    return Media(kind="document", text=text, name=title, cited=_cited(fields), rest=fields.left, form={"block": block})


def _thinking(fields: Fields, _: Block) -> Part:
    return Reasoning(
        text=fields.need("thinking", str),
        signature=fields.get("signature", str),
        rest=fields.left,
    )


def _redacted_thinking(fields: Fields, _: Block) -> Part:
    return Reasoning(sealed=fields.need("data", str), rest=fields.left)


def _tool_use(fields: Fields, _: Block) -> Part:
    form = {"caller": fields.left.pop("caller")} if fields.peek("caller") == _DIRECT else {}
    return ToolCall(
        id=fields.need("id", str),
        name=fields.need("name", str),
        arguments=to_text(fields.need("input", dict)),
        rest=fields.left,
        form=form,
    )


def _tool_result(fields: Fields, _: Block) -> Part:
    result = ToolResult(id=fields.need("tool_use_id", str), error=fields.get("is_error", bool), rest=fields.left)
    content = fields.left.get("content")
    if content is not None and content != []:
        result.parts, result.bare = decode_content(content, fields.path("content"), fields.fault)
        del fields.left["content"]
    return result


_DECODERS: dict[str, Callable[[Fields, Block], Part | None]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted_thinking,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
}


def encode_part(part: Part, how: Encoding) -> list[Block]:
    """The content blocks of a part: mostly one, none when this API has none for it."""
    return _ENCODERS[type(part)](part, how)


def encode_parts(parts: list[Part], how: Encoding) -> list[Block]:
    """The content blocks of parts, in order; from another dialect without empty texts, which the API refuses."""
    blocks = [block for part in parts for block in encode_part(part, how)]
    return blocks if how.same else [block for block in blocks if block["type"] != "text" or block["text"].strip()]


def _write_text(part: Text, how: Encoding) -> list[Block]:
    return [{"type": "text", "text": part.text, **_write_citations(part, how), **how.rest(part)}]


def _write_citations(part: Text, how: Encoding) -> Block:
    if part.scores:
        how.dropped.add("logprobs")
    if not (how.same or how.answer):
        # The API takes back only what it cited itself.
        how.dropped.update(["citations"] if part.citations else [])
        return {}
    shown = [
        wire
        for one in part.citations
        if how.answer or not made(one)
        if (wire := encode_citation(one, part, same=how.same, dropped=how.dropped)) is not None
    ]
    return {"citations": shown} if shown else {}


def _write_refusal(part: Refusal, how: Encoding) -> list[Block]:
    return [{"type": "text", "text": part.text, **how.rest(part)}]


def _write_media(part: Media, how: Encoding) -> list[Block]:
    if how.same and "block" in part.form:  # chunks, which the part holds as one text
        return [part.form["block"]]
    source = _source(part, how.same)
    if source is None or how.answer:
        how.dropped.add(part.kind)
        return []
    rest = dict(how.rest(part))
    source |= rest.pop("source", {})
    name = {"title": part.name} if part.name is not None and part.kind == "document" else {}
    cited = {} if part.cited is None else {"citations": {"enabled": part.cited}}
    if part.detail not in (None, "auto"):
        how.dropped.add("detail")
    return [{"type": part.kind, "source": source, **name, **(cited if part.kind == "document" else {}), **rest}]


def _source(part: Media, same: bool) -> Block | None:
    """The `source` of a medium; None when this API cannot take it."""
    stated = {} if part.media_type is None else {"media_type": part.media_type}
    if part.file_id is not None and same:
        return {"type": "file", "file_id": part.file_id} | stated
    if part.kind not in ("image", "document") or part.file_id is not None:
        return None
    if part.url is not None:
        return {"type": "url", "url": part.url} | (stated if same else {})
    if part.text is not None:
        return {"type": "text", "data": part.text} | (stated if same else {"media_type": "text/plain"})
    data = part.data or ""
    if same:
        return {"type": "base64", "data": data} | stated
    if part.kind == "image":
        guess = next((kind for begin, kind in _IMAGES.items() if data.startswith(begin)), "image/png")
        kind = (part.media_type or guess).lower().replace("image/jpg", "image/jpeg")
        return {"type": "base64", "media_type": kind, "data": data}
    return _document_source(data, (part.media_type or "application/pdf").lower())


def _document_source(data: str, media_type: str) -> Block | None:
    """A document as PDF or as plain text, the two this API reads."""
    if media_type == "application/pdf":
        return {"type": "base64", "media_type": media_type, "data": data}
    if not _TEXTUAL.match(media_type):
        return None
    try:
        text = base64.b64decode(data.translate(_URL_SAFE) + "==").decode()
    except (binascii.Error, ValueError):
        return None
    return {"type": "text", "media_type": "text/plain", "data": text}


def _write_reasoning(part: Reasoning, how: Encoding) -> list[Block]:
    if how.same:
        if part.sealed is not None:
            return [{"type": "redacted_thinking", "data": part.sealed, **part.rest}]
        signed = {} if part.signature is None else {"signature": part.signature}
        return [{"type": "thinking", "thinking": part.text, **signed, **part.rest}]
    blocks: list[Block] = []
    # A thought nobody signed can be shown to a client, but the API takes none back.
    if part.signature or (how.answer and part.text):
        blocks.append({"type": "thinking", "thinking": part.text, "signature": part.signature or ""})
    if part.sealed:
        blocks.append({"type": "redacted_thinking", "data": part.sealed})
    if part.text and not blocks:
        how.dropped.add("reasoning")
    how.dropped.rest(part, same=False)
    return blocks


def _write_call(part: ToolCall, how: Encoding) -> list[Block]:
    call = {
        "type": "tool_use",
        "id": part.id if how.same or how.answer else known_id(part.id),
        "name": part.name,
        "input": to_arguments(part),
        **(part.form if how.same else {}),
        **how.rest(part),
    }
    if not part.signature:
        return [call]
    if not (how.same or how.answer):
        how.dropped.add("signature")
        return [call]
    # A signed call has no place here, but an empty signed thought before it comes back with the next turn.
    return [{"type": "thinking", "thinking": "", "signature": part.signature}, call]


def known_id(name: str) -> str:
    """A call's id in the letters this API allows (`^[a-zA-Z0-9_-]+$`)."""
    return _NOT_IN_ID.sub("_", name) or "call"


def _write_result(part: ToolResult, how: Encoding) -> list[Block]:
    result: Block = {"type": "tool_result", "tool_use_id": part.id if how.same else known_id(part.id)}
    blocks = encode_parts(part.parts, how)
    if not how.same:
        blocks = [block for block in blocks if block["type"] in _IN_RESULTS]
    if part.bare and [block["type"] for block in blocks] == ["text"]:
        result["content"] = blocks[0]["text"]
    elif blocks:
        result["content"] = blocks
    if part.error or (how.same and part.error is not None):
        result["is_error"] = part.error
    return [result | how.rest(part)]


def _write_native(part: Native, how: Encoding) -> list[Block]:
    if how.same:
        return [part.rest]
    how.dropped.native(part)
    return []


_ENCODERS: dict[type, Callable[[Any, Encoding], list[Block]]] = {
    Text: _write_text,
    Refusal: _write_refusal,
    Media: _write_media,
    Reasoning: _write_reasoning,
    ToolCall: _write_call,
    ToolResult: _write_result,
    Native: _write_native,
}
