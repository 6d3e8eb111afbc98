"""What another dialect's conversation becomes in chat completions, and what is said of what is lost."""

import json
from typing import Any

import pytest
from openai.types.chat.completion_create_params import CompletionCreateParams
from pydantic import TypeAdapter

from gatewright.dialects import chat
from gatewright.dialects.conversation import (
    Answer,
    Candidate,
    Dropped,
    Media,
    Message,
    Native,
    OutputFormat,
    Reasoning,
    Refusal,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)
from gatewright.dialects.stream import (
    Began,
    Counted,
    Ended,
    Event,
    Failed,
    Finished,
    PartBegan,
    PartEnded,
    PartGrew,
)
from gatewright.errors import ClientError, UpstreamProtocolError


def _encoded(*messages: Message, model: str = "gpt-4o", **fields: Any) -> tuple[dict[str, Any], Dropped]:
    dropped = Dropped()
    made = chat.encode_request(
        Request(dialect="another", model="endpoint", messages=list(messages), **fields), model, dropped
    )
    TypeAdapter(CompletionCreateParams).validate_python(made)
    return made, dropped


def _user(text: str = "hi") -> Message:
    return Message(role="user", parts=[Text(text=text)], bare=True)


def test_results_come_right_after_the_calls_whatever_was_said_first() -> None:
    """Text of the turn that carries the results follows them."""
    made, _ = _encoded(
        _user(),
        Message(role="assistant", parts=[ToolCall(id="1", name="f", arguments="")]),
        Message(role="user", parts=[Text(text="here"), ToolResult(id="1", parts=[Text(text="4")])]),
        Message(role="user", parts=[ToolResult(id="2", parts=[Text(text="5")])]),
    )
    assert [message["role"] for message in made["messages"]] == ["user", "assistant", "tool", "tool", "user"]
    assert made["messages"][1]["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}
    assert [message["content"] for message in made["messages"][2:]] == ["4", "5", "here"]


def test_calls_of_one_turn_are_one_message() -> None:
    """Assistant messages that follow each other are joined, so that every call is answered at once."""
    made, _ = _encoded(
        _user(),
        Message(role="assistant", parts=[Text(text="so"), ToolCall(id="1", name="f", arguments="{}")]),
        Message(role="assistant", parts=[ToolCall(id="2", name="g", arguments="{}")]),
        Message(role="tool", parts=[ToolResult(id="1"), ToolResult(id="2")]),
    )
    assert [call["id"] for call in made["messages"][1]["tool_calls"]] == ["1", "2"]
    assert made["messages"][1]["content"] == "so"


def test_a_failed_tool_says_so() -> None:
    """The wire has no mark of failure, so the words tell."""
    made, _ = _encoded(Message(role="user", parts=[ToolResult(id="1", error=True, parts=[Text(text="no such file")])]))
    assert made["messages"][0]["content"] == "Error: no such file"


def test_a_picture_in_a_result_follows_as_the_user_s() -> None:
    """A tool message holds text alone, so the picture comes after the last result."""
    picture = Media(kind="image", media_type="image/png", data="AA==")
    made, dropped = _encoded(
        Message(role="user", parts=[ToolResult(id="1", parts=[Text(text="see"), picture]), ToolResult(id="2")])
    )
    assert [message["role"] for message in made["messages"]] == ["tool", "tool", "user"]
    assert made["messages"][2]["content"][1]["image_url"]["url"] == "data:image/png;base64,AA=="
    assert not dropped


@pytest.mark.parametrize(
    ("media", "part"),
    [
        (Media(kind="image", url="https://a/b"), {"type": "image_url", "image_url": {"url": "https://a/b"}}),
        (
            Media(kind="audio", media_type="audio/mpeg", data="AA=="),
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}},
        ),
        (
            Media(kind="document", media_type="application/pdf", data="AA=="),
            {
                "type": "file",
                "file": {"file_data": "data:application/pdf;base64,AA==", "filename": "document.pdf"},
            },
        ),
        (Media(kind="document", file_id="file-1"), {"type": "file", "file": {"file_id": "file-1"}}),
        (Media(kind="document", text="words", name="note"), {"type": "text", "text": "note\n\nwords"}),
    ],
)
def test_media_become_the_parts_openai_has_for_them(media: Media, part: dict[str, Any]) -> None:
    """Images, sound and documents are sent as OpenAI's API takes them."""
    made, _ = _encoded(Message(role="user", parts=[Text(text="look"), media]))
    assert made["messages"][0]["content"][1] == part


