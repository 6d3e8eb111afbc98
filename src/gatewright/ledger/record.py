"""What is kept of a finished request. Never a prompt, an answer, a key or a header of the client."""

from typing import Any

import msgspec

CLIENT_LEFT = "CLIENT_LEFT"
"""The `error` of a request whose client was gone before its answer was complete; its own errors have other codes."""

HEDGE_LOST = "HEDGE_LOST"
"""The `error` of a call that was given up because another target answered first; see `LEG`."""

LEG = "-lost"
"""Ends the id of such a call's record. The request has its own, whose id it otherwise is; calls are counted there."""

BROKEN = "-broken"
"""Ends the id of the record of a call whose stream broke off, and which another one went on with; from the second of a
request on, its number follows. Its `error` is what broke it off."""

LONGEST = 256
"""Characters of the longest text in a record."""

_LARGEST = 2**63 - 1


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One finished request, or a call of one that another took the place of: see `LEG` and `BROKEN`.

    A record is written as its values in this order. New fields are added at the end, with a default: then each program
    reads what an older one wrote, and what a newer one wrote but for what it does not know.

    Attributes:
        record_id: id of the request, `x-gatewright-request-id`; what makes a record the same one when it is seen twice.
        at: when the request came, milliseconds since the epoch.
        operation: what was asked, by its name (`chat`).
        status: HTTP status that the client got; 499 when it left before.
        key_id: who called: `k-` and 32 hex digits, `admin` or `anonymous`; empty without a valid key.
        endpoint_id: `e-` and 32 hex digits; empty when the request named no endpoint that there is.
        endpoint: name of the endpoint, as the request was served by.
        provider: the target that answered, or failed last; empty when none was called.
        model: that target's own name of its model.
        attempts: how many targets were called; 0 of one call of a request, which counts it.
        stream: whether the answer was asked for as a stream.
        queue_us: microseconds the request waited for its turn.
        first_byte_us: microseconds from the request to the first byte of its answer.
        total_us: microseconds from the request to the end of its answer.
        overhead_us: microseconds of these that Gatewright itself took.
        usage_told: whether the provider told the tokens; without it they are all 0.
        input_tokens: prompt tokens paid in full. The ten kinds do not overlap; they sum to the total.
        cache_read_tokens: prompt tokens read from a cache.
        cache_write_5m_tokens: prompt tokens written to a cache for five minutes, or an unnamed time.
        cache_write_1h_tokens: prompt tokens written to a cache for an hour.
        input_audio_tokens: prompt tokens of sound.
        input_image_tokens: prompt tokens of images and film.
        output_tokens: answer tokens but for those below.
        reasoning_tokens: tokens of thought.
        output_audio_tokens: answer tokens of sound.
        output_image_tokens: answer tokens of images.
        error: a `code` of `errors.py`, `CLIENT_LEFT` or `HEDGE_LOST`; empty when all went well.
        upstream_request_id: the provider's own id of the call; empty where it tells none.
    """

    record_id: str
    at: int
    operation: str
    status: int
    key_id: str = ""
    endpoint_id: str = ""
    endpoint: str = ""
    provider: str = ""
    model: str = ""
    attempts: int = 0
    stream: bool = False
    queue_us: int = 0
    first_byte_us: int = 0
    total_us: int = 0
    overhead_us: int = 0
    usage_told: bool = False
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    input_audio_tokens: int = 0
    input_image_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    output_audio_tokens: int = 0
    output_image_tokens: int = 0
    error: str = ""
    upstream_request_id: str = ""

    @property
    def part(self) -> bool:
        """Whether it is that of one call of a request which has its own."""
        return "-" in self.record_id

    @property
    def total_tokens(self) -> int:
        """All tokens of the request."""
        return sum(getattr(self, name) for name in BUCKETS)

    def fitted(self) -> "Record":
        """The same with every value made storable, whoever it came from.

        Texts lose NUL and halves of surrogate pairs and are cut at `LONGEST`; numbers stay within 0 and 2^63 - 1.
        """
        return Record(**{name: _fit(value) for name, value in msgspec.structs.asdict(self).items()})


BUCKETS = tuple(name for name in Record.__struct_fields__ if name.endswith("_tokens"))
"""The fields that count tokens."""


def _fit(value: Any) -> Any:
    if isinstance(value, str):
        return value[:LONGEST].encode("utf-8", "replace").decode().replace("\0", "?")
    return value if isinstance(value, bool) else min(max(value, 0), _LARGEST)
