"""Rules of Converse for requests: what a body means, and what other dialects' requests become."""

import base64

import pytest

from fixtures.converse_wire import problems
from gatewright.dialects import converse, messages
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

CLAUDE = "us.anthropic.claude-sonnet-4-20250514-v1:0"
NOVA = "us.amazon.nova-2-lite-v1:0"
LLAMA = "us.meta.llama4-maverick-17b-instruct-v1:0"
OPENAI = "openai.gpt-oss-120b-1:0"
HELLO = Message(role="user", parts=[Text(text="Hello")])


def encoded(*turns, model=CLAUDE, **fields):
    """The body for a chat client's request, and what was dropped."""
    dropped = Dropped()
    request = Request(dialect="chat", model="m", messages=list(turns) or [HELLO], **fields)
    body = converse.encode_request(request, model, dropped)
    assert problems(body) == ""
    return body, dropped


def decoded(*content, **fields):
    return converse.decode_request({"messages": [{"role": "user", "content": list(content)}], **fields})


def own(body):
    """A body after its own dialect."""
    return converse.encode_request(converse.decode_request(body), CLAUDE, Dropped())


def test_system_prompts_stand_apart_in_their_order():
    """Also those between the turns."""
    turns = [Message(role="system", parts=[Text(text="A")]), HELLO, Message(role="developer", parts=[Text(text="B")])]
    body, _ = encoded(*turns)
    assert body["system"] == [{"text": "A"}, {"text": "B"}]
    assert body["messages"] == [{"role": "user", "content": [{"text": "Hello"}]}]


def test_a_system_prompt_alone_is_what_the_user_says():
    """There must be a turn."""
    body, _ = encoded(Message(role="system", parts=[Text(text="A")]))
    assert body == {"messages": [{"role": "user", "content": [{"text": "A"}]}]}


def test_turns_of_one_side_become_one_and_the_user_begins():
    """The API refuses anything else."""
    body, _ = encoded(Message(role="assistant", parts=[Text(text="Hi ")]), HELLO, HELLO)
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert body["messages"][2]["content"] == [{"text": "Hello"}, {"text": "Hello"}]


def test_results_come_first_in_the_turn_after_the_call():
    """With their errors, in the letters and lengths that ids may have."""
    calls = [ToolCall(id="call|1", name="f", arguments=""), ToolCall(id="x" * 80, name="g", arguments='{"a":1}')]
    results = [ToolResult(id="call|1", parts=[Text(text="no")], error=True), ToolResult(id="x" * 80, parts=[])]
    body, _ = encoded(
        HELLO,
        Message(role="assistant", parts=calls),
        HELLO,
        Message(role="tool", parts=results),
    )
    uses = [block["toolUse"] for block in body["messages"][1]["content"]]
    assert [use["input"] for use in uses] == [{}, {"a": 1}]
    assert uses[0]["toolUseId"] == "call_1"
    assert len(uses[1]["toolUseId"]) == 64
    first, second, text = body["messages"][2]["content"]
    assert first == {"toolResult": {"toolUseId": "call_1", "content": [{"text": "no"}], "status": "error"}}
    assert second == {"toolResult": {"toolUseId": uses[1]["toolUseId"], "content": []}}
    assert text == {"text": "Hello"}


def test_tools_that_were_called_are_declared_even_when_the_request_no_longer_has_them():
    """The API refuses calls without a `toolConfig`; a choice of none cannot be said then."""
    turns = [HELLO, Message(role="assistant", parts=[ToolCall(id="a", name="f", arguments="{}")])]
    body, _ = encoded(*turns)
    schema = {"json": {"type": "object", "properties": {}}}
    assert body["toolConfig"] == {"tools": [{"toolSpec": {"name": "f", "inputSchema": schema}}]}
    tools = [Tool(name="f"), Tool(name="g")]
    body, dropped = encoded(*turns, tools=tools, choice=ToolChoice(mode="none"))
    assert len(body["toolConfig"]["tools"]) == 2
    assert dropped == {"tool_choice"}
    body, dropped = encoded(HELLO, tools=tools, choice=ToolChoice(mode="none"))
    assert "toolConfig" not in body
    assert dropped == set()


