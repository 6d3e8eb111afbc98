"""What the streams of Amazon Bedrock tell in their frames: exceptions, and the events of Anthropic's own stream.

Source of its facts: Amazon Bedrock API reference, "ConverseStream" and "InvokeModelWithResponseStream"
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html).
"""

import base64
import binascii
from dataclasses import dataclass

import msgspec

from gatewright.dialects.anthropic import TYPES
from gatewright.dialects.eventstream import Frame, FrameReader, broken
from gatewright.dialects.sse import write

STATUSES = {
    "validationException": 400,
    "accessDeniedException": 403,
    "resourceNotFoundException": 404,
    "throttlingException": 429,
    "modelNotReadyException": 429,
    "internalServerException": 500,
    "modelStreamErrorException": 502,
    "modelErrorException": 502,
    "serviceUnavailableException": 503,
    "modelTimeoutException": 504,
}
"""The exceptions of Bedrock's streams, each with the status it has for a caller of a gateway: where the model failed,
AWS's own 424 and 408 are 502 and 504 (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html).
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a frame that is no event tells.

    Attributes:
        kind: its type; empty when it says none.
        message: its words.
        status: HTTP status that fits.
    """

    kind: str
    message: str
    status: int


class _Told(msgspec.Struct, rename="camel"):
    message: str = ""
    original_message: str = ""
    original_status_code: int = 0


def failure(frame: Frame) -> Failure | None:
    """What went wrong, when a frame tells that; None for an event."""
    if frame.label(":message-type") == "event":
        return None
    kind = frame.label(":exception-type") or frame.label(":error-code")
    try:
        told = msgspec.json.decode(frame.payload, type=_Told)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        told = _Told()
    status = told.original_status_code
    if not 400 <= status <= 599:
        status = STATUSES.get(kind[:1].lower() + kind[1:], 500)
    message = told.original_message or told.message or frame.label(":error-message") or kind or "unknown error"
    return Failure(kind, message, status)


class _Chunk(msgspec.Struct):
    bytes: str


class _Typed(msgspec.Struct):
    type: str


class ChunksToEvents:
    """A stream of Bedrock's InvokeModelWithResponseStream for Anthropic's models, as the server-sent events inside it.

    A `chunk` holds one event of Anthropic's stream in base64, which comes out byte for byte; an exception becomes an
    `error` event, after which nothing follows
    (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html).
    """

    def __init__(self) -> None:
        self._reader = FrameReader()
        self._failed = False

    def feed(self, data: bytes) -> bytes:
        """The events that the bytes complete.

        Raises:
            UpstreamProtocolError: when they are not of this API.
        """
        return b"".join(self._event(one) for one in self._reader.feed(data))

    def end(self) -> bytes:
        """The events left when the bytes have ended: none.

        Raises:
            UpstreamProtocolError: when the last frame is cut.
        """
        self._reader.end()
        return b""

    def _event(self, found: Frame) -> bytes:
        if self._failed:
            return b""
        problem = failure(found)
        if problem is not None:
            self._failed = True
            kind = TYPES.get(problem.status, "api_error" if problem.status >= 500 else "invalid_request_error")
            body = {"type": "error", "error": {"type": kind, "message": problem.message}}
            return write(msgspec.json.encode(body), b"error")
        if found.label(":event-type") != "chunk":
            return b""
        try:
            data = base64.b64decode(msgspec.json.decode(found.payload, type=_Chunk).bytes, validate=True)
            kind = msgspec.json.decode(data, type=_Typed).type
        except (msgspec.MsgspecError, binascii.Error, UnicodeError, RecursionError):
            raise broken("a chunk of it holds no event") from None
        if not kind.isprintable():
            raise broken("an event of it has no fit type")
        if b"\n" in data or b"\r" in data:  # JSON over several lines
            data = msgspec.json.format(data, indent=-1)
        return write(data, kind.encode())
