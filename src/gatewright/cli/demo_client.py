"""What an application does: one chat completion and one streamed, with nothing but the standard library."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gatewright.errors import UnavailableError

_SECONDS = 120


def ask(port: int, key: str, body: dict[str, Any]) -> str:
    """One chat completion's text.

    Raises:
        UnavailableError: when the gateway does not answer it.
    """
    with _answer(port, key, body) as answer:
        return str(json.load(answer)["choices"][0]["message"]["content"])


def ask_streamed(port: int, key: str, body: dict[str, Any]) -> Iterator[str]:
    """The pieces of a streamed chat completion, as they arrive.

    Raises:
        UnavailableError: when the gateway does not answer it, or the stream breaks off.
    """
    with _answer(port, key, body | {"stream": True}) as answer:
        for line in answer:
            event = line.removeprefix(b"data: ").strip()
            if event == b"[DONE]":
                return
            if event:
                for choice in json.loads(event)["choices"]:
                    yield choice["delta"].get("content") or ""
    raise UnavailableError("The stream broke off before its end.")


@contextmanager
def _answer(port: int, key: str, body: dict[str, Any]) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        answer = connection.getresponse()
        if answer.status != 200:
            text = answer.read(1000).decode(errors="replace")
            raise UnavailableError(f"The gateway answered {answer.status}: {text}")
        yield answer
    except (OSError, http.client.HTTPException, ValueError, LookupError) as problem:
        raise UnavailableError(f"The gateway's answer could not be read: {problem!r}.") from problem
    finally:
        connection.close()