@pytest.mark.parametrize(
    ("choice", "model", "expected", "lost"),
    [
        (ToolChoice(mode="auto"), CLAUDE, None, set()),
        (ToolChoice(mode="required"), CLAUDE, {"any": {}}, set()),
        (ToolChoice(mode="named", name="f"), NOVA, {"tool": {"name": "f"}}, set()),
        (ToolChoice(mode="required"), "anthropic.claude-opus-5-5-v1", None, {"tool_choice"}),
        (ToolChoice(mode="required", parallel=False), CLAUDE, {"any": {}}, {"parallel_tool_calls"}),
        (ToolChoice(mode="auto", parallel=False), NOVA, None, {"parallel_tool_calls"}),
    ],
)
def test_a_choice_is_said_where_it_can_be(choice, model, expected, lost):
    """The default is left out, and what the model has no word for is named."""
    body, dropped = encoded(HELLO, model=model, tools=[Tool(name="f")], choice=choice)
    assert body["toolConfig"].get("toolChoice") == expected
    assert dropped == lost


def test_claude_is_told_in_its_own_word_to_call_one_tool_at_a_time():
    """Converse has none."""
    body, dropped = encoded(HELLO, tools=[Tool(name="f")], choice=ToolChoice(mode="auto", parallel=False))
    assert body["additionalModelRequestFields"] == {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
    assert dropped == set()


PIXEL = base64.b64encode(b"\x89PNG\r\n").decode()


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        (
            Media(kind="image", media_type="image/jpg", data=PIXEL),
            {"image": {"format": "jpeg", "source": {"bytes": PIXEL}}},
        ),
        (Media(kind="image", data=PIXEL), {"image": {"format": "png", "source": {"bytes": PIXEL}}}),
        (Media(kind="image", data="_-8"), {"image": {"format": "png", "source": {"bytes": "/+8="}}}),
        (
            Media(kind="video", url="s3://some-bucket/a.mp4"),
            {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://some-bucket/a.mp4"}}}},
        ),
        (
            Media(kind="audio", media_type="audio/mp3", data="AAAA"),
            {"audio": {"format": "mp3", "source": {"bytes": "AAAA"}}},
        ),
        (
            Media(kind="document", data="AAAA", name="my_report: v2.pdf"),
            {"document": {"format": "pdf", "source": {"bytes": "AAAA"}, "name": "my report v2 pdf"}},
        ),
        (
            Media(kind="document", text="abc", cited=True, name="n"),
            {"document": {"format": "txt", "source": {"text": "abc"}, "name": "n", "citations": {"enabled": True}}},
        ),
        (
            Media(kind="document", text="abc", media_type="application/json"),
            {"document": {"format": "txt", "source": {"bytes": "YWJj"}, "name": "Document"}},
        ),
    ],
)
def test_media_keep_their_content(media, expected):
    """As bytes, from S3 or as text, in a format and with a name that the API allows."""
    body, dropped = encoded(Message(role="user", parts=[Text(text="See"), media]))
    assert body["messages"][0]["content"] == [{"text": "See"}, expected]
    assert dropped == set()


@pytest.mark.parametrize(
    ("media", "name"),
    [
        (Media(kind="image", url="https://x/y.png"), "image"),
        (Media(kind="image", media_type="image/tiff", data=PIXEL), "image"),
        (Media(kind="document", file_id="file-1"), "document"),
        (Media(kind="document", media_type="application/zip", data="AAAA"), "document"),
        (Media(kind="audio", data="*"), "audio"),
    ],
)
def test_media_the_api_cannot_take_are_named(media, name):
    """Addresses on the web, files of other providers, unknown formats; alone they are the client's error."""
    _, dropped = encoded(Message(role="user", parts=[Text(text="See"), media]))
    assert dropped == {name}
    with pytest.raises(ClientError, match=f"takes no {name}"):
        encoded(Message(role="user", parts=[media]))


def test_no_two_documents_have_one_name_and_each_stands_with_a_text():
    """The API refuses both."""
    documents = [Media(kind="document", text=text) for text in "ab"]
    body, _ = encoded(Message(role="user", parts=documents))
    text, *found = body["messages"][0]["content"]
    assert [block["document"]["name"] for block in found] == ["Document", "Document 2"]
    assert text == {"text": "Document"}


def test_signed_thoughts_go_back_and_unsigned_ones_are_named():
    """Makers that sign take no others back."""
    parts = [Reasoning(text="hm", signature="s"), Reasoning(sealed="AAAA"), Text(text="a")]
    body, dropped = encoded(HELLO, Message(role="assistant", parts=parts), HELLO)
    assert body["messages"][1]["content"][:2] == [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": "AAAA"}},
    ]
    assert dropped == set()
    _, dropped = encoded(HELLO, Message(role="assistant", parts=[Reasoning(text="hm"), Text(text="a")]), HELLO)
    assert dropped == {"reasoning"}


