"""Requests of Ollama's API, read, written, and translated."""

import json

import pytest
from ollama import Image, Options
from ollama._types import ChatRequest, GenerateRequest

from fixtures.meaning import of_request
from gatewright.dialects import chat, messages
from gatewright.dialects.conversation import (
    Dropped,
    Media,
    Message,
    OutputFormat,
    Reasoning,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from gatewright.dialects.ollama import chat as ollama_chat
from gatewright.dialects.ollama import generate as ollama_generate
from gatewright.errors import ClientError

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
CALL = {"function": {"name": "f", "arguments": {"a": 1}}}
WEATHER = {"type": "function", "function": {"name": "f", "description": "F.", "parameters": SCHEMA}}


def decoded(*turns, **more):
    return ollama_chat.decode_request({"model": "m", "messages": list(turns), **more})


def user(text="x", **more):
    return {"role": "user", "content": text, **more}


def encoded(dialect=ollama_chat, **request):
    """The body for Ollama of a request of another dialect, and what it lacks."""
    request.setdefault("messages", [Message(role="user", parts=[Text(text="x")], bare=True)])
    dropped = Dropped()
    body = dialect.encode_request(Request(dialect="other", model="a", **request), "m", dropped)
    images = [{"value": image} for image in body.get("images", ())]  # as the SDK has them before it writes them
    (ChatRequest if dialect is ollama_chat else GenerateRequest).model_validate(body | {"images": images})
    return body, set(dropped)


def test_a_request_of_the_sdk_means_what_it_says():
    """Everything that /api/chat takes, as the SDK writes it."""
    body = ChatRequest(
        model="m",
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Look", "images": [Image(value=PNG)]},
            {"role": "assistant", "content": "", "thinking": "Hm", "tool_calls": [CALL]},
            {"role": "tool", "content": "7", "tool_name": "f"},
        ],
        tools=[WEATHER],
        stream=False,
        format=SCHEMA,
        think="high",
        logprobs=True,
        top_logprobs=3,
        keep_alive="5m",
        options=Options(
            num_predict=9, temperature=0.5, top_p=0.9, top_k=4, seed=1, stop=["\n"], num_ctx=8192, presence_penalty=1.0
        ),
    ).model_dump(exclude_none=True)
    request = ollama_chat.decode_request(body)
    system, look, called, told = request.messages
    assert (system.role, system.parts) == ("system", [Text(text="Be brief.")])
    assert look.parts == [Text(text="Look"), Media(kind="image", media_type="image/png", data=PNG)]
    assert called.parts[0] == Reasoning(text="Hm")
    assert (called.parts[1].name, called.parts[1].arguments) == ("f", '{"a":1}')
    assert (told.parts[0].id, told.parts[0].parts) == (called.parts[1].id, [Text(text="7")])
    assert (request.tools[0].name, request.tools[0].description) == ("f", "F.")
    assert request.output == OutputFormat(schema=SCHEMA)
    assert (request.max_tokens, request.temperature, request.top_p, request.top_k) == (9, 0.5, 0.9, 4)
    assert (request.seed, request.stop, request.presence_penalty) == (1, ["\n"], 1)
    assert (request.effort, request.logprobs, request.top_logprobs, request.stream) == ("high", True, 3, False)
    assert request.rest == {"keep_alive": "5m", "options.num_ctx": 8192}
    assert ollama_chat.encode_request(request, "m", Dropped()) == body


@pytest.mark.parametrize("dialect", [ollama_chat, ollama_generate])
def test_a_stream_is_what_is_asked_for_unless_it_is_not(dialect):
    """And another dialect's request says it aloud, since the default is not its own."""
    assert dialect.decode_request({"model": "m"}).stream is True
    assert dialect.decode_request({"model": "m", "stream": None}).stream is True
    assert dialect.decode_request({"model": "m", "stream": False}).stream is False
    assert encoded(dialect)[0]["stream"] is False
    assert encoded(dialect, stream=True)[0]["stream"] is True


