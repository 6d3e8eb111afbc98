"""Images, documents, films and sounds.

Shapes: `ImageBlock`, `DocumentBlock`, `VideoBlock` and `AudioBlock` of the API reference
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html and its like). Content is in the
body or in S3; there is no other address.
"""

import base64
import binascii
import re
from typing import Any

from gatewright.dialects.conversation import Media, MediaKind
from gatewright.dialects.converse.wire import Block, Encoding, merged
from gatewright.dialects.fields import Fields

_OFFICE = "application/vnd.openxmlformats-officedocument"
# Formats by kind, each with its MIME type; of several with one type the first is written.
_FORMATS: dict[MediaKind, dict[str, str]] = {
    "image": {name: f"image/{name}" for name in ("png", "jpeg", "gif", "webp")},
    "document": {
        "pdf": "application/pdf",
        "csv": "text/csv",
        "doc": "application/msword",
        "docx": f"{_OFFICE}.wordprocessingml.document",
        "xls": "application/vnd.ms-excel",
        "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
        "html": "text/html",
        "txt": "text/plain",
        "md": "text/markdown",
    },
    "video": {
        "mp4": "video/mp4",
        "mov": "video/quicktime",
        "mkv": "video/x-matroska",
        "webm": "video/webm",
        "flv": "video/x-flv",
        "mpeg": "video/mpeg",
        "mpg": "video/mpeg",
        "wmv": "video/x-ms-wmv",
        "three_gp": "video/3gpp",
    },
    "audio": {
        "mp3": "audio/mpeg",
        "mpeg": "audio/mpeg",
        "mpga": "audio/mpeg",
        "wav": "audio/wav",
        "opus": "audio/opus",
        "aac": "audio/aac",
        "x-aac": "audio/aac",
        "flac": "audio/flac",
        "ogg": "audio/ogg",
        "m4a": "audio/m4a",
        "mp4": "audio/mp4",
        "webm": "audio/webm",
        "mkv": "audio/x-matroska",
        "mka": "audio/x-matroska",
        "pcm": "audio/pcm",
    },
}
_ALIASES = {
    "image/jpg": "image/jpeg",
    "audio/mp3": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/x-m4a": "audio/m4a",
    "application/csv": "text/csv",
    "text/x-markdown": "text/markdown",
}
# An image's type by how its base64 begins, where the client did not say.
_IMAGES = {"iVBOR": "image/png", "/9j/": "image/jpeg", "R0lG": "image/gif", "UklG": "image/webp"}
_TYPES: dict[MediaKind, str] = {"document": "application/pdf", "video": "video/mp4", "audio": "audio/wav"}
_TEXTUAL = re.compile(r"text/|application/(json|xml|yaml|x-yaml|javascript|x-ndjson)")
_S3 = "s3://"
_TO_STANDARD = str.maketrans("-_", "+/")
_NOT_IN_NAME = re.compile(r"[^a-zA-Z0-9\s()\[\]-]+")
_SPACES = re.compile(r"\s+")
_MOST_NAME = 200

KINDS = tuple(_FORMATS)
"""The kinds of media this API has a block for."""


def decode_media(kind: MediaKind, fields: Fields, block: Block) -> Media | None:
    """The medium of a block's inner object; None when it holds no content that this file knows."""
    source = fields.within("source")
    if source is None:
        return None
    form = fields.get("format", str)
    known = None if form is None else _FORMATS[kind].get(form, f"{kind}/{form}")
    media = Media(kind=kind, media_type=known, name=fields.get("name", str), form={"format": form})
    if source.has("content"):
        media.text, media.form["block"] = joined(source.pop("content")), block
    elif source.has("s3Location"):
        place = source.inner("s3Location")
        media.file_id = place.need("uri", str)
        if place.left:
            source.left["s3Location"] = place.left
    elif source.has("text"):
        media.text = source.need("text", str)
    else:
        media.data = source.need("bytes", str)
    citations = fields.within("citations")
    if citations is not None:
        media.cited = citations.get("enabled", bool)
        if citations.left or media.cited is None:
            fields.left["citations"] = citations.left
    if source.left:
        fields.left["source"] = source.left
    media.rest = fields.left
    return media


def decode_search_result(fields: Fields, block: Block) -> Media:
    """A search result: a document in words."""
    text, title = joined(fields.pop("content")), fields.get("title", str)
    return Media(kind="document", text=text, name=title, rest=fields.left, form={"block": block})


def joined(content: Any) -> str:
    """The text of a list of `{"text"}`."""
    blocks = content if isinstance(content, list) else []
    texts = [block.get("text") for block in blocks if isinstance(block, dict)]
    return "\n\n".join(text for text in texts if isinstance(text, str))


def encode_media(part: Media, how: Encoding) -> Block | None:
    """The block of a medium; None, with a note, when this API cannot take it."""
    if how.same and "block" in part.form:
        found: Block = part.form["block"]
        return found
    if how.same:
        return {part.kind: merged(how.rest(part), _own(part))}
    source = _source(part)
    form = _format(part)
    if source is None or form is None:
        how.dropped.add(part.kind)
        return None
    how.rest(part)
    if part.detail not in (None, "auto"):
        how.dropped.add("detail")
    inner: Block = {"format": form, "source": source}
    if part.kind == "document":
        inner["name"] = _name(part.name, how.names)
        if part.cited:
            inner["citations"] = {"enabled": True}
    return {part.kind: inner}


def _own(part: Media) -> Block:
    inner: Block = {}
    if part.file_id is not None:
        inner["source"] = {"s3Location": {"uri": part.file_id}}
    elif part.text is not None:
        inner["source"] = {"text": part.text}
    else:
        inner["source"] = {"bytes": part.data}
    stated = {"format": part.form.get("format", _format(part)), "name": part.name}
    inner |= {key: value for key, value in stated.items() if value is not None}
    return inner | ({} if part.cited is None else {"citations": {"enabled": part.cited}})


def _source(part: Media) -> Block | None:
    place = part.url or part.file_id
    if place is not None:
        return {"s3Location": {"uri": place}} if place.startswith(_S3) else None
    if part.text is not None:
        # As bytes every model takes it; a text that may be cited has a place of its own.
        plain = base64.b64encode(part.text.encode(errors="replace")).decode()
        found = {"text": part.text} if part.cited else {"bytes": plain}
        return found if part.text else None
    data = (part.data or "").translate(_TO_STANDARD)
    data += "=" * (-len(data) % 4)
    try:
        return {"bytes": data} if base64.b64decode(data, validate=True) else None
    except (binascii.Error, ValueError):
        return None


def _format(part: Media) -> str | None:
    guess = "text/plain" if part.text is not None else _TYPES.get(part.kind)
    if part.kind == "image":
        guess = next((kind for begin, kind in _IMAGES.items() if (part.data or "").startswith(begin)), "image/png")
    kind = (part.media_type or guess or "").lower().partition(";")[0].strip()
    kind = _ALIASES.get(kind, kind)
    found = next((name for name, known in _FORMATS[part.kind].items() if known == kind), None)
    return "txt" if found is None and part.kind == "document" and _TEXTUAL.match(kind) else found


def _name(given: str | None, names: set[str]) -> str:
    """A name in the letters this API allows, that no other document of the request has."""
    words = _SPACES.sub(" ", _NOT_IN_NAME.sub(" ", given or "")).strip()[:_MOST_NAME].strip() or "Document"
    name, count = words, 1
    while name in names:
        count += 1
        name = f"{words[: _MOST_NAME - 8]} {count}"
    names.add(name)
    return name