@pytest.mark.parametrize(
    ("model", "asked", "expected", "lost"),
    [
        (CLAUDE, {"effort": "low"}, {"thinking": {"type": "enabled", "budget_tokens": 2048}}, set()),
        (CLAUDE, {"thinking_tokens": 5000}, {"thinking": {"type": "enabled", "budget_tokens": 5000}}, set()),
        (
            CLAUDE,
            {"effort": "high", "max_tokens": 4000},
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
            set(),
        ),
        (CLAUDE, {"effort": "high", "max_tokens": 1000}, None, {"reasoning_effort"}),
        (CLAUDE, {"effort": "none"}, None, set()),
        ("anthropic.claude-3-haiku-20240307-v1:0", {"effort": "low"}, None, {"reasoning_effort"}),
        ("anthropic.claude-opus-4-7", {"thinking_tokens": 9000}, {"thinking": {"type": "adaptive"}}, set()),
        ("anthropic.claude-opus-4-7", {"effort": "none"}, {"thinking": {"type": "disabled"}}, set()),
        ("anthropic.claude-opus-5-5", {"effort": "none"}, None, {"reasoning_effort"}),
        (OPENAI, {"effort": "minimal"}, {"reasoning_effort": "low"}, set()),
        (OPENAI, {"thinking_tokens": 20_000}, {"reasoning_effort": "high"}, set()),
        (OPENAI, {"effort": "none"}, None, {"reasoning_effort"}),
        (NOVA, {"effort": "high"}, {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}, set()),
        (
            NOVA,
            {"effort": "max", "max_tokens": 9},
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}},
            set(),
        ),
        (LLAMA, {"effort": "low"}, None, {"reasoning_effort"}),
        (LLAMA, {"effort": "none"}, None, set()),
    ],
)
def test_thought_is_asked_for_in_the_words_of_the_models_maker(model, asked, expected, lost):
    """As an effort or as a number of tokens, below the most the answer may have."""
    body, dropped = encoded(HELLO, model=model, **asked)
    assert body.get("additionalModelRequestFields") == expected
    assert dropped == lost


@pytest.mark.parametrize("model", [CLAUDE, OPENAI, NOVA, "anthropic.claude-opus-4-7"])
def test_thought_asked_for_is_read_again(model):
    """In whichever words it was said."""
    body, _ = encoded(HELLO, model=model, effort="low")
    request = converse.decode_request(body)
    assert (request.effort, request.thinking_tokens) == ((None, 2048) if model == CLAUDE else ("low", None))
    assert own(body) == body


def test_claude_that_thinks_by_effort_is_told_the_effort():
    """The nearest that it knows."""
    assert encoded(HELLO, model="anthropic.claude-opus-4-6-v1", effort="xhigh")[0]["outputConfig"] == {"effort": "high"}


def test_claude_does_not_think_beside_a_forced_call_or_amid_unsigned_ones():
    """It refuses both."""
    forced = {"tools": [Tool(name="f")], "choice": ToolChoice(mode="required")}
    assert encoded(HELLO, effort="low", **forced)[1] == {"reasoning_effort"}
    call = Message(role="assistant", parts=[ToolCall(id="a", name="f", arguments="")])
    result = Message(role="tool", parts=[ToolResult(id="a", parts=[Text(text="1")])])
    assert encoded(HELLO, call, result, effort="low", tools=[Tool(name="f")])[1] == {"reasoning_effort"}


@pytest.mark.parametrize(
    ("model", "asked", "expected", "lost"),
    [
        (LLAMA, {"temperature": 1.5, "top_p": 0.5}, {"temperature": 1, "topP": 0.5}, {"temperature"}),
        (LLAMA, {"max_tokens": 7, "stop": ["a", " "]}, {"maxTokens": 7, "stopSequences": ["a"]}, {"stop"}),
        ("claude-sonnet-4-5", {"temperature": 0.5, "top_p": 0.5}, {"temperature": 0.5}, {"top_p"}),
        ("claude-opus-4-7", {"temperature": 0.5, "top_p": 1}, None, {"temperature"}),
        ("claude-3-7-sonnet", {"temperature": 0.5, "effort": "low"}, None, {"temperature"}),
    ],
)
def test_samplers_are_set_within_what_the_model_takes(model, asked, expected, lost):
    """What is left out although it would have changed something is named."""
    body, dropped = encoded(HELLO, model=model, **asked)
    assert body.get("inferenceConfig") == expected
    assert dropped == lost


