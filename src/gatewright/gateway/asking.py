"""One call of one target: the request goes out, and of its answer is read what must be known before any is given on.

That is all of a whole answer, and a stream up to where it says something: until then a failure is that of an attempt.
"""

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from gatewright.dialects import openai
from gatewright.dialects.chat.errors import decode_failure
from gatewright.errors import UpstreamError, UpstreamProtocolError, UpstreamStatusError
from gatewright.gateway import heading
from gatewright.gateway.body import JSON
from gatewright.gateway.conversations import FRAMES, LINES, SSE
from gatewright.gateway.heading import Head
from gatewright.gateway.masking import masked
from gatewright.gateway.metering import Meter
from gatewright.gateway.opening import Opening, decoded
from gatewright.gateway.streaming import LINE_ENDS, Transform
from gatewright.gateway.translate import Sending
from gatewright.gateway.understand import RAW, Call
from gatewright.snapshot.model import Target
from gatewright.upstream.client import Upstream
from gatewright.upstream.response import Response

_CLOSED = (b"}", b"]")
MAX_ERROR_BODY = 1 << 20
MAX_BODY = 256 << 20
_ERROR = re.compile(rb'\s*\{\s*(?:"type"\s*:\s*"error"\s*,\s*)?"error"\s*:\s*[{"]')
"""How an answer begins that is nothing but an error."""

STREAMS = frozenset({SSE, FRAMES, LINES})
"""Content types of answers that come piece by piece, where only the answer says so."""

_MARKS = {SSE: b"\n", LINES: b"\n", FRAMES: b":message-type", JSON: b"}"}
"""By the content type of a stream, what is in each whole piece of it, pings and comments too; JSON is one array.

Of Amazon's frames it is the name of a header that they all have:
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html
"""


@dataclass(slots=True)
class Answer:
    """What a target answered; its first piece is already here.

    Attributes:
        target: who answered.
        attempts: how many calls were made, this one included.
        began: when this one began, as `time.perf_counter` tells it.
        response: the answer; its body is read, but for the rest of a stream.
        head: what its header fields say.
        sending: what was sent, and how it was translated.
        body: the whole body, or the first of a stream, as the client gets it.
        rest: makes of the rest of a stream what the client gets; None when `body` is whole.
        waited: seconds spent waiting for targets until here.
    """

    target: Target
    attempts: int
    began: float
    response: Response
    head: Head
    sending: Sending
    body: bytes
    rest: Transform | None = None
    waited: float = 0.0


async def ask(upstream: Upstream, target: Target, sending: Sending, call: Call, attempts: int, began: float) -> Answer:
    """Call a target, and read its answer so far that it can be given on.

    Args:
        upstream: how requests reach providers.
        target: who is called.
        sending: what is sent.
        call: what was asked.
        attempts: how many calls were made, this one included.
        began: when it begins, as `time.perf_counter` tells it.

    Raises:
        UpstreamError: when there is no such answer.
    """
    response = await upstream.call(target.access, b"POST", sending.path, sending.headers, sending.body)
    try:
        head, body, rest = await _read(response, sending, call)
    except BaseException:
        await response.close()
        raise
    return Answer(target, attempts, began, response, head, sending, body, rest)


async def _read(response: Response, sending: Sending, call: Call) -> tuple[Head, bytes, Transform | None]:
    if response.status >= 300:
        raise await _rejected(response, translated=sending.translated)
    head = heading.read(response.headers)
    kind = head.media
    streams = kind == sending.media if call.stream else call.operation == RAW and kind in STREAMS
    if not streams:
        if call.stream and sending.fed:
            raise UpstreamProtocolError("it answered whole where a stream was asked for.")
        whole = response.here(MAX_BODY) or await response.read(MAX_BODY)
        return head, _checked(whole, kind, response, sending, raw=call.operation == RAW), None
    response.expect(_MARKS[kind])
    stream = sending.stream() if sending.stream else sending.meter
    opening = None
    if not (sending.fed or call.operation == RAW):  # what reads it holds back by itself what says nothing
        opening = Opening(sending.content_type or kind, partial(_refuse_failed, response, translated=False))
    async for piece in response:
        first = stream.feed(piece)
        if first and opening is not None:
            first = opening.feed(first)
        if first:
            return head, first, stream
    first = stream.end()
    if opening is not None:
        first = (first and opening.feed(first)) or opening.end()
    if first:
        return head, first, Meter("")  # nothing follows
    raise UpstreamProtocolError("it ended the stream before saying anything.")


def _checked(body: bytes, kind: bytes, response: Response, sending: Sending, *, raw: bool) -> bytes:
    """A whole answer as the client gets it, if it can be one: what a login page or a cut behind a proxy leaves is not.

    An answer that is nothing but an error is none though its status says that all is well, as routers of other
    providers answer.
    """
    if not body:
        raise UpstreamProtocolError("its answer is empty.")
    if kind == b"text/html":
        raise UpstreamProtocolError("it answered with a web page; check api_base.")
    if kind == JSON and body[-1:] not in _CLOSED and not body.rstrip().endswith((b"}", b"]")):
        raise UpstreamProtocolError("its answer is not whole JSON.")
    if not raw and _ERROR.match(body):
        _refuse_failed(response, decoded(body), body, translated=sending.translated)
    if not sending.fed:
        _meter(body, kind, sending.meter)
    return sending.whole(body) if sending.whole else body


async def _rejected(response: Response, *, translated: bool) -> UpstreamStatusError:
    """Why there is no answer: a redirect, or the provider's error with our credential taken out of it."""
    if response.status < 400:
        raise UpstreamProtocolError(f"it answered with a redirect ({response.status}), which is never followed.")
    try:
        body = await response.read(MAX_ERROR_BODY)
    except UpstreamError:
        body = b""  # it broke off or is too long, but its status is known and decides
    body = masked(body, response.credential)
    said = openai.error_message(body)
    words = f"it answered {response.status}" + (f": {said}" if said else ".")
    return UpstreamStatusError(words, response.status, response.headers, body, native=not translated)


def _refuse_failed(response: Response, found: Any, body: bytes, *, translated: bool) -> None:
    """Take an error for one though its status says that all is well, as routers of other providers answer."""
    response_of_event = found.get("response") if found.get("type") == "response.failed" else None
    failed = decode_failure(response_of_event if isinstance(response_of_event, dict) else found)
    if failed is not None:
        if "sequence_number" in found:  # an event of Responses, which no body is written like
            body = msgspec.json.encode({"error": failed.form})
        body = masked(body, response.credential)
        words = f"it failed: {openai.error_message(body) or failed.message}"
        raise UpstreamStatusError(words, failed.status, response.headers, body, native=not translated, inside=True)


def _meter(body: bytes, kind: bytes, meter: Meter) -> None:
    """Read the usage of a whole answer, which may be a stream that nobody asked for."""
    if kind not in STREAMS:
        meter.whole(body, is_json=kind == JSON)
        return
    meter.feed(body)
    if not meter.ended or not (kind == FRAMES or body.endswith(LINE_ENDS)):
        raise UpstreamProtocolError("it ended the stream before the answer was complete.")
