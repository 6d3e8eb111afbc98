"""Station 5: write the answer, or the error, in the caller's dialect."""

import math
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache

from gatewright.dialects import toplevel
from gatewright.dialects.errors import MANAGEMENT, ErrorDialect
from gatewright.errors import (
    AccessError,
    GatewrightError,
    MethodNotAllowedError,
    UpstreamCutError,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamStatusError,
    UpstreamTimeoutError,
)
from gatewright.gateway import heading
from gatewright.gateway.asking import Answer
from gatewright.gateway.attempt import AttemptsFailedError
from gatewright.gateway.body import JSON
from gatewright.gateway.conversations import FRAMES
from gatewright.gateway.deadline import OutOfTimeError, within
from gatewright.gateway.exchange import Exchange, Headers
from gatewright.gateway.masking import masked
from gatewright.gateway.streaming import LINE_ENDS, Transform

AS_JSON = (b"content-type", JSON)
"""The header field of an answer that is JSON."""

MAX_NAME, MAX_NAMES = 64, 32
"""Characters of a name, and names, that `x-gatewright-dropped` tells."""

Resume = Callable[[Answer, AttemptsFailedError], Awaitable[Answer | None]]
"""Gets an answer that goes on with one that broke off, from why it did; None when there is none."""

_NOT_IN_A_NAME = re.compile(r"[^!-+\--~]")  # printable ASCII but the comma, which separates


def answer_fields(answer: Answer, fields: Headers) -> Headers:
    """The header fields of an answer: the provider's, ours, and who answered; what a translation has left out, too.

    Args:
        answer: what the target answered.
        fields: ours.
    """
    head, sending = answer.head, answer.sending
    content_type = sending.content_type or head.content_type
    left_out = ((b"x-gatewright-dropped", _named(sending.dropped)),) if sending.dropped else ()
    typed = ((b"content-type", content_type),) if content_type else ()
    return (*typed, *head.given, *left_out, *fields, *_target_headers(answer.target.shown, answer.attempts))


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
    fields: Headers,
    deadline: float | None,
    broken: Callable[[UpstreamError], bytes],
    settled: Callable[[Answer, AttemptsFailedError | None], None],
    resume: Resume | None = None,
) -> None:
    """Give a stream on, piece by piece as it comes.

    One that breaks off ends with an error event in the caller's dialect, never like one that is complete.

    Args:
        exchange: where to.
        answer: whose first piece is here.
        fields: header fields besides those of the answer.
        deadline: loop time by which the stream must end; None for no limit.
        broken: writes the error that ends a stream which breaks off.
        settled: told why the stream broke off, or None, before the client is told that the answer is complete; and of
            which answer that is, where others went on with it.
        resume: gets an answer that goes on with one that broke off, or None; None where there is none to be had.
    """
    try:
        await exchange.start(answer.response.status, answer_fields(answer, fields))
        while True:
            failed: AttemptsFailedError | None = None
            try:
                await _relay(exchange, answer, deadline)
            except UpstreamError as problem:
                failed = AttemptsFailedError(problem, answer.target, answer.attempts)
                await answer.response.close()
                following = None if resume is None else await resume(answer, failed)
                if following is not None:
                    answer = following
                    continue
                said = b"" if answer.rest is None else answer.rest.fail(failed)
                await exchange.write(said or broken(failed))
            break
        settled(answer, failed)
        await exchange.end()
    finally:
        await answer.response.close()


async def _relay(exchange: Exchange, answer: Answer, deadline: float | None) -> None:
    """Give on what one target sends.

    Raises:
        UpstreamError: when it breaks off.
    """
    rest: Transform = answer.rest or answer.sending.meter
    last, feed, credential = answer.body, rest.feed, answer.response.credential

    def given(piece: bytes) -> bytes:
        nonlocal last
        shown = feed(piece)
        if shown:
            last = shown
            if b'error"' in shown:
                return masked(shown, credential)
        return shown

    await exchange.write(masked(last, credential) if b'error"' in last else last)
    try:
        relaying = exchange.relay(answer.response, given)
        await (relaying if deadline is None else within(deadline, relaying, OutOfTimeError()))
        left: bytes | None = rest.end()
    except (UpstreamCutError, UpstreamTimeoutError):
        left = None if answer.sending.transcript is None else _left(rest)
        if left is None:
            raise
    if left:
        last = left
        await exchange.write(masked(left, credential))
    _check_end(answer, last)


def _left(rest: Transform) -> bytes | None:
    """What completes a stream of which all was said but its end; None when more was to be said."""
    try:
        return rest.end()
    except UpstreamError:
        return None


def _check_end(answer: Answer, last: bytes) -> None:
    """Refuse to take a stream for complete that was passed through and breaks off; what reads it has refused it."""
    if answer.sending.fed:
        return
    if not _is_end(last, answer):
        raise UpstreamProtocolError("it ended the stream in the middle of an event.")
    if not answer.sending.meter.ended:
        raise UpstreamProtocolError("it ended the stream before the answer was complete.")


def _is_end(last: bytes, answer: Answer) -> bool:
    """Whether a stream that was passed through ends where one can end; frames tell their length themselves."""
    if FRAMES in answer.head.content_type:
        return True
    return last.rstrip().endswith(b"]") if answer.sending.media == JSON else last.endswith(LINE_ENDS)


async def deliver_error(exchange: Exchange, problem: GatewrightError, headers: Headers, dialect: ErrorDialect) -> None:
    """Answer with an error, before anything else was sent."""
    fields = [*headers]
    body = b""
    if isinstance(problem, AttemptsFailedError):
        fields += _target_headers(problem.target.shown, problem.attempts)
        if isinstance(problem.cause, UpstreamStatusError):
            fields += heading.read(problem.cause.headers).given
            shown = dialect.native and problem.cause.native and _is_object(problem.cause.body)
            body = problem.cause.body if shown else b""
    if problem.retry_after is not None:
        fields.append((b"retry-after", b"%d" % math.ceil(problem.retry_after)))
    if isinstance(problem, AccessError) and problem.status == 401:
        # Basic is what makes a browser ask for the key when a person opens the API's page.
        kinds = (b"Bearer", b"Basic") if dialect is MANAGEMENT else (b"Bearer",)
        fields += ((b"www-authenticate", kind + b' realm="gatewright"') for kind in kinds)
    if isinstance(problem, MethodNotAllowedError):
        fields.append((b"allow", ", ".join(problem.allow).encode("ascii")))
    await exchange.respond(problem.status, [AS_JSON, *fields], body or dialect.body(problem))


@lru_cache(maxsize=4096)
def _target_headers(shown: bytes, attempts: int) -> Headers:
    return ((b"x-gatewright-target", shown), (b"x-gatewright-attempts", b"%d" % attempts))


def _is_object(body: bytes) -> bool:
    try:
        return bool(toplevel.split(body))
    except GatewrightError:
        return False
