"""What is said, apart from calls: one text, one thought and a list of images, which is all that a message holds."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field

from gatewright.dialects.conversation import Dropped, Media, Native, Part, Reasoning, Refusal, Text
from gatewright.dialects.fields import Fields

# The wire has images in base64 and no media type; how the content begins tells it.
_BEGINNINGS = {
    "iVBORw0KGgo": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
    "Qk": "image/bmp",
}


@dataclass(slots=True)
class Said:
    """What the parts of a message say.

    Attributes:
        text: all its text.
        thinking: all its thoughts that can be read.
        images: in base64.
    """

    text: str = ""
    thinking: str = ""
    images: list[str] = field(default_factory=list)


def decode_thinking(fields: Fields) -> list[Part]:
    """Take `thinking`; an empty one is left."""
    return [Reasoning(text=fields.need("thinking", str))] if fields.peek("thinking") not in (None, "") else []


def decode_images(fields: Fields) -> list[Part]:
    """Take `images`."""
    found = fields.items("images")
    if not all(isinstance(one, str) for one in found):
        raise fields.wrong("images", "a list of strings in base64")
    return [image(one) for one in found]


def image(data: str) -> Media:
    """An image of which only the content is known."""
    kind = next((kind for beginning, kind in _BEGINNINGS.items() if data.startswith(beginning)), None)
    return Media(kind="image", media_type=kind, data=data)


def said(parts: Iterable[Part], dropped: Dropped, between: str = "") -> Said:
    """What parts of any dialect say, but for calls and results.

    Args:
        parts: the parts.
        dropped: told what a message cannot hold.
        between: what stands between one text and the next.
    """
    found = Said()
    texts: list[str] = []
    thoughts: list[str] = []
    for part in parts:
        if isinstance(part, Text | Refusal):
            dropped.rest(part, same=False)
            texts += [part.text] if part.text else []
            if isinstance(part, Text) and part.citations:
                dropped.add("citations")
        elif isinstance(part, Reasoning):
            dropped.rest(part, same=False)
            thoughts += [part.text] if part.text else []
            if part.signature or part.sealed:
                dropped.add("signature" if part.text else "reasoning")
        elif isinstance(part, Media):
            dropped.rest(part, same=False)
            _media(part, found, texts, dropped)
        elif isinstance(part, Native):
            dropped.native(part)
    found.text, found.thinking = between.join(texts), "\n\n".join(thoughts)
    return found


def _media(media: Media, found: Said, texts: list[str], dropped: Dropped) -> None:
    """Images by their content and documents by their text; Ollama fetches nothing and knows no other kind."""
    text = _text(media)
    if text is not None:
        texts.append(f"{media.name}\n\n{text}" if media.name else text)
    elif media.kind == "image" and media.data is not None:
        found.images.append(media.data)
        if media.name:
            dropped.add("filename")
    elif media.file_id is not None:
        dropped.add("file_id")
    else:
        dropped.add("image_url" if media.kind == "image" else media.kind)


def _text(media: Media) -> str | None:
    if media.text is not None or media.data is None or not (media.media_type or "").startswith("text/"):
        return media.text
    try:
        return base64.b64decode(media.data, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
