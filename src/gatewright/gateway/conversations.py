"""The one table of what is translated into what: families of dialects that say the same in different shapes.

What a client asks in one dialect of a family can be answered by a target that speaks any other of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gatewright.dialects import (
    chat,
    cohere,
    converse,
    embeddings,
    generate_content,
    messages,
    ollama,
    rerank,
    responses,
)
from gatewright.dialects.stream import StreamDecoder, StreamEncoder
from gatewright.gateway.exchange import Headers
from gatewright.gateway.understand import ANTHROPIC_VERSION, RAW
from gatewright.snapshot.model import Access

SSE, FRAMES, LINES = b"text/event-stream", b"application/vnd.amazon.eventstream", b"application/x-ndjson"


class Dialect(Protocol):
    """What a dialect offers: its requests and answers, each to and from the values its family shares."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of the folder
        """Its name."""
        ...

    def decode_request(self, body: Mapping[str, Any]) -> Any:
        """A client's body to a request; a ClientError names the field that is wrong."""
        ...

    def encode_request(self, request: Any, model: str, dropped: Any) -> dict[str, Any]:
        """A request to a provider's body."""
        ...

    def decode_answer(self, body: Mapping[str, Any]) -> Any:
        """A provider's body to an answer; an UpstreamProtocolError when it is none."""
        ...

    def encode_answer(self, answer: Any, request: Any, dropped: Any) -> dict[str, Any]:
        """An answer to a client's body."""
        ...


class StreamingDialect(Dialect, Protocol):
    """A dialect whose answers come in events too."""

    def Decoder(self) -> StreamDecoder:  # noqa: N802 - a class of the folder
        """Reads one provider's stream."""
        ...

    def Encoder(self, request: Any) -> StreamEncoder:  # noqa: N802 - a class of the folder
        """Writes one client's stream."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wire:
    """A dialect as it is called; each is one value, told from others by identity.

    Attributes:
        operation: key of `Access.ways`.
        dialect: its folder.
        query: query string of a streamed request.
        headers: header fields its providers require.
        media: content type of a stream.
    """

    operation: str
    dialect: Dialect
    query: bytes = b""
    headers: Headers = ()
    media: bytes = SSE


MESSAGES = Wire(operation="messages", dialect=messages, headers=(ANTHROPIC_VERSION,))
GEMINI = Wire(operation="generate_content", dialect=generate_content, query=b"alt=sse")
CONVERSE = Wire(operation="converse", dialect=converse, media=FRAMES)
COHERE = Wire(operation="cohere", dialect=cohere)
CHAT = Wire(operation="chat", dialect=chat)
RESPONSES = Wire(operation="responses", dialect=responses)
OLLAMA_CHAT = Wire(operation="ollama_chat", dialect=ollama.chat, media=LINES)
OLLAMA_GENERATE = Wire(operation="ollama_generate", dialect=ollama.generate, media=LINES)

# Each family in the order in which a target that speaks several of it is spoken to.
CONVERSATIONS = (MESSAGES, GEMINI, CONVERSE, COHERE, CHAT, RESPONSES, OLLAMA_CHAT, OLLAMA_GENERATE)
EMBEDDINGS = tuple(
    Wire(operation=operation, dialect=embeddings.WIRES[name])
    for operation, name in (
        ("embeddings", "openai"),
        ("mistral_embeddings", "mistral"),
        ("voyage_embeddings", "voyage"),
        ("jina_embeddings", "jina"),
        ("nvidia_embeddings", "nvidia"),
        ("perplexity_embeddings", "perplexity"),
        ("cohere_embed", "cohere"),
        ("batch_embed_contents", "batchEmbedContents"),
        ("vertex_embed", "vertex-predict"),
        ("ollama_embed", "ollama-embed"),
        ("bedrock_cohere_embed", "bedrock-cohere"),
        # These take one text a request.
        ("embed_content", "embedContent"),
        ("titan_embed", "titan"),
        ("titan_v1_embed", "titan-v1"),
        ("nova_embed", "nova"),
        ("ollama_embeddings", "ollama-embeddings"),
    )
)
RERANKS = (Wire(operation="rerank", dialect=rerank.cohere), Wire(operation="voyage_rerank", dialect=rerank.voyage))
FAMILIES: tuple[tuple[Wire, ...], ...] = (CONVERSATIONS, EMBEDDINGS, RERANKS)

WIRES = {wire.operation: wire for family in FAMILIES for wire in family}
"""Every dialect that is translated, by its operation."""
_FAMILY = {wire.operation: family for family in FAMILIES for wire in family}


def spoken(access: Access, operation: str) -> Wire | None:
    """The dialect in which a target that does not know an operation can be asked for the same; None for none."""
    return next((wire for wire in _FAMILY.get(operation, ()) if wire.operation in access.ways), None)


def serves(access: Access, operation: str) -> bool:
    """Whether a target can answer an operation, by itself or by translation."""
    return operation in access.ways or operation == RAW or spoken(access, operation) is not None
