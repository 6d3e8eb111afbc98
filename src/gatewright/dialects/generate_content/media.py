"""Images, sounds, films and documents: `inlineData` and `fileData`.

Gemini API reference, "Blob" and "FileData" (https://ai.google.dev/api/caching#Blob). Bytes are base64 in either
alphabet, with or without padding (https://protobuf.dev/programming-guides/json/); the model has the standard one.
"""

import base64
import mimetypes
from typing import Any
from urllib.parse import urlsplit

from gatewright.dialects.conversation import Dropped, Media, MediaKind
from gatewright.dialects.generate_content.fields import Fields, restored

_KINDS: dict[str, MediaKind] = {"image": "image", "audio": "audio", "video": "video"}
_TYPES = {"image": "image/jpeg", "audio": "audio/mpeg", "video": "video/mp4", "document": "application/pdf"}
# Of one part, from Gemini 3 on (https://ai.google.dev/gemini-api/docs/media-resolution).
_RESOLUTION = "mediaResolution"
_LEVELS = {"low": "MEDIA_RESOLUTION_LOW", "high": "MEDIA_RESOLUTION_HIGH"}
_FILES = ("gs://", "files/", "https://generativelanguage.googleapis.com/")
_TO_STANDARD = str.maketrans("-_", "+/")


def inline_data(fields: Fields) -> Media:
    """Media whose content is in the body."""
    blob = fields.inner("inlineData")
    given = blob.need("data", str)
    data = given.translate(_TO_STANDARD)
    data += "=" * (-len(data) % 4)
    if data != given:
        blob.keep("data", given)
    kind = blob.label("mimeType")
    return Media(kind=_kind(kind), media_type=kind, data=data, name=blob.label("displayName"))


def file_data(fields: Fields) -> Media:
    """Media that lie elsewhere: with Google, or anywhere on the web."""
    file = fields.inner("fileData")
    place = file.need("fileUri", str)
    kind = file.label("mimeType")
    media = Media(kind=_kind(kind), media_type=kind, name=file.label("displayName"))
    if place.startswith(_FILES):
        media.file_id = place
    else:
        media.url = place
    return media


def decode_detail(fields: Fields) -> str | None:
    """Take how closely a part is looked at, where other dialects have a word for it."""
    given = fields.peek(_RESOLUTION)
    level = given.get("level") if isinstance(given, dict) else None
    detail = next((name for name, known in _LEVELS.items() if known == level), None)
    if detail is not None:
        fields.inner(_RESOLUTION).get("level", str)
    return detail


def encode_media(media: Media, dropped: Dropped, *, same: bool, detailed: bool = False) -> dict[str, Any] | None:
    """Media as a part; None when Gemini cannot be given them.

    Args:
        media: of any dialect.
        dropped: takes the names of what cannot be said.
        same: whether they come from this dialect.
        detailed: whether the model can be told how closely to look at one part.
    """
    if media.text is not None:
        body = _blob("inlineData", "data", base64.b64encode(media.text.encode()).decode(), "text/plain")
    elif media.data is not None:
        body = _blob("inlineData", "data", media.data, media.media_type or (None if same else _TYPES[media.kind]))
    elif media.url is not None:
        body = _blob("fileData", "fileUri", media.url, media.media_type or (None if same else _guess(media)))
    elif media.file_id is not None and (same or media.file_id.startswith(_FILES)):
        body = _blob("fileData", "fileUri", media.file_id, media.media_type)
    else:
        dropped.add("file_id")
        return None
    level = _LEVELS.get(media.detail or "") if same or detailed else None
    if level is not None:
        body[_RESOLUTION] = {"level": level}
    if not same:
        dropped.update(["filename"] if media.name else [], ["citations"] if media.cited else [])
        dropped.update(["detail"] if level is None and media.detail not in (None, "auto") else [])
        return body | dropped.rest(media, same=False)
    if media.name is not None:
        next(iter(body.values()))["displayName"] = media.name
    return restored(body, media.form, media.rest)


def _blob(name: str, field: str, value: str, kind: str | None) -> dict[str, Any]:
    return {name: {field: value} if kind is None else {"mimeType": kind, field: value}}


def _kind(media_type: str | None) -> MediaKind:
    return _KINDS.get((media_type or "").lower().partition("/")[0], "document")


def _guess(media: Media) -> str:
    return mimetypes.guess_type(urlsplit(media.url or "").path)[0] or _TYPES[media.kind]
