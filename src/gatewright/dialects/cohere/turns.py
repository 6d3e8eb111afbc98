"""The turns of other dialects as messages Cohere's v2 chat API accepts."""

from collections.abc import Iterable
from typing import Any

from gatewright.dialects.cohere.documents import encode_data, readable
from gatewright.dialects.cohere.parts import PLAN, Block, encode_block, encode_call, encode_image
from gatewright.dialects.conversation import (
    Dropped,
    Media,
    Message,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from gatewright.dialects.turns import joined
from gatewright.errors import ClientError


class Turns:
    """Writes the messages of one request.

    Args:
        dropped: told what is left out.
        citing: documents that may be cited go to `documents`, not into a user's text.

    Attributes:
        documents: the request's `documents`.
    """

    def __init__(self, dropped: Dropped, *, citing: bool) -> None:
        self.documents: list[Block] = []
        self._dropped = dropped
        self._citing = citing
        self._seen = 0  # documents so far

    def encode(self, messages: Iterable[Message]) -> list[Block]:
        """The messages.

        Raises:
            ClientError: when there is none with content.
        """
        made: list[Block] = []
        later: list[Block] = []  # what was said between an assistant's calls and the last of their results
        for message in joined(messages):
            self._dropped.rest(message, same=False)
            if message.role == "assistant":
                made += later + self._assistant(message.parts)
                later = []
                continue
            for part in message.parts:
                if isinstance(part, ToolResult):
                    made.append(self._result(part, later))
            role = "user" if message.role in ("user", "tool") else "system"
            later += self._said(role, [part for part in message.parts if not isinstance(part, ToolResult)])
        made += later
        if not made:
            raise ClientError("messages must have at least one message with content.")
        if all(message["role"] == "system" for message in made):
            made = [message | {"role": "user"} for message in made]
        return made

    def _said(self, role: str, parts: list[Part]) -> list[Block]:
        before = len(self.documents)
        blocks = [block for part in parts for block in self._block(part)]
        if not blocks:  # documents alone: a message must say something
            blocks = [{"type": "text", "text": one["data"]["text"]} for one in self.documents[before:]]
            del self.documents[before:]
        if role == "system" and any(block["type"] != "text" for block in blocks):
            self._dropped.add("image")
            blocks = [block for block in blocks if block["type"] == "text"]
        return [{"role": role, "content": _short(blocks)}] if blocks else []

    def _assistant(self, parts: list[Part]) -> list[Block]:
        """An assistant's message; a thought before calls is their plan, which every model that calls takes."""
        calls = [encode_call(part, same=False, dropped=self._dropped) for part in parts if isinstance(part, ToolCall)]
        thoughts = [part for part in parts if isinstance(part, Reasoning)]
        said = [part for part in parts if not isinstance(part, ToolCall | Reasoning)]
        blocks = [block for part in said for block in self._block(part)]
        if any(block["type"] != "text" for block in blocks):
            self._dropped.add("assistant media")
            blocks = [block for block in blocks if block["type"] == "text"]
        told = [part.text for part in thoughts if part.text]
        if len(told) < len(thoughts) or any(part.signature or part.sealed for part in thoughts):
            self._dropped.add("reasoning")
        message: Block = {"role": "assistant"}
        if calls:
            message["tool_calls"] = [
                {key: value for key, value in call.items() if key != "signature"} for call in calls
            ]
            if any("signature" in call for call in calls):
                self._dropped.add("signature")
            if told:
                message[PLAN] = "\n\n".join(told)
        else:
            blocks = [*({"type": "thinking", "thinking": text} for text in told), *blocks]
        if blocks:
            message["content"] = _short(blocks)
        return [message] if calls or blocks else []

    def _result(self, result: ToolResult, later: list[Block]) -> Block:
        """A tool's result. Images, which it cannot hold, follow as the user's; that it failed is said in words."""
        self._dropped.rest(result, same=False)
        blocks: list[Block] = [{"type": "text", "text": "Error:"}] if result.error else []
        images: list[Block] = []
        for part in result.parts:
            text = readable(part) if isinstance(part, Media) and part.kind == "document" else None
            if text is not None and isinstance(part, Media):
                blocks.append({"type": "document", "document": {"data": encode_data(part, text)}})
            else:
                for block in self._block(part):
                    (blocks if block["type"] == "text" else images).append(block)
        if images:
            told = {"type": "text", "text": f"The result of tool call {result.id}:"}
            later.append({"role": "user", "content": [told, *images]})
        content = _short(blocks) if blocks else "The result follows." if images else "The tool answered nothing."
        return {"role": "tool", "tool_call_id": result.id, "content": content}

    def _block(self, part: Part) -> list[Block]:
        """The block of a part, if there is one; no text may be empty."""
        if isinstance(part, Text) and part.citations:
            self._dropped.add("citations")
        if isinstance(part, Media) and part.kind == "document":
            return self._document(part)
        if isinstance(part, Media) and encode_image(part) is None:
            self._dropped.rest(part, same=False)
            self._dropped.add(part.kind)
            return []
        block = encode_block(part, same=False, dropped=self._dropped)
        return [] if block is None or (block["type"] == "text" and not block["text"].strip()) else [block]

    def _document(self, part: Media) -> list[Block]:
        """A document to be cited stands beside the messages, with an id of its place; another is text."""
        self._dropped.rest(part, same=False)
        text = readable(part)
        place, self._seen = self._seen, self._seen + 1
        if text is None:
            self._dropped.add("document")
            return []
        if self._citing and part.cited:
            self.documents.append({"id": f"doc:{place}", "data": encode_data(part, text)})
            return []
        return [{"type": "text", "text": text if part.name is None else f"{part.name}\n\n{text}"}]


def _short(blocks: list[Block]) -> Any:
    """A content: one text as a plain string."""
    return blocks[0]["text"] if [block["type"] for block in blocks] == ["text"] else blocks
