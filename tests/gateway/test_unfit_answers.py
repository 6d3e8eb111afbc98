"""Answers with status 200 that are none."""

import json

import pytest

from fixtures.exchange import FakeExchange, make_holder
from gatewright.gateway.operations import Table
from gatewright.gateway.pipeline import Pipeline
from gatewright.upstream.fake import Answer, FakeClient, in_turn

JSON = ((b"content-type", b"application/json; charset=utf-8"),)
SSE = ((b"content-type", b"text/event-stream"),)
WHOLE = Answer(body=[b'{"id": "chatcmpl-1"}\n'])


async def ask(holder, upstream, path="/v1/chat/completions", **fields):
    exchange = FakeExchange("POST", path, {"model": "ep", "messages": [{"role": "user", "content": "hi"}], **fields})
    await Pipeline(holder, upstream, draw=lambda: 0.0).serve(exchange, *Table().find("POST", path))
    assert exchange.ended
    return exchange


UNFIT = {
    "empty": (Answer(headers=JSON), "empty"),
    "no content": (Answer(status=204, headers=()), "empty"),
    "login page": (Answer(headers=((b"content-type", b"text/html"),), body=[b"<html>Log in</html>"]), "web page"),
    "cut": (Answer(headers=JSON, body=[b'{"id": "chatcm']), "not whole JSON"),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("answer", "word"), UNFIT.values(), ids=UNFIT)
async def test_what_cannot_be_an_answer_is_not_given_on_as_one(answer, word, stream):
    """It is a 502 that says why, and the next target is tried when there is one."""
    exchange = await ask(make_holder("one"), FakeClient(in_turn(answer)), stream=stream)
    assert exchange.status == 502
    assert word in exchange.json["error"]["message"]
    exchange = await ask(make_holder("one", fallbacks=("two",)), FakeClient(in_turn(answer, WHOLE)), stream=stream)
    assert (exchange.status, exchange.json) == (200, {"id": "chatcmpl-1"})


@pytest.mark.parametrize(
    "answer",
    [
        Answer(headers=((b"content-type", b"audio/mpeg"),), body=[b"\xff\xfb\x90"]),
        Answer(headers=(), body=[b'{"a":1}']),
        Answer(headers=JSON, body=[b"[1]  \r\n"]),
    ],
    ids=["speech", "no type", "list"],
)
async def test_what_can_be_an_answer_is_given_on_as_it_came(answer):
    """Of any type, to the byte."""
    exchange = await ask(make_holder("one"), FakeClient(in_turn(answer)))
    assert (exchange.status, exchange.text) == (200, answer.body[0])


LAST = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'


@pytest.mark.parametrize(
    "whole", [LAST + b"\n\n", LAST + b"\r\n\r\n", LAST + b"\r\r", b"data: 1\n\ndata: [DONE]", b'data: {"error":{}}\n\n']
)
async def test_a_stream_may_end_in_any_way_the_format_knows(whole):
    """LF, CR LF or CR; without a line end after its mark of the end; without that mark, as some do; by an error."""
    upstream = FakeClient(in_turn(Answer(headers=SSE, body=[b"data: 0\n\n", whole])))
    assert (await ask(make_holder("one"), upstream, stream=True)).text == b"data: 0\n\n" + whole


async def test_a_stream_that_ends_between_events_is_not_passed_off_as_whole():
    """A chat completion that has not said why it ended has not ended."""
    pieces = [b'data: {"choices":[{"index":0,"delta":{"content":"He"},"finish_reason":null}]}\n\n']
    upstream = FakeClient(in_turn(Answer(headers=SSE, body=pieces)))
    last = (await ask(make_holder("one"), upstream, stream=True)).text.split(b"\n\n")[-2]
    assert "before the answer was complete" in json.loads(last.removeprefix(b"data: "))["error"]["message"]


@pytest.mark.parametrize("pieces", [[b'data: 0\n\ndata: {"unfini'], [b"data: 0\n\n", b'data: {"unfini']])
async def test_a_stream_that_ends_within_a_line_is_not_passed_off_as_whole(pieces):
    """An event says so; without it the SDKs drop the rest and see a good end."""
    upstream = FakeClient(in_turn(Answer(headers=SSE, body=pieces)))
    last = (await ask(make_holder("one"), upstream, stream=True)).text.split(b"\n\n")[-2]
    assert "in the middle of an event" in json.loads(last.removeprefix(b"data: "))["error"]["message"]
