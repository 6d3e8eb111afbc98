"""How likely the tokens of an answer were: `logprobsResult`.

Gemini API reference, "LogprobsResult" (https://ai.google.dev/api/generate-content#LogprobsResult). A probability of 1
has the logarithm 0, which protocol buffers leave out of JSON.
"""

from collections.abc import Sequence
from typing import Any

from gatewright.dialects.conversation import TokenScore
from gatewright.dialects.generate_content.fields import snake
from gatewright.dialects.logprobs import is_logprob

RESULT = "logprobsResult"


def decode_scores(result: Any) -> list[TokenScore]:
    """The scores of an answer's tokens; none when they do not have the API's shape."""
    chosen = _scores(_list(result, "chosenCandidates"))
    for score, likeliest in zip(chosen, _list(result, "topCandidates"), strict=False):
        score.top = _scores(_list(likeliest, "candidates"))
    return chosen


def _list(found: Any, name: str) -> list[Any]:
    value = found.get(name, found.get(snake(name))) if isinstance(found, dict) else None
    return value if isinstance(value, list) else []


def _scores(found: list[Any]) -> list[TokenScore]:
    scores: list[TokenScore] = []
    for one in found:
        logprob = one.get("logProbability", one.get("log_probability", 0)) if isinstance(one, dict) else None
        if not is_logprob(logprob) or not isinstance(one.get("token"), str):
            return []
        scores.append(TokenScore(token=one["token"], logprob=logprob))
    return scores


def encode_scores(scores: Sequence[TokenScore]) -> dict[str, Any]:
    """`logprobsResult` and the mean that stands beside it; empty without scores."""
    if not scores:
        return {}
    top = [{"candidates": [_said(other) for other in one.top]} for one in scores]
    result = {"chosenCandidates": [_said(one) for one in scores]}
    result |= {"topCandidates": top} if any(one.top for one in scores) else {}
    return {RESULT: result, "avgLogprobs": sum(one.logprob for one in scores) / len(scores)}


def _said(score: TokenScore) -> dict[str, Any]:
    return {"token": score.token, "logProbability": score.logprob}
