"""Requests of other dialects, as the Messages API must get them, and what it refuses from its own clients."""

import base64

import pytest

from gatewright.dialects import messages
from gatewright.dialects.conversation import (
    Dropped,
    Media,
    Message,
    Native,
    OutputFormat,
    Reasoning,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from gatewright.errors import ClientError

HELLO = Message(role="user", parts=[Text(text="Hello")], bare=True)
CALL = Message(role="assistant", parts=[ToolCall(id="call:1", name="time", arguments='{"zone":"UTC"}')])
RESULT = Message(role="tool", parts=[ToolResult(id="call:1", parts=[Text(text="noon")], bare=True)])
WEATHER = Tool(name="weather", schema={"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}})


def encoded(*turns, model="claude-sonnet-4-5", **fields):
    """The body, and what was dropped."""
    dropped = Dropped()
    request = Request(dialect="chat", model="any", messages=list(turns) or [HELLO], **fields)
    return messages.encode_request(request, model, dropped), dropped


def test_what_the_api_requires_is_always_there():
    """The model, a limit and a turn of the user."""
    body, dropped = encoded()
    assert body == {
        "model": "claude-sonnet-4-5",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
        "max_tokens": 32000,
    }
    assert dropped == set()


def test_a_path_that_names_the_model_leaves_it_out_of_the_body():
    """Bedrock's bodies have no model."""
    assert "model" not in encoded(model="")[0]


def test_system_prompts_stand_apart_in_their_order():
    """Those of the system and of the developer, wherever they were."""
    body, _ = encoded(
        Message(role="system", parts=[Text(text="one")]),
        HELLO,
        Message(role="developer", parts=[Text(text="two")]),
    )
    assert [block["text"] for block in body["system"]] == ["one", "two"]
    assert [turn["role"] for turn in body["messages"]] == ["user"]


def test_a_request_of_system_prompts_alone_becomes_the_users_turn():
    """The API answers only a user."""
    body, _ = encoded(Message(role="system", parts=[Text(text="Say hello.")]))
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Say hello."}]}]
    assert "system" not in body


def test_a_request_without_content_is_refused():
    """There is nothing to answer."""
    with pytest.raises(ClientError, match="messages must have"):
        encoded(Message(role="user", parts=[Text(text=" ")]))


def test_turns_alternate_and_results_come_first():
    """Turns of one side are joined; results stand at the beginning, with the id the call has."""
    second = Message(role="assistant", parts=[ToolCall(id="call:2", name="time", arguments="")])
    answers = Message(role="user", parts=[Text(text="So?"), ToolResult(id="call:2", parts=[], error=True)])
    body, _ = encoded(HELLO, CALL, second, RESULT, answers)
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    _, calls, results = body["messages"]
    assert calls["content"] == [
        {"type": "tool_use", "id": "call_1", "name": "time", "input": {"zone": "UTC"}},
        {"type": "tool_use", "id": "call_2", "name": "time", "input": {}},
    ]
    assert results["content"] == [
        {"type": "tool_result", "tool_use_id": "call_1", "content": "noon"},
        {"type": "tool_result", "tool_use_id": "call_2", "is_error": True},
        {"type": "text", "text": "So?"},
    ]


@pytest.mark.parametrize("said", ["[1]", "{", '"a"', "nonsense"])
def test_arguments_that_are_no_object_are_kept_inside_one(said):
    """The API wants an object, and what the model wrote must not be lost."""
    call = Message(role="assistant", parts=[ToolCall(id="a", name="b", arguments=said)])
    body, _ = encoded(HELLO, call, RESULT)
    (kept,) = body["messages"][1]["content"][0]["input"].values()
    assert str(kept).replace("'", '"') in (said, said.strip('"'))


def test_empty_texts_and_the_space_after_a_begun_answer_are_left_out():
    """The API refuses both."""
    begun = Message(role="assistant", parts=[Text(text=""), Text(text="The answer is ")])
    body, _ = encoded(HELLO, begun)
    assert body["messages"][-1]["content"] == [{"type": "text", "text": "The answer is"}]


@pytest.mark.parametrize(
    ("media", "source"),
    [
        (Media(kind="image", url="https://x/y.png"), {"type": "url", "url": "https://x/y.png"}),
        (
            Media(kind="image", media_type="image/jpg", data="/9j/AA"),
            {"type": "base64", "media_type": "image/jpeg", "data": "/9j/AA"},
        ),
        (Media(kind="image", data="R0lGAA"), {"type": "base64", "media_type": "image/gif", "data": "R0lGAA"}),
        (Media(kind="document", url="https://x/y.pdf"), {"type": "url", "url": "https://x/y.pdf"}),
        (
            Media(kind="document", media_type="application/pdf", data="JVBERi"),
            {"type": "base64", "media_type": "application/pdf", "data": "JVBERi"},
        ),
        (
            Media(kind="document", media_type="text/csv", data=base64.b64encode(b"a,b").decode()),
            {"type": "text", "media_type": "text/plain", "data": "a,b"},
        ),
        (Media(kind="document", text="plain"), {"type": "text", "media_type": "text/plain", "data": "plain"}),
    ],
)
def test_images_and_documents_keep_their_content(media, source):
    """As data, as an address or as text."""
    body, dropped = encoded(Message(role="user", parts=[media]))
    assert body["messages"][0]["content"] == [{"type": media.kind, "source": source}]
    assert dropped == set()


@pytest.mark.parametrize(
    ("media", "name"),
    [
        (Media(kind="audio", media_type="audio/wav", data="AA"), "audio"),
        (Media(kind="video", url="https://x/y"), "video"),
        (Media(kind="image", file_id="file-1"), "image"),
        (Media(kind="document", media_type="application/zip", data="AA"), "document"),
    ],
)
def test_media_the_api_cannot_take_are_named(media, name):
    """Sound, film, another provider's files and documents it does not read."""
    _, dropped = encoded(Message(role="user", parts=[Text(text="See"), media]))
    assert dropped == {name}


def test_a_signed_thought_goes_back_and_an_unsigned_one_is_named():
    """The API takes back only what its model thought."""
    signed = Message(role="assistant", parts=[Reasoning(text="hm", signature="sig"), Text(text="a")])
    body, dropped = encoded(HELLO, signed, HELLO)
    assert body["messages"][1]["content"][0] == {"type": "thinking", "thinking": "hm", "signature": "sig"}
    assert dropped == set()
    _, dropped = encoded(HELLO, Message(role="assistant", parts=[Reasoning(text="hm"), Text(text="a")]), HELLO)
    assert dropped == {"reasoning"}


def test_a_sealed_thought_goes_back_as_it_came():
    """In the block the API has for it."""
    body, _ = encoded(HELLO, Message(role="assistant", parts=[Reasoning(sealed="xyz"), Text(text="a")]), HELLO)
    assert body["messages"][1]["content"][0] == {"type": "redacted_thinking", "data": "xyz"}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice(mode="auto", parallel=False), {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(mode="required", parallel=True), {"type": "any"}),
        (ToolChoice(mode="named", name="weather"), {"type": "tool", "name": "weather"}),
        (ToolChoice(mode="none", parallel=False), {"type": "none"}),
    ],
)
def test_tool_choice_is_said_in_the_apis_words(choice, expected):
    """With the flag against parallel calls where it is allowed."""
    assert encoded(tools=[WEATHER], choice=choice)[0]["tool_choice"] == expected


def test_a_choice_without_tools_is_left_out():
    """The API refuses it."""
    assert "tool_choice" not in encoded(choice=ToolChoice(mode="auto"))[0]


def test_a_forced_call_is_asked_for_only_where_the_model_allows_it():
    """From 5.5 on it is refused."""
    body, dropped = encoded(model="claude-opus-5-5", tools=[WEATHER], choice=ToolChoice(mode="required"))
    assert body["tool_choice"] == {"type": "auto"}
    assert dropped == {"tool_choice"}


def test_a_strict_tool_is_closed_and_its_limits_are_told_to_the_model():
    """Limits of numbers are refused in strict schemas."""
    strict = Tool(name="weather", schema=WEATHER.schema, strict=True)
    (tool,) = encoded(tools=[strict])[0]["tools"]
    assert tool["strict"] is True
    assert tool["input_schema"] == {
        "type": "object",
        "properties": {"age": {"type": "integer", "description": '{"minimum":0}'}},
        "additionalProperties": False,
    }
    body, dropped = encoded(model="claude-3-haiku-20240307", tools=[strict])
    assert "strict" not in body["tools"][0]
    assert dropped == {"strict"}


def test_a_tool_without_schema_takes_an_empty_object():
    """The API requires one."""
    assert encoded(tools=[Tool(name="now")])[0]["tools"] == [
        {"name": "now", "input_schema": {"type": "object", "properties": {}}}
    ]


def test_a_schema_for_the_answer_is_enforced_where_the_model_can():
    """And asked for in the system prompt where it cannot."""
    shape = OutputFormat(schema={"type": "object", "properties": {"a": {"oneOf": [{"type": "null"}]}}}, name="n")
    body, dropped = encoded(output=shape)
    assert body["output_config"]["format"] == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "properties": {"a": {"anyOf": [{"type": "null"}]}},
            "additionalProperties": False,
        },
    }
    assert dropped == set()
    body, dropped = encoded(output=shape, model="claude-3-5-haiku-latest")
    assert '"oneOf"' in body["system"][-1]["text"]
    assert dropped == {"response_format"}
    assert "JSON object" in encoded(output=OutputFormat())[0]["system"][-1]["text"]


