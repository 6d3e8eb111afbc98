"""How each client dialect writes an error: one value a dialect, so that a route only names its dialect."""

from collections.abc import Callable
from dataclasses import dataclass

from gatewright.dialects import anthropic, gemini, mlflow, openai
from gatewright.errors import GatewrightError


@dataclass(frozen=True, slots=True)
class ErrorDialect:
    """The writers of one dialect.

    Attributes:
        name: for people and tests.
        body: an error as the JSON body of an answer.
        event: an error as an event inside a stream that has begun and may have broken off in the middle of a line.
        native: a provider's own JSON error can be given on as it came.
    """

    name: str
    body: Callable[[GatewrightError], bytes]
    event: Callable[[GatewrightError], bytes]
    native: bool = False


OPENAI = ErrorDialect("openai", openai.error, openai.stream_error, native=True)
ANTHROPIC = ErrorDialect("anthropic", anthropic.error, anthropic.stream_error, native=True)
GEMINI = ErrorDialect("gemini", gemini.error, gemini.stream_error, native=True)
MLFLOW = ErrorDialect("mlflow", mlflow.error, mlflow.stream_error)
MANAGEMENT = ErrorDialect("mlflow-management", mlflow.management_error, mlflow.stream_error)
