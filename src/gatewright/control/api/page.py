"""The reference page at `/docs`: one file of our own that needs nothing from elsewhere."""

import base64
import hashlib
import re
from importlib.resources import files

_TEXT = (files(__package__) / "page.html").read_text("utf-8")

HTML = _TEXT.encode()
"""The page, UTF-8."""


def _hashes(tag: str) -> str:
    found = re.findall(rf"<{tag}>(.*?)</{tag}>", _TEXT, re.DOTALL)
    return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in found)


HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; script-src {_hashes('script')}; style-src {_hashes('style')}; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
}
"""Only the page's own script and style run, and it talks to this server alone."""
