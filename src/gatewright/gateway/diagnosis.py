"""From an error of the upstream room to its kind, and to how long the provider wants to be left alone. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from gatewright.dialects import openai
from gatewright.errors import (
    UpstreamBusyError,
    UpstreamConnectTimeoutError,
    UpstreamCredentialError,
    UpstreamCutError,
    UpstreamError,
    UpstreamNameError,
    UpstreamProtocolError,
    UpstreamRefusedError,
    UpstreamResetError,
    UpstreamSilentError,
    UpstreamStatusError,
    UpstreamTimeoutError,
    UpstreamTlsError,
)
from gatewright.gateway.exchange import Headers
from gatewright.gateway.failures import Kind
from gatewright.gateway.signs import SIGNS

LONGEST_WAIT = 600.0
"""Seconds a provider is left alone at most, whatever it asks for: then it is asked again."""

_TEXT = 2000
"""Characters of an error's message that are looked at."""

BY_CLASS: Mapping[type[UpstreamError], Kind] = {
    UpstreamRefusedError: Kind.REFUSED,
    UpstreamNameError: Kind.DNS,
    UpstreamTlsError: Kind.TLS,
    UpstreamCredentialError: Kind.AUTH,
    UpstreamProtocolError: Kind.MALFORMED,
    UpstreamCutError: Kind.CUT,
    UpstreamResetError: Kind.RESET,
    UpstreamTimeoutError: Kind.STALLED,
    UpstreamConnectTimeoutError: Kind.CONNECT_TIMEOUT,
    UpstreamBusyError: Kind.BUSY,
    UpstreamSilentError: Kind.FIRST_BYTE_TIMEOUT,
    UpstreamError: Kind.ERROR_EVENT,  # a whole answer that says it failed
}
"""The kind of an error without a status; a subclass that is not named has that of the class above it."""

BY_STATUS: Mapping[int, Kind] = {
    401: Kind.AUTH,
    402: Kind.QUOTA,
    403: Kind.AUTH,
    408: Kind.REQUEST_TIMEOUT,
    409: Kind.CONFLICT,
    425: Kind.CONFLICT,
    429: Kind.RATE_LIMITED_UNSAID,
    498: Kind.OVERLOADED,  # Groq's own
    502: Kind.BAD_GATEWAY,
    503: Kind.UNAVAILABLE,
    504: Kind.GATEWAY_TIMEOUT,
    529: Kind.OVERLOADED,  # Anthropic's own
}
"""The kind of a status where the body does not say it better; any other is that of its class."""

_CODES = ("code", "type", "status", "reason", "error_code", "__type", "error_type")
"""Fields that hold a code, somewhere."""

_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def kind(problem: UpstreamError) -> Kind:
    """What went wrong."""
    if not isinstance(problem, UpstreamStatusError):
        return next(BY_CLASS[one] for one in type(problem).__mro__ if one in BY_CLASS)
    found = None if problem.status == 402 else _said(problem)
    if found is None:
        other = Kind.SERVER_ERROR if problem.status >= 500 else Kind.CLIENT_MISTAKE
        found = BY_STATUS.get(problem.status, other)
    if found is Kind.RATE_LIMITED_UNSAID and retry_after(problem, 0.0) is not None:
        return Kind.RATE_LIMITED
    return Kind.ERROR_EVENT if found is Kind.SERVER_ERROR and problem.inside else found


