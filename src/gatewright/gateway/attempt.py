"""Station 4: walk the route plan until a target answers.

`FALLS_BACK` is the one table of which failure goes on to the next target and which is final. The rule that spans its
rows: nothing is ever tried again after the first byte went to the client, so a stream's first piece is read here,
before the answer begins.
"""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from gatewright.dialects import openai
from gatewright.errors import UpstreamError, UpstreamProtocolError, UpstreamStatusError
from gatewright.gateway.exchange import Headers
from gatewright.gateway.plan import RoutePlan
from gatewright.gateway.translate import Sender, Sending
from gatewright.gateway.understand import Call
from gatewright.snapshot.model import Target
from gatewright.upstream.client import Upstream
from gatewright.upstream.response import Response

log = logging.getLogger(__name__)

# Statuses of a provider that another provider may well not have: its credential, quota, load or fault. Any other
# 4xx says that the request itself is wrong: the next provider would only be billed for the same mistake.
FALLS_BACK = frozenset({401, 402, 403, 408, 409, 425, 429}) | frozenset(range(500, 600))

MAX_ERROR_BODY = 1 << 20
MAX_BODY = 256 << 20
_JSON = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a target answered; its first piece is already here.

    Attributes:
        target: who answered.
        attempts: how many targets were called, this one included.
        response: head of the answer; its body is read, but for the rest of a stream.
        sending: what was sent, and how it was translated.
        body: the whole body, or the first piece of a stream, as the client gets it.
        rest: the rest of a stream; None when `body` is whole.
    """

    target: Target
    attempts: int
    response: Response
    sending: Sending
    body: bytes
    rest: AsyncIterator[bytes] | None = None


class AttemptsFailedError(UpstreamError):
    """The last target of the plan failed, or one failed in a way that is final.

    Attributes:
        cause: what happened at that target.
        target: the target.
        attempts: how many targets were called.
    """

    def __init__(self, cause: UpstreamError, target: Target, attempts: int) -> None:
        tried = "" if attempts == 1 else f" (the last of {attempts} targets tried)"
        super().__init__(f"{target.provider}/{target.model}{tried}: {cause.public}")
        self.status, self.code = cause.status, cause.code
        self.cause, self.target, self.attempts = cause, target, attempts


async def attempt(upstream: Upstream, route: RoutePlan, call: Call, request_id: str) -> Answer:
    """Call the targets in order until one answers.

    Args:
        upstream: how requests reach providers.
        route: the targets.
        call: what was asked.
        request_id: for the log, which tells each failure.

    Raises:
        ClientError: when what was asked cannot be translated for a target.
        AttemptsFailedError: when none did, or one failed in a way that another target would not mend.
    """
    sender = Sender(call)
    for number, target in enumerate(route, 1):
        try:
            return await _call(upstream, target, sender.to(target), number, stream=call.stream)
        except UpstreamError as problem:
            failed = AttemptsFailedError(problem, target, number)
            # A provider's words may hold line breaks, which must not look like lines of ours.
            log.warning(
                "%s endpoint %s, attempt %d of %d: %r", request_id, call.endpoint, number, len(route), str(failed)
            )
            if number == len(route) or not falls_back(problem):
                raise failed from problem
    raise AssertionError("a route plan is never empty")


def falls_back(problem: UpstreamError) -> bool:
    """Whether the next target is tried after this failure; every failure without a status is."""
    return not isinstance(problem, UpstreamStatusError) or problem.status in FALLS_BACK


async def _call(upstream: Upstream, target: Target, sending: Sending, number: int, *, stream: bool) -> Answer:
    access = target.access
    accept = (b"accept", b"text/event-stream" if stream else b"*/*")
    headers = (*access.headers, *sending.headers, _JSON, accept)
    response = await upstream.send(access.address, b"POST", sending.path, headers, sending.body)
    try:
        body, rest = await _read(response, target, sending, stream=stream)
    except BaseException:
        await response.close()
        raise
    return Answer(target=target, attempts=number, response=response, sending=sending, body=body, rest=rest)


async def _read(
    response: Response, target: Target, sending: Sending, *, stream: bool
) -> tuple[bytes, AsyncIterator[bytes] | None]:
    if response.status >= 400:
        raise await _rejected(response, target, translated=sending.translated)
    if response.status >= 300:
        raise UpstreamProtocolError(f"it answered with a redirect ({response.status}), which is never followed.")
    kind = _media_type(response.headers)
    if stream and sending.translated and kind != b"text/event-stream":
        raise UpstreamProtocolError("it answered whole where a stream was asked for.")
    if not (stream and kind == b"text/event-stream"):
        return sending.whole(_checked(await response.read(MAX_BODY), kind)), None
    pieces = sending.streamed(aiter(response))
    first = await anext(pieces, b"")
    if not first:
        raise UpstreamProtocolError("it ended the stream before sending anything.")
    return first, pieces


async def _rejected(response: Response, target: Target, *, translated: bool) -> UpstreamStatusError:
    """The provider's error answer, with our credential taken out wherever it repeats it.

    Its body is kept only for a client that speaks the provider's dialect.
    """
    try:
        body = await response.read(MAX_ERROR_BODY)
    except UpstreamError:
        body = b""  # it broke off or is too long, but its status is known and decides
    for _, value in target.access.headers:
        body = body.replace(value, b"***").replace(value.rpartition(b" ")[2], b"***")
    said = openai.error_message(body)
    words = f"it answered {response.status}" + (f": {said}" if said else ".")
    return UpstreamStatusError(words, response.status, response.headers, b"" if translated else body)


def _checked(body: bytes, kind: bytes) -> bytes:
    """A whole answer, if it can be one: what a login page or a cut behind a proxy leaves is not."""
    if not body:
        raise UpstreamProtocolError("its answer is empty.")
    if kind == b"text/html":
        raise UpstreamProtocolError("it answered with a web page; check api_base.")
    if kind == b"application/json" and not body.rstrip().endswith((b"}", b"]")):
        raise UpstreamProtocolError("its answer is not whole JSON.")
    return body


def _media_type(headers: Headers) -> bytes:
    kind = next((value for name, value in headers if name == b"content-type"), b"")
    return kind.partition(b";")[0].strip().lower()
