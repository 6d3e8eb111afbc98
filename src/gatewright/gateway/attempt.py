"""Station 4: walk the route plan until a target answers.

`FALLS_BACK` is the one table of which failure goes on to the next target and which is final. The rule that spans its
rows: nothing is ever tried again after the first byte went to the client, so a stream's first piece is read here,
before the answer begins.
"""

import logging
import re
import time
from dataclasses import dataclass

import msgspec

from gatewright.dialects import openai
from gatewright.dialects.chat.errors import decode_failure
from gatewright.errors import GatewrightError, UpstreamError, UpstreamProtocolError, UpstreamStatusError
from gatewright.gateway import heading
from gatewright.gateway.body import JSON
from gatewright.gateway.conversations import FRAMES, LINES, SSE
from gatewright.gateway.heading import Head
from gatewright.gateway.masking import masked
from gatewright.gateway.metering import Meter
from gatewright.gateway.plan import RoutePlan
from gatewright.gateway.streaming import Transform
from gatewright.gateway.translate import Sender, Sending, StrictError
from gatewright.gateway.understand import RAW, Call
from gatewright.snapshot.model import Target
from gatewright.upstream.client import Upstream
from gatewright.upstream.response import Response

log = logging.getLogger(__name__)

# Statuses of a provider that another provider may well not have: its credential, quota, load or fault. Any other
# 4xx says that the request itself is wrong: the next provider would only be billed for the same mistake.
FALLS_BACK = frozenset({401, 402, 403, 408, 409, 425, 429}) | frozenset(range(500, 600))

_CLOSED = (b"}", b"]")
MAX_ERROR_BODY = 1 << 20
MAX_BODY = 256 << 20
LINE_ENDS = (b"\n", b"\r", b"[DONE]")
"""How the last piece of a stream ends; one of them says so itself."""

_ERROR = re.compile(rb'\s*\{\s*(?:"type"\s*:\s*"error"\s*,\s*)?"error"\s*:\s*[{"]')
"""How an answer begins that is nothing but an error."""

STREAMS = frozenset({SSE, FRAMES, LINES})
"""Content types of answers that come piece by piece, where only the answer says so."""


@dataclass(slots=True)
class Answer:
    """What a target answered; its first piece is already here.

    Attributes:
        target: who answered.
        attempts: how many targets were called, this one included.
        response: the answer; its body is read, but for the rest of a stream.
        head: what its header fields say.
        sending: what was sent, and how it was translated.
        body: the whole body, or the first of a stream, as the client gets it.
        rest: makes of the rest of a stream what the client gets; None when `body` is whole.
        waited: seconds spent waiting for targets until here.
    """

    target: Target
    attempts: int
    response: Response
    head: Head
    sending: Sending
    body: bytes
    rest: Transform | None = None
    waited: float = 0.0


class AttemptsFailedError(UpstreamError):
    """The last target of the plan failed, or one failed in a way that is final.

    Attributes:
        cause: what happened at that target.
        target: the target.
        attempts: how many targets were called.
        waited: seconds spent waiting for them.
    """

    def __init__(self, cause: UpstreamError, target: Target, attempts: int, waited: float = 0.0) -> None:
        tried = "" if attempts == 1 else f" (the last of {attempts} targets tried)"
        super().__init__(f"{target.provider}/{target.model}{tried}: {cause.public}")
        self.status, self.code = cause.status, cause.code
        self.cause, self.target, self.attempts, self.waited = cause, target, attempts, waited


