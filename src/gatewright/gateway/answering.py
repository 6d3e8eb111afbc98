"""One answer on its way back: from the provider's dialect to the client's."""

import time
from collections.abc import Iterable
from typing import Any, cast

import msgspec

from gatewright.dialects import generate_content
from gatewright.dialects.conversation import Answer, Dropped, Request
from gatewright.dialects.stream import Began, Event, StreamEncoder
from gatewright.errors import UpstreamProtocolError
from gatewright.gateway.body import JSON
from gatewright.gateway.conversations import SSE, StreamingDialect, Wire
from gatewright.gateway.exchange import Headers
from gatewright.gateway.masking import masked_text
from gatewright.gateway.metering import Meter
from gatewright.gateway.signatures import Marker
from gatewright.gateway.streaming import Leg, Translation
from gatewright.gateway.transcript import Transcript

LAST_SECOND = 253_402_300_799
"""The end of the year 9999, in seconds since the epoch: no dialect can write a later time as a date."""


class Answering:
    """A whole answer, translated.

    Args:
        client: the dialect of the client.
        provider: the dialect of the target.
        request: what the client asks.
        dropped: gets a note when something is left out.
        meter: gets the usage.

    Attributes:
        meter: as given.
    """

    def __init__(self, client: Wire, provider: Wire, request: Any, dropped: Dropped, meter: Meter) -> None:
        self._client = client
        self._provider = provider
        self._request = request
        self._dropped = dropped
        self.meter = meter

    def whole(self, body: bytes) -> bytes:
        """A whole answer, translated.

        Raises:
            UpstreamProtocolError: when it is not the provider's dialect.
        """
        try:
            found = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UpstreamProtocolError("its answer is not JSON.") from None
        if not isinstance(found, dict):
            raise UpstreamProtocolError("its answer is not a JSON object.")
        answer = self._settled(self._provider.dialect.decode_answer(found))
        self.meter.count(answer.usage)
        return msgspec.json.encode(self._client.dialect.encode_answer(answer, self._request, self._dropped))

    def _settled(self, answer: Any) -> Any:
        return answer


class Streaming(Answering):
    """An answer of a conversation, whole or streamed.

    Args:
        client: the dialect of the client.
        provider: the dialect of the target.
        request: what the client asks.
        dropped: gets a note when something is left out.
        meter: gets the usage.
        named: id and model of an answer whose provider names none, as Bedrock does not.
        array: whether a Gemini client gets its stream as one JSON array.
        credential: what the target is called with, and which its errors must not tell.
        transcript: writes the client's stream, where another provider may go on with it; None for one of its own.
    """

    def __init__(
        self,
        client: Wire,
        provider: Wire,
        request: Request,
        dropped: Dropped,
        meter: Meter,
        *,
        named: tuple[str, str] = ("", ""),
        array: bool = False,
        credential: Headers = (),
        transcript: Transcript | None = None,
    ) -> None:
        super().__init__(client, provider, request, dropped, meter)
        self._named = named
        self._marker = Marker(provider.dialect.NAME) if client is not provider else None
        self._array = array
        self._credential = credential
        self._transcript = transcript

    @property
    def content_type(self) -> bytes:
        """Of what the client gets."""
        if self._array or not self._request.stream:
            return JSON
        return SSE + b"; charset=utf-8" if self._client.media == SSE else self._client.media

    def stream(self) -> Translation:
        """What makes of the provider's stream the client's."""
        decoder = cast("StreamingDialect", self._provider.dialect).Decoder()
        if self._transcript is not None:
            return Leg(self, decoder, self._transcript)
        return Translation(self, decoder, encoder(self._client, self._request, array=self._array))

    def name(self, answer: Answer | Began) -> None:
        """Give an answer what its provider may have left out: its time, an id and a model."""
        if not 0 < (answer.created or 0) <= LAST_SECOND:
            answer.created = int(time.time())
        answer.id, answer.model = answer.id or self._named[0], answer.model or self._named[1]

    def told(self, message: str) -> str:
        """What the provider says of its failure, without our credential."""
        return masked_text(message, self._credential)

    def marked(self, event: Event) -> Iterable[Event]:
        """An event with its signatures marked as those of their maker."""
        return self._marker.events(event) if self._marker else (event,)

    def _settled(self, answer: Any) -> Any:
        self.name(answer)
        if self._marker:
            self._marker.answer(answer)
        return answer


def encoder(client: Wire, request: Request, *, array: bool) -> StreamEncoder:
    """What writes a client's stream.

    Args:
        client: the dialect of the client.
        request: what it asks.
        array: whether a Gemini client gets its stream as one JSON array.
    """
    if array:
        return generate_content.Encoder(request, array=True)
    return cast("StreamingDialect", client.dialect).Encoder(request)