@pytest.mark.parametrize(
    ("think", "effort", "tokens"),
    [
        (True, "medium", None),
        (False, "none", None),
        ("low", "low", None),
        ("max", "max", None),
        (4096, None, 4096),
        ("deepest", None, None),
        (None, None, None),
    ],
)
def test_how_much_to_think_is_read_and_put_back(think, effort, tokens):
    """In words, in tokens, or only whether; a word of some model's own stays as it is."""
    body = {"model": "m", "messages": [user()], "think": think}
    request = ollama_chat.decode_request(body)
    assert (request.effort, request.thinking_tokens) == (effort, tokens)
    assert ollama_chat.encode_request(request, "m", Dropped()) == body


@pytest.mark.parametrize(
    ("asked", "think", "lost"),
    [
        ({"effort": "none"}, False, set()),
        ({"effort": "minimal"}, "low", set()),
        ({"effort": "xhigh"}, "high", set()),
        ({"thinking_tokens": 0}, False, set()),
        ({"thinking_tokens": 2048}, True, {"thinking"}),
    ],
)
def test_effort_of_other_dialects_is_a_level_that_every_server_knows(asked, think, lost):
    """Servers refuse a level they do not know."""
    body, dropped = encoded(**asked)
    assert (body["think"], dropped) == (think, lost)


@pytest.mark.parametrize(
    "body",
    [
        {"format": ""},
        {"format": "json"},
        {"format": {}},
        {"options": {}},
        {"options": None},
        {"options": {"stop": "END", "num_predict": -1, "top_k": 0, "seed": None}},
        {"messages": []},
        {"messages": [user(thinking="", images=[], tool_calls=[])]},
        {"messages": [{"role": "USER"}, {"role": "assistant", "content": None}]},
        {"messages": [user(), {"role": "assistant", "tool_calls": [{**CALL, "id": "c", "type": "function", "x": 1}]}]},
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {"index": 3, "name": "f", "y": 2}}]}]},
        {"messages": [{"role": "tool", "content": "a", "tool_call_id": "c", "name": "f"}]},
        {"tools": [{"function": {"name": "f", "z": 0}, "items": []}]},
        {"suffix": "x", "top_logprobs": 2, "unknown": {"deep": [1]}},
    ],
)
def test_whatever_form_a_request_has_it_is_put_back(body):
    """Empty, null, in capitals, single where a list may stand, unknown."""
    body = {"model": "m", **body}
    assert ollama_chat.encode_request(ollama_chat.decode_request(body), "m", Dropped()) == body


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": "Hi", "system": "S", "images": [PNG], "stream": False, "raw": True, "template": "t", "context": [1]},
        {"prompt": "", "suffix": "y", "keep_alive": 0},
        {"prompt": None, "system": "", "images": []},
        {"images": [PNG], "options": {"num_gpu": 1}, "width": 64},
    ],
)
def test_whatever_form_a_prompt_has_it_is_put_back(body):
    """Also without a prompt, which only loads the model."""
    body = {"model": "m", **body}
    assert ollama_generate.encode_request(ollama_generate.decode_request(body), "m", Dropped()) == body


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"messages": [{"content": "x"}]}, r"messages\[0\].role is required"),
        ({"messages": [{"role": "judge"}]}, r"messages\[0\].role must be one of"),
        ({"messages": [user(["x"])]}, r"messages\[0\].content must be a string"),
        ({"messages": [user(images=[1])]}, r"messages\[0\].images must be a list of strings"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}]},
            r"messages\[0\].tool_calls\[0\].function.arguments must be an object",
        ),
        ({"tools": [{"type": "function"}]}, r"tools\[0\].function is required"),
        ({"format": "xml"}, "format must be"),
        ({"think": []}, "think must be"),
        ({"think": 0}, "think must be"),
        ({"options": {"stop": [1]}}, "options.stop must be"),
        ({"options": {"temperature": "hot"}}, "options.temperature must be a number"),
        ({"stream": 1}, "stream must be true or false"),
    ],
)
def test_what_is_wrong_is_named(body, named):
    """With the path to it."""
    with pytest.raises(ClientError, match=named):
        ollama_chat.decode_request({"model": "m", **body})


