"""A form with files (`multipart/form-data`, RFC 7578), read as far as its plain fields: files stay where they lie."""

import re
from dataclasses import dataclass

from gatewright.errors import ClientError

MAX_FIELDS = 256
"""Parts a form may have; a speech form has about ten."""
MAX_HEAD = 8192
"""Bytes of one part's header fields."""

_BOUNDARY = re.compile(rb'(?i)^multipart/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))')
_NAME = re.compile(rb'(?i)^content-disposition:\s*form-data\s*;(?:.*;)?\s*name="((?:[^"\\]|\\.)*)"', re.MULTILINE)
_NAMES = re.compile(rb"(?i);\s*name\*?\s*=")
_FILE = re.compile(rb"(?i)^content-disposition:.*;\s*filename\*?=", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Form:
    """A form.

    Attributes:
        body: its bytes.
        places: where the value of each plain field begins and ends, by name; files are not among them.
        repeated: names that more than one part has, files included; of those `places` has the last plain one.
    """

    body: bytes
    places: dict[str, tuple[int, int]]
    repeated: frozenset[str] = frozenset()

    def text(self, name: str) -> str | None:
        """A plain field's value; None when it is absent.

        Raises:
            ClientError: when it is empty or not text, or comes twice: the provider might read the other one.
        """
        if name in self.repeated:
            raise ClientError(f"{name!r} must be in the form once.")
        if name not in self.places:
            return None
        begin, end = self.places[name]
        try:
            found = self.body[begin:end].decode().strip()
        except UnicodeDecodeError:
            found = ""
        if not found:
            raise ClientError(f"{name!r} must be a non-empty text field of the form.")
        return found

    def replaced(self, name: str, value: str) -> bytes:
        """The form's bytes with another value in one of its plain fields."""
        begin, end = self.places[name]
        return b"".join((self.body[:begin], value.encode(), self.body[end:]))


def split(body: bytes, content_type: bytes) -> Form:
    """Find the plain fields of a form.

    Args:
        body: the whole body.
        content_type: the header that names the boundary.

    Raises:
        ClientError: when it is not a whole form.
    """
    found = _BOUNDARY.match(content_type.strip())
    if found is None:
        raise ClientError("This operation takes a form: Content-Type must be multipart/form-data with a boundary.")
    mark = b"--" + (found[1] or found[2])
    # The first delimiter may stand at the very start; every other one follows a line break, which is part of it.
    at = 0 if body.startswith(mark) else body.find(b"\r\n" + mark) + 2
    if at == 1:
        raise ClientError("Invalid form: its boundary is not in the body.")
    places: dict[str, tuple[int, int]] = {}
    seen: set[str] = set()
    repeated: set[str] = set()
    for _ in range(MAX_FIELDS):
        begin = at + len(mark)
        if body.startswith(b"--", begin):
            return Form(body, places, frozenset(repeated))
        head_end, end = body.find(b"\r\n\r\n", begin, begin + MAX_HEAD), body.find(b"\r\n" + mark, begin)
        if not 0 <= head_end < end:
            raise ClientError("Invalid form: a part of it does not end, or has no header fields.")
        head = body[begin:head_end]
        found = _NAME.search(head)
        if found is None or len(_NAMES.findall(head)) > 1:
            raise ClientError("Invalid form: a part of it has no name, or more than one.")
        name = found[1].decode("utf-8", "replace")
        (repeated if name in seen else seen).add(name)
        if not _FILE.search(head):
            places[name] = (head_end + 4, end)
        at = end + 2
    raise ClientError(f"Invalid form: it has more than {MAX_FIELDS} parts.")
