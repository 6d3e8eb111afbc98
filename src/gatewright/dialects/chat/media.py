"""Images, sounds, films and documents among the parts of a message.

Shapes: OpenAI API reference, "Create chat completion", `messages[].content[]` (`image_url`, `input_audio`, `file`);
`document_url` is Mistral's (https://docs.mistral.ai/capabilities/document_ai/document_qna), `video_url` OpenRouter's
(https://openrouter.ai/docs/features/multimodal/videos).
"""

import re
from typing import Any

from gatewright.dialects.chat.nested import closed, restored
from gatewright.dialects.conversation import Dropped, Media, MediaKind
from gatewright.dialects.fields import Fields

_DATA_URL = re.compile(r"data:([^,]*);base64,(.*)", re.DOTALL)

# Part types whose content is an address, bare or as `{"url"}`.
LINKED: dict[str, MediaKind] = {"image_url": "image", "video_url": "video", "document_url": "document"}

_FORMATS = {"mp3": "audio/mpeg", "wav": "audio/wav"}
_MEDIA_TYPES = {"audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav"}
_DEFAULT: dict[MediaKind, str] = {
    "image": "image/png",
    "audio": "audio/wav",
    "video": "video/mp4",
    "document": "application/pdf",
}
_DETAILS = ("auto", "low", "high")
_ENDINGS = {"text/plain": "txt", "text/markdown": "md", "text/html": "html", "text/csv": "csv"}


def _located(media: Media, url: str) -> Media:
    """A part whose content is an address, which may hold the content itself."""
    found = _DATA_URL.fullmatch(url)
    if found is None:
        media.url = url
    else:
        media.media_type, media.data = found[1], found[2]
    return media


def _address(media: Media) -> str:
    if media.data is None:
        return media.url or ""
    kind = _DEFAULT[media.kind] if media.media_type is None else media.media_type
    return f"data:{kind};base64,{media.data}"


def decode_linked(found: Fields, kind: str) -> Media:
    """An `image_url`, `video_url` or `document_url` part; its `type` is taken already."""
    media = Media(kind=LINKED[kind], rest=found.left, form={"as": kind})
    if isinstance(found.left.get(kind), str):
        media.form["bare"] = True
        return _located(media, found.need(kind, str))
    inner = found.inner(kind)
    _located(media, inner.need("url", str))
    if media.kind == "image" and isinstance(inner.left.get("detail"), str):
        media.detail = inner.need("detail", str)
    closed(found, kind, inner)
    return media


def decode_image(found: Fields) -> Media:
    """An entry of an answer's `images`, as OpenRouter has them."""
    found.left.pop("type", None)
    image = decode_linked(found, "image_url")
    image.form["images"] = True
    return image


def decode_audio(found: Fields) -> Media:
    """An `input_audio` part; its `type` is taken already."""
    media = Media(kind="audio", rest=found.left, form={"as": "input_audio"})
    if isinstance(found.left.get("input_audio"), str):
        media.form["bare"] = True
        media.data = found.need("input_audio", str)
        return media
    inner = found.inner("input_audio")
    media.data = inner.need("data", str)
    coding = inner.get("format", str)
    if coding is not None:
        media.form["format"] = coding
        media.media_type = _FORMATS.get(coding, f"audio/{coding}")
    closed(found, "input_audio", inner)
    return media


def decode_file(found: Fields) -> Media:
    """A `file` part; its `type` is taken already."""
    media = Media(kind="document", rest=found.left, form={"as": "file"})
    inner = found.inner("file")
    media.name = inner.get("filename", str)
    media.file_id = inner.get("file_id", str)
    if media.file_id is None:
        content = inner.need("file_data", str)
        if content.startswith(("data:", "http://", "https://")):
            _located(media, content)
        else:
            media.data = content
    general = (media.media_type or "").partition("/")[0]
    if general in ("image", "audio", "video"):
        media.kind = general  # type: ignore[assignment]  # one of the three, which are kinds
    closed(found, "file", inner)
    return media


def encode_media(media: Media, same: bool, dropped: Dropped) -> dict[str, Any]:
    """A part of an image, a sound, a film or a document."""
    kind = media.form.get("as") if same else None
    rest = dropped.rest(media, same=same)
    if media.cited:
        dropped.add("citations")
    if kind == "file" or (kind is None and (media.kind == "document" or media.file_id is not None)):
        dropped.update(["detail"] if media.detail not in (None, "auto") else [])
        return _file(media, rest, same)
    if kind == "input_audio" or (kind is None and media.kind == "audio"):
        return _audio(media, rest, dropped)
    kind = kind or f"{media.kind}_url"
    url = _address(media)
    value = url if media.form.get("bare") and same else {"url": url}
    if isinstance(value, dict) and media.detail is not None:
        if same or media.detail in _DETAILS:
            value["detail"] = media.detail
        else:
            dropped.add("detail")
    return restored({"type": kind, kind: value}, rest, kind)


def _audio(media: Media, rest: dict[str, Any], dropped: Dropped) -> dict[str, Any]:
    if media.form.get("bare"):
        return restored({"type": "input_audio", "input_audio": media.data}, rest)
    if media.data is None:
        # Only Mistral takes an address; OpenAI has no place for one, so say that it may go unheard.
        dropped.add("audio.url")
        return {"type": "text", "text": media.url or ""}
    coding = media.form.get("format")
    if coding is None and media.form.get("as") is None:
        kind = media.media_type or _DEFAULT["audio"]
        coding = _MEDIA_TYPES.get(kind, kind.partition("/")[2])
    value = {"data": media.data} if coding is None else {"data": media.data, "format": coding}
    return restored({"type": "input_audio", "input_audio": value}, rest, "input_audio")


def _file(media: Media, rest: dict[str, Any], same: bool) -> dict[str, Any]:
    if media.text is not None:
        return {"type": "text", "text": f"{media.name}\n\n{media.text}" if media.name else media.text}
    value: dict[str, Any] = {}
    if media.name is not None:
        value["filename"] = media.name
    if media.file_id is not None:
        value["file_id"] = media.file_id
    elif same and media.media_type is None and media.data is not None:
        value["file_data"] = media.data
    else:
        value["file_data"] = _address(media)
        value.setdefault("filename", _filename(media)) if not same else None
    return restored({"type": "file", "file": value}, rest, "file")


def _filename(media: Media) -> str:
    """A name for a file that has none; OpenAI refuses `file_data` without a `filename`."""
    kind = media.media_type or _DEFAULT[media.kind]
    return f"{media.kind}.{_ENDINGS.get(kind, kind.rpartition('/')[2])}"
