"""The body of a request, as far as the gateway looks into it, and how it goes to a target.

What is passed through changes in one field, `model`; a way may also want a field more or less. The rest stays the
bytes that came.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from gatewright.dialects import multipart, toplevel
from gatewright.errors import ClientError
from gatewright.snapshot.model import Way

JSON = b"application/json"


class Body(Protocol):
    """A request's body."""

    @property
    def content_type(self) -> bytes:
        """What it is sent as."""
        ...

    def sent(self, model: str, way: Way, betas: tuple[str, ...]) -> bytes:
        """What is sent to a target.

        Args:
            model: the target's own model name.
            way: how the operation is called there.
            betas: values of the client's `anthropic-beta` header.
        """
        ...


@dataclass(slots=True)
class JsonBody:
    """A JSON object, split at its top level.

    Attributes:
        fields: its values.
        raw: the bytes that came.
        names_model: whether it names the model; else the path does.
    """

    fields: toplevel.Fields
    raw: bytes
    names_model: bool = True
    content_type: bytes = JSON

    def sent(self, model: str, way: Way, betas: tuple[str, ...]) -> bytes:
        """The object with the target's model, and with what its way wants added or left out."""
        if not (way.omits or way.adds or way.betas):
            return toplevel.join(self.fields, model=model) if self.names_model else toplevel.join(self.fields)
        fields = dict[str, object](self.fields)
        return msgspec.json.encode(fitted(fields | {"model": model} if self.names_model else fields, way, betas))


@dataclass(slots=True)
class GeminiBody(JsonBody):
    """A body of Gemini's methods. Its path names the model; where the body does too, the two must be the same.

    https://ai.google.dev/api/embeddings (`requests[].model`) and https://ai.google.dev/api/tokens
    (`generateContentRequest.model`).
    """

    def sent(self, model: str, way: Way, betas: tuple[str, ...]) -> bytes:
        """The object with the target's model wherever it had one."""
        named = f"models/{model}"
        fields = dict(self.fields)
        if "model" in fields:
            fields["model"] = _raw(named)
        if "generateContentRequest" in fields:
            fields["generateContentRequest"] = _named(fields["generateContentRequest"], named)
        if "requests" in fields:
            try:
                each = msgspec.json.decode(fields["requests"], type=list[msgspec.Raw])
            except msgspec.DecodeError:
                raise ClientError("'requests' must be a list of objects.") from None
            fields["requests"] = _raw([_named(one, named) for one in each])
        return JsonBody(fields, self.raw, names_model=False).sent(model, way, betas)


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _named(found: msgspec.Raw, model: str) -> msgspec.Raw:
    """An object with another model in its field, if it has one."""
    fields = toplevel.split(bytes(found))
    return _raw({**fields, "model": model}) if "model" in fields else found


def counting(body: Body) -> JsonBody | None:
    """A body that also asks for the usage of its stream; None when it does so already, or is no JSON.

    OpenAI API reference, "stream_options".
    """
    if not isinstance(body, JsonBody):
        return None
    options = toplevel.value(body.fields, "stream_options")
    options = options if isinstance(options, dict) else {}
    if options.get("include_usage"):
        return None
    asking = msgspec.Raw(msgspec.json.encode(options | {"include_usage": True}))
    return replace(body, fields=body.fields | {"stream_options": asking})


def fitted(fields: dict[str, object], way: Way, betas: tuple[str, ...] = ()) -> dict[str, object]:
    """The top level of a body as a way wants it."""
    kept = {name: value for name, value in fields.items() if name not in way.omits} | dict(way.adds)
    if way.betas and betas:
        kept[way.betas] = betas
    return kept


@dataclass(slots=True)
class FormBody:
    """A form with files (`multipart/form-data`), whose field `model` names the endpoint.

    Attributes:
        form: where its fields lie.
        content_type: with its boundary.
    """

    form: multipart.Form
    content_type: bytes

    def sent(self, model: str, way: Way, betas: tuple[str, ...]) -> bytes:  # noqa: ARG002 - as of every body
        """The form with the target's model in its field."""
        return self.form.replaced("model", model)


@dataclass(slots=True)
class RawBody:
    """Bytes that are none of our business."""

    raw: bytes
    content_type: bytes

    def sent(self, model: str, way: Way, betas: tuple[str, ...]) -> bytes:  # noqa: ARG002 - as of every body
        """The bytes that came."""
        return self.raw
