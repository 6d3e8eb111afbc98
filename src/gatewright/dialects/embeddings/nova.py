"""Amazon Nova's embeddings by Bedrock's InvokeModel, of a text or an image.

Amazon Nova user guide, "Complete embeddings request and response schema"
(https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html). Tokens are counted in the header
`x-amzn-bedrock-input-token-count` only.
"""

from typing import Any

from gatewright.dialects.conversation import Media, Rest, Text
from gatewright.dialects.embeddings.model import EmbeddingAnswer, EmbeddingInput, EmbeddingRequest
from gatewright.dialects.embeddings.numbers import listed
from gatewright.dialects.embeddings.wire import Spelling, Spellings, Wire, merged
from gatewright.dialects.fields import Fields

_CUT = {"end": "END", "start": "START", "none": "NONE"}
_PURPOSES = {
    "document": "GENERIC_INDEX",
    "query": "GENERIC_RETRIEVAL",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
}
_SOUGHT = ("TEXT", "IMAGE", "DOCUMENT", "AUDIO", "VIDEO")
_SPELLINGS: Spellings = {
    "dimensions": (Spelling("embeddingDimension"),),
    "purpose": (
        Spelling("embeddingPurpose", _PURPOSES),
        *(Spelling("embeddingPurpose", {"query": f"{kind}_RETRIEVAL"}) for kind in _SOUGHT),
    ),
    "truncate": (Spelling("truncationMode", _CUT),),
}


class _Nova(Wire):
    def _read(self, fields: Fields, request: EmbeddingRequest) -> None:
        fields.need("taskType", str)
        parameters = fields.inner("singleEmbeddingParams")
        text, image = parameters.within("text"), parameters.within("image")
        if text is not None and image is None:
            part: Text | Media = Text(text=text.need("value", str))
            self._read_parameters(text, request)
            part.rest = text.left
        elif image is not None and text is None:
            source = image.inner("source")
            kind = image.need("format", str)
            part = Media(kind="image", media_type=f"image/{kind}", data=source.need("bytes", str), rest=image.left)
        else:
            raise parameters.fault("Send one of 'text' and 'image'.")
        request.inputs = [EmbeddingInput(parts=[part])]
        self._read_parameters(parameters, request)
        request.inputs[0].rest = parameters.left

    def _body(self, request: EmbeddingRequest, _model: str, stated: dict[str, Rest]) -> dict[str, Any]:
        own, one = request.dialect == self.NAME, request.inputs[0]
        cut = stated.pop("truncate", {} if own else {"truncationMode": "NONE"})
        only = one.parts[0]
        rest = only.rest if own else {}
        if isinstance(only, Media) and len(one.parts) == 1 and only.media_type and only.data:
            kind, source = only.media_type.partition("/")[2], {"bytes": only.data}
            if only.kind != "image":
                raise self._unreadable(only)
            shown: Rest = {"image": {"format": kind, "source": source, **rest}}
        else:
            shown = {"text": {**cut, "value": self._text(one), **rest}}
        default = {} if own else {"embeddingPurpose": "GENERIC_INDEX"}
        parameters = {**default, **merged(stated), **shown, **(one.rest if own else {})}
        return {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": parameters}

    def _read_answer(self, fields: Fields, answer: EmbeddingAnswer) -> None:
        items = fields.objects("embeddings")
        answer.vectors = [listed(item.pop("embedding"), item.path("embedding"), item.fault) for item in items]
        answer.form["items"] = [item.left for item in items]

    def _answer(self, answer: EmbeddingAnswer, request: EmbeddingRequest, own: bool) -> dict[str, Any]:
        kind = "IMAGE" if isinstance(request.inputs[0].parts[0], Media) else "TEXT"
        items = answer.form["items"] if own else [{"embeddingType": kind}] * len(answer.vectors)
        return {"embeddings": [{**item, "embedding": v} for item, v in zip(items, answer.vectors, strict=True)]}


NOVA = _Nova("nova", "Amazon Nova's embeddings", _SPELLINGS, most=1)
