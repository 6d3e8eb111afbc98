"""Cohere's `embed`, of v2, of v1, and on Bedrock.

Cohere API reference, "Embed API (v2)" (https://docs.cohere.com/reference/embed); Amazon Bedrock user guide, "Cohere
Embed v4" and "v3" (https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html), where the path
names the model and v4 says LEFT and RIGHT for START and END.
"""

from typing import Any

from gatewright.dialects.conversation import Media, Rest, Text, Usage
from gatewright.dialects.embeddings.images import data_url, image
from gatewright.dialects.embeddings.model import EmbeddingAnswer, EmbeddingInput, EmbeddingRequest, Piece
from gatewright.dialects.embeddings.numbers import listed_or_packed, packed
from gatewright.dialects.embeddings.wire import Spelling, Spellings, Wire, counted, merged
from gatewright.dialects.fields import Fields
from gatewright.errors import ClientError

_TYPES = ("float", "base64", "int8", "uint8", "binary", "ubinary")
_CUTS = {"end": "END", "start": "START", "none": "NONE"}
_SIDES = {"end": "RIGHT", "start": "LEFT"}
_SPELLINGS: Spellings = {
    "dimensions": (Spelling("output_dimension"),),
    "purpose": (
        Spelling(
            "input_type",
            {
                "query": "search_query",
                "document": "search_document",
                "classification": "classification",
                "clustering": "clustering",
            },
        ),
    ),
    "number": (Spelling("embedding_types", {name: [name] for name in _TYPES if name != "base64"}),),
    "packed": (Spelling("embedding_types", {True: ["base64"]}),),
    "truncate": (Spelling("truncate", _CUTS), Spelling("truncate", _SIDES)),
}
_FAMILY = frozenset({"cohere", "bedrock-cohere"})


class Cohere(Wire):
    """Embed, by Cohere or on Bedrock.

    Args:
        name: of the wire.
        api: as errors name it.
        bedrock: whether the path names the model.
    """

    def __init__(self, name: str, api: str, *, bedrock: bool = False) -> None:
        super().__init__(name, api, _SPELLINGS, kin=_FAMILY)
        self._bedrock = bedrock

    def _read(self, fields: Fields, request: EmbeddingRequest) -> None:
        given = [key for key in ("texts", "images", "inputs") if fields.has(key)]
        if len(given) != 1:
            raise ClientError("Send one of 'texts', 'images' and 'inputs'.")
        key = request.form["inputs"] = given[0]
        if key == "inputs":
            request.inputs = [_mixed(one) for one in fields.objects(key)]
        else:
            found = fields.items(key)
            if not all(type(one) is str for one in found):
                raise fields.wrong(key, "a list of strings")
            request.inputs = [EmbeddingInput(parts=[Text(text=one) if key == "texts" else image(one)]) for one in found]
        self._read_parameters(fields, request)

    def _body(self, request: EmbeddingRequest, model: str, stated: dict[str, Rest]) -> dict[str, Any]:
        kin = request.dialect in self._kin
        key = request.form["inputs"] if kin else _shape(request.inputs)
        body: Rest = {} if self._bedrock else {"model": model}
        body |= self._inputs(request, key, own=kin)
        if request.dialect != self.NAME:
            # The wire must be told what for; who did not say wants vectors of documents as often as any.
            body |= {"input_type": "image" if key == "images" else "search_document", "embedding_types": ["float"]}
            body |= {name: request.rest[name] for name in body if kin and request.rest.get(name)}
        return body | merged(self._sided(stated, model))

    def _sided(self, stated: dict[str, Rest], model: str) -> dict[str, Rest]:
        word = stated.get("truncate", {}).get("truncate")
        if self._bedrock and "embed-v4" in model:
            word = {"END": "RIGHT", "START": "LEFT"}.get(str(word), word)
        return stated if word is None else stated | {"truncate": {"truncate": word}}

    def _inputs(self, request: EmbeddingRequest, key: str, *, own: bool) -> Rest:
        if key == "texts":
            return {key: [self._text(one) for one in request.inputs]}
        if key == "images":
            return {key: [self._image(one.parts[0]) for one in request.inputs]}
        items = [{"content": [self._part(part, own=own) for part in one.parts]} for one in request.inputs]
        return {key: [{**item, **(one.rest if own else {})} for item, one in zip(items, request.inputs, strict=True)]}

    def _part(self, part: Piece, *, own: bool) -> Rest:
        rest = part.rest if own else {}
        if isinstance(part, Text):
            return {"type": "text", "text": part.text, **rest}
        url = self._image(part)
        bare = "bare" in part.form if own else self._bedrock
        return {
            "type": "image_url",
            "image_url": url if bare else {"url": url, **part.form.get("image_url", {})},
            **rest,
        }

    def _image(self, part: Piece) -> str:
        url = data_url(part) if isinstance(part, Media) and part.kind == "image" else None
        if url is None:
            raise self._unreadable(part)
        return url

    def _read_answer(self, fields: Fields, answer: EmbeddingAnswer) -> None:
        found = fields.peek("embeddings")
        if isinstance(found, dict):
            types = fields.inner("embeddings")
            kind = next((name for name in _TYPES if types.has(name)), None)
            if kind is None:
                raise types.fault(f"embeddings must have one of {', '.join(_TYPES)}.")
            answer.form["type"] = kind
            rows, path = types.items(kind), f"embeddings.{kind}"
            if types.left:
                fields.left["embeddings"] = types.left
        else:
            rows, path = fields.items("embeddings"), "embeddings"
        answer.vectors = [listed_or_packed(row, f"{path}[{at}]", fields.fault) for at, row in enumerate(rows)]
        answer.form["packed"] = [type(row) is str for row in rows]
        answer.id = fields.get("id", str) or ""
        for key in ("texts", "images", "response_type"):
            if fields.has(key):
                answer.form.setdefault("beside", {})[key] = fields.pop(key)
        if fields.has("meta"):
            answer.usage = _usage(fields, answer)

    def _answer(self, answer: EmbeddingAnswer, request: EmbeddingRequest, own: bool) -> dict[str, Any]:
        if own:
            pairs = zip(answer.vectors, answer.form["packed"], strict=True)
            rows: Any = [packed(vector, "float") if text else vector for vector, text in pairs]
            kind = answer.form.get("type")
            embeddings = rows if kind is None else {kind: rows, **(answer.rest.get("embeddings") or {})}
            beside = answer.form.get("beside", {})
            meta = {"meta": answer.form["meta"]} if "meta" in answer.form else {}
            return {**({"id": answer.id} if answer.id else {}), **beside, **meta, "embeddings": embeddings}
        kind, rows = _asked(answer, request)
        usage = answer.usage or Usage()
        units = {"input_tokens": usage.prompt - usage.input_image, "image_tokens": usage.input_image}
        texts = [part.text for one in request.inputs for part in one.parts if isinstance(part, Text)]
        return {
            "id": answer.id,
            "texts": texts,
            "embeddings": {kind: rows},
            "meta": {"api_version": {"version": "2"}, "billed_units": units},
            "response_type": "embeddings_by_type",
        }