def test_system_prompts_stay_in_their_places() -> None:
    """Every provider knows `system`, so operators speak as that."""
    made, _ = _encoded(
        Message(role="system", parts=[Text(text="a"), Text(text="b")]),
        _user(),
        Message(role="developer", parts=[Text(text="c")]),
    )
    assert [message["role"] for message in made["messages"]] == ["system", "user", "system"]
    assert [part["text"] for part in made["messages"][0]["content"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("model", "field"),
    [("gpt-4o", "max_tokens"), ("o3-mini", "max_completion_tokens"), ("openai/gpt-5.1", "max_completion_tokens")],
)
def test_the_limit_has_the_name_the_model_takes(model: str, field: str) -> None:
    """OpenAI's thinking models refuse `max_tokens`; other providers may not know its successor."""
    made, _ = _encoded(_user(), model=model, max_tokens=7)
    assert made[field] == 7
    assert not {"max_tokens", "max_completion_tokens"} - {field} & made.keys()


def test_what_the_api_has_no_place_for_is_told() -> None:
    """`top_k`, an unknown tier and more stops than four are left out with a note."""
    made, dropped = _encoded(_user(), top_k=4, service_tier="eco", stop=["a", "b", "c", "d", "e"])
    assert dropped == {"top_k", "service_tier", "stop"}
    assert made["stop"] == ["a", "b", "c", "d"]
    assert not made.keys() & {"top_k", "service_tier"}


@pytest.mark.parametrize(
    ("tokens", "effort"), [(0, "none"), (1024, "low"), (8000, "medium"), (32000, "high"), (-1, None)]
)
def test_a_budget_of_thought_becomes_an_effort(tokens: int, effort: str | None) -> None:
    """OpenAI's API knows efforts only; a budget without a limit says nothing."""
    made, _ = _encoded(_user(), thinking_tokens=tokens)
    assert made.get("reasoning_effort") == effort


def test_tools_choice_and_output_are_openai_s() -> None:
    """Tools, the choice among them and the shape of the answer have OpenAI's forms."""
    schema = {"type": "object", "properties": {}}
    made, _ = _encoded(
        _user(),
        tools=[Tool(name="f", description="d", schema=schema, strict=True)],
        choice=ToolChoice(mode="named", name="f", parallel=False),
        output=OutputFormat(schema=schema),
        stream=True,
        stream_usage=True,
    )
    function = {"name": "f", "description": "d", "parameters": schema, "strict": True}
    assert made["tools"] == [{"type": "function", "function": function}]
    assert made["tool_choice"] == {"type": "function", "function": {"name": "f"}}
    assert made["parallel_tool_calls"] is False
    assert made["response_format"]["json_schema"] == {"name": "answer", "schema": schema}
    assert made["stream_options"] == {"include_usage": True}


def test_a_choice_without_tools_is_left_out() -> None:
    """OpenAI refuses a choice among no tools."""
    made, _ = _encoded(_user(), choice=ToolChoice(mode="auto", parallel=True))
    assert not made.keys() & {"tool_choice", "parallel_tool_calls"}


def test_a_signed_thought_comes_back_with_the_next_turn() -> None:
    """What a client is given of a signed thought is enough to decode the same thought from its next request."""
    thoughts = [Reasoning(text="hm", signature="sig"), Reasoning(sealed="xyz")]
    candidate = Candidate(parts=[*thoughts, Text(text="4")], finish="stop")
    answer = Answer(dialect="another", candidates=[candidate])
    made = chat.encode_answer(answer, Request(dialect=chat.NAME, model="m"), Dropped())
    message = made["choices"][0]["message"]
    assert message["reasoning_content"] == "hm"
    again = chat.decode_request({"model": "m", "messages": [message]}).messages[0].parts
    assert [(part.text, part.signature, part.sealed) for part in again if isinstance(part, Reasoning)] == [
        ("hm", "sig", None),
        ("", None, "xyz"),
    ]


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("reasoning_content", {"content": "4", "reasoning_content": "hm"}),
        ("reasoning", {"content": "4", "reasoning": "hm"}),
        (
            "reasoning_details",
            {"content": "4", "reasoning_details": [{"type": "reasoning.text", "text": "hm", "index": 0}]},
        ),
        (
            "thinking",
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "text", "text": "4"},
                ]
            },
        ),
        ("", {"content": "4"}),
    ],
)
def test_thoughts_go_where_the_provider_takes_them(field: Any, message: dict[str, Any]) -> None:
    """Providers refuse a field for thoughts that is not their own, so it is chosen for each."""
    dropped = Dropped()
    parts = [Reasoning(text="hm"), Text(text="4")]
    request = Request(dialect="another", model="m", messages=[Message(role="assistant", parts=parts)])
    made = chat.encode_request(request, "m", dropped, thoughts=field)
    assert made["messages"] == [{"role": "assistant", **message}]
    assert dropped == (set() if field else {"reasoning"})


