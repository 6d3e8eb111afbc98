"""OpenAI's `POST /embeddings`, and those who have it with words of their own.

OpenAI API reference, "Create embeddings" (https://platform.openai.com/docs/api-reference/embeddings/create); Voyage,
"Text embedding models" (https://docs.voyageai.com/reference/embeddings-api); Jina (https://api.jina.ai/openapi.json);
Mistral (https://docs.mistral.ai/api/endpoint/embeddings); Perplexity
(https://docs.perplexity.ai/docs/embeddings/best-practices). All are read with all of their words, since a client of
the one path may mean any of them; each is written with its own.
"""

from collections.abc import Mapping
from typing import Any

from gatewright.dialects.conversation import Media, Native, Rest, Text, Usage
from gatewright.dialects.embeddings.images import data_url, image
from gatewright.dialects.embeddings.model import EmbeddingAnswer, EmbeddingInput, EmbeddingRequest, Number, Tokens
from gatewright.dialects.embeddings.numbers import listed_or_packed, packed
from gatewright.dialects.embeddings.wire import Spelling, Spellings, Wire, counted, merged, prompt_tokens
from gatewright.dialects.fields import Fields, provider_fault
from gatewright.errors import ClientError

_NUMBERS = {name: name for name in ("float", "int8", "uint8", "binary", "ubinary")}
_SWITCH = {"end": True, "none": False}
_TASKS = {
    "query": "retrieval.query",
    "document": "retrieval.passage",
    "similarity": "text-matching",
    "classification": "classification",
    "clustering": "separation",
}
_COHERE = {"query": "search_query", "document": "search_document"} | {
    name: name for name in ("classification", "clustering")
}

_DIMENSIONS = Spelling("dimensions")
_OUTPUT_DIMENSION = Spelling("output_dimension")
_SIDE = Spelling("input_type", {"query": "query", "document": "document"})
_TASK = Spelling("task", _TASKS)
_PASSAGE = Spelling("input_type", {"query": "query", "document": "passage"})
_DTYPE = Spelling("output_dtype", _NUMBERS)
_JINA_TYPE = Spelling("embedding_type", {name: name for name in ("float", "binary", "ubinary")})
_TRUNCATION = Spelling("truncation", _SWITCH)
_TRUNCATE = Spelling("truncate", _SWITCH)
_ENDS = Spelling("truncate", {"end": "END", "start": "START", "none": "NONE"})
_USER = Spelling("user", kind=str)

_ALL: Spellings = {
    "dimensions": (_DIMENSIONS, _OUTPUT_DIMENSION),
    "purpose": (
        _SIDE,
        _PASSAGE,
        Spelling("input_type", _COHERE),
        _TASK,
        Spelling("task", {"clustering": "clustering"}),
    ),
    "number": (_DTYPE, _JINA_TYPE),
    "packed": (
        Spelling("encoding_format", {True: "base64", False: "float"}),
        Spelling("embedding_type", {True: "base64"}),
    ),
    "truncate": (_TRUNCATION, _TRUNCATE, _ENDS),
    "user": (_USER,),
}