@pytest.mark.parametrize(
    ("model", "fields", "thinking", "effort", "lost"),
    [
        ("claude-sonnet-4-5", {"effort": "low"}, {"type": "enabled", "budget_tokens": 2048}, None, set()),
        ("claude-sonnet-4-5", {"thinking_tokens": 5000}, {"type": "enabled", "budget_tokens": 5000}, None, set()),
        ("claude-sonnet-4-5", {"thinking_tokens": 0}, None, None, set()),
        ("claude-sonnet-4-5", {"effort": "none"}, None, None, set()),
        (
            "claude-sonnet-4-5",
            {"effort": "high", "max_tokens": 3000},
            {"type": "enabled", "budget_tokens": 1500},
            None,
            set(),
        ),
        ("claude-sonnet-4-5", {"effort": "high", "max_tokens": 1000}, None, None, {"reasoning_effort"}),
        ("claude-3-5-haiku-latest", {"effort": "high"}, None, None, {"reasoning_effort"}),
        ("claude-opus-4-6", {"effort": "xhigh"}, {"type": "adaptive"}, "high", set()),
        ("us.anthropic.claude-opus-4-8", {"effort": "xhigh"}, {"type": "adaptive"}, "xhigh", set()),
        ("claude-opus-5", {"effort": "minimal"}, {"type": "adaptive"}, "low", set()),
        ("claude-opus-5", {"thinking_tokens": 8000}, {"type": "adaptive"}, "medium", set()),
        ("claude-opus-5", {"thinking_tokens": 90000}, {"type": "adaptive"}, "max", set()),
        ("claude-opus-5", {"effort": "none"}, {"type": "disabled"}, None, set()),
        ("claude-fable-5", {"effort": "none"}, None, None, {"reasoning_effort"}),
    ],
)
def test_how_much_to_think_is_said_in_the_models_words(model, fields, thinking, effort, lost):
    """A budget of tokens for older models, an effort for newer ones, and nothing for the oldest."""
    body, dropped = encoded(model=model, **fields)
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == effort
    assert dropped == lost
    if thinking and "budget_tokens" in thinking:
        assert thinking["budget_tokens"] < body["max_tokens"]