async def attempt(upstream: Upstream, route: RoutePlan, call: Call, request_id: str, *, strict: bool = False) -> Answer:
    """Call the targets in order until one answers.

    Args:
        upstream: how requests reach providers.
        route: the targets.
        call: what was asked.
        request_id: for the log, which tells each failure.
        strict: whether a target is passed over that cannot express all that was asked.

    Raises:
        ClientError: when what was asked cannot be translated for a target.
        StrictError: when no target can express all of a strict call.
        AttemptsFailedError: when none did, or one failed in a way that another target would not mend.
    """
    sender = Sender(call, request_id, strict=strict)
    waited, called = 0.0, 0
    failed: GatewrightError | None = None
    for target in route:
        try:
            sending = sender.to(target)
        except StrictError as refused:
            failed = failed or refused
            continue
        called += 1
        began = time.perf_counter()
        try:
            answer = await _call(upstream, target, sending, call, called)
        except UpstreamError as problem:
            waited += time.perf_counter() - began
            failed = AttemptsFailedError(problem, target, called, waited)
            # A provider's words may hold line breaks, which must not look like lines of ours.
            log.warning("%s endpoint %s, attempt %d: %r", request_id, call.endpoint, called, str(failed))
            if not falls_back(problem):
                raise failed from problem
        else:
            answer.waited = waited + time.perf_counter() - began
            return answer
    if failed is None:
        raise AssertionError("a route plan is never empty")
    raise failed


def falls_back(problem: UpstreamError) -> bool:
    """Whether the next target is tried after this failure; every failure without a status is."""
    return not isinstance(problem, UpstreamStatusError) or problem.status in FALLS_BACK


async def _call(upstream: Upstream, target: Target, sending: Sending, call: Call, attempts: int) -> Answer:
    response = await upstream.call(target.access, b"POST", sending.path, sending.headers, sending.body)
    try:
        head, body, rest = await _read(response, sending, call)
    except BaseException:
        await response.close()
        raise
    return Answer(target, attempts, response, head, sending, body, rest)


async def _read(response: Response, sending: Sending, call: Call) -> tuple[Head, bytes, Transform | None]:
    if response.status >= 300:
        raise await _rejected(response, translated=sending.translated)
    head = heading.read(response.headers)
    kind = head.media
    streams = kind == sending.media if call.stream else call.operation == RAW and kind in STREAMS
    if not streams:
        if call.stream and sending.translated:
            raise UpstreamProtocolError("it answered whole where a stream was asked for.")
        whole = response.here(MAX_BODY) or await response.read(MAX_BODY)
        return head, _checked(whole, kind, response, sending, raw=call.operation == RAW), None
    stream = sending.stream() if sending.stream else sending.meter
    async for piece in response:
        first = stream.feed(piece)
        if first:
            return head, first, stream
    first = stream.end()
    if first:
        return head, first, Meter("")  # nothing follows
    raise UpstreamProtocolError("it ended the stream before sending anything.")


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
        _refuse_failed(body, response, translated=sending.translated)
    if not sending.fed:
        _meter(body, kind, sending.meter)
    return sending.whole(body) if sending.whole else body


async def _rejected(response: Response, *, translated: bool) -> UpstreamStatusError:
    """Why there is no answer: a redirect, or the provider's error with our credential taken out of it.

    Its body is kept only for a client that speaks the provider's dialect.
    """
    if response.status < 400:
        raise UpstreamProtocolError(f"it answered with a redirect ({response.status}), which is never followed.")
    try:
        body = await response.read(MAX_ERROR_BODY)
    except UpstreamError:
        body = b""  # it broke off or is too long, but its status is known and decides
    body = masked(body, response.credential)
    said = openai.error_message(body)
    words = f"it answered {response.status}" + (f": {said}" if said else ".")
    return UpstreamStatusError(words, response.status, response.headers, b"" if translated else body)


def _refuse_failed(body: bytes, response: Response, *, translated: bool) -> None:
    """Take an error for one though its status says that all is well, as routers of other providers answer."""
    try:
        failed = decode_failure(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UpstreamProtocolError("its answer is not JSON.") from None
    if failed is not None:
        body = masked(body, response.credential)
        words = f"it failed: {openai.error_message(body) or failed.message}"
        raise UpstreamStatusError(words, failed.status, response.headers, b"" if translated else body)


def _meter(body: bytes, kind: bytes, meter: Meter) -> None:
    """Read the usage of a whole answer, which may be a stream that nobody asked for."""
    if kind not in STREAMS:
        meter.whole(body)
        return
    meter.feed(body)
    if not meter.ended or not (kind == FRAMES or body.endswith(LINE_ENDS)):
        raise UpstreamProtocolError("it ended the stream before the answer was complete.")
