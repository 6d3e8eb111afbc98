"""What clients of Ollama ask besides answers: which models there are, what one can do, and the version.

Source: "List models", "Show model details" and "Version" (https://docs.ollama.com/api/tags,
https://docs.ollama.com/api-reference/show-model-details, https://docs.ollama.com/api-reference/get-version).
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from gatewright.dialects.ollama.wire import timestamp

VERSION = "0.12.11"
"""The release of Ollama whose API is spoken here: the first with log probabilities. Editors refuse one before 0.6.4."""

_ARCHITECTURE = "endpoint"  # `model_info` names its own fields by it
_DETAILS: dict[str, Any] = {
    "parent_model": "",
    "format": "",
    "family": "",
    "families": [],
    "parameter_size": "",
    "quantization_level": "",
}


def models(listed: Iterable[tuple[str, int]]) -> bytes:
    """The body that answers GET /api/tags.

    Args:
        listed: of each endpoint its name, and when it was made in milliseconds since the epoch.
    """
    return msgspec.json.encode({"models": [_model(name, created_at) for name, created_at in listed]})


def _model(name: str, created_at: int) -> dict[str, Any]:
    return {
        "name": name,
        "model": name,
        "modified_at": timestamp(created_at // 1000),
        "size": 0,
        "digest": hashlib.sha256(name.encode()).hexdigest(),  # clients tell models apart by it
        "details": _DETAILS,
    }


def shown(
    name: str,
    created_at: int,
    *,
    capabilities: Sequence[str] = ("completion", "tools"),
    context_length: int | None = None,
) -> bytes:
    """The body that answers POST /api/show.

    Args:
        name: an endpoint's.
        created_at: when it was made, in milliseconds since the epoch.
        capabilities: of `completion`, `tools`, `vision`, `thinking`, `insert` and `embedding` those it has.
        context_length: tokens of prompt and answer together; None when not known.
    """
    info: dict[str, Any] = {"general.architecture": _ARCHITECTURE, "general.basename": name}
    if context_length is not None:
        info[f"{_ARCHITECTURE}.context_length"] = context_length
    body = {
        "modelfile": "",
        "parameters": "",
        "template": "",
        "details": _DETAILS,
        "model_info": info,
        "capabilities": capabilities,
        "modified_at": timestamp(created_at // 1000),
    }
    return msgspec.json.encode(body)


def version() -> bytes:
    """The body that answers GET /api/version."""
    return msgspec.json.encode({"version": VERSION})
