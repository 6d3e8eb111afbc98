"""Station 6: what is noted of a request on its way, and becomes its one record, whatever happened."""

import random
import time
from collections.abc import Callable

from gatewright.dialects.conversation import Usage
from gatewright.errors import GatewrightError
from gatewright.gateway.attempt import Answer, AttemptsFailedError
from gatewright.gateway.metering import Meter
from gatewright.ledger.record import CLIENT_LEFT, Record
from gatewright.snapshot.model import Endpoint, Target

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
        headers: header fields of its answer, as far as they are known.
        begun: when its body had come, as `time.perf_counter` tells it.
        key_id: who calls.
        endpoint: whom it is for.
        operation: what is asked; empty until it is understood.
        stream: whether it is answered by a stream.
    """

    __slots__ = (
        "_answer",
        "_arrived",
        "_at",
        "_error",
        "_failed",
        "_first_byte",
        "_recorder",
        "_status",
        "begun",
        "endpoint",
        "headers",
        "key_id",
        "operation",
        "request_id",
        "stream",
    )

    def __init__(self, recorder: Recorder) -> None:
        self._recorder: Recorder | None = recorder
        self._at = time.time_ns() // 1_000_000
        # Of ids that grow, a database's index is written at one end.
        self.request_id = f"req_{self._at:011x}{random.getrandbits(52):013x}"
        self.headers: list[tuple[bytes, bytes]] = [(b"x-gatewright-request-id", self.request_id.encode("ascii"))]
        self._arrived = self.begun = time.perf_counter()
        self._first_byte = 0.0
        self._answer: Answer | None = None
        self._failed: AttemptsFailedError | None = None
        self._status, self._error = LEFT, CLIENT_LEFT
        self.key_id = self.operation = ""
        self.endpoint: Endpoint | None = None
        self.stream = False

    def answered(self, answer: Answer) -> None:
        """A target has answered: its first byte is here."""
        self._first_byte = time.perf_counter()
        self._answer = answer

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
        tried = self._answer or self._failed
        target: Target | None = tried.target if tried else None
        first_byte = self._first_byte or ended
        waited = tried.waited if tried else 0.0
        meter: Meter | None = self._answer.sending.meter if self._answer else None
        usage = meter.usage if meter else None
        counts = _NONE if usage is None else usage
        return Record(
            record_id=self.request_id,
            at=self._at,
            operation=self.operation,
            status=self._status,
            key_id=self.key_id,
            endpoint_id=self.endpoint.endpoint_id if self.endpoint else "",
            endpoint=self.endpoint.name if self.endpoint else "",
            provider=target.provider if target else "",
            model=target.model if target else "",
            attempts=tried.attempts if tried else 0,
            stream=self.stream,
            queue_us=_micros(self.begun - self._arrived),
            first_byte_us=_micros(first_byte - self._arrived),
            total_us=_micros(ended - self._arrived),
            overhead_us=_micros(first_byte - self.begun - waited),
            usage_told=usage is not None,
            input_tokens=counts.input,
            cache_read_tokens=counts.cache_read,
            cache_write_5m_tokens=counts.cache_write_5m,
            cache_write_1h_tokens=counts.cache_write_1h,
            input_audio_tokens=counts.input_audio,
            input_image_tokens=counts.input_image,
            output_tokens=counts.output,
            reasoning_tokens=counts.reasoning,
            output_audio_tokens=counts.output_audio,
            output_image_tokens=counts.output_image,
            error=self._error,
            upstream_request_id=_provider_id(self._answer) if self._answer else "",
        )


def _micros(seconds: float) -> int:
    return max(0, int(seconds * 1e6))


def _provider_id(answer: Answer) -> str:
    for name, value in answer.response.headers:
        if name in _IDS:
            return value.decode("latin-1")
    return ""


_NONE = Usage()
_IDS = frozenset({b"x-request-id", b"request-id", b"x-amzn-requestid"})
