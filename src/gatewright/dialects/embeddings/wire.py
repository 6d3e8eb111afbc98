"""What all embeddings wires do alike: parameters by a table of spellings, and who loses what.

A wire is a value of a class that says how one API has its inputs and its vectors.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gatewright.dialects.conversation import Dropped, Media, Native, Rest, Text, Usage
from gatewright.dialects.embeddings.model import EmbeddingAnswer, EmbeddingInput, EmbeddingRequest, Piece, Purpose
from gatewright.dialects.fields import Fields, provider_fault
from gatewright.errors import ClientError, UpstreamProtocolError

LABELS = {
    "dimensions": "dimensions",
    "purpose": "input_type",
    "number": "output_dtype",
    "truncate": "truncate",
    "user": "user",
}
"""The parameters that a wire may not have, and the names under which their loss is told."""

# Queries of a kind, where a wire has only queries: Google's page on task types pairs each with document vectors.
_KIN: Mapping[Any, Purpose] = {"code_query": "query", "question": "query", "fact": "query"}


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a wire writes a parameter.

    Attributes:
        key: the field.
        words: the wire's word for each value of ours; None where the value stands as it is.
        kind: type of a value that stands as it is.
    """

    key: str
    words: Mapping[Any, Any] | None = None
    kind: type = int

    def read(self, fields: Fields) -> Any:
        """Take the field; None, and it is left, when it is absent or has a word we have no value for."""
        if self.words is None:
            return fields.get(self.key, self.kind)
        found = fields.peek(self.key)
        ours = [value for value, word in self.words.items() if type(word) is type(found) and word == found]
        if not ours:
            return None
        fields.pop(self.key)
        return ours[0]

    def word(self, value: Any) -> Any:
        """The wire's word for a value; None when it has none."""
        return value if self.words is None else self.words.get(value, self.words.get(_KIN.get(value)))


Spellings = Mapping[str, tuple[Spelling, ...]]
"""The spellings of each parameter that a wire has."""


