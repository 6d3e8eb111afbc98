"""The beginning of a stream that is passed through: whether there is an answer, its first words tell.

What says nothing yet is held back, so that a provider that fails before it has said anything can be replaced by the
next target. Pure: bytes in, bytes out.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import msgspec

from gatewright.dialects.bedrock import failure
from gatewright.dialects.eventstream import Frame, FrameReader
from gatewright.dialects.generate_content.elements import ArrayReader
from gatewright.dialects.ndjson import LineReader
from gatewright.dialects.sse import ServerSentEvent, SSEReader
from gatewright.errors import UpstreamProtocolError
from gatewright.gateway.body import JSON
from gatewright.gateway.conversations import FRAMES, LINES, SSE

LARGEST, MOST = 1 << 20, 16
"""Bytes and events that are held, at most: some repeat what they were asked, or say nothing to tell that they live."""

_PING = b"ping"

_SAY_NOTHING = frozenset(
    {
        "ping",  # https://docs.anthropic.com/en/docs/build-with-claude/streaming
        "message_start",
        "response.created",  # https://platform.openai.com/docs/api-reference/responses-streaming
        "response.queued",
        "response.in_progress",
        "message-start",  # https://docs.cohere.com/docs/streaming
        "messageStart",  # https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
    }
)
"""Types of events that say only that there is an answer, or that the connection lives."""

_AZURE = "prompt_filter_results"
"""What Azure tells in a first chunk without choices
(https://learn.microsoft.com/en-us/azure/ai-services/openai/concepts/content-streaming)."""

Refuse = Callable[[dict[str, Any], bytes], None]
"""Raises when an event is an error; given the event, and its JSON text."""


class Opening:
    """Holds a stream back until it says something.

    Args:
        media: content type of the stream.
        refuse: see `Refuse`; called with each event up to the first that says something, that one too.
    """

    def __init__(self, media: bytes, refuse: Refuse) -> None:
        self._reader = _READERS[media]()
        self._refuse = refuse
        self._held: list[bytes] = []
        self._size = self._count = 0

    def feed(self, piece: bytes) -> bytes:
        """All that has come, once something is said, or it is too much to be held; nothing before.

        Raises:
            UpstreamProtocolError: what comes is not of its content type, or its first event is longer than `LARGEST`.
            UpstreamError: whatever `refuse` raises.
        """
        self._held.append(piece)
        self._size += len(piece)
        if self._says(self._reader.feed(piece)):
            return b"".join(self._held)
        if self._size <= LARGEST:
            return b""
        if not self._count:
            raise UpstreamProtocolError(f"the first event of its stream is not whole after {LARGEST} bytes.")
        return b"".join(self._held)

    def end(self) -> bytes:
        """All that has come of a stream that has ended, if its last event says something, whole or not.

        Raises:
            UpstreamError: as `feed`.
        """
        return b"".join(self._held) if self._says(self._reader.end()) else b""

    def _says(self, events: Iterable[bytes]) -> bool:
        for text in events:
            self._count += 1
            if text == b"[DONE]" or self._count > MOST:
                return True
            found = decoded(text)
            if not isinstance(found, dict):
                return True
            self._refuse(found, text)
            if not _says_nothing(found):
                return True
        return False


def decoded(text: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        UpstreamProtocolError: it is none.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UpstreamProtocolError("its answer is not JSON.") from None


def _says_nothing(event: Mapping[str, Any]) -> bool:
    kind, choices = event.get("type"), event.get("choices")
    if isinstance(kind, str) and kind in _SAY_NOTHING:
        return True
    return isinstance(choices, list) and (all(map(_is_mute, choices)) if choices else _AZURE in event)


def _is_mute(choice: Any) -> bool:
    """Whether a choice of a chat's chunk has no more than its role."""
    delta = choice.get("delta") if isinstance(choice, dict) else None
    if not isinstance(delta, dict) or choice.get("finish_reason"):
        return False
    return not any(value for name, value in delta.items() if name != "role")


class _Reader(Protocol):
    """Finds the JSON texts of events."""

    def feed(self, data: bytes) -> Iterable[bytes]:
        """Those that the bytes complete."""
        ...

    def end(self) -> Iterable[bytes]:
        """Those that are left when the bytes have ended."""
        ...


class _Events:
    """Of server-sent events."""

    def __init__(self) -> None:
        self._reader = SSEReader()

    def feed(self, data: bytes) -> Iterable[bytes]:
        return _texts(self._reader.feed(data))

    def end(self) -> Iterable[bytes]:
        return _texts(self._reader.end())


def _texts(events: Iterable[ServerSentEvent]) -> Iterable[bytes]:
    return [event.data for event in events if event.data and event.name != _PING]


class _Elements:
    """Of the elements of an array."""

    def __init__(self) -> None:
        self._reader = ArrayReader()

    def feed(self, data: bytes) -> Iterable[bytes]:
        return self._reader.feed(data)

    def end(self) -> Iterable[bytes]:
        self._reader.end()
        return ()


class _Frames:
    """Of Amazon's frames: an event by its type alone, and an exception as Amazon writes it in an error answer."""

    def __init__(self) -> None:
        self._reader = FrameReader()

    def feed(self, data: bytes) -> Iterable[bytes]:
        return [msgspec.json.encode(_told(frame)) for frame in self._reader.feed(data)]

    def end(self) -> Iterable[bytes]:
        self._reader.end()
        return ()


def _told(frame: Frame) -> dict[str, Any]:
    problem = failure(frame)
    if problem is None:
        return {"type": frame.label(":event-type")}
    kind = problem.kind[:1].upper() + problem.kind[1:]
    return {"type": "error", "__type": kind, "message": problem.message, "status_code": problem.status}


_READERS: Mapping[bytes, Callable[[], _Reader]] = {SSE: _Events, LINES: LineReader, FRAMES: _Frames, JSON: _Elements}