def test_a_budget_is_not_asked_for_where_the_api_would_refuse_it():
    """Beside a forced call, and after calls whose thought is missing."""
    forced, dropped = encoded(effort="low", tools=[WEATHER], choice=ToolChoice(mode="required"))
    assert "thinking" not in forced
    assert dropped == {"reasoning_effort"}
    amid, dropped = encoded(HELLO, CALL, RESULT, effort="low", tools=[WEATHER])
    assert "thinking" not in amid
    assert dropped == {"reasoning_effort"}


@pytest.mark.parametrize(
    ("model", "fields", "kept", "lost"),
    [
        ("claude-3-haiku-20240307", {"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5, "top_p": 0.9}, set()),
        ("claude-sonnet-4-5", {"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5}, {"top_p"}),
        ("claude-sonnet-4-5", {"top_p": 0.9}, {"top_p": 0.9}, set()),
        ("claude-sonnet-4-5", {"temperature": 1.7}, {"temperature": 1}, {"temperature"}),
        ("claude-sonnet-4-5", {"temperature": 0.2, "top_k": 5, "effort": "low"}, {}, {"temperature", "top_k"}),
        ("claude-opus-4-7", {"temperature": 0.2, "top_k": 5}, {}, {"temperature", "top_k"}),
        ("claude-opus-4-7", {"temperature": 1, "top_p": 1}, {}, set()),
    ],
)
def test_only_the_samplers_a_model_takes_are_sent(model, fields, kept, lost):
    """The others are named, unless leaving them out changes nothing."""
    body, dropped = encoded(model=model, **fields)
    assert {key: body[key] for key in ("temperature", "top_p", "top_k") if key in body} == kept
    assert dropped == lost


def test_what_the_api_has_no_word_for_is_named():
    """Nothing is dropped in silence."""
    _, dropped = encoded(
        seed=1,
        candidates=2,
        presence_penalty=0.5,
        frequency_penalty=0.5,
        logprobs=True,
        top_logprobs=2,
        service_tier="flex",
        stop=["\n", "END"],
        rest={"logit_bias": {"1": 2}, "store": None},
    )
    expected = "seed n presence_penalty frequency_penalty logprobs top_logprobs service_tier stop logit_bias"
    assert dropped == set(expected.split())


def test_what_has_another_name_here_is_renamed():
    """Stop texts, the user and the tier."""
    body, dropped = encoded(stop=["END"], user="u-1", service_tier="default", stream=True)
    assert body["stop_sequences"] == ["END"]
    assert body["metadata"] == {"user_id": "u-1"}
    assert body["service_tier"] == "standard_only"
    assert body["stream"] is True
    assert dropped == set()


def test_cache_control_is_kept_from_any_dialect():
    """Clients of OpenAI's API send it for Anthropic's models."""
    control = {"type": "ephemeral"}
    asked = Message(role="system", parts=[Text(text="a", rest={"cache_control": control, "x": 1})])
    body, dropped = encoded(asked, HELLO)
    assert body["system"] == [{"type": "text", "text": "a", "cache_control": control}]
    assert dropped == {"x"}


def test_a_signed_call_survives_an_anthropic_client():
    """It is shown as an empty signed thought before the call, and read back as the call's signature."""
    shown = [
        {"type": "thinking", "thinking": "", "signature": "sig"},
        {"type": "tool_use", "id": "a", "name": "b", "input": {}},
    ]
    body = {"messages": [{"role": "assistant", "content": shown}]}
    request = messages.decode_request(body)
    assert request.messages[0].parts == [ToolCall(id="a", name="b", arguments="{}", signature="sig")]
    assert messages.encode_request(request, "", Dropped()) == body


def test_what_the_provider_runs_itself_is_native_and_named():
    """Server tools and their blocks mean nothing to another dialect."""
    body = {
        "messages": [
            {"role": "assistant", "content": [{"type": "server_tool_use", "id": "a", "name": "b", "input": {}}]}
        ],
        "tools": [{"type": "web_search_20250305", "name": "web_search"}, {"name": "f", "input_schema": {}}],
    }
    request = messages.decode_request(body)
    assert [tool.name for tool in request.tools] == ["f"]
    assert isinstance(request.messages[0].parts[0], Native)
    assert messages.encode_request(request, "", Dropped()) == body


FORMS = [
    {"system": ""},
    {"system": []},
    {"system": None},
    {"tools": []},
    {"tools": None, "tool_choice": None},
    {"tool_choice": {"type": "auto", "disable_parallel_tool_use": False}},
    {"tools": [{"type": "custom", "name": "f", "description": None, "input_schema": {}, "cache_control": None}]},
    {"stop_sequences": [], "stream": False, "temperature": None, "top_p": 1},
    {"metadata": {}},
    {"metadata": {"user_id": None}},
    {"metadata": {"user_id": "u", "x": 1}},
    {"thinking": {"type": "disabled"}},
    {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "max"}},
    {"thinking": {"type": "enabled", "budget_tokens": 1024, "display": "omitted"}},
    {"output_config": {}},
    {"output_config": {"effort": None, "format": None, "task_budget": {"type": "tokens", "total": 1}}},
    {"output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}}},
    {"output_format": {"type": "json_schema", "schema": {}}},
    {"output_format": None, "service_tier": "standard_only"},
    {"service_tier": "auto", "max_tokens": 0},
]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_way_to_write_a_request_is_kept(form):
    """Empty, null and absent stay what they were."""
    body = {"model": "m", "messages": [{"role": "user", "content": ""}], **form}
    assert messages.encode_request(messages.decode_request(body), "m", Dropped()) == body


BLOCKS = [
    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}, "title": None},
    {"type": "document", "source": {"type": "content", "content": "x"}, "title": "t", "context": "c"},
    {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x"}]}},
    {"type": "document", "source": {"type": "new", "x": 1}, "title": "t"},
    {"type": "image", "source": {"type": "file", "file_id": "f", "more": 1}, "cache_control": {"type": "ephemeral"}},
    {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]},
    {"type": "tool_result", "tool_use_id": "a"},
    {"type": "tool_result", "tool_use_id": "a", "content": [], "is_error": None},
    {"type": "tool_result", "tool_use_id": "a", "content": None, "is_error": False},
    {"type": "tool_result", "tool_use_id": "a", "content": ""},
    {"type": "text", "text": "", "citations": None},
    {"type": "thinking", "thinking": "t"},
    {"type": "compaction", "content": None},
]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_every_way_to_write_a_block_is_kept(block):
    """Empty, null and absent stay what they were."""
    body = {"messages": [{"role": "user", "content": [block]}]}
    assert messages.encode_request(messages.decode_request(body), "", Dropped()) == body


def test_the_text_of_chunks_and_search_results_is_there_for_other_dialects():
    """Joined, as a document."""
    body = {"messages": [{"role": "user", "content": [BLOCKS[2], BLOCKS[5]]}]}
    first, second = messages.decode_request(body).messages[0].parts
    assert (first.kind, first.text) == ("document", "x")
    assert (second.kind, second.text, second.name) == ("document", "x", "t")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ([], "The body"),
        ({}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": [1]}, "messages[0]"),
        ({"messages": [{"role": "robot", "content": ""}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages[0].content[0].source"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url"}}]}]},
            "messages[0].content[0].source.url",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": 1}]}]},
            "messages[0].content[0].content",
        ),
        ({"messages": [], "max_tokens": True}, "max_tokens"),
        ({"messages": [], "max_tokens": "1"}, "max_tokens"),
        ({"messages": [], "temperature": "hot"}, "temperature"),
        ({"messages": [], "stop_sequences": [1]}, "stop_sequences"),
        ({"messages": [], "tools": [{}]}, "tools[0].name"),
        ({"messages": [], "tool_choice": {"type": "maybe"}}, "tool_choice.type"),
        ({"messages": [], "tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"messages": [], "thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"messages": [], "output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
        ({"messages": [], "system": 1}, "system"),
    ],
)
def test_a_wrong_field_is_named(body, named):
    """By its path."""
    with pytest.raises(ClientError) as caught:
        messages.decode_request(body)
    assert caught.value.public.split(" must")[0].split(" is required")[0] == named
