"""Station 6: what is noted of a request on its way, and becomes its one record, whatever happened."""

import random
import time
from collections.abc import Callable, Coroutine
from functools import lru_cache
from typing import Any

from gatewright.dialects.conversation import Usage
from gatewright.errors import GatewrightError
from gatewright.gateway.asking import Answer
from gatewright.gateway.attempt import AttemptsFailedError
from gatewright.gateway.exchange import Headers
from gatewright.gateway.hedge import Leg
from gatewright.gateway.understand import Call
from gatewright.ledger.record import BROKEN, BUCKETS, CLIENT_LEFT, HEDGE_LOST, LEG, Record
from gatewright.snapshot.model import Endpoint

Recorder = Callable[[Record], None]
"""Takes the record of a finished request; it must neither block nor fail."""

LEFT = 499
"""Status of a request whose client was gone before its answer, as proxies note it."""


def unrecorded(_record: Record) -> None:
    """Keep nothing."""


class Note:
    """What is known of one request so far.

    Its record is given away before the client is told that the answer is complete: what a client has seen finished is
    in the ledger, whatever happens to this process.

    Args:
        recorder: takes the record.

    Attributes:
        request_id: `req_` and 24 hex digits, which grow with the time it came.
        arrived: when it came, as `time.perf_counter` tells it.
        begun: when its body had come, and its turn, as `time.perf_counter` tells it.
        key_id: who calls.
        call: what is asked, once it is understood.
        endpoint: whom it is for.
    """

    __slots__ = (
        "_answer",
        "_at",
        "_broken",
        "_error",
        "_failed",
        "_first_byte",
        "_queued",
        "_recorder",
        "_status",
        "arrived",
        "begun",
        "call",
        "endpoint",
        "key_id",
        "request_id",
    )

    def __init__(self, recorder: Recorder) -> None:
        self._recorder: Recorder | None = recorder
        self._at = time.time_ns() // 1_000_000
        # Of ids that grow, a database's index is written at one end.
        self.request_id = f"req_{self._at:011x}{random.getrandbits(52):013x}"
        self.arrived = self.begun = time.perf_counter()
        self._first_byte = self._queued = 0.0
        self._broken = 0
        self._answer: Answer | None = None
        self._failed: AttemptsFailedError | None = None
        self._status, self._error = LEFT, CLIENT_LEFT
        self.key_id = ""
        self.call: Call | None = None
        self.endpoint: Endpoint | None = None

    @property
    def headers(self) -> Headers:
        """Header fields of the answer, as far as they are known."""
        named = (b"x-gatewright-request-id", self.request_id.encode("ascii"))
        return (named,) if self.endpoint is None else (named, _endpoint_header(self.endpoint.name))

    async def queue(self, turn: Coroutine[Any, Any, None]) -> None:
        """Wait for the request's turn; the time is noted, and is no overhead.

        Raises:
            GatewrightError: that of `turn`.
        """
        came = time.perf_counter()
        try:
            await turn
        finally:
            waited = time.perf_counter() - came
            self._queued += waited
            self.begun += waited

    def answered(self, answer: Answer) -> None:
        """A target has answered: its first byte is here."""
        self._first_byte = time.perf_counter()
        self._answer = answer

    def lost(self, leg: Leg) -> None:
        """A call was given up because another target answered first: it has a record of its own."""
        self._record_call(LEG, leg, status=LEFT, error=HEDGE_LOST)

    def continued(self, broken: Answer, why: AttemptsFailedError, answer: Answer) -> None:
        """A stream broke off, and another call goes on with it: the one that broke has a record of its own.

        Args:
            broken: the answer until then.
            why: what broke it off.
            answer: what goes on with it, and is the request's from here on.
        """
        self._broken += 1
        suffix = BROKEN if self._broken == 1 else f"{BROKEN}{self._broken}"
        leg = Leg(broken.target, broken.sending, broken.began)
        named = broken.head.provider_id
        self._record_call(suffix, leg, status=broken.response.status, error=why.code, upstream_request_id=named)
        answer.waited = broken.waited  # overhead is until the first byte, which came then
        self._answer = answer

    def _record_call(self, suffix: str, leg: Leg, **fields: Any) -> None:
        """Give away the record of one call, which is over."""
        call, endpoint, recorder = self.call, self.endpoint, self._recorder
        if recorder is None or call is None or endpoint is None:
            return
        lasted = int((time.perf_counter() - leg.began) * 1e6)
        usage = leg.sending.meter.usage
        counts = {} if usage is None else {name: getattr(usage, name.removesuffix("_tokens")) for name in BUCKETS}
        recorder(
            Record(
                record_id=self.request_id + suffix,
                at=self._at + int((leg.began - self.arrived) * 1000),
                operation=call.operation,
                key_id=self.key_id,
                endpoint_id=endpoint.endpoint_id,
                endpoint=endpoint.name,
                provider=leg.target.provider,
                model=leg.target.model,
                stream=call.stream,
                first_byte_us=lasted,
                total_us=lasted,
                usage_told=usage is not None,
                **counts,
                **fields,
            )
        )

    def delivered(self, broken: GatewrightError | None) -> None:
        """The answer has been given on but for its end; a stream may have broken off at the provider."""
        if self._answer is not None:
            self._status = self._answer.response.status
            self._error = broken.code if broken else self._answer.sending.meter.failed
        self.close()

    def failed(self, problem: GatewrightError) -> None:
        """The request has failed, and the client is about to be told."""
        self._status, self._error = problem.status, problem.code
        if isinstance(problem, AttemptsFailedError):
            self._failed = problem
        self.close()

    def close(self) -> None:
        """Give the record away, once; of a request without a valid key there is none."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None and self.key_id:
            recorder(self._record())

    def _record(self) -> Record:
        ended = time.perf_counter()
        call, endpoint, answer = self.call, self.endpoint, self._answer
        tried = answer or self._failed
        target = tried.target if tried else None
        arrived, begun, first_byte = self.arrived, self.begun, self._first_byte or ended
        overhead = first_byte - begun - tried.waited if tried else first_byte - begun
        usage = answer.sending.meter.usage if answer else None
        counts = _NONE if usage is None else usage
        # By place, in the order of its fields: by name it takes five times as long.
        return Record(
            self.request_id,
            self._at,
            call.operation if call else "",
            self._status,
            self.key_id,
            endpoint.endpoint_id if endpoint else "",
            endpoint.name if endpoint else "",
            target.provider if target else "",
            target.model if target else "",
            tried.attempts if tried else 0,
            call.stream if call else False,
            int(self._queued * 1e6),
            int((first_byte - arrived) * 1e6),
            int((ended - arrived) * 1e6),
            int(overhead * 1e6) if overhead > 0 else 0,
            usage is not None,
            counts.input,
            counts.cache_read,
            counts.cache_write_5m,
            counts.cache_write_1h,
            counts.input_audio,
            counts.input_image,
            counts.output,
            counts.reasoning,
            counts.output_audio,
            counts.output_image,
            self._error,
            answer.head.provider_id if answer else "",
        )


@lru_cache(maxsize=1024)
def _endpoint_header(name: str) -> tuple[bytes, bytes]:
    return (b"x-gatewright-endpoint", name.encode("ascii", "replace"))


_NONE = Usage()
