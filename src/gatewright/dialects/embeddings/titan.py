"""Amazon Titan's text embeddings by Bedrock's InvokeModel.

Amazon Bedrock user guide, "Amazon Titan Embeddings Text"
(https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html).
"""

from typing import Any

from gatewright.dialects.conversation import Rest, Text, Usage
from gatewright.dialects.embeddings.model import EmbeddingAnswer, EmbeddingInput, EmbeddingRequest
from gatewright.dialects.embeddings.numbers import listed
from gatewright.dialects.embeddings.wire import Spelling, Wire, counted, merged
from gatewright.dialects.fields import Fields


class _Titan(Wire):
    def _read(self, fields: Fields, request: EmbeddingRequest) -> None:
        request.inputs = [EmbeddingInput(parts=[Text(text=fields.need("inputText", str))])]
        self._read_parameters(fields, request)

    def _body(self, request: EmbeddingRequest, _model: str, stated: dict[str, Rest]) -> dict[str, Any]:
        return {"inputText": self._text(request.inputs[0]), **merged(stated)}

    def _read_answer(self, fields: Fields, answer: EmbeddingAnswer) -> None:
        answer.vectors = [listed(fields.pop("embedding"), "embedding", fields.fault)]
        answer.form = {"embeddingsByType": fields.pop("embeddingsByType")}
        tokens = counted(fields, "inputTextTokenCount")
        answer.usage = None if tokens is None else Usage(input=tokens)

    def _answer(self, answer: EmbeddingAnswer, _request: EmbeddingRequest, own: bool) -> dict[str, Any]:
        tokens = {} if answer.usage is None else {"inputTextTokenCount": answer.usage.prompt}
        types = answer.form["embeddingsByType"] if own else None
        return {"embedding": answer.vectors[0], **tokens, **({"embeddingsByType": types} if types else {})}


TITAN = _Titan("titan", "Amazon Titan's embeddings", {"dimensions": (Spelling("dimensions"),)}, most=1)
"""Version 2."""

TITAN_V1 = _Titan("titan-v1", "Amazon Titan's embeddings", {}, most=1)
"""The first version, of one size of vector."""
