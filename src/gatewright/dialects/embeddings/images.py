"""Images in the forms that embeddings wires have them: data URLs, addresses and bare base64."""

import re

from gatewright.dialects.conversation import Media

_DATA = re.compile(r"data:([^;,]+);base64,(.*)", re.DOTALL)


def image(found: str, *, bare: bool = False) -> Media:
    """A URL as an image.

    Args:
        found: a data URL or an address.
        bare: whether what is neither is base64 without a type.
    """
    data = _DATA.fullmatch(found)
    if data is not None:
        return Media(kind="image", media_type=data[1], data=data[2])
    if bare and not found.startswith(("http://", "https://", "data:")):
        return Media(kind="image", data=found)
    return Media(kind="image", url=found)


def data_url(media: Media) -> str | None:
    """An image as a URL, as `image` reads it; None when its type or its content is not known."""
    if media.url is not None:
        return media.url
    return None if media.data is None or media.media_type is None else f"data:{media.media_type};base64,{media.data}"
