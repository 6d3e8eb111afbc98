"""How requests translate to and from OpenAI's Responses API."""

import base64

import pytest

from gatewright.dialects import responses
from gatewright.dialects.conversation import (
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
)
from gatewright.errors import ClientError

CALL = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"a":1}'}


def decode(**body):
    return responses.decode_request({"model": "m", "input": "hi", **body})


def encode(request):
    dropped = Dropped()
    return responses.encode_request(request, "target", dropped), dropped


def foreign(*messages, **fields):
    return encode(Request(dialect="another", model="m", messages=list(messages), **fields))


def round_trip(**body):
    body = {"model": "m", "input": "hi", **body}
    return responses.encode_request(responses.decode_request(body), "m", Dropped()) == body


def test_instructions_are_the_first_system_message():
    """They stand before the conversation, and a string as input is the user's turn."""
    first, second = decode(instructions="Be brief.").messages
    assert (first.role, first.parts[0].text, first.bare) == ("system", "Be brief.", True)
    assert (second.role, second.parts[0].text, second.bare) == ("user", "hi", True)


def test_what_the_model_said_is_one_turn():
    """Thought, text and calls are items of their own on the wire, and one message to other dialects."""
    items = [
        {"role": "user", "content": "hi"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "x"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look"}]},
        CALL,
        CALL | {"call_id": "c2"},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "two"}]},
    ]
    user, assistant, *results = decode(input=items).messages
    assert [type(part) for part in assistant.parts] == [Reasoning, Text, ToolCall, ToolCall]
    assert (assistant.parts[0].text, assistant.parts[0].sealed) == ("hm", "x")
    assert [(one.role, one.parts[0].id, one.parts[0].bare) for one in results] == [
        ("tool", "c1", True),
        ("tool", "c2", False),
    ]
    assert user.role == "user"
    assert round_trip(input=items)


def test_items_of_hosted_tools_keep_their_place():
    """What only OpenAI understands is native, and comes back in order."""
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    items = [search, CALL, {"id": "msg_1"}, {"type": "message", "role": "assistant", "content": []}]
    (message,) = decode(input=items).messages
    assert [type(part) for part in message.parts] == [Native, ToolCall, Native, Native]
    assert round_trip(input=items)


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [{"type": "web_search"}, {"type": "function", "name": "f", "parameters": None, "strict": True}]},
        {"tools": []},
        {"tools": None, "tool_choice": None, "reasoning": None, "text": None, "instructions": None, "include": None},
        {"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]}},
        {"tool_choice": {"type": "web_search"}},
        {"tool_choice": {"type": "function", "name": "f"}, "parallel_tool_calls": False},
        {"parallel_tool_calls": True},
        {"reasoning": {}},
        {"reasoning": {"effort": None, "summary": "auto"}},
        {"reasoning": {"effort": "a new one"}},
        {"text": {}},
        {"text": {"format": {"type": "text"}, "verbosity": "low"}},
        {"text": {"format": {"type": "json_object"}}},
        {"text": {"format": {"type": "json_schema", "name": "n", "schema": {}, "description": "d", "strict": None}}},
        {"text": {"format": {"type": "grammar", "syntax": "lark"}}},
        {"include": ["message.output_text.logprobs"], "top_logprobs": 3},
        {"include": ["file_search_call.results"]},
        {"temperature": 1, "top_p": 0.5, "user": "u", "service_tier": "flex", "store": True, "metadata": {"a": "b"}},
        {"input": None, "prompt": {"id": "pmpt_1"}},
        {"input": []},
        {"input": [{"role": "user", "content": []}]},
        {"input": [{"role": "user", "content": ""}]},
        {"input": [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]},
        {"input": [{"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}], "phase": "commentary"}]},
        {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "odd"}]}]},
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f", "filename": None}]}]},
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_data": "QUJD", "filename": "a.pdf"}]}]},
        {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f", "detail": "auto"}]}]},
        {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,QQ=="}]}]},
        {
            "input": [
                {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "A", "format": "mp3"}}]}
            ]
        },
        {"input": [{"role": "user", "content": [{"type": "input_new", "x": 1}]}]},
        {"input": [{"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "QQ=="}]},
        {"input": [{"type": "reasoning", "id": "rs", "summary": [], "content": None, "encrypted_content": None}]},
        {
            "input": [
                CALL | {"id": "fc", "namespace": "n"},
                {"type": "function_call_output", "call_id": "c1", "output": []},
            ]
        },
    ],
    ids=str,
)
def test_every_form_comes_back(body):
    """Decoded and encoded, a request is as it was: nulls, empty lists and unknown kinds included."""
    assert round_trip(**body)


def test_a_request_may_leave_the_model_to_its_prompt():
    """Then none is written either, unless the target has one."""
    body = {"prompt": {"id": "pmpt_1"}}
    request = responses.decode_request(body)
    assert responses.encode_request(request, "", Dropped()) == body


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"store": True}, "store"),
        ({"background": True}, "background"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input (item_reference)"),
        ({"store": False, "background": False, "previous_response_id": None}, None),
        ({}, None),
    ],
    ids=str,
)
def test_what_needs_the_provider_that_remembers_is_named(body, field):
    """A target of another dialect cannot continue what is stored elsewhere."""
    assert responses.stateful(decode(**body)) == field