class OpenAI(Wire):
    """`POST /embeddings` as one provider has it.

    Args:
        name: of the wire.
        api: as errors name it.
        written: the spellings it is written with; a parameter without one is not sent.
        number: what base64 of its answers holds.
        tokens: whether inputs may be token ids.
        images: whether inputs may be objects with a text or an image.
    """

    def __init__(
        self,
        name: str,
        api: str,
        *written: str | tuple[str, Spelling],
        number: Number = "float",
        tokens: bool = True,
        images: bool = False,
    ) -> None:
        own = dict(item if isinstance(item, tuple) else (item, _ALL[item][0]) for item in written)
        super().__init__(name, api, _ALL, writes={key: (spelling,) for key, spelling in own.items()}, kin=_FAMILY)
        self._number: Number = number
        self._tokens = tokens
        self._images = images

    def _read(self, fields: Fields, request: EmbeddingRequest) -> None:
        found = fields.pop("input")
        if type(found) is str or (type(found) is list and found and type(found[0]) is int):
            request.form["alone"] = True
            found = [found]
        if type(found) is not list:
            raise fields.wrong("input", "a string, or a list of strings or of token ids")
        request.inputs = [_input(one, f"input[{at}]") for at, one in enumerate(found)]
        self._read_parameters(fields, request)

    def _body(self, request: EmbeddingRequest, model: str, stated: dict[str, Rest]) -> dict[str, Any]:
        inputs = [self._wire_input(one, own=request.dialect in self._kin) for one in request.inputs]
        alone = request.dialect in self._kin and "alone" in request.form
        return {"model": model, "input": inputs[0] if alone else inputs, **merged(stated)}

    def _wire_input(self, one: EmbeddingInput, *, own: bool) -> Any:
        only = one.parts[0] if len(one.parts) == 1 else None
        if isinstance(only, Native) and own:
            return only.rest
        if isinstance(only, Tokens) and (self._tokens or own):
            return only.ids
        if isinstance(only, Media) and only.kind == "image" and (self._images or own):
            plain = only.data is not None and (only.media_type is None or not own)
            return {"image": only.data if plain else data_url(only), **(one.rest if own else {})}
        text = self._text(one)
        return {"text": text, **one.rest} if own and "text" in one.form else text

    def _read_answer(self, fields: Fields, answer: EmbeddingAnswer) -> None:
        items = fields.objects("data")
        answer.form = {"items": [None] * len(items)}
        vectors: dict[int, Any] = {}
        for at, item in enumerate(items):
            place = item.peek("index")
            place = at if place is None else item.checked("index", place, int)
            if place in vectors or not 0 <= place < len(items):
                raise item.wrong("index", "the place of an input, once each")
            found = item.pop("embedding")
            vectors[place] = listed_or_packed(found, item.path("embedding"), item.fault, self._number)
            answer.form["items"][place] = (item.left, type(found) is str)
        answer.vectors = [vectors[place] for place in range(len(items))]
        answer.model = fields.get("model", str) or ""
        answer.id = fields.get("id", str) or ""
        answer.form["object"] = fields.pop("object")
        if fields.has("usage"):
            answer.usage = _usage(fields.inner("usage"))

    def _answer(self, answer: EmbeddingAnswer, request: EmbeddingRequest, own: bool) -> dict[str, Any]:
        if own:
            return self._own_answer(answer)
        body: dict[str, Any] = {
            "object": "list",
            "data": [
                {
                    "object": "embedding",
                    "index": at,
                    "embedding": packed(vector, request.number) if request.packed else vector,
                }
                for at, vector in enumerate(answer.vectors)
            ],
            "model": answer.model or request.model,
        }
        tokens = prompt_tokens(answer.usage)
        return body | {"usage": {"prompt_tokens": tokens, "total_tokens": tokens}} | _named("id", answer.id)

    def _own_answer(self, answer: EmbeddingAnswer) -> dict[str, Any]:
        pairs = zip(answer.vectors, answer.form["items"], strict=True)
        data = [{**left, "embedding": packed(v, self._number) if text else v} for v, (left, text) in pairs]
        usage = {} if answer.usage is None else {"usage": answer.usage.form}
        named = _named("object", answer.form["object"]) | _named("model", answer.model) | _named("id", answer.id)
        return {"data": data, **named, **usage}


def _named(key: str, value: Any) -> Rest:
    return {key: value} if value else {}


def _input(found: Any, path: str) -> EmbeddingInput:
    if type(found) is str:
        return EmbeddingInput(parts=[Text(text=found)])
    if type(found) is list and found and all(type(one) is int for one in found):
        return EmbeddingInput(parts=[Tokens(ids=found)])
    if type(found) is not dict:
        raise ClientError(f"{path} must be a string or a list of token ids.")
    fields = Fields(found, path, ClientError)
    text, seen = fields.peek("text"), fields.peek("image")
    if type(text) is str and seen is None:
        del fields.left["text"]
        return EmbeddingInput(parts=[Text(text=text)], rest=fields.left, form={"text": True})
    if type(seen) is str and text is None:
        del fields.left["image"]
        return EmbeddingInput(parts=[image(seen, bare=True)], rest=fields.left)
    return EmbeddingInput(parts=[Native(rest=found)])


def decode_usage(found: Mapping[str, Any]) -> Usage:
    """The tokens of a `usage` object; some providers have their total alone.

    Raises:
        UpstreamProtocolError: when a count is not one.
    """
    return _usage(Fields(found, "usage", provider_fault("OpenAI's embeddings API")))


def _usage(fields: Fields) -> Usage:
    form = dict(fields.left)
    prompt, total = counted(fields, "prompt_tokens"), counted(fields, "total_tokens")
    fields.left.pop("completion_tokens", None)  # there is no completion; those who have the field say 0
    return Usage(input=prompt if prompt is not None else total or 0, rest=fields.left, form=form)


_FAMILY = frozenset({"openai", "voyage", "jina", "mistral", "nvidia", "perplexity"})

OPENAI = OpenAI("openai", "OpenAI's embeddings API", "dimensions", "user")
"""OpenAI, Azure, and everyone who serves the same."""

VOYAGE = OpenAI(
    "voyage",
    "Voyage's embeddings API",
    ("dimensions", _OUTPUT_DIMENSION),
    ("purpose", _SIDE),
    ("number", _DTYPE),
    ("truncate", _TRUNCATION),
    tokens=False,
)
JINA = OpenAI(
    "jina",
    "Jina's embeddings API",
    "dimensions",
    ("purpose", _TASK),
    ("number", _JINA_TYPE),
    ("truncate", _TRUNCATE),
    tokens=False,
    images=True,
)
MISTRAL = OpenAI(
    "mistral",
    "Mistral's embeddings API",
    ("dimensions", _OUTPUT_DIMENSION),
    ("number", _DTYPE),
    tokens=False,
)
NVIDIA = OpenAI(
    "nvidia",
    "NVIDIA's embeddings API",
    "dimensions",
    ("purpose", _PASSAGE),
    ("truncate", _ENDS),
    "user",
    tokens=False,
)
PERPLEXITY = OpenAI("perplexity", "Perplexity's embeddings API", "dimensions", number="int8", tokens=False)
"""Its vectors are always base64 of whole numbers of eight bits, which other clients get as a list of numbers."""
