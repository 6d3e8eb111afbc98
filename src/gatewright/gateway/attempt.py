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


@dataclass(frozen=True, slots=True)
class Answer:
    """What a target answered; its first piece is already here.

    Attributes:
        target: who answered.
        attempts: how many targets were called, this one included.
        response: head of the answer; its body is read, but for the rest of a stream.
        body: the whole body, or the first piece of a stream.
        rest: the rest of a stream; None when `body` is whole.
    """

    target: Target
    attempts: int
    response: Response
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
        AttemptsFailedError: when none did, or one failed in a way that another target would not mend.
    """
    for number, target in enumerate(route, 1):
        try:
            return await _call(upstream, target, call, number)
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


async def _call(upstream: Upstream, target: Target, call: Call, number: int) -> Answer:
    access = target.access
    accept = (b"accept", b"text/event-stream" if call.stream else b"*/*")
    path = access.paths[call.operation] + call.query
    headers = (*access.headers, *call.headers, _JSON, accept)
    response = await upstream.send(access.address, b"POST", path, headers, call.body_for(target.model))
    try:
        return await _read(response, target, call, number)
    except BaseException:
        await response.close()
        raise


async def _read(response: Response, target: Target, call: Call, number: int) -> Answer:
    if response.status >= 400:
        raise await _rejected(response, target)
    if response.status >= 300:
        raise UpstreamProtocolError(f"it answered with a redirect ({response.status}), which is never followed.")
    kind = _media_type(response.headers)
    if not (call.stream and kind == b"text/event-stream"):
        return Answer(target, number, response, _checked(await response.read(MAX_BODY), kind))
    pieces = aiter(response)
    first = await anext(pieces, b"")
    if not first:
        raise UpstreamProtocolError("it ended the stream before sending anything.")
    return Answer(target, number, response, first, pieces)


async def _rejected(response: Response, target: Target) -> UpstreamStatusError:
    """The provider's error answer, with our credential taken out wherever it repeats it."""
    try:
        body = await response.read(MAX_ERROR_BODY)
    except UpstreamError:
        body = b""  # it broke off or is too long, but its status is known and decides
    for _, value in target.access.headers:
        body = body.replace(value, b"***").replace(value.rpartition(b" ")[2], b"***")
    said = openai.error_message(body)
    return UpstreamStatusError(
        f"it answered {response.status}" + (f": {said}" if said else "."), response.status, response.headers, body
    )


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
