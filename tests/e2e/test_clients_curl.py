"""Plain curl, as in a README, through a real server."""

import json
import shutil
import subprocess

import pytest

from fixtures.clients import PROVIDERS, REFUSED
from fixtures.needed import missing

BODIES = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Who are you?"}]},
    "/v1/messages": {"max_tokens": 100, "messages": [{"role": "user", "content": "Who are you?"}]},
    "/v1/responses": {"input": "Who are you?"},
}


@pytest.fixture
def curl(gateway):
    """Runs curl on a path of the gateway: its exit code, the lines of the head, and the body."""
    program = shutil.which("curl")
    if program is None:
        missing("curl is not installed")

    def run(path, body, *options, key=gateway.key):
        key_given = ["-H", f"Authorization: Bearer {key}"] if key else []
        command = [program, "-sS", "-i", *options, *key_given, "-d", json.dumps(body), gateway.url + path]
        done = subprocess.run(command, capture_output=True, check=False, timeout=30)
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        return done.returncode, head.decode().split("\r\n"), rest

    return run


@pytest.mark.parametrize("target", PROVIDERS)
@pytest.mark.parametrize("path", BODIES)
def test_curl_gets_a_whole_answer(curl, path, target):
    """The status and the text, on every API and for every target."""
    code, head, body = curl(path, {"model": target, **BODIES[path]})
    assert (code, head[0]) == (0, "HTTP/1.1 200 OK")
    assert "I am model-1." in json.dumps(json.loads(body))


@pytest.mark.parametrize("target", PROVIDERS)
@pytest.mark.parametrize("path", BODIES)
def test_curl_gets_a_stream(curl, path, target):
    """With `-N` the events come as they are made, and the connection ends in good order."""
    code, head, body = curl(path, {"model": target, "stream": True, **BODIES[path]}, "-N")
    assert (code, head[0]) == (0, "HTTP/1.1 200 OK")
    assert any(line.lower().startswith("content-type: text/event-stream") for line in head)
    assert body.count(b"data: ") > 4
    assert body.endswith(b"\n\n")


@pytest.mark.parametrize("target", PROVIDERS)
def test_curl_gives_googles_key_in_the_query(curl, gateway, target):
    """As Google's own examples do: whole, as events, and as one JSON array."""
    asked = {"contents": [{"parts": [{"text": "Who are you?"}]}]}
    place = f"/v1beta/models/{target}"
    code, head, body = curl(f"{place}:generateContent?key={gateway.key}", asked, key="")
    assert (code, head[0]) == (0, "HTTP/1.1 200 OK")
    assert json.loads(body)["candidates"][0]["content"]["parts"] == [{"text": "I am model-1."}]
    code, _, body = curl(f"{place}:streamGenerateContent?alt=sse&key={gateway.key}", asked, "-N", key="")
    assert (code, body[:6]) == (0, b"data: ")
    assert gateway.key.encode() not in gateway.provider.requests[-1][0].encode()


@pytest.mark.parametrize("target", [name for name in PROVIDERS if name != "gemini"])
def test_curl_gets_googles_stream_as_one_array(curl, target):
    """Without `alt=sse` a Gemini client reads one JSON array, which is valid when it ends."""
    asked = {"contents": [{"parts": [{"text": "Who are you?"}]}]}
    code, _, body = curl(f"/v1beta/models/{target}:streamGenerateContent", asked)
    chunks = json.loads(body)
    assert code == 0
    parts = [part for chunk in chunks for part in chunk["candidates"][0].get("content", {}).get("parts", [])]
    assert "".join(part.get("text", "") for part in parts) == "I am model-1."


def test_curl_sees_errors(curl):
    """No key, a wrong key, no JSON, an unknown endpoint, a refusal: the status, and an error in the API's own shape."""
    path, body = "/v1/chat/completions", BODIES["/v1/chat/completions"]
    for key, asked, status, word in (
        ("", {"model": "openai", **body}, "401", "API key"),
        ("gw-wrong", {"model": "openai", **body}, "401", "API key"),
        (None, [], "400", "JSON object"),
        (None, {"model": "ghost", **body}, "404", "ghost"),
        (None, {"model": "broken-openai", **body}, "400", REFUSED),
        (None, {"model": "broken-anthropic", **body}, "400", REFUSED),
    ):
        code, head, answer = curl(path, asked, **({} if key is None else {"key": key}))
        assert (code, head[0].split()[1]) == (0, status)
        assert word in json.loads(answer)["error"]["message"]


def test_curl_can_fail_by_status(curl):
    """`curl -f` ends with 22, as scripts rely on."""
    assert curl("/v1/chat/completions", {"model": "ghost", "messages": []}, "-f")[0] == 22
