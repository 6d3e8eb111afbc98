"""Vectors of texts: one model of request and answer, and one wire for each API that makes them."""

from gatewright.dialects.embeddings import cohere, gemini, nova, ollama, openai, titan, vertex
from gatewright.dialects.embeddings.model import EmbeddingAnswer, EmbeddingInput, EmbeddingRequest, Tokens
from gatewright.dialects.embeddings.wire import Wire

WIRES: dict[str, Wire] = {
    wire.NAME: wire
    for wire in (
        openai.OPENAI,
        openai.VOYAGE,
        openai.JINA,
        openai.MISTRAL,
        openai.NVIDIA,
        openai.PERPLEXITY,
        gemini.EMBED,
        gemini.BATCH,
        vertex.PREDICT,
        cohere.COHERE,
        cohere.BEDROCK,
        ollama.EMBED,
        ollama.EMBEDDINGS,
        titan.TITAN,
        titan.TITAN_V1,
        nova.NOVA,
    )
}
"""Every wire, by its name."""

__all__ = ["WIRES", "EmbeddingAnswer", "EmbeddingInput", "EmbeddingRequest", "Tokens", "Wire"]
