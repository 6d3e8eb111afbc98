"""The reference page needs nothing from elsewhere and runs nothing but its own script."""

import base64
import hashlib
import re

from gatewright.control.api import page


def test_the_page_is_served_with_its_policy(api):
    """HTML, with a content security policy that names its script and style by hash."""
    answer = api.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    script = re.search(r"<script>(.*?)</script>", answer.text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_the_page_loads_nothing_from_elsewhere():
    """No address of another host, no inline handler, no markup made of strings."""
    text = page.HTML.decode()
    assert not re.search(r"""(src|href)=["'](https?:)?//""", text)
    assert not re.search(r"<[^>]+\son\w+=", text)
    assert "innerHTML" not in text


def test_every_input_of_the_page_has_a_label():
    """A screen reader can say what each field is for; the page has a language and a title."""
    text = page.HTML.decode()
    assert '<html lang="en">' in text
    assert "<title>" in text
    fields = text.partition("<script>")[0].count("<input")
    assert len(re.findall(r"<label>[^<]+<input", text)) == fields == 2