def test_results_without_an_id_answer_the_calls_of_the_turn_before():
    """By name, and of one name in order; a result that answers nothing has an id of its own."""
    calls = [{"function": {"name": name, "arguments": {}}} for name in ("f", "g", "f")]
    request = decoded(
        user(),
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]},
        {"role": "assistant", "content": "", "tool_calls": calls},
        {"role": "tool", "content": "1", "tool_name": "g"},
        {"role": "tool", "content": "2"},
        {"role": "tool", "content": "3", "tool_name": "f"},
        {"role": "tool", "content": "4"},
    )
    first, second, third = (part.id for part in request.messages[2].parts)
    results = [message.parts[0].id for message in request.messages[3:]]
    assert results[:3] == [second, first, third]
    assert len({first, second, third, results[3]}) == 4


def test_a_conversation_of_another_dialect_is_one_that_ollama_takes():
    """Roles, images, thoughts, calls with object arguments, and results by name and id."""
    body, dropped = encoded(
        messages=[
            Message(role="developer", parts=[Text(text="A"), Text(text="B")]),
            Message(
                role="user",
                parts=[
                    Text(text="See"),
                    Media(kind="image", data=PNG, media_type="image/png"),
                    Media(kind="document", text="content", name="notes"),
                    Media(kind="document", data="aGk=", media_type="text/plain"),
                ],
            ),
            Message(
                role="assistant",
                parts=[Reasoning(text="Hm", signature="s"), Text(text="Ok"), ToolCall(id="c", name="f", arguments="")],
            ),
            Message(
                role="user",
                parts=[
                    ToolResult(id="c", parts=[Text(text="no")], error=True),
                    Text(text="Go on"),
                    Media(kind="image", url="https://example.com/a.png"),
                ],
            ),
        ],
    )
    assert body["messages"] == [
        {"role": "system", "content": "A\n\nB"},
        {"role": "user", "content": "See\n\nnotes\n\ncontent\n\nhi", "images": [PNG]},
        {
            "role": "assistant",
            "content": "Ok",
            "thinking": "Hm",
            "tool_calls": [{"id": "c", "function": {"index": 0, "name": "f", "arguments": {}}}],
        },
        {"role": "tool", "content": "Error: no", "tool_name": "f", "tool_call_id": "c"},
        {"role": "user", "content": "Go on"},
    ]
    assert dropped == {"signature", "image_url"}


def test_settings_of_another_dialect_have_their_place_or_are_told_as_lost():
    """Options, the answer's shape and tools; a choice that Ollama cannot make is named."""
    body, dropped = encoded(
        max_tokens=5,
        temperature=0.1,
        top_k=3,
        stop=["a", "b"],
        seed=2,
        frequency_penalty=0.2,
        logprobs=True,
        top_logprobs=2,
        output=OutputFormat(schema=SCHEMA, name="n", strict=True),
        tools=[Tool(name="f", strict=True, rest={"cache_control": {"type": "ephemeral"}}), Tool(name="g")],
        choice=ToolChoice(mode="named", name="f", parallel=False),
        candidates=2,
        user="u",
        service_tier="priority",
    )
    assert body["options"] == {
        "num_predict": 5,
        "temperature": 0.1,
        "top_k": 3,
        "stop": ["a", "b"],
        "seed": 2,
        "frequency_penalty": 0.2,
    }
    assert (body["format"], body["logprobs"], body["top_logprobs"]) == (SCHEMA, True, 2)
    empty = {"type": "object", "properties": {}}
    assert [tool["function"] for tool in body["tools"]] == [{"name": name, "parameters": empty} for name in "fg"]
    assert dropped == {"strict", "cache_control", "tool_choice", "parallel_tool_calls", "n", "user", "service_tier"}


def test_no_tools_are_offered_when_none_may_be_called():
    """That is how Ollama is told."""
    body, dropped = encoded(tools=[Tool(name="f")], choice=ToolChoice(mode="none"))
    assert "tools" not in body
    assert dropped == set()


def test_any_object_is_asked_for_as_json():
    """Without a schema."""
    assert encoded(output=OutputFormat())[0]["format"] == "json"


