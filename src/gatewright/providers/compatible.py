"""The providers that are only configuration: one row each.

To add one, add a row (and its auth fields in `fields.py` when they are not a single API key). Base addresses are
those of each provider's API reference. The first three speak a dialect of their own; the others are OpenAI-compatible.
"""

from gatewright.providers.base import OPENAI_PATHS, SERVER_PATHS, Provider

ROWS: tuple[Provider, ...] = (
    Provider(
        name="anthropic",
        base="https://api.anthropic.com/v1",
        paths={"messages": "/messages", "count_tokens": "/messages/count_tokens"},
        credential=(b"x-api-key", "{key}"),
    ),
    Provider(
        name="gemini",
        base="https://generativelanguage.googleapis.com/v1beta",
        paths={
            "generate_content": "/models/{model}:generateContent",
            "stream_generate_content": "/models/{model}:streamGenerateContent",
            "count_gemini_tokens": "/models/{model}:countTokens",
            "embed_content": "/models/{model}:embedContent",
            "batch_embed_contents": "/models/{model}:batchEmbedContents",
        },
        credential=(b"x-goog-api-key", "{key}"),
    ),
    Provider(name="openai", base="https://api.openai.com/v1", paths=OPENAI_PATHS),
    Provider(name="cerebras", base="https://api.cerebras.ai/v1", thoughts="reasoning"),
    Provider(name="deepseek", base="https://api.deepseek.com/v1", thoughts="reasoning_content"),
    Provider(name="fireworks_ai", base="https://api.fireworks.ai/inference/v1"),
    Provider(name="github", base="https://models.github.ai/inference"),
    Provider(name="groq", base="https://api.groq.com/openai/v1", thoughts="reasoning"),
    Provider(name="huggingface", base="https://router.huggingface.co/v1"),
    Provider(name="mistral", base="https://api.mistral.ai/v1", thoughts="thinking"),
    Provider(name="moonshot", base="https://api.moonshot.ai/v1", thoughts="reasoning_content"),
    Provider(name="nvidia_nim", base="https://integrate.api.nvidia.com/v1"),
    Provider(name="openrouter", base="https://openrouter.ai/api/v1", thoughts="reasoning_details"),
    Provider(name="perplexity", base="https://api.perplexity.ai"),
    Provider(name="sambanova", base="https://api.sambanova.ai/v1"),
    Provider(name="together_ai", base="https://api.together.xyz/v1"),
    Provider(name="xai", base="https://api.x.ai/v1"),
    Provider(name="zai", base="https://api.z.ai/api/paas/v4", thoughts="reasoning_content"),
    # Model servers of one's own: they need GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS=1, and a key only if they ask for one.
    Provider(name="llama.cpp", base="http://127.0.0.1:8080/v1", paths=SERVER_PATHS, key=False),
    Provider(name="lmstudio", base="http://127.0.0.1:1234/v1", paths=OPENAI_PATHS, key=False),
    Provider(name="ollama", base="http://127.0.0.1:11434/v1", paths=OPENAI_PATHS, key=False),
    Provider(name="vllm", base="http://127.0.0.1:8000/v1", paths=OPENAI_PATHS, key=False),
)
