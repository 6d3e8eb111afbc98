"""The providers that are only configuration: one row each.

To add one, add a row (and its auth fields in `fields.py` when they are not a single API key). Base addresses are
those of each provider's API reference. The first three speak a dialect of their own; the others are OpenAI-compatible.
Responses are left to the translation where only some of a provider's models have them.
"""

from gatewright.providers.base import COMMON_PATHS, OPENAI_PATHS, SERVER_PATHS, Provider

ROWS: tuple[Provider, ...] = (
    Provider(
        name="anthropic",
        title="Anthropic",
        base="https://api.anthropic.com/v1",
        paths={"messages": "/messages", "count_tokens": "/messages/count_tokens"},
        credential=(b"x-api-key", "{key}"),
    ),
    Provider(
        name="gemini",
        title="Google AI Studio (Gemini)",
        base="https://generativelanguage.googleapis.com/v1beta",
        paths={
            "generate_content": "/models/{model}:generateContent",
            "count_gemini_tokens": "/models/{model}:countTokens",
            "embed_content": "/models/{model}:embedContent",
            "batch_embed_contents": "/models/{model}:batchEmbedContents",
        },
        streamed={"generate_content": "/models/{model}:streamGenerateContent"},
        credential=(b"x-goog-api-key", "{key}"),
    ),
    Provider(name="openai", title="OpenAI", base="https://api.openai.com/v1", paths=OPENAI_PATHS),
    Provider(name="cerebras", title="Cerebras", base="https://api.cerebras.ai/v1", thoughts="reasoning"),
    # https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility
    Provider(
        name="cloudflare",
        title="Cloudflare Workers AI",
        base="https://api.cloudflare.com/client/v4/accounts/{account_id}/ai/v1",
    ),
    # https://docs.cohere.com/docs/compatibility-api beside its own v2 API.
    Provider(
        name="cohere",
        title="Cohere",
        base="https://api.cohere.com",
        ends=("/compatibility/v1", "/v2"),
        paths={
            "chat": "/compatibility/v1/chat/completions",
            "cohere": "/v2/chat",
            "embeddings": "/compatibility/v1/embeddings",
            "cohere_embed": "/v2/embed",
            "rerank": "/v2/rerank",
        },
        tells_usage=True,
    ),
    Provider(name="crusoe", title="Crusoe", base="https://api.inference.crusoecloud.com/v1"),
    Provider(name="deepseek", title="DeepSeek", base="https://api.deepseek.com/v1", thoughts="reasoning_content"),
    Provider(name="fireworks_ai", title="Fireworks AI", base="https://api.fireworks.ai/inference/v1"),
    Provider(name="github", title="GitHub Models (a personal access token)", base="https://models.github.ai/inference"),
    Provider(
        name="groq",
        title="Groq",
        base="https://api.groq.com/openai/v1",
        paths={
            "chat": "/chat/completions",
            "speech": "/audio/speech",
            "transcriptions": "/audio/transcriptions",
            "translations": "/audio/translations",
        },
        thoughts="reasoning",
    ),
    Provider(name="huggingface", title="Hugging Face (an access token)", base="https://router.huggingface.co/v1"),
    # https://api.jina.ai/openapi.json
    Provider(
        name="jina_ai",
        title="Jina AI",
        base="https://api.jina.ai/v1",
        paths={"jina_embeddings": "/embeddings", "rerank": "/rerank"},
    ),
    Provider(
        name="mistral",
        title="Mistral",
        base="https://api.mistral.ai/v1",
        paths={
            "chat": "/chat/completions",
            "mistral_embeddings": "/embeddings",
            "moderations": "/moderations",
            "transcriptions": "/audio/transcriptions",
        },
        thoughts="thinking",
        tells_usage=True,
    ),
    Provider(name="moonshot", title="Moonshot AI", base="https://api.moonshot.ai/v1", thoughts="reasoning_content"),
    Provider(
        name="nvidia_nim",
        title="NVIDIA",
        base="https://integrate.api.nvidia.com/v1",
        paths={"chat": "/chat/completions", "nvidia_embeddings": "/embeddings"},
    ),
    Provider(name="openrouter", title="OpenRouter", base="https://openrouter.ai/api/v1", thoughts="reasoning_details"),
    # https://docs.perplexity.ai/api-reference: chat has no version in its path, embeddings have.
    Provider(
        name="perplexity",
        title="Perplexity",
        base="https://api.perplexity.ai",
        paths={"chat": "/chat/completions", "perplexity_embeddings": "/v1/embeddings"},
    ),
    Provider(name="sambanova", title="SambaNova", base="https://api.sambanova.ai/v1"),
    Provider(
        name="together_ai",
        title="Together AI",
        base="https://api.together.xyz/v1",
        paths={**COMMON_PATHS, "completions": "/completions", "images": "/images/generations", "rerank": "/rerank"},
    ),
    # https://docs.voyageai.com/reference/embeddings-api
    Provider(
        name="voyage",
        title="Voyage AI",
        base="https://api.voyageai.com/v1",
        paths={"voyage_embeddings": "/embeddings", "voyage_rerank": "/rerank"},
    ),
    Provider(name="xai", title="xAI", base="https://api.x.ai/v1"),
    Provider(name="zai", title="Z.ai", base="https://api.z.ai/api/paas/v4", thoughts="reasoning_content"),
    # Model servers of one's own: they need GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS=1, and a key only if they ask for one.
    Provider(name="llama.cpp", title="llama.cpp", base="http://127.0.0.1:8080/v1", paths=SERVER_PATHS, key=False),
    Provider(name="lmstudio", title="LM Studio", base="http://127.0.0.1:1234/v1", paths=OPENAI_PATHS, key=False),
    # https://docs.ollama.com/api beside what it has of OpenAI's API.
    Provider(
        name="ollama",
        title="Ollama",
        base="http://127.0.0.1:11434",
        ends=("/v1",),
        paths={
            "chat": "/v1/chat/completions",
            "completions": "/v1/completions",
            "embeddings": "/v1/embeddings",
            "responses": "/v1/responses",
            "ollama_chat": "/api/chat",
            "ollama_generate": "/api/generate",
            "ollama_embed": "/api/embed",
            "ollama_embeddings": "/api/embeddings",
        },
        key=False,
    ),
    Provider(name="vllm", title="vLLM", base="http://127.0.0.1:8000/v1", paths=OPENAI_PATHS, key=False),
)
