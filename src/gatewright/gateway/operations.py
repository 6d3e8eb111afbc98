"""What a client may ask, as values in one table of method and path. The pipeline is written once over them.

A new surface is a row here, with its prefix in `server/render.py` and its fields for the OpenAPI document in
`control/api/inference.py`; a test holds the three together.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gatewright.dialects import anthropic, cohere, converse, gemini, mlflow, ollama, openai, toplevel
from gatewright.dialects.errors import ANTHROPIC, GEMINI, MLFLOW, OPENAI, ErrorDialect
from gatewright.errors import ClientError
from gatewright.gateway.conversations import serves
from gatewright.gateway.resolve import resolve
from gatewright.gateway.understand import (
    Asked,
    Call,
    by_form,
    by_model,
    by_path,
    by_place,
    chat_or_embeddings,
    deployed,
    raw,
    unified_chat,
)
from gatewright.snapshot.model import Endpoint, Snapshot

Params = Mapping[str, str]
Answer = Callable[[Snapshot, Asked], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing a client may ask.

    Attributes:
        method: HTTP method.
        path: exact path, or a template with `{name}` parts; `{name...}` stands for all that follows.
        summary: one line for the OpenAPI document.
        dialect: how errors are written.
        parse: what was asked to a call, for operations that go to a provider.
        answer: snapshot and what was asked to a JSON body, for operations that need no provider.
    """

    method: str
    path: str
    summary: str
    dialect: ErrorDialect
    parse: Callable[[Asked], Call] | None = None
    answer: Answer | None = None


def _post(path: str, summary: str, dialect: ErrorDialect, parse: Callable[[Asked], Call]) -> Operation:
    return Operation(method="POST", path=path, summary=summary, dialect=dialect, parse=parse)


def _get(path: str, summary: str, dialect: ErrorDialect, answer: Answer) -> Operation:
    return Operation(method="GET", path=path, summary=summary, dialect=dialect, answer=answer)


def _list_models(owner: str) -> Answer:
    def answer(snapshot: Snapshot, _asked: Asked) -> bytes:
        return openai.models(
            openai.model(name, endpoint.created_at, owner) for name, endpoint in sorted(snapshot.endpoints.items())
        )

    return answer


def _one_model(snapshot: Snapshot, asked: Asked) -> bytes:
    endpoint = resolve(snapshot, asked.params["model"])
    return toplevel.encode(openai.model(endpoint.name, endpoint.created_at, "gatewright"))


def _anthropic_models(snapshot: Snapshot, _asked: Asked) -> bytes:
    return anthropic.models((name, endpoint.created_at) for name, endpoint in sorted(snapshot.endpoints.items()))


def _one_anthropic_model(snapshot: Snapshot, asked: Asked) -> bytes:
    endpoint = resolve(snapshot, asked.params["model"])
    return toplevel.encode(anthropic.model(endpoint.name, endpoint.created_at))


def _by_version(other: Answer, own: Answer) -> Answer:
    """OpenAI and Anthropic list models at the same path; only Anthropic's clients send a version."""

    def answer(snapshot: Snapshot, asked: Asked) -> bytes:
        return (own if asked.header(b"anthropic-version") else other)(snapshot, asked)

    return answer


def _gemini_models(snapshot: Snapshot, _asked: Asked) -> bytes:
    return gemini.models(sorted(snapshot.endpoints))


def _one_gemini_model(snapshot: Snapshot, asked: Asked) -> bytes:
    return toplevel.encode(gemini.model(resolve(snapshot, asked.params["model"]).name))


def _openai(prefix: str, models: Answer, model: Answer) -> Iterator[Operation]:
    """OpenAI's API reference, https://platform.openai.com/docs/api-reference; rerank is as Cohere and Jina have it."""
    yield _post(f"{prefix}/chat/completions", "Chat completion", OPENAI, by_model("chat"))
    yield _post(f"{prefix}/completions", "Completion (legacy)", OPENAI, by_model("completions"))
    yield _post(f"{prefix}/embeddings", "Embeddings", OPENAI, by_model("embeddings", streams=False))
    yield _post(f"{prefix}/responses", "Response", OPENAI, by_model("responses"))
    yield _post(f"{prefix}/responses/compact", "Compaction", OPENAI, by_model("compact", streams=False))
    yield _post(f"{prefix}/moderations", "Moderation", OPENAI, by_model("moderations", streams=False))
    yield _post(f"{prefix}/images/generations", "Image generation", OPENAI, by_model("images"))
    yield _post(f"{prefix}/images/edits", "Image edit", OPENAI, by_form("image_edits"))
    yield _post(f"{prefix}/audio/speech", "Speech", OPENAI, by_model("speech"))
    yield _post(f"{prefix}/audio/transcriptions", "Transcription", OPENAI, by_form("transcriptions"))
    yield _post(f"{prefix}/audio/translations", "Translation of speech", OPENAI, by_form("translations"))
    yield _post(f"{prefix}/rerank", "Rerank", OPENAI, by_model("rerank", streams=False))
    yield _get(f"{prefix}/models", "The endpoints, as a list of models", OPENAI, models)
    yield _get(f"{prefix}/models/{{model}}", "One endpoint, as a model", OPENAI, model)


