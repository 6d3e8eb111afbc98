"""Documents in the order of how well they answer a query: one model, and one module for each wire."""

from gatewright.dialects.rerank import cohere, voyage
from gatewright.dialects.rerank.model import RerankAnswer, RerankRequest, RerankResult

__all__ = ["RerankAnswer", "RerankRequest", "RerankResult", "cohere", "voyage"]
