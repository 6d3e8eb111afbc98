"""Vertex AI's `:predict` of its text embedding models.

Vertex AI, "Text embeddings API" (https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api).
"""

from typing import Any

from gatewright.dialects.conversation import Rest, Text, Usage
from gatewright.dialects.embeddings.gemini import TASKS
from gatewright.dialects.embeddings.model import EmbeddingAnswer, EmbeddingInput, EmbeddingRequest
from gatewright.dialects.embeddings.numbers import listed
from gatewright.dialects.embeddings.wire import Spelling, Spellings, Wire, common, counted, merged, prompt_tokens
from gatewright.dialects.fields import Fields

_SPELLINGS: Spellings = {
    "dimensions": (Spelling("outputDimensionality"),),
    "purpose": (Spelling("task_type", TASKS), Spelling("taskType", TASKS)),
    "truncate": (Spelling("autoTruncate", {"end": True, "none": False}),),
}


class _Vertex(Wire):
    titled = True

    def _read(self, fields: Fields, request: EmbeddingRequest) -> None:
        items = fields.objects("instances")
        shared = common(items, ("task_type", "taskType"))
        self._read_parameters(shared, request)
        for item in items:
            text, title = item.need("content", str), item.get("title", str)
            rest = item.left | shared.left
            request.inputs.append(EmbeddingInput(parts=[Text(text=text)], title=title, rest=rest))
        parameters = fields.within("parameters")
        if parameters is not None:
            self._read_parameters(parameters, request)
            request.form["parameters"] = True
            if parameters.left:
                fields.left["parameters"] = parameters.left

    def _body(self, request: EmbeddingRequest, _model: str, stated: dict[str, Rest]) -> dict[str, Any]:
        own = request.dialect == self.NAME
        purpose = stated.pop("purpose", {})
        instances = []
        for one in request.inputs:
            title = {} if one.title is None else {"title": one.title}
            instances.append({**purpose, **title, "content": self._text(one), **(one.rest if own else {})})
        parameters = merged(stated) | (request.rest.get("parameters") or {} if own else {})
        written = {"parameters": parameters} if parameters or (own and "parameters" in request.form) else {}
        return {"instances": instances, **written}

    def _read_answer(self, fields: Fields, answer: EmbeddingAnswer) -> None:
        items = [prediction.inner("embeddings") for prediction in fields.objects("predictions")]
        answer.vectors = [listed(item.pop("values"), item.path("values"), item.fault) for item in items]
        answer.form["items"] = [dict(item.left) for item in items]
        answer.form["metadata"] = fields.pop("metadata")
        counts = [counted(one, "token_count") for item in items if (one := item.within("statistics"))]
        if any(count is not None for count in counts):
            answer.usage = Usage(input=sum(filter(None, counts)))

    def _answer(self, answer: EmbeddingAnswer, _request: EmbeddingRequest, own: bool) -> dict[str, Any]:
        if own:
            items, metadata = answer.form["items"], answer.form["metadata"]
        else:
            # The wire counts each text, others all of them: the first one says the sum.
            tokens = [prompt_tokens(answer.usage)] + [0] * (len(answer.vectors) - 1)
            items = [{"statistics": {"truncated": False, "token_count": count}} for count in tokens]
            metadata = None
        pairs = zip(items, answer.vectors, strict=True)
        predictions = [{"embeddings": {**item, "values": vector}} for item, vector in pairs]
        return {"predictions": predictions} | ({} if metadata is None else {"metadata": metadata})


PREDICT = _Vertex("vertex-predict", "Vertex AI's predict of embeddings", _SPELLINGS)