def retry_after(problem: UpstreamError, now: float) -> float | None:
    """Seconds for which the provider wants to be left alone; None when it does not say.

    From, in this order: `retry-after-ms` (OpenAI, Azure), `retry-after` as seconds or as a date (RFC 9110, section
    10.2.3), Google's `RetryInfo` in the body (https://cloud.google.com/apis/design/errors), and after a 429 the reset
    of a limit of which nothing is left (OpenAI, Groq, Azure, OpenRouter, Anthropic). Nothing and zero do not count.

    Args:
        problem: what the provider answered.
        now: seconds since the epoch, for dates where the answer has none of its own.
    """
    if not isinstance(problem, UpstreamStatusError):
        return None
    headers = {name.decode("latin-1"): value.decode("latin-1").strip() for name, value in problem.headers}
    now = _date(headers.get("date", "")) or now
    stated = (
        _number(headers.get("retry-after-ms", "")) / 1000
        or _number(headers.get("retry-after", ""))
        or _left(_date(headers.get("retry-after", "")), now)
        or _retry_info(problem.body)
        or (problem.status == 429 and max(_resets(headers, now), default=0.0))
    )
    return min(stated, LONGEST_WAIT) if stated else None


def _said(problem: UpstreamStatusError) -> Kind | None:
    objects = list(_objects(problem.body))
    codes = {code.lower() for code in (*_typed(problem.headers), *_codes(objects))}
    text = openai.error_message(problem.body, _TEXT).lower()
    # OpenRouter puts there what the provider behind it has said.
    raw = "".join(str(one.get("raw", ""))[:_TEXT] for one in objects).lower()
    for sign in SIGNS:
        if not codes.isdisjoint(sign.codes):
            return sign.kind
        if sign.statuses and problem.status not in sign.statuses:
            continue
        if text.startswith(sign.begins) or any(words in text or words in raw for words in sign.holds):
            return sign.kind
    return None


def _typed(headers: Headers) -> Iterator[str]:
    return (value.decode("latin-1").partition(":")[0] for name, value in headers if name == b"x-amzn-errortype")


def _codes(objects: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    values = (one.get(name) for one in objects for name in _CODES)
    return (str(value).rpartition("#")[2] for value in values if isinstance(value, str | int))  # AWS's namespace#Name


def _objects(body: bytes) -> Iterator[Mapping[str, Any]]:
    """The objects of an error body where providers put their codes; never those that may repeat the request."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    if isinstance(found, list) and found:  # Gemini's stream as one array
        found = found[0]
    if not isinstance(found, dict):
        return
    yield found
    error = found.get("error")
    if isinstance(error, dict):
        yield error
        details = error.get("details")
        parts = details if isinstance(details, list) else [details]
        yield from (part for part in (*parts, error.get("innererror"), error.get("metadata")) if isinstance(part, dict))


def _retry_info(body: bytes) -> float:
    for one in _objects(body):
        if str(one.get("@type", "")).endswith("google.rpc.RetryInfo"):
            found = _DELAY.fullmatch(str(one.get("retryDelay", "")))
            return float(found[1]) if found else 0.0
    return 0.0


def _resets(headers: Mapping[str, str], now: float) -> Iterator[float]:
    """How long until each limit of which nothing is left is whole again."""
    for name, value in headers.items():
        if value not in ("0", "0.0"):
            continue
        if name.startswith("x-ratelimit-remaining"):
            yield _until(headers.get(name.replace("remaining", "reset", 1), ""), now)
        elif name.startswith("anthropic-ratelimit-") and name.endswith("-remaining"):
            yield _until(headers.get(name.removesuffix("remaining") + "reset", ""), now)


def _until(text: str, now: float) -> float:
    """A span such as `1m2.5s`, seconds, or a moment: RFC 3339, or seconds or milliseconds since the epoch."""
    number = _number(text)
    if number > 1e9:
        return _left(number / 1000 if number > 1e11 else number, now)
    spans = _SPAN.findall(text)
    if spans and "".join(map("".join, spans)) == text:
        return sum(float(count) * _UNITS[unit] for count, unit in spans)
    try:
        return number or _left(datetime.fromisoformat(text).timestamp(), now)
    except (ValueError, OverflowError):
        return 0.0


def _left(moment: float | None, now: float) -> float:
    return 0.0 if moment is None else max(0.0, moment - now)


def _number(text: str) -> float:
    return float(text) if re.fullmatch(r"\d{1,15}(\.\d{1,9})?", text, re.ASCII) else 0.0


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, OverflowError):
        return None
