"""Usage read beside an answer that is passed through, and whether its stream was complete.

Nothing is decoded but the usage itself: in a stream its place is found by its name, whatever the pieces and the framing
are. A name inside a text does not match, for its quotes are escaped there.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from gatewright.dialects import chat, cohere, converse, generate_content, messages, ollama, responses
from gatewright.dialects.conversation import Usage
from gatewright.dialects.embeddings import gemini, openai
from gatewright.dialects.rerank import results
from gatewright.errors import UpstreamError, UpstreamProtocolError, UpstreamStatusError

MAX_USAGE = 65536
"""Bytes a usage object may have, or an event that tells nothing else; a longer one is not read, nor hidden."""

TAIL = 32
"""Bytes of a piece that are looked at again with the next one: a mark may be cut in two."""

MAX_NAMES = 256
"""Names the usage of one stream may have, over all its events; what would be more is not read."""

_SCAN = json.JSONDecoder()
_ERROR_EVENT = re.compile(rb'(?:^|[\r\n,])(?:event: ?error\b|(?:data: ?)?\{\s*"(?:type": ?"error"|error": ?["{]))')
"""How an error looks among the events of a stream, lines of JSON and elements of an array."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Where the answers of an operation tell usage and their end.

    Attributes:
        mark: name of the object with the usage, quoted; empty when the counts lie about as `numbers`.
        decode: reads the object.
        numbers: finds the name and the value of a count that is a field of the answer itself.
        hints: what is found in the piece that says the stream is complete, for a quick look; empty where none does.
        ends: what a complete stream has said; None where that cannot be told.
    """

    mark: bytes
    decode: Callable[[Mapping[str, Any]], Usage]
    numbers: re.Pattern[bytes] | None = None
    hints: tuple[bytes, ...] = ()
    ends: re.Pattern[bytes] | None = None


# An error inside a stream ends it as well. Some providers leave out OpenAI's `[DONE]`, but not why an answer ended.
_CHAT = Scale(
    mark=b'"usage"',
    decode=chat.decode_usage,
    hints=(b"[DONE]", b'finish_reason":"', b'finish_reason": "', b'"error":'),
    ends=re.compile(rb'(?:^|[\r\n])data: ?\[DONE\]|"finish_reason": ?"[^"]|"error":\s?["{]'),
)
_RESPONSES = Scale(
    mark=b'"usage"',
    decode=responses.decode_usage,
    hints=(b"response.completed", b"response.incomplete", b"response.failed", b'"error"'),
    ends=re.compile(rb'"type":\s?"(?:response\.(?:completed|incomplete|failed)|error)"'),
)
_COUNTED_LIKE_RESPONSES = replace(_RESPONSES, hints=(), ends=None)
_OLLAMA = Scale(
    mark=b"",
    decode=ollama.chat.decode_usage,
    numbers=re.compile(rb'"((?:prompt_)?eval_count)":\s?(\d{1,12})'),
    hints=(b"true", b'"error":'),
    ends=re.compile(rb'"done":\s?true|"error":\s?["{]'),
)
_GEMINI_EMBEDDINGS = Scale(mark=b'"usageMetadata"', decode=gemini.decode_usage)
SCALES: Mapping[str, Scale] = {
    "chat": _CHAT,
    "completions": _CHAT,
    "embeddings": Scale(mark=b'"usage"', decode=openai.decode_usage),
    "embed_content": _GEMINI_EMBEDDINGS,
    "batch_embed_contents": _GEMINI_EMBEDDINGS,
    "rerank": Scale(mark=b'"usage"', decode=results.decode_usage),  # Cohere's own counts searches, and no tokens
    "moderations": Scale(mark=b'"usage"', decode=chat.decode_usage),
    "messages": Scale(
        mark=b'"usage"',
        decode=messages.decode_usage,
        hints=(b"message_stop", b'"error"'),
        ends=re.compile(rb'"type":\s?"(?:message_stop|error)"'),
    ),
    "responses": _RESPONSES,
    "cohere": Scale(
        mark=b'"usage"',
        decode=cohere.decode_usage,
        hints=(b"message-end",),
        ends=re.compile(rb'"type":\s?"message-end"'),
    ),
    "converse": Scale(
        mark=b'"usage"',
        decode=converse.decode_usage,
        hints=(b"messageStop", b":exception-type"),
        ends=re.compile(rb"messageStop|:exception-type"),
    ),
    "ollama_chat": _OLLAMA,
    "ollama_generate": _OLLAMA,
    "ollama_embed": _OLLAMA,
    "compact": _COUNTED_LIKE_RESPONSES,
    "images": _COUNTED_LIKE_RESPONSES,
    "image_edits": _COUNTED_LIKE_RESPONSES,
    "transcriptions": _COUNTED_LIKE_RESPONSES,
    "generate_content": Scale(
        mark=b'"usageMetadata"',
        decode=generate_content.decode_usage,
        hints=(b'finishReason"', b'blockReason"', b'"error":'),
        ends=re.compile(rb'"(?:finishReason|blockReason)":\s?"|"error":\s?["{]'),
    ),
}


class _Told(msgspec.Struct, gc=False):
    """What is read of a whole answer; the rest of it is skipped."""

    usage: dict[str, Any] | None = None
    usageMetadata: dict[str, Any] | None = None  # noqa: N815 - as the wire has it


_TOLD = msgspec.json.Decoder(_Told)


class Meter:
    """Reads the usage of one answer.

    Args:
        operation: what was asked; of an operation without a scale nothing is read.

    Attributes:
        ended: whether a stream has said that it is complete; True where that cannot be told.
        failed: code of the error that a stream ended with; empty for none.
    """

    __slots__ = ("_found", "_pending", "_scale", "_tail", "_told", "ended", "failed")

    def __init__(self, operation: str) -> None:
        self._scale = SCALES.get(operation)
        self._found: dict[str, Any] = {}
        self._tail = b""  # of the piece before, when that did not end a line
        self._pending = b""
        self._told: Usage | None = None
        self.failed = ""
        self.ended = self._scale is None or self._scale.ends is None

    @property
    def usage(self) -> Usage | None:
        """What was used; None when the answer has not told."""
        if self._told is not None or self._scale is None or not self._found:
            return self._told
        try:
            return self._scale.decode(self._found)
        except UpstreamProtocolError:
            return None

    def count(self, usage: Usage | None) -> None:
        """Take over usage that a translation has read."""
        self._told = usage or self._told

    def whole(self, body: bytes, *, is_json: bool = True) -> None:
        """Read a whole answer.

        Args:
            body: the answer.
            is_json: whether it says that it is JSON.

        Raises:
            UpstreamProtocolError: when it is not. One longer than `MAX_USAGE` is not looked at for that.
        """
        scale = self._scale
        if scale is None:
            return
        if scale.numbers is not None:
            self._count(scale.numbers, body)
        if len(body) > MAX_USAGE and (scale.numbers is not None or scale.mark not in body):
            return
        try:
            told = _TOLD.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if is_json and len(body) <= MAX_USAGE and not _is_json(body):
                raise UpstreamProtocolError("its answer is not JSON.") from None
            return
        self._found.update((told.usage if scale.mark == b'"usage"' else told.usageMetadata) or {})

    def feed(self, piece: bytes) -> bytes:
        """Read a piece of a stream, which stays as it is."""
        scale = self._scale
        if scale is None:
            return piece
        data = self._tail + piece if self._tail else piece
        if piece[-1:] == b"\n":  # most pieces are whole events
            self._tail = b""
        elif len(data) > TAIL:
            self._tail = b"." + data[-TAIL:]  # the dot keeps its beginning from being taken for that of a line
        else:
            self._tail = data if self._tail else b"\n" + data
        if not self.ended:
            for hint in scale.hints:
                if hint in data:
                    self._look_for_the_end(data)
                    break
        if scale.numbers is not None:
            self._count(scale.numbers, data)
        elif self._pending:
            self._go_on(piece)
        elif scale.mark in data and data.count(scale.mark) != data.count(scale.mark + b":null"):
            self._pending = data
            self._read()
        return piece

    def end(self) -> bytes:
        """Nothing is left of a stream that stays as it is."""
        return b""

    def fail(self, _problem: UpstreamError) -> bytes:
        """Nothing is said of a failure in a stream that stays as it is."""
        return b""

    def _go_on(self, piece: bytes) -> None:
        """Read what may complete a usage object."""
        self._pending += piece
        if b"}" in piece or len(self._pending) >= MAX_USAGE:  # else no object has ended
            self._read()

    def _look_for_the_end(self, data: bytes) -> None:
        scale = self._scale
        if scale is not None and scale.ends is not None:
            self.ended = scale.ends.search(data) is not None
            if self.ended and _ERROR_EVENT.search(data):
                self.failed = UpstreamStatusError.code

    def _count(self, numbers: re.Pattern[bytes], data: bytes) -> None:
        self._found.update((name.decode("ascii"), int(value)) for name, value in numbers.findall(data))

    def _read(self) -> None:
        """Take every usage object that is whole; one that is not waits for the next piece."""
        mark = self._scale.mark if self._scale else b""
        text, self._pending = self._pending, b""
        while (at := text.find(mark)) >= 0:
            text = text[at:]
            value = text[len(mark) :].lstrip()
            brace = value[1:].lstrip() if value.startswith(b":") else value
            begun = not value or (value.startswith(b":") and not brace)
            if begun or (brace.startswith(b"{") and not self._object(brace)):
                self._pending = text if len(text) < MAX_USAGE else b""
                return
            text = text[len(mark) :]

    def _object(self, text: bytes) -> bool:
        """Take the object at the start of a text; False when it does not end there."""
        try:
            found, _ = _SCAN.raw_decode(text[:MAX_USAGE].decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return False
        if len(self._found) + len(found) > MAX_NAMES:
            return True
        # Some tell a part first and the rest later, as Anthropic does, others all of it again.
        self._found.update((name, value) for name, value in found.items() if value is not None)
        return True


def _is_json(body: bytes) -> bool:
    """Whether a body is JSON as most write it: with NaN and halves of characters, which our decoder refuses."""
    try:
        json.loads(body.decode("utf-8", "replace"), parse_int=float)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True