@pytest.mark.parametrize(
    ("model", "expected", "lost"),
    [
        (CLAUDE, {"top_k": 5}, set()),
        (NOVA, {"inferenceConfig": {"topK": 5}}, set()),
        (LLAMA, None, {"top_k"}),
    ],
)
def test_top_k_has_a_place_by_maker_in_both_directions(model, expected, lost):
    """The API has none for all."""
    body, dropped = encoded(HELLO, model=model, top_k=5)
    assert body.get("additionalModelRequestFields") == expected
    assert dropped == lost
    if expected:
        assert converse.decode_request(body).top_k == 5
        assert own(body) == body


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"]}


def test_a_schema_is_enforced_where_the_model_can():
    """Closed, as text, with its name."""
    shape = OutputFormat(schema=SCHEMA, name="s", strict=True, rest={"description": "d"})
    body, dropped = encoded(HELLO, model="google.gemma-3-27b-it", output=shape)
    wanted = body["outputConfig"]["textFormat"]
    assert (wanted["type"], wanted["structure"]["jsonSchema"]["name"]) == ("json_schema", "s")
    assert wanted["structure"]["jsonSchema"]["description"] == "d"
    output = converse.decode_request(body).output
    assert output.schema["additionalProperties"] is False
    assert "minimum" not in output.schema["properties"]["a"]
    assert dropped == set()


@pytest.mark.parametrize("shape", [OutputFormat(schema=SCHEMA), OutputFormat()])
def test_a_schema_is_asked_for_where_the_model_cannot(shape):
    """In the system prompt, and named as not enforced."""
    body, dropped = encoded(HELLO, model=NOVA, output=shape)
    assert "JSON" in body["system"][-1]["text"]
    assert "outputConfig" not in body
    assert dropped == {"response_format"}


def test_strict_tools_are_strict_where_the_model_can():
    """And named elsewhere."""
    tool = Tool(name="f", description="does", schema=SCHEMA, strict=True)
    body, dropped = encoded(HELLO, model="claude-sonnet-4-5", tools=[tool])
    spec = body["toolConfig"]["tools"][0]["toolSpec"]
    assert (spec["strict"], spec["description"]) == (True, "does")
    assert spec["inputSchema"]["json"]["additionalProperties"] is False
    assert dropped == set()
    assert encoded(HELLO, model=NOVA, tools=[tool])[1] == {"strict"}


def test_cache_control_becomes_cache_points_and_back():
    """On texts, on system prompts and on Claude's tools, with their time."""
    control = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    point = {"cachePoint": {"type": "default", "ttl": "1h"}}
    asked = {
        "max_tokens": 5,
        "system": [{"type": "text", "text": "S", **control}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "A", **control}]}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}, **control}],
    }
    dropped = Dropped()
    body = converse.encode_request(messages.decode_request(asked), CLAUDE, dropped)
    assert body["system"] == [{"text": "S"}, point]
    assert body["messages"][0]["content"] == [{"text": "A"}, point]
    assert body["toolConfig"]["tools"][1] == point
    again = messages.encode_request(converse.decode_request(body), "claude-sonnet-4", dropped)
    assert (again["system"], again["messages"]) == (asked["system"], asked["messages"])
    assert again["tools"] == asked["tools"]
    assert dropped == set()
    assert own(body) == body
    converse.encode_request(messages.decode_request(asked), LLAMA, dropped)
    assert dropped == {"cache_control"}


def test_a_cache_point_outlives_a_blank_text():
    """The text goes, for the API refuses it; what came before is still cached."""
    blank = Text(text="\n", rest={"cache_control": {"type": "ephemeral"}})
    body, dropped = encoded(Message(role="user", parts=[Text(text="A"), blank]))
    assert body["messages"][0]["content"] == [{"text": "A"}, {"cachePoint": {"type": "default"}}]
    assert dropped == set()


def test_what_the_api_has_no_word_for_is_named():
    """By the names of chat."""
    _, dropped = encoded(
        HELLO,
        seed=1,
        candidates=2,
        presence_penalty=1.0,
        frequency_penalty=1.0,
        logprobs=True,
        top_logprobs=2,
        user="u",
        service_tier="scale",
        rest={"store": True},
    )
    names = {"seed", "n", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "user", "service_tier"}
    assert dropped == names | {"store"}
    assert encoded(HELLO, service_tier="flex")[0]["serviceTier"] == {"type": "flex"}


def test_guarded_text_is_text_to_others():
    """What it is to the guardrail is for this API only."""
    guard = {"guardContent": {"text": {"text": "Hi", "qualifiers": ["query"]}}}
    image = {"guardContent": {"image": {"format": "png", "source": {"bytes": PIXEL}}}}
    request = decoded(guard, image)
    text, picture = request.messages[0].parts
    assert (text.text, picture.data) == ("Hi", PIXEL)
    assert own({"messages": [{"role": "user", "content": [guard, image]}]})["messages"][0]["content"] == [guard, image]


