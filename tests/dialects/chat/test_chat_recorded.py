"""Requests and whole answers of every recorded provider that speaks chat completions."""

import copy
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from fixtures.recorded import Exchange, exchanges
from gatewright.dialects import chat
from gatewright.dialects.conversation import Answer, Dropped, Request, Text, ToolCall
from gatewright.errors import ClientError

OWN_APIS = ("cohere", "cohere-v1", "ollama")
"""Providers whose `chat` is an API of their own."""

REFUSED = ("deepseek-chat-error-003",)
"""Recorded requests whose content is no content; their provider refused them too."""


def _requests() -> list[Any]:
    return exchanges(api="chat", error=None, but=OWN_APIS)


@pytest.mark.parametrize("exchange", _requests())
def test_a_recorded_request_comes_out_as_it_came_in(exchange: Exchange) -> None:
    """Decoding a request and encoding it in its own dialect gives the same JSON; decoding changes nothing in place."""
    came = copy.deepcopy(exchange.request)
    if exchange.name in REFUSED:
        with pytest.raises(ClientError, match=r"messages\[0\]\.content"):
            chat.decode_request(exchange.request)
        return
    request = chat.decode_request(exchange.request)
    assert exchange.request == came
    made = chat.encode_request(request, came.get("model") or "", Dropped())
    if not came.get("model"):
        # Azure names the model in the path.
        assert made.pop("model") == ""
        came.pop("model", None)
    assert made == came


@pytest.mark.parametrize("exchange", exchanges(api="chat", stream=False, but=OWN_APIS))
def test_a_recorded_answer_comes_out_as_it_came_in(exchange: Exchange) -> None:
    """Decoding an answer and encoding it in its own dialect gives the same JSON, and reports nothing lost."""
    came = copy.deepcopy(exchange.answer)
    dropped = Dropped()
    made = chat.encode_answer(chat.decode_answer(exchange.answer), chat.decode_request(exchange.request), dropped)
    assert made == came
    assert exchange.answer == came
    assert not dropped


@pytest.mark.parametrize("exchange", exchanges(api="chat", stream=False, but=OWN_APIS))
def test_a_recorded_answer_is_understood(exchange: Exchange) -> None:
    """Text, calls and usage of an answer are what the wire says, whoever wrote it."""
    answer = chat.decode_answer(exchange.answer)
    for candidate, choice in zip(answer.candidates, exchange.answer["choices"], strict=True):
        message = choice["message"]
        if isinstance(message.get("content"), str):
            assert "".join(part.text for part in candidate.parts if isinstance(part, Text)) == message["content"]
        calls = [part for part in candidate.parts if isinstance(part, ToolCall)]
        wanted = [
            {"name": call["custom"]["name"], "arguments": call["custom"]["input"]}
            if call.get("type") == "custom"
            else call["function"]
            for call in message.get("tool_calls") or []
        ]
        if (message.get("function_call") or {}).get("name"):
            wanted.append(message["function_call"])
        assert [(call.name, call.arguments) for call in calls] == [(one["name"], one["arguments"]) for one in wanted]
        assert all(call.id for call in calls)
        assert candidate.finish == ("tool_calls" if calls else _FINISH[choice["finish_reason"]])
    if "usage" in exchange.answer:
        assert answer.usage is not None
        assert answer.usage.total == exchange.answer["usage"]["total_tokens"]


_FINISH = {"stop": "stop", "length": "length", "eos": "stop", "tool_calls": "tool_calls", "": "other"}


@pytest.mark.parametrize("exchange", exchanges(api="chat", stream=False, but=OWN_APIS))
def test_a_recorded_answer_is_one_openai_s_client_reads_when_it_comes_from_another_dialect(exchange: Exchange) -> None:
    """What the model says of an answer is enough for one that OpenAI's own types take, with the same content."""
    answer = chat.decode_answer(exchange.answer)
    answer.dialect = "another"
    made = chat.encode_answer(answer, Request(dialect=chat.NAME, model="m"), Dropped())
    read = ChatCompletion.model_validate(made, strict=True)
    again = chat.decode_answer(made)
    assert [_said(one) for one in _parts(again)] == [_said(one) for one in _parts(answer)]
    assert len(read.choices) == len(answer.candidates)
    if answer.usage is not None:
        assert again.usage is not None
        assert again.usage.total == answer.usage.total
        assert again.usage.reasoning == answer.usage.reasoning


def _parts(answer: Answer) -> list[Any]:
    return [part for candidate in answer.candidates for part in candidate.parts if isinstance(part, Text | ToolCall)]


def _said(part: Any) -> tuple[str, ...]:
    return (part.name, part.arguments or "{}") if isinstance(part, ToolCall) else (part.text,)
