"""What a client may ask, as values in one table of method and path. The pipeline is written once over them.

A new surface is a row here and, where it is not pass-through, a dialect of its own.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gatewright.dialects import openai, toplevel
from gatewright.dialects.errors import MLFLOW, OPENAI, ErrorDialect
from gatewright.errors import ClientError
from gatewright.gateway.resolve import resolve
from gatewright.snapshot.model import Snapshot


@dataclass(frozen=True, slots=True)
class Call:
    """A request understood as far as routing needs.

    Attributes:
        operation: key of `Target.paths`.
        endpoint: name of the endpoint.
        fields: the body, split at its top level; its `model` is replaced by the target's.
        stream: whether the client asked for a stream of events.
    """

    operation: str
    endpoint: str
    fields: toplevel.Fields
    stream: bool


Params = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing a client may ask.

    Attributes:
        method: HTTP method.
        path: exact path, or a template with `{name}` parts.
        summary: one line for the OpenAPI document.
        dialect: how errors are written.
        parse: body and path parameters to a call, for operations that go to a provider.
        answer: snapshot and path parameters to a JSON body, for operations that need no provider.
    """

    method: str
    path: str
    summary: str
    dialect: ErrorDialect
    parse: Callable[[bytes, Params], Call] | None = None
    answer: Callable[[Snapshot, Params], bytes] | None = None


def _by_model(operation: str, *, streams: bool = True) -> Callable[[bytes, Params], Call]:
    """Pass-through: the endpoint is named by the body's `model`."""

    def parse(body: bytes, _params: Params) -> Call:
        fields = toplevel.split(body)
        endpoint = toplevel.text(fields, "model")
        if endpoint is None:
            raise ClientError("Missing required 'model' parameter in request body")
        stream = toplevel.flag(fields, "stream")
        if stream and not streams:
            raise ClientError(f"stream=true is not supported on '{operation}': its answer comes whole.")
        return Call(operation, endpoint, fields, stream)

    return parse


def _mlflow_chat(body: bytes, params: Params) -> Call:
    call = _by_model("chat")(body, params)
    _check_messages(call.fields)
    return call


def _invocations(body: bytes, params: Params) -> Call:
    """MLflow's own call: the endpoint is in the path, and the body's shape tells chat from embeddings."""
    fields = toplevel.split(body)
    if "messages" in fields:
        _check_messages(fields)
        return Call("chat", params["endpoint"], fields, toplevel.flag(fields, "stream"))
    if "input" in fields:
        return Call("embeddings", params["endpoint"], fields, stream=False)
    raise ClientError("Invalid request: payload format must be either chat or embeddings")


def _check_messages(fields: toplevel.Fields) -> None:
    if not re.match(rb"\[\s*[^\s\]]", bytes(fields.get("messages", b""))):
        raise ClientError("Invalid chat payload: 'messages' must be a list of at least 1 item.")


def _list_models(owner: str) -> Callable[[Snapshot, Params], bytes]:
    def answer(snapshot: Snapshot, _params: Params) -> bytes:
        return openai.models(
            openai.model(name, endpoint.created_at, owner) for name, endpoint in sorted(snapshot.endpoints.items())
        )

    return answer


def _one_model(snapshot: Snapshot, params: Params) -> bytes:
    endpoint = resolve(snapshot, params["model"])
    return toplevel.encode(openai.model(endpoint.name, endpoint.created_at, "gatewright"))


def _post(path: str, summary: str, dialect: ErrorDialect, parse: Callable[[bytes, Params], Call]) -> Operation:
    return Operation(method="POST", path=path, summary=summary, dialect=dialect, parse=parse)


def _get(path: str, summary: str, dialect: ErrorDialect, answer: Callable[[Snapshot, Params], bytes]) -> Operation:
    return Operation(method="GET", path=path, summary=summary, dialect=dialect, answer=answer)


OPERATIONS: tuple[Operation, ...] = (
    _post("/v1/chat/completions", "Chat completion; `model` is an endpoint's name", OPENAI, _by_model("chat")),
    _post(
        "/v1/embeddings", "Embeddings; `model` is an endpoint's name", OPENAI, _by_model("embeddings", streams=False)
    ),
    _get("/v1/models", "The endpoints, as a list of models", OPENAI, _list_models("gatewright")),
    _get("/v1/models/{model}", "One endpoint, as a model", OPENAI, _one_model),
    _post("/gateway/{endpoint}/mlflow/invocations", "MLflow invocation: chat or embeddings", MLFLOW, _invocations),
    _post("/gateway/mlflow/v1/chat/completions", "MLflow unified chat completion", MLFLOW, _mlflow_chat),
    _get("/gateway/mlflow/v1/models", "The endpoints, as MLflow lists them", MLFLOW, _list_models("mlflow")),
    _post("/gateway/openai/v1/chat/completions", "Chat completion, passed through", MLFLOW, _by_model("chat")),
    _post(
        "/gateway/openai/v1/embeddings", "Embeddings, passed through", MLFLOW, _by_model("embeddings", streams=False)
    ),
    _post("/gateway/openai/v1/responses", "Responses, passed through", MLFLOW, _by_model("responses")),
    _post(
        "/gateway/openai/v1/responses/compact",
        "Compaction, passed through",
        MLFLOW,
        _by_model("compact", streams=False),
    ),
)


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


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template)))