BODIES = [
    {"messages": []},
    {"messages": None, "system": [], "inferenceConfig": {}, "toolConfig": {"tools": []}},
    {"messages": [{"role": "system", "content": [{"text": "S"}]}]},
    {"messages": [{"role": "user", "content": [{"cachePoint": {"type": "default"}}, {"text": "a"}]}]},
    {
        "messages": [
            {"role": "user", "content": [{"text": "a"}, {"cachePoint": {}}, {"cachePoint": {"type": "default"}}]}
        ]
    },
    {"messages": [{"role": "user", "content": [{"text": "a", "x": 1}, {}, {"text": None, "image": None}]}]},
    {
        "messages": [
            {"role": "user", "content": [{"searchResult": {"source": "s", "title": "t", "content": [{"text": "x"}]}}]}
        ]
    },
    {"messages": [{"role": "user", "content": [{"document": {"name": "n", "source": {"content": [{"text": "x"}]}}}]}]},
    {
        "messages": [
            {
                "role": "user",
                "content": [
                    {
                        "document": {
                            "format": "new",
                            "name": "n",
                            "context": "c",
                            "citations": {"enabled": False},
                            "source": {"s3Location": {"uri": "s3://b/k", "bucketOwner": "1"}},
                        }
                    }
                ],
            }
        ]
    },
    {
        "messages": [
            {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "", "signature": "s"}}},
                    {"toolUse": {"toolUseId": "a", "name": "f", "input": {}, "type": "tool_use"}},
                    {"toolUse": {"toolUseId": "a", "name": "f", "input": [1]}},
                    {"citationsContent": {"content": [{"text": "c"}], "citations": [{"title": "t"}]}},
                    {
                        "citationsContent": {
                            "citations": [{"location": {"documentPage": {"documentIndex": 1, "start": 2}}}]
                        }
                    },
                ],
            }
        ]
    },
    {
        "toolConfig": {
            "tools": [
                {"cachePoint": {"type": "default"}},
                {"systemTool": {"name": "s"}},
                {"cachePoint": {"type": "default"}},
                {"toolSpec": {"name": "f", "inputSchema": {"json": {}}, "more": 1}},
                {"cachePoint": {"type": "default"}},
                {"toolSpec": {"name": "g", "inputSchema": {}}},
            ],
            "toolChoice": {"auto": {}},
        },
        "additionalModelRequestFields": {"thinking": {"type": "disabled"}, "reasoning_effort": "low", "x": {}},
        "serviceTier": {"type": "flex"},
        "requestMetadata": {"a": "b"},
    },
    {"additionalModelRequestFields": {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}},
    {"additionalModelRequestFields": {}, "outputConfig": {"effort": "new"}, "toolConfig": {"toolChoice": {"new": {}}}},
]


@pytest.mark.parametrize("body", BODIES)
def test_every_way_to_write_a_request_is_kept(body):
    """Absent, null, empty and unknown stay what they were, in their places."""
    assert own(body) == body


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([], "The body must be an object"),
        ({"messages": {}}, "messages must be a list"),
        ({"messages": [{"role": "tool", "content": []}]}, r"messages\[0\].role must be one of"),
        ({"messages": [{"role": "user", "content": "x"}]}, r"messages\[0\].content must be a list"),
        (
            {"messages": [{"role": "user", "content": [{"text": 1}]}]},
            r"messages\[0\].content\[0\].text must be a string",
        ),
        ({"messages": [{"role": "user", "content": [{"image": {"source": {}}}]}]}, r"image.source.bytes is required"),
        ({"system": [1]}, r"system\[0\] must be an object"),
        ({"inferenceConfig": {"maxTokens": "1"}}, "inferenceConfig.maxTokens must be a whole number"),
        ({"inferenceConfig": {"stopSequences": [1]}}, "inferenceConfig.stopSequences must be a list of strings"),
        (
            {"toolConfig": {"tools": [{"toolSpec": {"name": "f"}}]}},
            r"toolConfig.tools\[0\].toolSpec.inputSchema is required",
        ),
        (
            {"outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{"}}}}},
            "jsonSchema.schema must be a JSON Schema",
        ),
    ],
)
def test_what_is_wrong_is_named(body, says):
    """The field and what it must be."""
    with pytest.raises(ClientError, match=says):
        converse.decode_request(body)


def test_another_providers_own_parts_are_named():
    """They mean nothing here."""
    part = Native(rest={"type": "web_search_call"})
    assert encoded(HELLO, Message(role="assistant", parts=[part]), HELLO)[1] == {"web_search_call"}