def _anthropic(prefix: str, dialect: ErrorDialect) -> Iterator[Operation]:
    """Anthropic's API reference, https://docs.anthropic.com/en/api/messages."""
    yield _post(f"{prefix}/messages", "Message", dialect, by_model("messages"))
    yield _post(f"{prefix}/messages/count_tokens", "Token count", dialect, by_model("count_tokens", streams=False))


def _gemini(prefix: str, dialect: ErrorDialect) -> Iterator[Operation]:
    """Gemini's API reference, https://ai.google.dev/api; the method follows the model in the path."""
    for method, parse, summary in (
        ("generateContent", by_path("generate_content"), "Content"),
        ("streamGenerateContent", by_path("generate_content", streams=True), "Content, streamed"),
        ("countTokens", by_path("count_gemini_tokens"), "Token count"),
        ("embedContent", by_path("embed_content"), "Embedding"),
        ("batchEmbedContents", by_path("batch_embed_contents"), "Embeddings"),
    ):
        yield _post(f"{prefix}/models/{{endpoint}}:{method}", summary, dialect, parse)
    if dialect is GEMINI:
        yield _get(f"{prefix}/models", "The endpoints, as Gemini lists models", dialect, _gemini_models)
        yield _get(f"{prefix}/models/{{model}}", "One endpoint, as a model of Gemini", dialect, _one_gemini_model)


def _ollama_models(snapshot: Snapshot, _asked: Asked) -> bytes:
    return ollama.models((name, endpoint.created_at) for name, endpoint in sorted(snapshot.endpoints.items()))


def _shown_ollama_model(snapshot: Snapshot, asked: Asked) -> bytes:
    fields = toplevel.split(asked.body)
    name = toplevel.text(fields, "model") or toplevel.text(fields, "name")
    if name is None:
        raise ClientError("Missing required 'model' parameter in request body")
    endpoint = resolve(snapshot, name)
    return ollama.shown(endpoint.name, endpoint.created_at)


def _deployment(endpoint: Endpoint) -> dict[str, object]:
    targets = [*(target for target, _ in endpoint.primaries), *endpoint.fallbacks]
    if not targets:
        return mlflow.deployment(endpoint.name, "chat", "", "")
    first = targets[0]
    kinds = ("chat", "embeddings", "completions")
    kind = next((one for one in kinds if serves(first.access, one)), "chat")
    return mlflow.deployment(endpoint.name, kind, first.provider, first.model)


def _deployments(snapshot: Snapshot, _asked: Asked) -> bytes:
    return toplevel.encode({"endpoints": [_deployment(one) for _, one in sorted(snapshot.endpoints.items())]})


def _one_deployment(snapshot: Snapshot, asked: Asked) -> bytes:
    return toplevel.encode(_deployment(resolve(snapshot, asked.params["endpoint"])))


def _ollama_version(_snapshot: Snapshot, _asked: Asked) -> bytes:
    return ollama.version()


def _cohere(prefix: str) -> Iterator[Operation]:
    """Cohere's v2 API, https://docs.cohere.com/reference/chat."""
    yield _post(f"{prefix}/v2/chat", "Chat", cohere.ERRORS, by_model("cohere"))
    yield _post(f"{prefix}/v2/embed", "Embeddings", cohere.ERRORS, by_model("cohere_embed", streams=False))
    yield _post(f"{prefix}/v2/rerank", "Rerank", cohere.ERRORS, by_model("rerank", streams=False))


def _bedrock(prefix: str) -> Iterator[Operation]:
    """Bedrock's conversations, https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html."""
    at = f"{prefix}/model/{{endpoint}}"
    yield _post(f"{at}/converse", "Conversation", converse.ERRORS, by_place("converse"))
    yield _post(f"{at}/converse-stream", "Conversation, streamed", converse.ERRORS, by_place("converse", streams=True))


