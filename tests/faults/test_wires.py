"""The scripted dialects are the vendors' own, by their SDKs; and the judge hears what is said and nothing more."""

import json
from collections.abc import Callable
from typing import Any

import anthropic
import httpx
import httpx2
import openai
import pytest
from google import genai
from google.genai.errors import APIError as GoogleError

from faults.judge import ANSWER, BROKEN, ERROR, Heard, hear
from faults.scripts import PRIMARY, whole
from faults.wires import MODEL, WIRES, Wire, text
from fixtures.lanes import Answered, Reader


def _client(kind: Callable[..., Any], media: str, body: bytes) -> Any:
    """An SDK's client that is given this answer, whatever it asks."""
    library = httpx2 if kind is anthropic.Anthropic else httpx

    def answer(_: Any) -> Any:
        return library.Response(200, headers={"content-type": media}, content=body)

    http = library.Client(transport=library.MockTransport(answer))
    if kind is genai.Client:
        return genai.Client(api_key="k", http_options={"httpx_client": http})
    return kind(api_key="k", http_client=http, max_retries=0)


def _chat(media: str, body: bytes) -> str:
    chat = _client(openai.OpenAI, media, body).chat.completions
    if media == "application/json":
        return chat.create(model=MODEL, messages=[]).choices[0].message.content
    return "".join(one.choices[0].delta.content or "" for one in chat.create(model=MODEL, messages=[], stream=True))


def _responses(media: str, body: bytes) -> str:
    responses = _client(openai.OpenAI, media, body).responses
    if media == "application/json":
        return responses.create(model=MODEL, input="hi").output_text
    with responses.stream(model=MODEL, input="hi") as stream:
        return stream.get_final_response().output_text


def _messages(media: str, body: bytes) -> str:
    messages = _client(anthropic.Anthropic, media, body).messages
    if media == "application/json":
        return messages.create(model=MODEL, max_tokens=1, messages=[]).content[0].text
    with messages.stream(model=MODEL, max_tokens=1, messages=[]) as stream:
        return stream.get_final_text()


def _generate_content(media: str, body: bytes) -> str:
    models = _client(genai.Client, media, body).models
    if media == "application/json":
        return models.generate_content(model=MODEL, contents="hi").text
    return "".join(one.text for one in models.generate_content_stream(model=MODEL, contents="hi"))


SDKS = {"chat": _chat, "responses": _responses, "messages": _messages, "generateContent": _generate_content}
FAILURES = (openai.APIError, anthropic.APIError, GoogleError)

pytestmark = pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)


def _answered(wire: Wire, body: bytes, status: int = 200, media: bytes = b"text/event-stream") -> Heard:
    reader = Reader()
    reader.feed(whole(body, status, media))
    return hear(wire.name, reader.answers[0], stream=media != b"application/json")


def _json(wire: Wire) -> bytes:
    return json.dumps(wire.whole(PRIMARY)).encode()


def test_the_vendors_sdk_reads_what_the_upstream_says(wire):
    """Whole and streamed."""
    assert SDKS[wire.name]("application/json", _json(wire)) == text(PRIMARY)
    assert SDKS[wire.name]("text/event-stream", b"".join(wire.events(PRIMARY))) == text(PRIMARY)


@pytest.mark.parametrize("later", [0, 10])
def test_the_vendors_sdk_takes_the_upstreams_failure_for_one(wire, later):
    """As the first event, and after others."""
    failed = (wire.failed_later or wire.failed) if later else wire.failed
    with pytest.raises(FAILURES):
        SDKS[wire.name]("text/event-stream", b"".join(wire.events(PRIMARY)[:later]) + failed)


def test_the_judge_hears_an_answer_that_is_complete(wire):
    """Whole and streamed."""
    assert _answered(wire, _json(wire), media=b"application/json") == (ANSWER, text(PRIMARY))
    assert _answered(wire, b"".join(wire.events(PRIMARY))) == (ANSWER, text(PRIMARY))


def test_the_judge_misses_any_word_and_every_end(wire):
    """A stream without one of its words says something else; one without its last events is no answer."""
    events = wire.events(PRIMARY)
    for at in range(wire.opens, len(events) - wire.ending):
        assert _answered(wire, b"".join(events[:at] + events[at + 1 :])) != (ANSWER, text(PRIMARY))
    for at in range(len(events)):
        assert _answered(wire, b"".join(events[:at])).kind == "a stream without its end"
        half = events[at][: len(events[at]) // 2] + b"\n\n"
        assert _answered(wire, b"".join(events[:at]) + half).kind != ANSWER


def test_the_judge_tells_errors_by_their_dialect(wire):
    """One of its own, as a status or as an event; that of another is none."""
    for other in WIRES.values():
        failed, status = _answered(wire, wire.events(PRIMARY)[0] + other.failed), other.overloaded
        body = json.dumps(other.error(status)).encode()
        refused = _answered(wire, body, status, b"application/json")
        related = {wire.name, other.name} == {"chat", "responses"}
        assert (failed.kind == BROKEN) == (wire is other)
        assert (refused.kind == ERROR) == (wire is other or related)


def test_the_judge_takes_no_half_for_an_answer(wire):
    """An answer whose end did not come, and a page."""
    assert hear(wire.name, Answered(status=200), stream=True).kind == "an answer without its end"
    assert _answered(wire, b"<html>", media=b"text/html").kind == "no stream"
