"""Google's `embedContent` and `batchEmbedContents`: one content, and several.

Gemini API reference, "Embeddings" (https://ai.google.dev/api/embeddings). Each request of a batch has its own model and
parameters; those that are alike in all are the request's, others stay with their input.
"""

from collections.abc import Mapping
from typing import Any

from gatewright.dialects.conversation import Media, MediaKind, Native, Rest, Text, Usage
from gatewright.dialects.embeddings.model import EmbeddingAnswer, EmbeddingInput, EmbeddingRequest, Piece
from gatewright.dialects.embeddings.numbers import listed
from gatewright.dialects.embeddings.wire import Spelling, Spellings, Wire, common, counted, merged
from gatewright.dialects.fields import Fields, provider_fault
from gatewright.errors import ClientError

TASKS = {
    "query": "RETRIEVAL_QUERY",
    "document": "RETRIEVAL_DOCUMENT",
    "similarity": "SEMANTIC_SIMILARITY",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
    "code_query": "CODE_RETRIEVAL_QUERY",
    "question": "QUESTION_ANSWERING",
    "fact": "FACT_VERIFICATION",
}
"""Google's words for what vectors are for."""

_SPELLINGS: Spellings = {
    "dimensions": (Spelling("outputDimensionality"), Spelling("output_dimensionality")),
    "purpose": (Spelling("taskType", TASKS), Spelling("task_type", TASKS)),
}
_FAMILY = frozenset({"embedContent", "batchEmbedContents"})
_KINDS: dict[str, MediaKind] = {"image": "image", "audio": "audio", "video": "video"}


class Gemini(Wire):
    """What the two calls have in common: how one content is embedded."""

    titled = True

    def _item(self, fields: Fields) -> EmbeddingInput:
        """Take the content of one request; what else it has stays."""
        content = fields.inner("content")
        parts = [_part(part) for part in content.objects("parts")]
        if not parts:
            raise content.wrong("parts", "a list of at least one part")
        title = fields.get("title", str)
        return EmbeddingInput(parts=parts, title=title, form={"content": content.left})

    def _wire_item(self, one: EmbeddingInput, *, own: bool) -> Rest:
        parts = [self._wire_part(part, own=own) for part in one.parts]
        content = {**(one.form["content"] if own else {}), "parts": parts}
        return {"content": content} | ({} if one.title is None else {"title": one.title}) | (one.rest if own else {})

    def _wire_part(self, part: Piece, *, own: bool) -> Rest:
        rest = part.rest if own else {}
        if isinstance(part, Text):
            return {"text": part.text, **rest}
        if isinstance(part, Native) and own:
            return rest
        if isinstance(part, Media) and part.data is not None:
            if part.media_type is None and not own:
                raise ClientError(f"{self.api} needs the type of an image; send it as a data URL.")
            kind = {} if part.media_type is None else {"mimeType": part.media_type}
            return {"inlineData": {**kind, "data": part.data}, **rest}
        if isinstance(part, Media) and part.url is not None:
            kind = {} if part.media_type is None else {"mimeType": part.media_type}
            return {"fileData": {**kind, "fileUri": part.url}, **rest}
        raise self._unreadable(part)


class _One(Gemini):
    def _read(self, fields: Fields, request: EmbeddingRequest) -> None:
        request.form["model"] = request.model  # the path has it too
        request.inputs = [self._item(fields)]
        self._read_parameters(fields, request)
        request.inputs[0].rest, fields.left = fields.left, {}  # what a batch has beside each content

    def _body(self, request: EmbeddingRequest, model: str, stated: dict[str, Rest]) -> dict[str, Any]:
        named = {"model": _path(model)} if request.dialect == self.NAME and request.form["model"] else {}
        return {**named, **self._wire_item(request.inputs[0], own=request.dialect in self._kin), **merged(stated)}

    def _read_answer(self, fields: Fields, answer: EmbeddingAnswer) -> None:
        _read_vectors([fields.inner("embedding")], answer)
        answer.usage = _usage(fields)

    def _answer(self, answer: EmbeddingAnswer, _request: EmbeddingRequest, own: bool) -> dict[str, Any]:
        return {"embedding": _vectors(answer, own=own)[0], **_wire_usage(answer.usage, own=own)}


