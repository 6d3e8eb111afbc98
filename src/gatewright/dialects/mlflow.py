"""MLflow's AI Gateway as its clients speak it: errors of the `/gateway/…` routes and of the management API.

Source: a recording of MLflow 3.17.2; see `docs/mlflow-compatibility.md`.
"""

import msgspec

from gatewright.errors import GatewrightError, NotFoundError


def management_error(problem: GatewrightError) -> bytes:
    """`{"error_code", "message"}`: what MLflow's REST clients read from any answer that is not 200."""
    return msgspec.json.encode({"error_code": problem.code, "message": problem.public})


def error(problem: GatewrightError) -> bytes:
    """`{"detail": …}`: an object with `error_code` for a thing that does not exist, else the message as text."""
    if isinstance(problem, NotFoundError):
        return msgspec.json.encode({"detail": {"error_code": problem.code, "message": problem.public}})
    return msgspec.json.encode({"detail": problem.public})


def stream_error(problem: GatewrightError) -> bytes:
    """An error event inside a stream that has begun."""
    shown = {"error": {"message": problem.public, "type": problem.code}}
    return b"data: " + msgspec.json.encode(shown) + b"\n\n"
