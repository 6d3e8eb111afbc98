"""Ollama's `/api/embed`, and the older `/api/embeddings` of one prompt.

Ollama API, "Generate Embeddings" (https://github.com/ollama/ollama/blob/main/docs/api.md#generate-embeddings).
"""

from typing import Any

from gatewright.dialects.conversation import Rest, Text, Usage
from gatewright.dialects.embeddings.model import EmbeddingAnswer, EmbeddingInput, EmbeddingRequest
from gatewright.dialects.embeddings.numbers import listed
from gatewright.dialects.embeddings.wire import Spelling, Wire, counted, merged
from gatewright.dialects.fields import Fields

_TIMES = ("total_duration", "load_duration")


class _Embed(Wire):
    def _read(self, fields: Fields, request: EmbeddingRequest) -> None:
        found = fields.pop("input")
        if type(found) is str:
            request.form["alone"] = True
            found = [found]
        if type(found) is not list or not all(type(one) is str for one in found):
            raise fields.wrong("input", "a string or a list of strings")
        request.inputs = [EmbeddingInput(parts=[Text(text=one)]) for one in found]
        self._read_parameters(fields, request)

    def _body(self, request: EmbeddingRequest, model: str, stated: dict[str, Rest]) -> dict[str, Any]:
        texts = [self._text(one) for one in request.inputs]
        alone = request.dialect == self.NAME and "alone" in request.form
        return {"model": model, "input": texts[0] if alone else texts, **merged(stated)}

    def _read_answer(self, fields: Fields, answer: EmbeddingAnswer) -> None:
        rows = fields.items("embeddings")
        answer.vectors = [listed(row, f"embeddings[{at}]", fields.fault) for at, row in enumerate(rows)]
        answer.model = fields.get("model", str) or ""
        answer.form = {key: fields.pop(key) for key in _TIMES if fields.has(key)}
        tokens = counted(fields, "prompt_eval_count")
        answer.usage = None if tokens is None else Usage(input=tokens)

    def _answer(self, answer: EmbeddingAnswer, request: EmbeddingRequest, own: bool) -> dict[str, Any]:
        model = answer.model or ("" if own else request.model)
        tokens = {} if answer.usage is None else {"prompt_eval_count": answer.usage.prompt}
        beside = answer.form if own else {}
        return {**({"model": model} if model else {}), "embeddings": answer.vectors, **beside, **tokens}


class _Embeddings(Wire):
    def _read(self, fields: Fields, request: EmbeddingRequest) -> None:
        request.inputs = [EmbeddingInput(parts=[Text(text=fields.need("prompt", str))])]

    def _body(self, request: EmbeddingRequest, model: str, _stated: dict[str, Rest]) -> dict[str, Any]:
        return {"model": model, "prompt": self._text(request.inputs[0])}

    def _read_answer(self, fields: Fields, answer: EmbeddingAnswer) -> None:
        answer.vectors = [listed(fields.pop("embedding"), "embedding", fields.fault)]

    def _answer(self, answer: EmbeddingAnswer, _request: EmbeddingRequest, _own: bool) -> dict[str, Any]:
        return {"embedding": answer.vectors[0]}


EMBED = _Embed(
    "ollama-embed",
    "Ollama's /api/embed",
    {"dimensions": (Spelling("dimensions"),), "truncate": (Spelling("truncate", {"end": True, "none": False}),)},
)
EMBEDDINGS = _Embeddings("ollama-embeddings", "Ollama's /api/embeddings", {}, most=1)