def test_a_client_of_functions_gets_its_call_as_one() -> None:
    """Who asks in the form before tools reads the answer in it."""
    request = chat.decode_request({"model": "m", "messages": [], "functions": [{"name": "f"}]})
    call = ToolCall(id="1", name="f", arguments='{"a":1}')
    answer = Answer(dialect="another", candidates=[Candidate(parts=[call], finish="tool_calls")])
    choice = chat.encode_answer(answer, request, Dropped())["choices"][0]
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"] == {"name": "f", "arguments": '{"a":1}'}
    events = [Began(), PartBegan(at=0, part=ToolCall(id="1", name="f", arguments="")), PartGrew(at=0, text="{}")]
    deltas = [chunk["choices"][0]["delta"] for chunk in _streamed(request, *events)]
    assert deltas[1:] == [
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": "{}"}},
    ]


def test_a_function_s_result_answers_the_function_call() -> None:
    """The form before tools has no ids; the result gets that of the last call."""
    messages = [
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "4"},
    ]
    request = chat.decode_request({"model": "m", "messages": messages})
    call, result = (message.parts[0] for message in request.messages)
    assert isinstance(call, ToolCall)
    assert isinstance(result, ToolResult)
    assert (result.id, result.name) == (call.id, "f")
    assert chat.encode_request(request, "m", Dropped())["messages"] == messages


@pytest.mark.parametrize(
    ("finish", "wire"),
    [("stop_sequence", "stop"), ("refusal", "content_filter"), ("length", "length"), ("pause", "stop")],
)
def test_finish_reasons_have_openai_s_nearest_word(finish: Any, wire: str) -> None:
    """Reasons that OpenAI's API does not have get the nearest that it has."""
    answer = Answer(dialect="another", candidates=[Candidate(parts=[Refusal(text="no")], finish=finish)])
    choice = chat.encode_answer(answer, Request(dialect=chat.NAME, model="m"), Dropped())["choices"][0]
    assert choice["finish_reason"] == wire
    assert choice["message"]["refusal"] == "no"
    assert choice["message"]["content"] is None


def test_an_answer_that_had_to_call_ends_with_the_call() -> None:
    """OpenAI finishes a forced call with `stop`; to other dialects it ends with the call."""
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    body = {"choices": [{"index": 0, "message": {"role": "assistant", "tool_calls": [call]}, "finish_reason": "stop"}]}
    answer = chat.decode_answer(body)
    assert answer.candidates[0].finish == "tool_calls"
    assert chat.encode_answer(answer, Request(dialect=chat.NAME, model="m"), Dropped()) == body


