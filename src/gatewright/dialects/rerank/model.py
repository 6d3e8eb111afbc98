"""The one model that every rerank API translates to and from."""

from dataclasses import dataclass, field
from typing import Any

from gatewright.dialects.conversation import Node, Usage

Document = str | dict[str, Any]
"""A text, or an object whose fields are ranked together."""


@dataclass(slots=True, kw_only=True)
class RerankRequest(Node):
    """A request to order documents by how well they answer a query. A parameter that is None was not sent.

    Attributes:
        dialect: name of the wire of origin.
        model: as the client wrote it.
        query: what is looked for.
        documents: what is ordered; at least one.
        top_n: most results.
        return_documents: whether results hold their documents.
        max_tokens_per_doc: where long documents are cut.
        truncate: whether what is too long is cut; False for an error instead.
    """

    dialect: str
    model: str = ""
    query: str
    documents: list[Document]
    top_n: int | None = None
    return_documents: bool | None = None
    max_tokens_per_doc: int | None = None
    truncate: bool | None = None


@dataclass(slots=True, kw_only=True)
class RerankResult(Node):
    """One document's place in the order.

    Attributes:
        index: place of the document among the request's.
        score: how well it answers; only to be compared within one answer.
        document: the document; None where the wire does not repeat it.
    """

    index: int
    score: float
    document: Document | None = None


@dataclass(slots=True, kw_only=True)
class RerankAnswer(Node):
    """The documents in order.

    Attributes:
        dialect: name of the wire of origin.
        results: the best first.
        usage: None where the wire does not say.
        search_units: what Cohere bills, one for a query with up to a hundred documents; None where the wire is silent.
        model: the model that answered; empty where the wire does not say.
        id: the provider's name for the answer; empty where the wire does not say.
    """

    dialect: str
    results: list[RerankResult] = field(default_factory=list)
    usage: Usage | None = None
    search_units: float | None = None
    model: str = ""
    id: str = ""
