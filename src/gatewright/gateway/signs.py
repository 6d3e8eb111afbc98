"""What providers write when a status alone does not tell what is wrong: codes, and where there are none, words.

What a client wrote, and an error repeats, must not take a target away from others: words that count against a target
are taken only from the beginning of a message, or with a status of their own.
"""

from dataclasses import dataclass, field

from gatewright.gateway.failures import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """How providers say one kind of failure.

    Attributes:
        kind: what it means.
        codes: values of `code`, `type`, `status`, `reason` and the like, or of `x-amzn-errortype`; in lower case.
        begins: how messages begin, in lower case.
        holds: what messages hold, in lower case.
        statuses: with which HTTP statuses a message means it; any when empty. A code means it with each.
    """

    kind: Kind
    codes: frozenset[str] = frozenset()
    begins: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    statuses: frozenset[int] = field(default=frozenset())


SIGNS = (
    Sign(
        kind=Kind.CONTENT_POLICY,
        codes=frozenset(
            {
                "content_filter",  # Azure OpenAI, "Content filtering"; Moonshot, https://platform.kimi.ai/docs/api/errors
                "responsibleaipolicyviolation",  # Azure's inner code of the same
                "contentfilter",  # Azure's images
                "content_policy_violation",  # OpenAI and Azure, images
                "moderation_blocked",  # OpenAI, gpt-image
                "1301",  # https://docs.z.ai/api-reference/api-code
            }
        ),
        holds=(
            "flagged as potentially violating our usage policy",  # OpenAI, code `invalid_prompt`
            "rejected as a result of our safety system",  # OpenAI, images
            "content management policy",  # Azure OpenAI
            "content filtering policy",  # Anthropic, also on Bedrock and Vertex
            "content exists risk",  # DeepSeek
            "content violates usage guidelines",  # xAI, with a 403
            "your input was flagged",  # OpenRouter, with a 403
            "responsible ai practices",  # Vertex AI, Imagen
        ),
    ),
    Sign(
        kind=Kind.CONTEXT_WINDOW,
        codes=frozenset(
            {
                "context_length_exceeded",  # OpenAI, Azure, Groq, OpenRouter
                "exceed_context_size_error",  # llama.cpp, tools/server
                "too_many_prompt_tokens",  # Perplexity
                "1261",  # Z.ai
            }
        ),
        begins=(
            "too many tokens:",  # https://docs.cohere.com/reference/errors; Bedrock's throttling has no colon
            "too many input tokens",  # Bedrock, Titan
            "request too large for model",  # Groq, with a 413: more than its tokens a minute
            "input token length too long",  # Moonshot
        ),
        holds=(
            "prompt is too long",  # Anthropic, also on Bedrock and Vertex
            "exceed context limit",  # Anthropic, prompt and max_tokens together
            "exceeds the context window",  # OpenAI, Responses
            "maximum context length",  # OpenAI and all who write like it: vLLM, DeepSeek, Mistral, OpenRouter, Azure
            "maximum model length",  # vLLM
            "exceeds the maximum number of tokens allowed",  # Gemini, Vertex AI
            "input is too long for requested model",  # Bedrock
            "number of input tokens exceeds maximum length",  # Bedrock, Nova
            "maximum prompt length is",  # xAI
            "reduce the length of the messages",  # Groq
            "exceeded model token limit",  # Moonshot
            "prompt exceeds max length",  # Z.ai
            "exceeds the available context size",  # llama.cpp
            "greater than the context length",  # LM Studio
            "longer than the model's context length",  # Fireworks, Novita
            "`inputs` tokens + `max_new_tokens` must be <=",  # Hugging Face, Together
            "tokens in request more than max tokens allowed",  # Voyage
        ),
    ),
    Sign(
        kind=Kind.QUOTA,
        codes=frozenset(
            {
                # https://platform.openai.com/docs/guides/error-codes
                "insufficient_quota",
                "credit_balance_exhausted",
                "organization_spend_limit_exceeded",
                "project_spend_limit_exceeded",
                "organization_usage_limit_exceeded",
                "billing_hard_limit_reached",
                "billing_not_active",
                # https://platform.claude.com/docs/en/api/rate-limits and /errors
                "enforced_spend_limit_reached",
                "billing_error",
                "billing_disabled",  # Google, google.rpc.ErrorInfo
                "exceeded_current_quota_error",  # Moonshot
                "payment_required",  # OpenRouter, Gemini
                "1113",  # Z.ai
            }
        ),
        begins=(
            "your credit balance is too low",  # Anthropic, with a 400
            "you have reached your specified api usage limits",  # Anthropic, with a 400
            "you have reached your specified workspace api usage limits",
            "you have run out of credits",  # xAI
            "your newly created team doesn't have any credits",
        ),
    ),
    Sign(
        kind=Kind.QUOTA,
        holds=("used all available credits",),  # xAI, after the id of the team
        statuses=frozenset({403, 429}),
    ),
    Sign(
        kind=Kind.UNKNOWN_MODEL,
        codes=frozenset(
            {
                "model_not_found",  # OpenAI, Groq, vLLM
                "deploymentnotfound",  # Azure OpenAI
                "resourcenotfoundexception",  # Bedrock
                "resource_not_found_error",  # Moonshot
                "invalid_model",  # Mistral, until 2025
                "unknown_model",  # https://docs.mistral.ai/resources/error-glossary; GitHub Models
                "1211",  # Z.ai
            }
        ),
        begins=(
            "the provided model identifier is invalid",  # Bedrock, with a 400
            "invocation of model id ",  # Bedrock: this model is served through an inference profile only
            "model not exist",  # DeepSeek, with a 400
        ),
    ),
    Sign(
        kind=Kind.UNKNOWN_MODEL,
        begins=(
            "model:",  # Anthropic
            "models/",  # Gemini
            "publisher model ",  # Vertex AI
            "model ",  # Ollama, Cohere, Fireworks
            "the model ",  # xAI, vLLM and others who write no code
            "no endpoints found for",  # OpenRouter
            "resource not found",  # Azure: no such resource or deployment
        ),
        statuses=frozenset({404}),
    ),
    Sign(
        kind=Kind.OVERLOADED,
        codes=frozenset(
            {
                "overloaded_error",  # Anthropic
                "server_is_overloaded",  # OpenAI
                "engine_overloaded_error",  # Moonshot
                "capacity_exceeded",  # Groq's flex tier, with a 498
                "service_tier_capacity_exceeded",  # Mistral
                "modelnotreadyexception",  # Bedrock, with a 429
                "1312",  # Z.ai
            }
        ),
        begins=("the model is overloaded", "the engine is currently overloaded"),  # Gemini; OpenAI, Moonshot
    ),
    Sign(
        kind=Kind.SERVER_ERROR,
        # Bedrock, with a 424: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
        codes=frozenset({"modelerrorexception", "modelstreamerrorexception"}),
    ),
    Sign(
        kind=Kind.AUTH,
        codes=frozenset(
            {
                "invalid_api_key",  # OpenAI
                "api_key_invalid",  # Gemini, with a 400
                "unrecognizedclientexception",  # AWS
                "expiredtokenexception",
                "incompletesignature",
            }
        ),
        begins=("incorrect api key provided",),  # xAI, with a 400
    ),
    Sign(
        kind=Kind.RATE_LIMITED_UNSAID,
        codes=frozenset(
            {
                "rate_limit_error",  # Anthropic
                "rate_limit_exceeded",  # OpenAI
                "throttlingexception",  # Bedrock
                "servicequotaexceededexception",  # Bedrock, with a 400
                "request_limit_exceeded",  # Databricks
                "resource_exhausted",  # Google
            }
        ),
    ),
)
"""Every sign; the first that fits wins."""