@pytest.mark.parametrize("dialect", [ollama_chat, ollama_generate])
def test_nothing_to_say_is_an_error(dialect):
    """Ollama would load the model and answer nothing."""
    with pytest.raises(ClientError, match="at least one message"):
        encoded(dialect, messages=[Message(role="user", parts=[Reasoning(sealed="x")])])


def test_one_turn_is_a_prompt():
    """With the system prompt and the images beside it."""
    body, dropped = encoded(
        ollama_generate,
        messages=[
            Message(role="system", parts=[Text(text="S")]),
            Message(role="user", parts=[Text(text="Hi"), Media(kind="image", data=PNG)]),
        ],
    )
    assert body == {"model": "m", "system": "S", "prompt": "Hi", "images": [PNG], "stream": False}
    assert dropped == set()


def test_several_turns_are_a_prompt_that_tells_them():
    """Who spoke is in words, and what cannot be is told as lost."""
    body, dropped = encoded(
        ollama_generate,
        messages=[
            Message(role="user", parts=[Text(text="Hi")]),
            Message(role="assistant", parts=[Reasoning(text="?"), ToolCall(id="c", name="f", arguments='{"a":1}')]),
            Message(role="tool", parts=[ToolResult(id="c", parts=[Text(text="7")])]),
        ],
        tools=[Tool(name="f")],
        choice=ToolChoice(mode="auto"),
    )
    assert body["prompt"] == (
        'User: Hi\n\nAssistant: (calls the tool f with {"a":1})\n\nTool: (the tool answers)\n\n7\n\nAssistant:'
    )
    assert dropped == {"messages.role", "reasoning", "tool_calls", "tools", "tool_choice"}


def test_a_system_prompt_alone_is_the_prompt():
    """There must be one."""
    system = Message(role="system", parts=[Text(text="S")])
    assert encoded(ollama_generate, messages=[system])[0]["prompt"] == "S"


@pytest.mark.parametrize("provider", [chat, messages])
def test_what_a_client_asks_arrives_at_providers_of_other_dialects(provider):
    """The meaning is the same, and only what is Ollama's own is told as lost."""
    request = decoded(
        {"role": "system", "content": "S"},
        user("Look", images=[PNG]),
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "content": "7", "tool_name": "f"},
        tools=[WEATHER],
        options={"temperature": 0.5, "num_predict": 20, "stop": ["x"], "num_ctx": 4096},
        keep_alive="5m",
    )
    dropped = Dropped()
    asked = provider.decode_request(provider.encode_request(request, "claude-sonnet-4-0", dropped))
    assert of_request(asked) == of_request(request)
    images = [part for message in asked.messages for part in message.parts if isinstance(part, Media)]
    assert [(image.media_type, image.data) for image in images] == [("image/png", PNG)]
    assert (asked.max_tokens, asked.stream) == (20, True)
    assert dropped == {"keep_alive", "options.num_ctx"}


@pytest.mark.parametrize(
    ("client", "body"),
    [
        (
            chat,
            {
                "messages": [
                    {"role": "user", "content": "a"},
                    {
                        "role": "assistant",
                        "content": None,
                        "tool_calls": [
                            {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
                        ],
                    },
                    {"role": "tool", "tool_call_id": "c", "content": "7"},
                ],
                "stop": ["x"],
            },
        ),
        (
            messages,
            {
                "max_tokens": 5,
                "system": "S",
                "messages": [
                    {"role": "user", "content": "a"},
                    {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}}]},
                    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "7"}]},
                ],
                "temperature": 0.5,
            },
        ),
    ],
)
def test_what_clients_of_other_dialects_ask_arrives_at_ollama(client, body):
    """And comes back with the same meaning."""
    request = client.decode_request({"model": "a", **body})
    dropped = Dropped()
    sent = ollama_chat.encode_request(request, "m", dropped)
    ChatRequest.model_validate(sent)
    asked = ollama_chat.decode_request(json.loads(json.dumps(sent)))
    assert of_request(asked) == of_request(request)
    assert asked.messages[-1].parts[0].id == "c"
    assert dropped == set()