class Wire(ABC):
    """One embeddings API, in both directions.

    Args:
        name: unique among the wires.
        api: as errors name it.
        reads: the spellings it is read by.
        writes: the spellings it is written with, the first of each parameter; None for those it is read by.
        kin: names of wires whose own fields it understands too.
        most: inputs a request may have; None for several.
    """

    titled = False
    """Whether inputs have titles."""

    def __init__(
        self,
        name: str,
        api: str,
        reads: Spellings,
        *,
        writes: Spellings | None = None,
        kin: frozenset[str] = frozenset(),
        most: int | None = None,
    ) -> None:
        self.NAME = name
        self.api = api
        self.most = most
        self._reads = reads
        self._writes = reads if writes is None else writes
        self._kin = kin | {name}

    def decode_request(self, body: Mapping[str, Any]) -> EmbeddingRequest:
        """A client's body to a request.

        Raises:
            ClientError: naming the field that is wrong.
        """
        fields = Fields(body, "", ClientError)
        request = EmbeddingRequest(dialect=self.NAME, model=fields.get("model", str) or "")
        self._read(fields, request)
        request.rest = fields.left
        if not request.inputs:
            raise ClientError(f"A request of {self.api} needs at least one input.")
        return request

    def encode_request(self, request: EmbeddingRequest, model: str, dropped: Dropped) -> dict[str, Any]:
        """A request to a provider's body.

        Args:
            request: what a client asked, in any wire.
            model: the target's name of the model; a wire whose path names it leaves it out of the body.
            dropped: told what this API cannot express.

        Raises:
            ClientError: when this API cannot be asked for it at all.
        """
        if self.most is not None and len(request.inputs) > self.most:
            raise ClientError(f"{self.api} takes one text a request; send one.")
        kin = request.dialect in self._kin
        if not kin:
            for one in request.inputs:
                for node in (one, *one.parts):
                    dropped.rest(node, same=False)
            if not self.titled and any(one.title for one in request.inputs):
                dropped.add("title")
        rest = dropped.rest(request, same=kin)
        if request.dialect != self.NAME:  # a field that is null may have a name that only the wire of origin knows
            rest = {key: value for key, value in rest.items() if value is not None}
        return {**rest, **self._body(request, model, self._stated(request, dropped))}

    def decode_answer(self, body: Mapping[str, Any]) -> EmbeddingAnswer:
        """A provider's body to vectors.

        Raises:
            UpstreamProtocolError: when it is not an answer of this API.
        """
        fields = Fields(body, "", provider_fault(self.api))
        answer = EmbeddingAnswer(dialect=self.NAME)
        self._read_answer(fields, answer)
        if not answer.vectors:
            raise fields.fault("it has no vector.")
        answer.rest = fields.left
        return answer

    def encode_answer(self, answer: EmbeddingAnswer, request: EmbeddingRequest, dropped: Dropped) -> dict[str, Any]:
        """Vectors to the body a client gets.

        Args:
            answer: of any wire.
            request: what the client asked.
            dropped: told what this API cannot show.

        Raises:
            UpstreamProtocolError: when there is not one vector for each input, or this API cannot hold them.
        """
        if len(answer.vectors) != len(request.inputs):
            raise UpstreamProtocolError(
                f"Its answer has {len(answer.vectors)} vectors for {len(request.inputs)} inputs."
            )
        own = answer.dialect == self.NAME
        if answer.usage is not None:
            dropped.rest(answer.usage, same=own)
        return {**dropped.rest(answer, same=own), **self._answer(answer, request, own)}

    def _read_parameters(self, fields: Fields, request: EmbeddingRequest) -> None:
        """Take the parameters an object has; `form` keeps how each was written."""
        for parameter, spellings in self._reads.items():
            for spelling in spellings:
                word = fields.peek(spelling.key)
                value = spelling.read(fields)
                if value is not None:
                    setattr(request, parameter, value)
                    request.form[parameter] = {spelling.key: word}
                    break

    def _stated(self, request: EmbeddingRequest, dropped: Dropped) -> dict[str, Rest]:
        """The fields that say each parameter. Base64 is never asked for: the client's packing is ours to make."""
        if request.dialect == self.NAME:
            return {name: request.form[name] for name in (*LABELS, "packed") if name in request.form}
        stated: dict[str, Rest] = {}
        for parameter, label in LABELS.items():
            value = getattr(request, parameter)
            if value is None or (parameter, value) == ("number", "float"):
                continue
            spellings = self._writes.get(parameter)
            word = spellings[0].word(value) if spellings else None
            if word is None or spellings is None:
                dropped.add(label)
            else:
                stated[parameter] = {spellings[0].key: word}
        return stated

    def _text(self, one: EmbeddingInput) -> str:
        """An input as one text; its texts in a column where there are several."""
        texts = [part.text for part in one.parts if isinstance(part, Text)]
        if len(texts) < len(one.parts):
            raise self._unreadable(next(part for part in one.parts if not isinstance(part, Text)))
        return "\n".join(texts)

    def _unreadable(self, part: Piece) -> ClientError:
        """The error for a part that this API has no place for."""
        kind = part.kind if isinstance(part, Media) else "part" if isinstance(part, Native) else "list of token ids"
        return ClientError(f"{self.api} cannot embed the {kind} of this request; send text.")

    @abstractmethod
    def _read(self, fields: Fields, request: EmbeddingRequest) -> None:
        """Take inputs and parameters."""

    @abstractmethod
    def _body(self, request: EmbeddingRequest, model: str, stated: dict[str, Rest]) -> dict[str, Any]:
        """Everything but the request's `rest`."""

    @abstractmethod
    def _read_answer(self, fields: Fields, answer: EmbeddingAnswer) -> None:
        """Take vectors and usage."""

    @abstractmethod
    def _answer(self, answer: EmbeddingAnswer, request: EmbeddingRequest, own: bool) -> dict[str, Any]:
        """Everything but the answer's `rest`."""


def merged(stated: Mapping[str, Rest]) -> Rest:
    """The fields of all parameters, where they stand in one object."""
    return {key: word for fields in stated.values() for key, word in fields.items()}


def common(objects: list[Fields], keys: Iterable[str]) -> Fields:
    """Take the words, of the fields with some keys, that all objects have alike."""
    found: Rest = {}
    for key in keys:
        words = [one.peek(key) for one in objects]
        if words and isinstance(words[0], str | int) and words.count(words[0]) == len(words):
            found[key] = words[0]
    for one in objects:
        one.left = {key: value for key, value in one.left.items() if key not in found}
    return Fields(found, "", ClientError)


def counted(fields: Fields, key: str) -> int | None:
    """Take a count; None when it is absent. Some wires have `3.0` for three."""
    found = fields.get(key, float)
    if found is None:
        return None
    if found < 0 or found != found // 1:
        raise fields.wrong(key, "a whole number, at least 0")
    return int(found)


def prompt_tokens(usage: Usage | None) -> int:
    """All tokens of the inputs; 0 where the provider does not say."""
    return 0 if usage is None else usage.prompt