class _Several(Gemini):
    def _read(self, fields: Fields, request: EmbeddingRequest) -> None:
        items = fields.objects("requests")
        request.inputs = [self._item(item) for item in items]
        for item in items:  # the path has it too, and a target needs its own
            request.model = item.get("model", str) or request.model
        shared = common(items, [spelling.key for group in self._reads.values() for spelling in group])
        self._read_parameters(shared, request)
        for item, one in zip(items, request.inputs, strict=True):
            one.rest = item.left | shared.left

    def _body(self, request: EmbeddingRequest, model: str, stated: dict[str, Rest]) -> dict[str, Any]:
        each, own = {"model": _path(model), **merged(stated)}, request.dialect in self._kin
        return {"requests": [{**each, **self._wire_item(one, own=own)} for one in request.inputs]}

    def _read_answer(self, fields: Fields, answer: EmbeddingAnswer) -> None:
        _read_vectors(fields.objects("embeddings"), answer)
        answer.usage = _usage(fields)

    def _answer(self, answer: EmbeddingAnswer, _request: EmbeddingRequest, own: bool) -> dict[str, Any]:
        return {"embeddings": _vectors(answer, own=own), **_wire_usage(answer.usage, own=own)}


def _path(model: str) -> str:
    return model if "/" in model else f"models/{model}"


def _part(fields: Fields) -> Piece:
    text = fields.peek("text")
    if type(text) is str:
        del fields.left["text"]
        return Text(text=text, rest=fields.left)
    for key, content in (("inlineData", "data"), ("fileData", "fileUri")):
        found = fields.peek(key)
        if isinstance(found, dict) and found.keys() <= {"mimeType", content} and type(found.get(content)) is str:
            inner = fields.inner(key)
            media_type = inner.get("mimeType", str)
            media = Media(
                kind=_KINDS.get((media_type or "image/").partition("/")[0], "document"),
                media_type=media_type,
                rest=fields.left,
            )
            where = "data" if content == "data" else "url"
            setattr(media, where, inner.need(content, str))
            return media
    return Native(rest=fields.left)


def _read_vectors(items: list[Fields], answer: EmbeddingAnswer) -> None:
    answer.vectors = [listed(item.pop("values"), item.path("values"), item.fault) for item in items]
    answer.form["items"] = [item.left for item in items]


def _vectors(answer: EmbeddingAnswer, *, own: bool) -> list[Rest]:
    beside = answer.form["items"] if own else [{}] * len(answer.vectors)
    return [{**left, "values": vector} for left, vector in zip(beside, answer.vectors, strict=True)]


def _usage(fields: Fields) -> Usage | None:
    if not fields.has("usageMetadata"):
        return None
    return _counts(fields.inner("usageMetadata"))


def decode_usage(found: Mapping[str, Any]) -> Usage:
    """The tokens of a `usageMetadata` object.

    Raises:
        UpstreamProtocolError: when a count is not one.
    """
    return _counts(Fields(found, "usageMetadata", provider_fault("Gemini's embeddings API")))


def _counts(inner: Fields) -> Usage:
    form = dict(inner.left)
    prompt = counted(inner, "promptTokenCount") or 0
    usage = Usage(form=form)
    details = inner.objects("promptTokenDetails") or inner.objects("promptTokensDetails")
    for detail in details:
        kind, tokens = detail.get("modality", str), min(counted(detail, "tokenCount") or 0, prompt)
        if kind == "AUDIO":
            usage.input_audio += tokens
        elif kind in ("IMAGE", "VIDEO"):
            usage.input_image += tokens
        else:
            continue
        prompt -= tokens
    usage.input = prompt
    inner.left.pop("totalTokenCount", None)
    usage.rest = inner.left
    return usage


def _wire_usage(usage: Usage | None, *, own: bool) -> Rest:
    if usage is None:
        return {}
    return {"usageMetadata": usage.form if own else {"promptTokenCount": usage.prompt}}


EMBED = _One("embedContent", "Gemini's embedContent", _SPELLINGS, kin=_FAMILY, most=1)
BATCH = _Several("batchEmbedContents", "Gemini's batchEmbedContents", _SPELLINGS, kin=_FAMILY)
