"""How Bedrock's clients read errors: a kind and a message, and in a stream a frame that is an exception.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, "Errors". The SDKs raise the kind
that `__type` names.
"""

import msgspec

from gatewright.dialects.errors import ErrorDialect
from gatewright.dialects.eventstream import exception
from gatewright.errors import GatewrightError

_KINDS = {
    401: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
    504: "ModelTimeoutException",
}


def _body(problem: GatewrightError) -> bytes:
    kind = "InternalServerException" if problem.status >= 500 else "ValidationException"
    return msgspec.json.encode({"message": problem.public, "__type": _KINDS.get(problem.status, kind)})


def _event(problem: GatewrightError) -> bytes:
    return exception("modelStreamErrorException", problem.public)


ERRORS = ErrorDialect("converse", _body, _event, native=True)
"""Errors of every path under /bedrock; in a stream the exception Bedrock has for a model that breaks off."""