def _asked(answer: EmbeddingAnswer, request: EmbeddingRequest) -> tuple[str, list[Any]]:
    """The vectors under the type that was asked for; under `float` what a provider could not give otherwise."""
    if request.packed:
        return "base64", [packed(vector, "float") for vector in answer.vectors]
    whole = all(type(number) is int for vector in answer.vectors for number in vector)
    return (request.number or "float") if whole else "float", answer.vectors


def _shape(inputs: list[EmbeddingInput]) -> str:
    """The field that inputs fit in: texts, single images, or a mix."""
    if not any(isinstance(part, Media) for one in inputs for part in one.parts):
        return "texts"
    single = all(len(one.parts) == 1 and isinstance(one.parts[0], Media) for one in inputs)
    return "images" if single else "inputs"


def _mixed(fields: Fields) -> EmbeddingInput:
    parts = [_piece(part) for part in fields.objects("content")]
    if not parts:
        raise fields.wrong("content", "a list of at least one part")
    return EmbeddingInput(parts=parts, rest=fields.left)


def _piece(fields: Fields) -> Piece:
    kind = fields.need("type", str)
    if kind == "text":
        return Text(text=fields.need("text", str), rest=fields.left)
    if kind != "image_url":
        raise fields.wrong("type", "'text' or 'image_url'")
    if type(fields.peek("image_url")) is str:
        media = image(fields.need("image_url", str))
        media.form["bare"] = True
    else:
        inner = fields.inner("image_url")
        media = image(inner.need("url", str))
        media.form["image_url"] = inner.left
    media.rest = fields.left
    return media


def _usage(fields: Fields, answer: EmbeddingAnswer) -> Usage | None:
    meta = fields.inner("meta")
    answer.form["meta"] = dict(meta.left)
    units = meta.within("billed_units")
    if units is None:
        return None
    tokens, images = counted(units, "input_tokens"), counted(units, "image_tokens")
    return None if tokens is None and images is None else Usage(input=tokens or 0, input_image=images or 0)


COHERE = Cohere("cohere", "Cohere's embed API")
BEDROCK = Cohere("bedrock-cohere", "Cohere's embed API on Bedrock", bedrock=True)
