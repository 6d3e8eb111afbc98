"""Which dialect an error is written in when no operation has been found yet: told by the path."""

from gatewright.dialects.cohere import ERRORS as COHERE
from gatewright.dialects.converse import ERRORS as CONVERSE
from gatewright.dialects.errors import ANTHROPIC, GEMINI, MANAGEMENT, MLFLOW, OPENAI, ErrorDialect
from gatewright.dialects.ollama import ERRORS as OLLAMA
from gatewright.errors import GatewrightError, MethodNotAllowedError, NotFoundError

_BY_PREFIX = (
    ("/v1/messages", ANTHROPIC),
    ("/v1/", OPENAI),
    ("/openai/", OPENAI),
    ("/anthropic/", ANTHROPIC),
    ("/v1beta/", GEMINI),
    ("/gemini/", GEMINI),
    ("/gateway/", MLFLOW),
    ("/endpoints/", MLFLOW),
    ("/api/2.0/endpoints/", MLFLOW),
    ("/v2/", COHERE),
    ("/cohere/", COHERE),
    ("/bedrock/", CONVERSE),
    ("/ollama/", OLLAMA),
    *((f"/api/{name}", OLLAMA) for name in ("chat", "generate", "embed", "tags", "show", "version")),
)


def dialect_of(path: str) -> ErrorDialect:
    """The dialect whose clients call such a path; management's for everything that is no provider's API."""
    return next((dialect for prefix, dialect in _BY_PREFIX if path.startswith(prefix)), MANAGEMENT)


def no_operation(method: str, path: str, allowed: tuple[str, ...]) -> GatewrightError:
    """The error for a path of a provider's API that is not served, or not with this method."""
    if allowed:
        return MethodNotAllowedError(f"{path} takes {' or '.join(allowed)}, not {method}.", allowed)
    return NotFoundError(f"There is nothing at {path}. /docs lists every route.")