def test_only_requests_of_this_dialect_are_stateful():
    """Another dialect's fields of the same name mean something else."""
    assert responses.stateful(Request(dialect="another", model="m", rest={"store": True})) is None


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"input": 1}, "input must be a list"),
        ({"input": [1]}, "input[0] must be an object"),
        ({"input": [{"role": "critic", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"input": [{"role": "user", "content": [{"text": "x"}]}]}, "input[0].content[0].type"),
        ({"input": [{"type": "function_call", "name": "f", "call_id": "c"}]}, "input[0].arguments"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"tools": {}}, "tools must be a list"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"type": "function", "name": "f", "parameters": []}]}, "tools[0].parameters"),
        ({"tool_choice": "always"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
        ({"temperature": "warm"}, "temperature must be a number"),
        ({"max_output_tokens": True}, "max_output_tokens must be a whole number"),
        ({"stream": 1}, "stream must be true or false"),
        ({"reasoning": "high"}, "reasoning must be an object"),
        ({"text": {"format": {}}}, None),
        ({"text": {"format": {"type": "json_schema", "schema": 1}}}, "text.format.schema"),
        ({"instructions": ["x"]}, "instructions must be a string"),
    ],
    ids=str,
)
def test_a_wrong_field_is_named(body, named):
    """A client learns which field is wrong, by its place."""
    if named is None:
        assert decode(**body).output is None
        return
    with pytest.raises(ClientError) as caught:
        decode(**body)
    assert named in caught.value.public


def test_media_are_told_apart():
    """Content in a data URL is data, an address is an address, a name is a name."""
    content = [
        {"type": "input_image", "image_url": "data:image/png;base64,QQ==", "detail": "low"},
        {"type": "input_image", "image_url": "https://x/y.png"},
        {"type": "input_file", "file_data": "QUJD", "filename": "a.pdf"},
        {"type": "input_file", "file_url": "https://x/a.pdf"},
        {"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}},
    ]
    parts = decode(input=[{"role": "user", "content": content}]).messages[0].parts
    assert [(part.kind, part.media_type, part.data, part.url) for part in parts] == [
        ("image", "image/png", "QQ==", None),
        ("image", None, None, "https://x/y.png"),
        ("document", "application/pdf", "QUJD", None),
        ("document", None, None, "https://x/a.pdf"),
        ("audio", "audio/mpeg", "AA", None),
    ]


def test_messages_of_another_dialect_become_items():
    """System prompts keep their place, a turn becomes its items, results become items of their own."""
    wire, dropped = foreign(
        Message(role="system", parts=[Text(text="one"), Text(text="two", rest={"cache_control": {"type": "x"}})]),
        Message(role="user", parts=[Text(text="hi")], bare=True),
        Message(
            role="assistant",
            parts=[
                Reasoning(text="hm", sealed="sealed"),
                Text(text="I look"),
                ToolCall(id="c1", name="look", arguments=""),
                Refusal(text="no"),
            ],
        ),
        Message(role="user", parts=[ToolResult(id="c1", parts=[Text(text="seen")], error=True), Text(text="go on")]),
    )
    assert wire["input"] == [
        {"role": "system", "content": [{"type": "input_text", "text": t} for t in ("one", "two")]},
        {"role": "user", "content": "hi"},
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "hm"}],
            "encrypted_content": "sealed",
        },
        {"role": "assistant", "content": "I look"},
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
        {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"type": "function_call_output", "call_id": "c1", "output": "seen"},
        {"role": "user", "content": "go on"},
    ]
    assert dropped == {"cache_control", "is_error"}


