"""Ollama's own API (https://docs.ollama.com/api): the dialects `chat` and `generate`, and what else clients ask."""

from gatewright.dialects.ollama import chat, generate
from gatewright.dialects.ollama.catalog import models, shown, version
from gatewright.dialects.ollama.errors import ERRORS

__all__ = ["ERRORS", "chat", "generate", "models", "shown", "version"]
