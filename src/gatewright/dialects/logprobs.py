"""Token scores as OpenAI writes them, in chat and in responses alike: `{"token", "logprob", "bytes", "top_logprobs"}`.

Shape: OpenAI API reference, "The chat completion object", `choices[].logprobs.content`
(https://platform.openai.com/docs/api-reference/chat/object); a streamed response leaves `bytes` out.
"""

from collections.abc import Iterable
from typing import Any, TypeGuard

from gatewright.dialects.conversation import TokenScore

_MOST = 1e9  # which no logarithm of a probability reaches


def decode_scores(found: Any) -> list[TokenScore]:
    """The scores of a list; none when it, or one of them, is something else."""
    scores: list[TokenScore] = []
    for one in found if isinstance(found, list) else ():
        score = _score(one)
        if score is None:
            return []
        score.top = decode_scores(one.get("top_logprobs"))
        scores.append(score)
    return scores


def is_logprob(value: Any) -> TypeGuard[float]:
    """Whether a JSON value is a logarithm; OpenAI writes -9999 for that of a token it thinks next to impossible."""
    return type(value) in (int, float) and abs(value) < _MOST


def _score(one: Any) -> TokenScore | None:
    if not isinstance(one, dict) or not isinstance(one.get("token"), str):
        return None
    logprob, content = one.get("logprob"), one.get("bytes")
    if not is_logprob(logprob):
        return None
    return TokenScore(token=one["token"], logprob=logprob, bytes=content if isinstance(content, list) else None)


def encode_scores(scores: Iterable[TokenScore]) -> list[dict[str, Any]]:
    """Scores with every field that OpenAI's SDK requires."""
    return [{**_said(one), "top_logprobs": [_said(other) for other in one.top]} for one in scores]


def _said(score: TokenScore) -> dict[str, Any]:
    content = list(score.token.encode("utf-8", "replace")) if score.bytes is None else score.bytes
    return {"token": score.token, "logprob": score.logprob, "bytes": content}
