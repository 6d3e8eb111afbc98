"""Documents: those of a request, and those that a tool answers with.

Source: Cohere, "Chat" reference, `documents` (https://docs.cohere.com/reference/chat), and "Documents and Citations"
(https://docs.cohere.com/docs/documents-and-citations). A document is a string, or an object of `data` and perhaps an
`id` that citations name. The documents of a request are parts of the last user's message in the model, so that other
dialects say them where the question is.
"""

import base64
import binascii
import re
from typing import Any

from gatewright.dialects.conversation import Media, Message, Request
from gatewright.dialects.fields import Fields, to_text

_BESIDE = frozenset(("title", "url", "id"))  # what may stand beside a document's text
_TEXTUAL = re.compile(r"text/|application/(json|xml|yaml|x-yaml|javascript|x-ndjson)")
_UNCITED = ("OFF", "DISABLED")


def told(data: Any) -> tuple[str, str | None]:
    """A document's `data` as text, and its title: the text alone where there is little else, or all as JSON."""
    if isinstance(data, str):
        return data, None
    title = data.get("title") if isinstance(data, dict) else None
    name = title if isinstance(title, str) else None
    if isinstance(data, dict) and isinstance(data.get("text"), str) and data.keys() - _BESIDE == {"text"}:
        return data["text"], name
    return to_text(data), name


def decode_documents(body: Fields, messages: list[Message]) -> None:
    """Take a request's `documents` to the last user's message; without one they are left."""
    asking = next((message for message in reversed(messages) if message.role == "user"), None)
    if asking is None or not body.has("documents"):
        return
    options = body.peek("citation_options")
    mode = options.get("mode") if isinstance(options, dict) else None
    parts = [_decode(body, at, one) for at, one in enumerate(body.items("documents"))]
    for part in parts:
        part.cited = mode not in _UNCITED
    if parts:
        asking.parts[:0] = parts
        asking.form["bare"], asking.bare = asking.bare, False


def _decode(body: Fields, at: int, found: Any) -> Media:
    data = found if isinstance(found, str) else Fields(found, f"documents[{at}]", body.fault).pop("data")
    if data is None:
        raise body.fault(f"documents[{at}].data is required.")
    text, name = told(data)
    return Media(kind="document", text=text, name=name, form={"document": found})


def documents(request: Request) -> list[Any]:
    """The documents of a request of this dialect, as the wire had them."""
    parts = (part for message in request.messages for part in message.parts)
    return [part.form["document"] for part in parts if isinstance(part, Media) and "document" in part.form]


def document_id(request: Request, at: int) -> str:
    """The id of a request's document; where the client gave none, one by its place."""
    found = documents(request)
    named = found[at].get("id") if 0 <= at < len(found) and isinstance(found[at], dict) else None
    return named if isinstance(named, str) else f"doc:{at}"


def readable(part: Media) -> str | None:
    """The text of a document of another dialect; None where it is not plain text."""
    if part.text is not None or part.data is None or not _TEXTUAL.match(part.media_type or ""):
        return part.text
    try:
        return base64.b64decode(part.data + "==", altchars=b"-_" if {"-", "_"} & set(part.data) else None).decode()
    except (binascii.Error, ValueError):
        return None


def encode_data(part: Media, text: str) -> dict[str, Any]:
    """A document's `data`."""
    return {"text": text} | ({} if part.name is None else {"title": part.name})
