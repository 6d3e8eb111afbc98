"""MLflow's AI Gateway as its clients speak it: errors, and the endpoints as its deployments client lists them.

Source: a recording of MLflow 3.17.2; see `docs/mlflow-compatibility.md`; and for the list what its client reads
(https://mlflow.org/docs/latest/api_reference/python_api/mlflow.deployments.html).
"""

import json

import msgspec

from gatewright.errors import GatewrightError, NotFoundError

# MLflow's SQLSTATE and error class by error code; the web pages of MLflow group errors by them.
_CLIENT = ("KAM00", "INVALID_PARAMETER_VALUE")
_SERVER = ("XXM00", "CLIENT_INTERNAL_ERROR")
_CLASSES = {
    "INVALID_PARAMETER_VALUE": _CLIENT,
    "BAD_REQUEST": _CLIENT,
    "RESOURCE_ALREADY_EXISTS": ("KAM00", "RESOURCE_ALREADY_EXISTS"),
    "RESOURCE_DOES_NOT_EXIST": ("KAM00", "RESOURCE_NOT_FOUND"),
    "INVALID_STATE": _SERVER,
    "INTERNAL_ERROR": _SERVER,
    "TEMPORARILY_UNAVAILABLE": _SERVER,
}


def management_error(problem: GatewrightError) -> bytes:
    """What MLflow's REST clients read from any answer that is not 200, keys in its order.

    The last two keys are left out where MLflow has no value for them.
    """
    body = {"error_code": problem.code, "message": problem.public}
    if problem.code in _CLASSES:
        body["sqlstate"], body["error_class"] = _CLASSES[problem.code]
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def error(problem: GatewrightError) -> bytes:
    """`{"detail": …}`: an object with `error_code` for a thing that does not exist, else the message as text."""
    if isinstance(problem, NotFoundError):
        return msgspec.json.encode({"detail": {"error_code": problem.code, "message": problem.public}})
    return msgspec.json.encode({"detail": problem.public})


def stream_error(problem: GatewrightError) -> bytes:
    """An error event inside a stream that has begun."""
    shown = {"error": {"message": problem.public, "type": problem.code}}
    return b"\n\ndata: " + msgspec.json.encode(shown) + b"\n\n"


def deployment(name: str, kind: str, provider: str, model: str) -> dict[str, object]:
    """An endpoint as the deployments client reads it.

    Args:
        name: the endpoint's name.
        kind: `chat`, `completions` or `embeddings`.
        provider: who serves it first.
        model: that provider's name of its model.
    """
    return {
        "name": name,
        "endpoint_type": f"llm/v1/{kind}",
        "model": {"name": model, "provider": provider},
        "endpoint_url": f"/endpoints/{name}/invocations",
        "limit": None,
    }
