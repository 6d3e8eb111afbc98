"""What the makers of Bedrock's models accept in a request, so that a translated request is not refused.

Sources: "Supported models and model features" of Converse
(https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html), "Get
validated JSON results from models" (https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html),
"Prompt caching" (https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html). A model whose name tells
nothing, as that of an application's own inference profile, is taken to accept what most do.
"""

from dataclasses import dataclass
from typing import Literal

from gatewright.dialects.claude import Generation, generation

# Of these makers no model is held to a schema.
_PLAIN = ("amazon.", "meta.", "cohere.", "ai21.", "writer.", "deepseek.r1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a model accepts.

    Attributes:
        claude: what a Claude model accepts; None for another maker's.
        nova: it is one of Amazon's Nova models.
        thinking: how it is told how much to think, if it can be: Claude's `thinking`, OpenAI's `reasoning_effort`, or
            the `reasoningConfig` of Nova 2.
        structured: it takes a schema for its answer, and strict tools.
        caches: it takes cache points among what is said.
    """

    claude: Generation | None
    nova: bool
    thinking: Literal["none", "claude", "openai", "nova"]
    structured: bool
    caches: bool


def abilities(model: str) -> Abilities:
    """What a model accepts, by its name or its ARN."""
    name = model.lower()
    claude = generation(name) if "claude" in name else None
    nova = "amazon.nova" in name
    thinking: Literal["none", "claude", "openai", "nova"] = "none"
    if claude is not None and claude.thinking != "none":
        thinking = "claude"
    elif "openai.gpt-oss" in name:
        thinking = "openai"
    elif "amazon.nova-2" in name:
        thinking = "nova"
    return Abilities(
        claude=claude,
        nova=nova,
        thinking=thinking,
        structured=not any(maker in name for maker in _PLAIN) if claude is None else claude.structured,
        caches=claude is not None or nova,
    )