@pytest.mark.parametrize(
    ("wire", "buckets"),
    [
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
            | {"prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 2}},
            {"input": 6, "cache_read": 4, "output": 3, "reasoning": 2},
        ),
        (  # xAI: thought beside the answer
            {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 22}
            | {"completion_tokens_details": {"reasoning_tokens": 7}},
            {"input": 10, "output": 5, "reasoning": 7},
        ),
        (  # Google: thought beside the answer, and not named
            {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 22},
            {"input": 10, "output": 5, "reasoning": 7},
        ),
        (  # Mistral: sound beside the prompt
            {"prompt_tokens": 9, "completion_tokens": 201, "total_tokens": 585}
            | {"prompt_tokens_details": {"audio_tokens": 375}},
            {"input": 9, "input_audio": 375, "output": 201},
        ),
        (  # DeepSeek
            {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11, "prompt_cache_hit_tokens": 8},
            {"input": 2, "cache_read": 8, "output": 1},
        ),
        (  # a part greater than its whole
            {"prompt_tokens": 29, "completion_tokens": 6, "total_tokens": 35}
            | {"prompt_tokens_details": {"cached_tokens": 157}},
            {"cache_read": 29, "output": 6},
        ),
        ({"prompt_tokens": 3, "completion_tokens": None, "total_tokens": None}, {"input": 3}),
    ],
)
def test_usage_falls_into_buckets_that_sum_to_the_total(wire: dict[str, Any], buckets: dict[str, int]) -> None:
    """Each provider's way of counting ends in the same buckets."""
    usage = chat.decode_usage(wire)
    found = {name: getattr(usage, name) for name in Usage.__dataclass_fields__ if name not in ("rest", "form")}
    assert {name: count for name, count in found.items() if count} == buckets
    assert chat.encode_usage(usage, same=True) == wire
    made = chat.encode_usage(usage, same=False)
    assert made["total_tokens"] == usage.total == made["prompt_tokens"] + made["completion_tokens"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"model": "m"}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].image_url"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [], "temperature": "hot"}, "temperature"),
        ({"messages": [], "max_tokens": True}, "max_tokens"),
        ({"messages": [], "stop": [1]}, "stop"),
        ({"messages": [], "tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"messages": [], "tool_choice": "maybe"}, "tool_choice"),
        ({"messages": [], "response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    ],
)
def test_a_wrong_field_is_named(body: dict[str, Any], field: str) -> None:
    """A body that is not the API's is refused with the path of the field."""
    with pytest.raises(ClientError) as refused:
        chat.decode_request(body)
    assert refused.value.public.startswith(f"{field} ")


@pytest.mark.parametrize("body", [{}, {"choices": None}, {"choices": [{}]}, {"choices": [{"message": {"content": 1}}]}])
def test_an_answer_that_is_none_is_refused(body: dict[str, Any]) -> None:
    """A provider's body without an answer is its failure."""
    with pytest.raises(UpstreamProtocolError):
        chat.decode_answer(body)


def _streamed(request: Request, *events: Event) -> list[dict[str, Any]]:
    encoder = chat.Encoder(request)
    made = b"".join(encoder.encode(event) for event in events)
    return [json.loads(one[6:]) for one in made.split(b"\n\n") if one and one != b"data: [DONE]"]


def test_a_stream_has_openai_s_order() -> None:
    """Role first, calls by their index, the finish reason in the last choice, and usage after it when asked for."""
    request = Request(dialect=chat.NAME, model="m", stream=True, stream_usage=True)
    chunks = _streamed(
        request,
        Began(id="1", model="x", created=5),
        PartBegan(at=0, part=Reasoning()),
        PartGrew(at=0, text="hm"),
        PartGrew(at=0, signature="sig"),
        PartEnded(at=0),
        PartBegan(at=1, part=Text(text="")),
        PartGrew(at=1, text="so"),
        PartEnded(at=1),
        PartBegan(at=2, part=ToolCall(id="a", name="f", arguments="")),
        PartGrew(at=2, text="{}"),
        PartEnded(at=2),
        PartBegan(at=3, part=ToolCall(id="b", name="g", arguments="")),
        PartEnded(at=3),
        Counted(usage=Usage(input=3, output=4)),
        Finished(finish="tool_calls"),
        Ended(),
    )
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks[:-1]]
    assert deltas == [
        {"role": "assistant", "content": None},
        {"reasoning_content": "hm"},
        {"reasoning_details": [{"type": "reasoning.text", "text": "hm", "signature": "sig", "index": 0}]},
        {"content": ""},
        {"content": "so"},
        {
            "tool_calls": [
                {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}},
            ]
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
        {
            "tool_calls": [
                {"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": ""}},
            ]
        },
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[-3:-1]] == [None, "tool_calls"]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == 7
    assert {(chunk["id"], chunk["model"], chunk["created"]) for chunk in chunks} == {("1", "x", 5)}


def test_an_error_inside_a_stream_stays_one() -> None:
    """What a provider reports in a stream is told, and nothing after it."""
    decoder = chat.Decoder()
    raw = b'data: {"error":{"message":"busy","code":503}}\n\ndata: {"choices":[]}\n\n'
    events = [*decoder.feed(raw), *decoder.end()]
    assert events == [Failed(message="busy", status=503, form={"message": "busy", "code": 503})]
    chunks = _streamed(Request(dialect=chat.NAME, model="m"), Began(), Failed(message="busy", kind="overloaded_error"))
    assert chunks[-1]["error"]["message"] == "busy"
    assert chunks[-1]["error"]["type"] == "overloaded_error"


@pytest.mark.parametrize("code", ["busy", 503, None])
def test_an_error_of_any_shape_is_told(code: Any) -> None:
    """Providers write an error as words, as an object, or as the event itself."""
    for chunk in (
        {"error": "busy"},
        {"error": {"message": "busy", "code": code}},
        {"object": "error", "message": "busy"},
    ):
        (event,) = chat.Decoder().feed(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        assert isinstance(event, Failed)
        assert event.message == "busy"


@pytest.mark.parametrize(
    "raw",
    [
        b"data: {\n\n",
        b"data: [1]\n\n",
        b'data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{"}}]}}]}\n\ndata: [DONE]\n\n',
    ],
)
def test_a_stream_that_is_no_answer_is_refused(raw: bytes) -> None:
    """What is not JSON, no object, or a call without a name is the provider's failure."""
    with pytest.raises(UpstreamProtocolError):
        chat.Decoder().feed(raw)


def test_calls_are_told_apart_by_their_ids_where_the_index_does_not() -> None:
    """Providers that give every call the index 0, or none, still make several."""
    for index in ('"index":0,', ""):
        calls = ",".join(f'{{{index}"id":"{one}","function":{{"name":"f","arguments":"{{}}"}}}}' for one in "ab")
        raw = f'data: {{"choices":[{{"index":0,"delta":{{"tool_calls":[{calls}]}},"finish_reason":"stop"}}]}}\n\n'
        decoder = chat.Decoder()
        events = [*decoder.feed(raw.encode()), *decoder.end()]
        began = [event.part for event in events if isinstance(event, PartBegan)]
        assert [part.id for part in began if isinstance(part, ToolCall)] == ["a", "b"]
        assert [event.finish for event in events if isinstance(event, Finished)] == ["tool_calls"]


def test_images_of_an_answer_are_parts_whole_and_streamed() -> None:
    """OpenRouter's images come through both ways, in its own place for them."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    message = {"role": "assistant", "content": "here", "images": [image]}
    body = {"id": "1", "object": "chat.completion", "model": "m", "choices": [{"index": 0, "message": message}]}
    answer = chat.decode_answer(body)
    request = Request(dialect=chat.NAME, model="m")
    assert [part.data for part in answer.candidates[0].parts if isinstance(part, Media)] == ["AA=="]
    assert chat.encode_answer(answer, request, Dropped()) == body
    answer.dialect = "another"
    assert chat.encode_answer(answer, request, Dropped())["choices"][0]["message"]["images"] == [image]
    chunk = {"choices": [{"index": 0, "delta": message, "finish_reason": "stop"}]}
    decoder = chat.Decoder()
    events = [*decoder.feed(b"data: " + json.dumps(chunk).encode() + b"\n\n"), *decoder.end()]
    assert [one["choices"][0]["delta"].get("images") for one in _streamed(request, *events)].count([image]) == 1


def test_a_part_only_another_dialect_has_is_told_by_its_type() -> None:
    """A part without a place on the wire is left out of requests and answers with a note."""
    made, dropped = _encoded(Message(role="user", parts=[Text(text="hi"), Native(rest={"type": "search_result"})]))
    assert made["messages"] == [{"role": "user", "content": "hi"}]
    assert dropped == {"search_result"}
    answer = Answer(dialect="another", candidates=[Candidate(parts=[Native(rest={"executableCode": {"a": 1}})])])
    chat.encode_answer(answer, Request(dialect=chat.NAME, model="m"), dropped)
    assert dropped == {"search_result", "executableCode"}
