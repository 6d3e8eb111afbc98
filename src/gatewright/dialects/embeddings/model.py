"""The one model that every embeddings API translates to and from: what is to be embedded, and the vectors.

As `dialects/conversation.py` is for chats: a parameter that is None was not sent, and what only the wire of origin
understands stays in `rest`, how it wrote the others in `form`.
"""

from dataclasses import dataclass, field
from typing import Literal

from gatewright.dialects.conversation import Media, Native, Node, Text, Usage

Purpose = Literal["query", "document", "similarity", "classification", "clustering", "code_query", "question", "fact"]
Number = Literal["float", "int8", "uint8", "binary", "ubinary"]
Cut = Literal["end", "start", "none"]

Vector = list[float]
"""The numbers of one embedding; whole ones where integers were asked for."""


@dataclass(slots=True, kw_only=True)
class Tokens(Node):
    """A text as the ids of its tokens, which only the model they are of can read."""

    ids: list[int]


Piece = Text | Tokens | Media | Native


@dataclass(slots=True, kw_only=True)
class EmbeddingInput(Node):
    """What becomes one vector.

    Attributes:
        parts: in order; nearly always one text.
        title: of the document it is of; None when not said.
    """

    parts: list[Piece]
    title: str | None = None


@dataclass(slots=True, kw_only=True)
class EmbeddingRequest(Node):
    """A request for vectors.

    Attributes:
        dialect: name of the wire of origin.
        model: as the client wrote it; empty where the path of the call names it.
        inputs: what is to be embedded, one vector each, in order; at least one.
        dimensions: numbers a vector shall have.
        purpose: what the vectors are for.
        number: what kind of number they shall be made of; `binary` and `ubinary` hold eight dimensions in a byte,
            signed or not, the first in the highest bit.
        packed: whether vectors shall come as base64 of their little-endian bytes.
        truncate: which end of too long a text is cut off; `none` for an error instead.
        user: the client's own name for whom it asks.
    """

    dialect: str
    model: str = ""
    inputs: list[EmbeddingInput] = field(default_factory=list)
    dimensions: int | None = None
    purpose: Purpose | None = None
    number: Number | None = None
    packed: bool | None = None
    truncate: Cut | None = None
    user: str | None = None


@dataclass(slots=True, kw_only=True)
class EmbeddingAnswer(Node):
    """The vectors of a request.

    Attributes:
        dialect: name of the wire of origin.
        vectors: one for each input, in the order of the inputs.
        usage: None where the wire does not say.
        model: the model that answered, as the provider calls it; empty where the wire does not say.
        id: the provider's name for the answer; empty where the wire does not say.
    """

    dialect: str
    vectors: list[Vector] = field(default_factory=list)
    usage: Usage | None = None
    model: str = ""
    id: str = ""