def test_media_of_another_dialect():
    """Data, addresses and plain text go where this API takes them; a film it does not take is named."""
    media = [
        Media(kind="image", media_type="image/png", data="QQ=="),
        Media(kind="image", url="https://x/y.png"),
        Media(kind="document", media_type="application/pdf", data="QQ==", name="a.pdf"),
        Media(kind="document", text="plain"),
        Media(kind="document", url="https://x/a.pdf"),
        Media(kind="audio", media_type="audio/wav", data="QQ=="),
        Media(kind="video", url="https://x/y.mp4"),
    ]
    wire, dropped = foreign(Message(role="user", parts=media))
    assert wire["input"][0]["content"] == [
        {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,QQ=="},
        {"type": "input_image", "detail": "auto", "image_url": "https://x/y.png"},
        {"type": "input_file", "file_data": "data:application/pdf;base64,QQ==", "filename": "a.pdf"},
        {
            "type": "input_file",
            "file_data": "data:text/plain;base64," + base64.b64encode(b"plain").decode(),
            "filename": "document.txt",
        },
        {"type": "input_file", "file_url": "https://x/a.pdf"},
        {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}},
    ]
    assert dropped == {"video"}


def test_thought_that_no_provider_sealed_stays_behind():
    """Neither plain thought nor another provider's signature can be sent."""
    wire, dropped = foreign(
        Message(role="assistant", parts=[Reasoning(text="hm"), Reasoning(text="hm", signature="s")]),
        Message(role="user", parts=[Text(text="hi")]),
    )
    assert wire["input"] == [{"role": "user", "content": "hi"}]
    assert dropped == {"reasoning"}


def test_a_thought_and_its_sealed_form_are_one_item():
    """Other dialects have them as two parts in a row."""
    wire, dropped = foreign(Message(role="assistant", parts=[Reasoning(text="hm"), Reasoning(sealed="s")]))
    summary = [{"type": "summary_text", "text": "hm"}]
    assert wire["input"] == [{"type": "reasoning", "summary": summary, "encrypted_content": "s"}]
    assert not dropped


@pytest.mark.parametrize(
    ("tier", "said"), [("priority", "priority"), ("standard_only", "default"), ("on_demand", None)]
)
def test_a_tier_that_openai_does_not_have_is_named(tier, said):
    """Its own are kept, Anthropic's standard is its default."""
    wire, dropped = foreign(service_tier=tier)
    assert wire.get("service_tier") == said
    assert dropped == (set() if said else {"service_tier"})


def test_parameters_of_another_dialect():
    """Those this API has are said in its words, the others named; nothing is stored without being asked for."""
    wire, dropped = foreign(
        Message(role="user", parts=[Text(text="hi")]),
        tools=[Tool(name="f", schema={"type": "object"}), Tool(name="g", strict=True)],
        choice=ToolChoice(mode="named", name="f", parallel=False),
        output=OutputFormat(schema={"type": "object"}),
        max_tokens=5,
        temperature=0.5,
        stop=["x"],
        seed=1,
        top_k=4,
        candidates=2,
        logprobs=True,
        effort="low",
        stream=True,
        stream_usage=True,
        rest={"logit_bias": {"1": 2}},
    )
    del wire["input"]
    empty = {"type": "object", "properties": {}}
    assert wire == {
        "model": "target",
        "store": False,
        "max_output_tokens": 16,
        "temperature": 0.5,
        "stream": True,
        "tools": [
            {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False},
            {"type": "function", "name": "g", "parameters": empty, "strict": True},
        ],
        "tool_choice": {"type": "function", "name": "f"},
        "parallel_tool_calls": False,
        "reasoning": {"effort": "low"},
        "text": {"format": {"name": "response", "type": "json_schema", "schema": {"type": "object"}}},
        "include": ["message.output_text.logprobs"],
    }
    assert dropped == {"stop", "seed", "top_k", "n", "max_tokens", "logit_bias"}


@pytest.mark.parametrize(
    ("tokens", "effort"), [(0, "none"), (1024, "low"), (8000, "medium"), (30000, "high"), (-1, None)]
)
def test_a_number_of_thinking_tokens_becomes_an_effort(tokens, effort):
    """The nearest word there is; minus one leaves it to the model."""
    wire, _ = foreign(thinking_tokens=tokens)
    assert wire.get("reasoning") == (None if effort is None else {"effort": effort})


def test_a_choice_among_no_tools_is_not_sent():
    """The API calls it an error."""
    wire, _ = foreign(choice=ToolChoice(mode="auto", parallel=True))
    assert "tool_choice" not in wire
    assert "parallel_tool_calls" not in wire
