"""Station 5: write the answer, or the error, in the caller's dialect."""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from gatewright.dialects import toplevel
from gatewright.dialects.errors import MANAGEMENT, ErrorDialect
from gatewright.errors import (
    AccessError,
    GatewrightError,
    MethodNotAllowedError,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamStatusError,
)
from gatewright.gateway.attempt import LINE_ENDS, Answer, AttemptsFailedError
from gatewright.gateway.body import JSON
from gatewright.gateway.conversations import FRAMES
from gatewright.gateway.exchange import Exchange, Headers
from gatewright.gateway.masking import masked
from gatewright.snapshot.model import Target

AS_JSON = (b"content-type", JSON)
"""The header field of an answer that is JSON."""

# What of a provider's response headers reaches the client, by name or by prefix: facts about the answer and its
# limits. Connection, cookie and server headers are the provider's own business.
_NAMES = frozenset(
    {
        b"content-type",
        b"retry-after",
        b"retry-after-ms",
        b"x-should-retry",
        b"x-request-id",
        b"request-id",
        b"x-amzn-requestid",
    }
)
_PREFIXES = (b"x-ratelimit-", b"ratelimit-", b"openai-", b"anthropic-ratelimit-")

MAX_NAME, MAX_NAMES = 64, 32
"""Characters of a name, and names, that `x-gatewright-dropped` tells."""

_NOT_IN_A_NAME = re.compile(r"[^!-+\--~]")  # printable ASCII but the comma, which separates


def given_on(headers: Headers) -> Iterator[tuple[bytes, bytes]]:
    """The provider's headers that reach the client."""
    return ((name, value) for name, value in headers if name in _NAMES or name.startswith(_PREFIXES))


def _answer_headers(answer: Answer) -> Iterator[tuple[bytes, bytes]]:
    """Those of the provider, but for a translated answer its own content type and what was left out."""
    kept = given_on(answer.response.headers)
    sending = answer.sending
    if not sending.content_type:
        return kept
    own = [(b"content-type", sending.content_type)]
    if sending.dropped:
        own.append((b"x-gatewright-dropped", _named(sending.dropped)))
    return chain(own, (field for field in kept if field[0] != b"content-type"))


def _named(dropped: Iterable[str]) -> bytes:
    """Field names as a header can hold them: they are the client's own words, of any length and with any character."""
    names = [_NOT_IN_A_NAME.sub("?", name)[:MAX_NAME] for name in sorted(dropped)]
    more = [f"and {len(names) - MAX_NAMES} more"] if len(names) > MAX_NAMES else []
    return ", ".join(names[:MAX_NAMES] + more).encode("ascii")


def overhead(begun: float, waited: float) -> tuple[bytes, bytes]:
    """The header that tells how long the gateway itself took, in microseconds.

    Args:
        begun: when the request had come, as `time.perf_counter` tells it.
        waited: seconds of the time since then spent waiting for providers.
    """
    return (b"x-gatewright-overhead", b"%d" % max(0, (time.perf_counter() - begun - waited) * 1e6))


async def deliver(
    exchange: Exchange,
    answer: Answer,
    headers: Headers,
    broken: Callable[[UpstreamError], bytes],
    settled: Callable[[UpstreamError | None], None],
) -> None:
    """Give an answer on: whole, or piece by piece as it comes.

    A stream that breaks off ends with an error event in the caller's dialect, never like one that is complete.

    Args:
        exchange: where to.
        answer: whose first piece is here.
        headers: header fields besides those of the answer.
        broken: writes the error that ends a stream which breaks off.
        settled: told why the stream broke off, or None, before the client is told that the answer is complete.
    """
    fields = [*_answer_headers(answer), *headers, *_target_headers(answer.target, answer.attempts)]
    sending, meter, credential = answer.sending, answer.sending.meter, answer.response.credential
    if answer.rest is None:
        settled(None)
        await exchange.respond(answer.response.status, fields, answer.body)
        return
    failed: UpstreamError | None = None
    try:
        await exchange.start(answer.response.status, fields)
        last = answer.body
        await exchange.write(masked(last, credential) if b'error"' in last else last)
        try:
            if not sending.fed:
                meter.feed(last)
            async for last in answer.rest:
                if not sending.fed:
                    meter.feed(last)
                await exchange.write(masked(last, credential) if b'error"' in last else last)
            if not (sending.translated or _is_end(last, answer)):
                raise UpstreamProtocolError("it ended the stream in the middle of an event.")
            if not (sending.translated or meter.ended):
                raise UpstreamProtocolError("it ended the stream before the answer was complete.")
        except UpstreamError as problem:
            failed = AttemptsFailedError(problem, answer.target, answer.attempts)
            await exchange.write(broken(failed))
        settled(failed)
        await exchange.end()
    finally:
        await answer.response.close()


def _is_end(last: bytes, answer: Answer) -> bool:
    """Whether a stream that was passed through ends where one can end; frames tell their length themselves."""
    if any(FRAMES in value for name, value in answer.response.headers if name == b"content-type"):
        return True
    return last.rstrip().endswith(b"]") if answer.sending.media == JSON else last.endswith(LINE_ENDS)


async def deliver_error(exchange: Exchange, problem: GatewrightError, headers: Headers, dialect: ErrorDialect) -> None:
    """Answer with an error, before anything else was sent."""
    fields = [*headers]
    body = b""
    if isinstance(problem, AttemptsFailedError):
        fields += _target_headers(problem.target, problem.attempts)
        if isinstance(problem.cause, UpstreamStatusError):
            fields += (field for field in given_on(problem.cause.headers) if field[0] != b"content-type")
            body = problem.cause.body if dialect.native and _is_object(problem.cause.body) else b""
    if isinstance(problem, AccessError) and problem.status == 401:
        # Basic is what makes a browser ask for the key when a person opens the API's page.
        kinds = (b"Bearer", b"Basic") if dialect is MANAGEMENT else (b"Bearer",)
        fields += ((b"www-authenticate", kind + b' realm="gatewright"') for kind in kinds)
    if isinstance(problem, MethodNotAllowedError):
        fields.append((b"allow", ", ".join(problem.allow).encode("ascii")))
    await exchange.respond(problem.status, [AS_JSON, *fields], body or dialect.body(problem))


def _target_headers(target: Target, attempts: int) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"x-gatewright-target", target.shown), (b"x-gatewright-attempts", b"%d" % attempts))


def _is_object(body: bytes) -> bool:
    try:
        return bool(toplevel.split(body))
    except GatewrightError:
        return False
