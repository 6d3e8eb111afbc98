"""The head of a provider's answer, read once: what it is, what of it the client gets, and its own id."""

from dataclasses import dataclass
from functools import lru_cache

from gatewright.gateway.exchange import Headers

# What of a provider's response headers reaches the client, by name or by prefix: facts about the answer and its
# limits. Connection, cookie and server headers are the provider's own business.
_NAMES = frozenset({b"retry-after", b"retry-after-ms", b"x-should-retry"})
_PREFIXES = (b"x-ratelimit-", b"ratelimit-", b"openai-", b"anthropic-ratelimit-")
_IDS = frozenset({b"x-request-id", b"request-id", b"x-amzn-requestid"})
_WITHHELD = frozenset(
    {b"connection", b"content-length", b"date", b"server", b"transfer-encoding", b"set-cookie", b"content-encoding"}
)
"""Those of nearly every answer that do not reach the client; knowing them spares a search for a prefix."""


@dataclass(slots=True)
class Head:
    """What is known of an answer by its header fields.

    Attributes:
        content_type: as it came; empty when there is none.
        given: the other header fields that reach the client.
        provider_id: the provider's own id of the call; empty when it tells none.
    """

    content_type: bytes
    given: Headers
    provider_id: str

    @property
    def media(self) -> bytes:
        """The content type alone, in lower case."""
        return _media(self.content_type)


@lru_cache(maxsize=256)
def _media(content_type: bytes) -> bytes:
    return content_type.partition(b";")[0].strip().lower()


def read(headers: Headers) -> Head:
    """Read the header fields of an answer; names are in lower case."""
    content_type = b""
    provider_id = ""
    given: Headers = ()
    for field in headers:
        name = field[0]
        if name in _WITHHELD:
            continue
        if name == b"content-type":
            content_type = content_type or field[1]
        elif name in _IDS:
            provider_id = provider_id or field[1].decode("latin-1")
            given = (*given, field)
        elif name in _NAMES or name.startswith(_PREFIXES):
            given = (*given, field)
    return Head(content_type, given, provider_id)