def _ollama(prefix: str) -> Iterator[Operation]:
    """Ollama's API, https://docs.ollama.com/api; it streams unless told not to."""
    dialect = ollama.ERRORS
    yield _post(f"{prefix}/api/chat", "Chat", dialect, by_model("ollama_chat", unless=True))
    yield _post(f"{prefix}/api/generate", "Completion", dialect, by_model("ollama_generate", unless=True))
    yield _post(f"{prefix}/api/embed", "Embeddings", dialect, by_model("ollama_embed", streams=False))
    yield _post(f"{prefix}/api/embeddings", "Embedding (legacy)", dialect, by_model("ollama_embeddings", streams=False))
    yield _get(f"{prefix}/api/tags", "The endpoints, as Ollama lists models", dialect, _ollama_models)
    yield _get(f"{prefix}/api/version", "The version of Ollama's API", dialect, _ollama_version)
    show = f"{prefix}/api/show"
    yield Operation(
        method="POST",
        path=show,
        summary="One endpoint, as Ollama tells it",
        dialect=dialect,
        answer=_shown_ollama_model,
    )


OPERATIONS: tuple[Operation, ...] = (
    *_openai(
        "/v1",
        _by_version(_list_models("gatewright"), _anthropic_models),
        _by_version(_one_model, _one_anthropic_model),
    ),
    *_openai("/openai/v1", _list_models("gatewright"), _one_model),
    *_anthropic("/v1", ANTHROPIC),
    *_anthropic("/anthropic/v1", ANTHROPIC),
    _get("/anthropic/v1/models", "The endpoints, as Anthropic lists models", ANTHROPIC, _anthropic_models),
    _get("/anthropic/v1/models/{model}", "One endpoint, as a model of Anthropic", ANTHROPIC, _one_anthropic_model),
    *_gemini("/v1beta", GEMINI),
    *_gemini("/gemini/v1beta", GEMINI),
    *_gemini("/gemini/v1", GEMINI),
    *_cohere(""),
    *_cohere("/cohere"),
    *_bedrock("/bedrock"),
    *_ollama(""),
    *_ollama("/ollama"),
    _post(
        "/gateway/{endpoint}/mlflow/invocations", "MLflow invocation: chat or embeddings", MLFLOW, chat_or_embeddings
    ),
    _post("/endpoints/{endpoint}/invocations", "MLflow deployment: chat, completion or embeddings", MLFLOW, deployed),
    _get("/api/2.0/endpoints/", "The endpoints, as MLflow's deployments client lists them", MLFLOW, _deployments),
    _get(
        "/api/2.0/endpoints/{endpoint}",
        "One endpoint, as MLflow's deployments client reads it",
        MLFLOW,
        _one_deployment,
    ),
    _post("/gateway/mlflow/v1/chat/completions", "MLflow unified chat completion", MLFLOW, unified_chat),
    _get("/gateway/mlflow/v1/models", "The endpoints, as MLflow lists them", MLFLOW, _list_models("mlflow")),
    _post("/gateway/openai/v1/chat/completions", "Chat completion", MLFLOW, by_model("chat")),
    _post("/gateway/openai/v1/embeddings", "Embeddings", MLFLOW, by_model("embeddings", streams=False)),
    _post("/gateway/openai/v1/responses", "Response", MLFLOW, by_model("responses")),
    _post("/gateway/openai/v1/responses/compact", "Compaction", MLFLOW, by_model("compact", streams=False)),
    *_anthropic("/gateway/anthropic/v1", MLFLOW),
    *_gemini("/gateway/gemini/v1beta", MLFLOW),
    _post("/gateway/proxy/{endpoint}/{path...}", "Any path of the provider, passed through", MLFLOW, raw),
)

ROUTES = [(one.method, one.path.replace("...", ""), one.summary) for one in OPERATIONS]
"""Method, path and summary of every operation as the OpenAPI document has them, which knows no `...`."""


class Table:
    """Finds the operation of a method and path: one dictionary look-up for exact paths, then the templates."""

    def __init__(self, operations: tuple[Operation, ...] = OPERATIONS) -> None:
        self._exact = {(one.method, one.path): one for one in operations if "{" not in one.path}
        self._templates = [(one.method, _pattern(one.path), one) for one in operations if "{" in one.path]

    def find(self, method: str, path: str) -> tuple[Operation, Params] | None:
        """The operation and its path parameters; None when no operation has that method and path."""
        exact = self._exact.get((method, path))
        if exact is not None:
            return exact, {}
        for wanted, pattern, operation in self._templates:
            found = pattern.fullmatch(path) if wanted == method else None
            if found is not None:
                return operation, found.groupdict()
        return None

    def methods(self, path: str) -> tuple[str, ...]:
        """The methods a path can be called with, sorted; none when no operation has it."""
        exact = {method for method, known in self._exact if known == path}
        return tuple(sorted(exact | {method for method, pattern, _ in self._templates if pattern.fullmatch(path)}))


def _pattern(template: str) -> re.Pattern[str]:
    # No endpoint has a colon in its name: what follows one is a method of Gemini's.
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/:]+)", re.escape(template))
    return re.compile(re.sub(r"\\{(\w+)\\.\\.\\.\\}", r"(?P<\1>.+)", pattern))
