"""Which dialect an error is written in when no operation has been found yet: told by the path."""

from gatewright.dialects.errors import ANTHROPIC, GEMINI, MANAGEMENT, MLFLOW, OPENAI, ErrorDialect

_BY_PREFIX = (
    ("/v1/messages", ANTHROPIC),
    ("/v1/", OPENAI),
    ("/openai/", OPENAI),
    ("/anthropic/", ANTHROPIC),
    ("/v1beta/", GEMINI),
    ("/gemini/", GEMINI),
    ("/gateway/", MLFLOW),
)


def dialect_of(path: str) -> ErrorDialect:
    """The dialect whose clients call such a path; management for everything that is not an API of a provider."""
    return next((dialect for prefix, dialect in _BY_PREFIX if path.startswith(prefix)), MANAGEMENT)
