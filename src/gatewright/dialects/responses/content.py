"""Content parts of a message or of a tool's output: `input_text`, `input_image`, `input_file`, `output_text` and so on.

Shapes: OpenAI API reference, "Responses" (https://platform.openai.com/docs/api-reference/responses/create).
"""

import base64
import mimetypes
from collections.abc import Callable
from typing import Any

from gatewright.dialects.conversation import Dropped, Media, Native, Part, Refusal, Text
from gatewright.dialects.fields import Fault, Fields
from gatewright.dialects.logprobs import decode_scores
from gatewright.dialects.responses.annotations import decode_annotation
from gatewright.dialects.responses.wire import picked

Wire = dict[str, Any]

_DETAILS = ("auto", "low", "high")
_AUDIO = {"mp3": "audio/mpeg", "wav": "audio/wav"}
_AUDIO_FORMAT = {media_type: name for name, media_type in _AUDIO.items()} | {"audio/mp3": "mp3", "audio/x-wav": "wav"}


def decode_part(value: Any, where: str, fault: Fault, *, assistant: bool = False) -> Part:
    """One content part; a kind that no other dialect knows is `Native`.

    Args:
        value: the wire's part.
        where: its place, for complaints.
        fault: makes the error when a known kind has the wrong shape.
        assistant: whether the model said it; its texts are `output_text`, all others `input_text`.
    """
    fields = Fields(value, where, fault)
    kind = fields.need("type", str)
    if kind in ("input_text", "output_text"):
        form = {} if (kind == "output_text") is assistant else {"type": kind}
        text = Text(text=fields.need("text", str), rest=fields.left, form=form)
        text.citations = [decode_annotation(one) for one in fields.items("annotations")]
        if scores := decode_scores(fields.peek("logprobs")):
            text.scores, form["logprobs"] = scores, fields.pop("logprobs")
        return text
    if kind == "refusal":
        return Refusal(text=fields.need("refusal", str), rest=fields.left)
    decode = _MEDIA.get(kind)
    media = None if decode is None else decode(fields)
    return Native(rest=value) if media is None else media


def encode_part(part: Part, dropped: Dropped, *, same: bool, assistant: bool = False) -> Wire | None:
    """One content part; None for one this API has no place for, which is then noted."""
    rest = {} if isinstance(part, Native) else dropped.rest(part, same=same)
    match part:
        case Text():
            kind = "output_text" if assistant else "input_text"
            wire = {"type": part.form.get("type", kind) if same else kind, "text": part.text, **rest}
            return wire | _beside(part) if same else wire
        case Refusal() if assistant:
            return {"type": "refusal", "refusal": part.text, **rest}
        case Refusal():
            return {"type": "input_text", "text": part.text}
        case Native() if same:
            return part.rest
        case Media() if not assistant or same:
            if part.cited:
                dropped.add("citations")
            media = _encode_media(part, dropped, same=same)
            if media is not None:
                return {**media, **rest}
    if isinstance(part, Native):
        dropped.native(part)
    else:
        dropped.add(part.kind if isinstance(part, Media) else type(part).__name__.lower())
    return None


def _beside(text: Text) -> Wire:
    """What stands beside a text of this dialect: what it cites, and how likely its tokens were."""
    cited = {"annotations": [one.form["wire"] for one in text.citations]} if text.citations else {}
    return cited | picked(text.form, ("logprobs",))


def data_url(media_type: str | None, data: str) -> str:
    """Content in base64 as a URL."""
    return f"data:{media_type or ''};base64,{data}"


def split_data_url(url: str) -> tuple[str, str] | None:
    """MIME type and base64 content of a `data:` URL; None for any other URL."""
    head, found, data = url.partition(";base64,")
    return (head[5:], data) if found and head.startswith("data:") else None


def _decode_image(fields: Fields) -> Media | None:
    url, file_id = fields.get("image_url", str), fields.get("file_id", str)
    if (url is None) is (file_id is None):
        return None
    media = Media(kind="image", file_id=file_id, rest=fields.left)
    media.detail = fields.get("detail", str)
    if url is not None:
        _take_url(media, url)
    return media


def _decode_file(fields: Fields) -> Media | None:
    data, url, file_id, name = (fields.get(field, str) for field in ("file_data", "file_url", "file_id", "filename"))
    if sum(source is not None for source in (data, url, file_id)) != 1:
        return None
    media = Media(kind="document", file_id=file_id, url=url, name=name, rest=fields.left)
    if data is not None and (split := split_data_url(data)):
        media.media_type, media.data = split
    elif data is not None:
        media.media_type, media.data = mimetypes.guess_type(name or "")[0], data
        media.form = {"plain": True}
    return media


def _decode_audio(fields: Fields) -> Media | None:
    sound = fields.inner("input_audio")
    if sound.left.keys() != {"data", "format"}:
        return None
    data, name = (sound.need(field, str) for field in ("data", "format"))
    return Media(kind="audio", media_type=_AUDIO.get(name, f"audio/{name}"), data=data, rest=fields.left)


_MEDIA: dict[str, Callable[[Fields], Media | None]] = {
    "input_image": _decode_image,
    "input_file": _decode_file,
    "input_audio": _decode_audio,
}


def _take_url(media: Media, url: str) -> None:
    split = split_data_url(url)
    if split is None:
        media.url = url
    else:
        media.media_type, media.data = split


def _encode_media(media: Media, dropped: Dropped, *, same: bool) -> Wire | None:
    if media.kind == "image":
        wire: Wire = {"type": "input_image"} | _detail(media, dropped, same=same)
        if media.file_id is not None:
            return wire | {"file_id": media.file_id}
        kind = media.media_type if same else media.media_type or "image/png"
        return wire | {"image_url": media.url if media.data is None else data_url(kind, media.data)}
    if media.kind == "audio" and media.data is not None:
        name = _AUDIO_FORMAT.get(media.media_type or "", (media.media_type or "audio/wav").partition("/")[2])
        return {"type": "input_audio", "input_audio": {"data": media.data, "format": name}}
    if media.kind == "document":
        return {"type": "input_file"} | _encode_file(media, same=same)
    return None


def _detail(media: Media, dropped: Dropped, *, same: bool) -> Wire:
    if same:
        return {} if media.detail is None else {"detail": media.detail}
    if media.detail not in (None, *_DETAILS):
        dropped.add("detail")
    return {"detail": media.detail if media.detail in _DETAILS else "auto"}


def _encode_file(media: Media, *, same: bool) -> Wire:
    name = {} if media.name is None else {"filename": media.name}
    if media.file_id is not None:
        return {"file_id": media.file_id} | (name if same else {})
    if media.url is not None:
        return {"file_url": media.url} | (name if same else {})
    kind, data = media.media_type, media.data
    if data is None:
        kind, data = "text/plain", base64.b64encode((media.text or "").encode()).decode()
    if same:
        return {"file_data": data if "plain" in media.form else data_url(kind, data)} | name
    kind = kind or "application/pdf"
    made_up = {"filename": f"document{mimetypes.guess_extension(kind.partition(';')[0]) or ''}"}
    return {"file_data": data_url(kind, data)} | made_up | name
