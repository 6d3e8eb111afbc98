"""Requests of Cohere's v2 chat API, and those of other dialects as ones it accepts."""

import base64

import pytest

from gatewright.dialects import chat, cohere, generate_content, messages, responses
from gatewright.dialects.cohere.schema import fitted
from gatewright.dialects.conversation import (
    Citation,
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

HI = {"role": "user", "content": "Hi"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}
PIXEL = "data:image/png;base64,iVBORw0KGgo="
EVERYTHING = {
    "model": "command-a",
    "stream": True,
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "x": 1}},
                {"type": "hologram", "y": 2},
            ],
        },
        {
            "role": "assistant",
            "tool_plan": "I will call.",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": "b"}'}}],
        },
        {
            "role": "tool",
            "tool_call_id": "c1",
            "content": [
                {"type": "document", "document": {"id": "d1", "data": {"title": "T", "text": "Found"}}},
                {"type": "text", "text": "more"},
            ],
        },
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Found it."}],
            "citations": [
                {
                    "start": 0,
                    "end": 5,
                    "text": "Found",
                    "sources": [{"type": "tool", "id": "c1:0", "tool_output": {"content": "Found"}}],
                    "type": "TEXT_CONTENT",
                    "content_index": 1,
                },
                {"start": 0, "end": 2, "text": "Hm", "sources": [], "type": "THINKING_CONTENT", "content_index": 0},
            ],
        },
        HI,
    ],
    "tools": [TOOL],
    "strict_tools": True,
    "tool_choice": "REQUIRED",
    "documents": ["plain", {"id": "mine", "data": {"text": "T", "title": "N"}}, {"data": {"a": 1}}],
    "citation_options": {"mode": "FAST"},
    "response_format": {"type": "json_object", "json_schema": SCHEMA},
    "safety_mode": "STRICT",
    "stop_sequences": ["x"],
    "max_tokens": 9,
    "temperature": 0.5,
    "k": 3,
    "p": 0.9,
    "seed": 7,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.2,
    "logprobs": True,
    "thinking": {"type": "enabled", "token_budget": 500},
    "priority": 2,
}


def asked(*turns, model="command-a-reasoning-08-2025", **fields):
    """The body for a request of another dialect, and what was dropped."""
    dropped = Dropped()
    given = turns or (Message(role="user", parts=[Text(text="Hi")]),)
    request = Request(dialect="chat", model="endpoint", messages=list(given), **fields)
    return cohere.encode_request(request, model, dropped), dropped


def user(*parts):
    return Message(role="user", parts=list(parts))


def called(*calls, said=()):
    return Message(role="assistant", parts=[*said, *(ToolCall(id=one, name="f", arguments="") for one in calls)])


def test_every_field_survives_its_own_dialect():
    """Also blocks and fields that no recording has."""
    dropped = Dropped()
    request = cohere.decode_request(EVERYTHING)
    assert cohere.encode_request(request, "command-a", dropped) == EVERYTHING
    assert dropped == set()


def test_every_field_that_others_share_is_understood():
    """The model has it in its own words."""
    request = cohere.decode_request(EVERYTHING)
    assert (request.max_tokens, request.temperature, request.top_p, request.top_k) == (9, 0.5, 0.9, 3)
    assert (request.seed, request.presence_penalty, request.frequency_penalty) == (7, 0.1, 0.2)
    assert (request.stop, request.logprobs, request.thinking_tokens) == (["x"], True, 500)
    assert (request.choice.mode, request.tools[0].strict, request.output.schema) == ("required", True, SCHEMA)
    picture = request.messages[1].parts[1]
    assert (picture.media_type, picture.data, picture.detail) == ("image/png", "iVBORw0KGgo=", "low")
    plan, call = request.messages[2].parts
    assert (plan.text, call.arguments) == ("I will call.", '{"a": "b"}')
    assert [part.text for part in request.messages[3].parts[0].parts] == ["Found", "more"]
    said = request.messages[4].parts[1]
    assert [(one.quote, one.source, one.start, one.end) for one in said.citations] == [("Found", "c1:0", 0, 5)]
    documents = request.messages[5].parts[:3]
    assert [(part.text, part.name, part.cited) for part in documents] == [
        ("plain", None, True),
        ("T", "N", True),
        ('{"a":1}', None, True),
    ]


def test_documents_without_a_user_or_to_be_left_uncited_stay_what_they_are():
    """They are told as uncited where citations are off, and stay where they were where nobody asks."""
    body = {"model": "m", "messages": [HI], "documents": ["d"], "citation_options": {"mode": "OFF"}}
    assert cohere.decode_request(body).messages[0].parts[0].cited is False
    lonely = {"model": "m", "messages": [{"role": "system", "content": "s"}], "documents": ["d"]}
    assert cohere.encode_request(cohere.decode_request(lonely), "m", Dropped()) == lonely


@pytest.mark.parametrize(
    ("thinking", "tokens"),
    [({"type": "disabled"}, 0), ({"type": "enabled"}, -1), ({"token_budget": 5}, 5)],
)
def test_every_way_to_say_how_much_to_think_is_read(thinking, tokens):
    """Without a budget the model thinks as much as it likes."""
    request = cohere.decode_request({"model": "m", "messages": [HI], "thinking": thinking})
    assert request.thinking_tokens == tokens
    assert cohere.encode_request(request, "m", Dropped())["thinking"] == thinking


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"messages": "Hi"}, "messages must be a list."),
        ({"messages": [{"role": "robot"}]}, r"messages\[0\].role must be one of system, user"),
        ({"messages": [{"role": "user", "content": 1}]}, r"messages\[0\].content must be a string or a list"),
        ({"messages": [{"role": "user", "content": [{"text": "a"}]}]}, r"messages\[0\].content\[0\].type is required"),
        ({"messages": [{"role": "tool", "content": "a"}]}, r"messages\[0\].tool_call_id is required"),
        (
            {"messages": [{"role": "user", "content": [{"type": "document", "document": {}}]}]},
            r"content\[0\].document.data is required",
        ),
        ({"tool_choice": "f"}, "tool_choice must be one of REQUIRED, NONE"),
        ({"response_format": {"type": "xml"}}, "response_format.type must be one of text, json_object"),
        ({"stop_sequences": [1]}, "stop_sequences must be a list of strings"),
        ({"documents": [{"id": "a"}]}, r"documents\[0\].data is required"),
        ({"temperature": "hot"}, "temperature must be a number"),
    ],
)
def test_a_wrong_field_is_named(fields, message):
    """With its path in the body."""
    with pytest.raises(ClientError, match=message):
        cohere.decode_request({"model": "m", "messages": [HI]} | fields)


def test_the_least_request_of_another_dialect_is_whole():
    """`stream` is always said, as the reference requires."""
    body, dropped = asked()
    assert body == {"model": "command-a-reasoning-08-2025", "messages": [HI], "stream": False}
    assert dropped == set()


def test_results_follow_all_calls_of_their_turn():
    """What was said between waits until after the last result, and a call has an object for its arguments."""
    body, dropped = asked(
        user(Text(text="Hi")),
        called("a", said=[Text(text="One."), Reasoning(text="Plan.")]),
        called("b"),
        user(Text(text="Wait"), ToolResult(id="a", parts=[Text(text="1")])),
        Message(role="tool", parts=[ToolResult(id="b", parts=[Text(text="2"), Text(text="3")], error=True)]),
    )
    call = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    failed = [{"type": "text", "text": text} for text in ("Error:", "2", "3")]
    assert body["messages"] == [
        HI,
        {
            "role": "assistant",
            "tool_calls": [{"id": "a", **call}, {"id": "b", **call}],
            "tool_plan": "Plan.",
            "content": "One.",
        },
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": failed},
        {"role": "user", "content": "Wait"},
    ]
    assert dropped == set()


def test_a_thought_without_calls_is_a_block():
    """There is nothing it would be the plan of."""
    body, dropped = asked(Message(role="assistant", parts=[Reasoning(text="Hm."), Text(text="Yes")]))
    said = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes"}]
    assert body["messages"] == [{"role": "assistant", "content": said}]
    assert dropped == set()


def test_what_a_turn_cannot_hold_is_named():
    """Sealed thoughts, signatures, citations, sound, and what only another dialect knows."""
    body, dropped = asked(
        user(
            Text(text="Hi"),
            Media(kind="audio", data="aa"),
            Media(kind="image", file_id="f"),
            Native(rest={"type": "n"}),
        ),
        Message(
            role="assistant",
            parts=[
                Reasoning(sealed="s"),
                Text(text="Yes", citations=[Citation(url="u")]),
                Media(kind="image", url="https://example.com/a.png"),
            ],
        ),
        Message(role="assistant", parts=[ToolCall(id="a", name="f", arguments="{}", signature="s")]),
    )
    assert dropped == {"audio", "image", "n", "reasoning", "citations", "assistant media", "signature"}
    assert [message["role"] for message in body["messages"]] == ["user", "assistant"]
    assert "signature" not in body["messages"][1]["tool_calls"][0]


def test_images_keep_their_data_address_and_detail():
    """Those of a result, which cannot hold any, follow as the user's."""
    image = Media(kind="image", media_type="image/gif", data="R0lG", detail="high")
    linked = Media(kind="image", url="https://example.com/a.png")
    body, dropped = asked(user(Text(text="See"), image), called("a"), user(ToolResult(id="a", parts=[linked])))
    shown = {"type": "image_url", "image_url": {"url": "data:image/gif;base64,R0lG", "detail": "high"}}
    assert body["messages"][0]["content"] == [{"type": "text", "text": "See"}, shown]
    assert body["messages"][2] == {"role": "tool", "tool_call_id": "a", "content": "The result follows."}
    assert body["messages"][3]["content"][1]["image_url"] == {"url": "https://example.com/a.png"}
    assert dropped == set()


def test_documents_to_be_cited_stand_beside_the_messages():
    """Others are text, and so are all where there are tools or a schema, which the API does not take together."""
    told = base64.b64encode("Grün".encode()).decode()
    cited = Media(kind="document", text="Red", name="A", cited=True)
    plain = Media(kind="document", media_type="text/plain", data=told)
    pdf = Media(kind="document", media_type="application/pdf", data="JVBERi0=")
    body, dropped = asked(user(Text(text="Hi"), cited, plain, pdf))
    assert body["documents"] == [{"id": "doc:0", "data": {"text": "Red", "title": "A"}}]
    assert body["messages"][0]["content"] == [{"type": "text", "text": text} for text in ("Hi", "Grün")]
    assert dropped == {"document"}
    body, _ = asked(user(Text(text="Hi"), cited), tools=[Tool(name="f")])
    assert "documents" not in body
    assert body["messages"][0]["content"][1] == {"type": "text", "text": "A\n\nRed"}
    alone, _ = asked(user(cited))
    assert (alone["messages"], "documents" in alone) == ([{"role": "user", "content": "Red"}], False)


def test_documents_of_a_result_stay_documents():
    """A tool's message takes them, so that they can be cited."""
    found = Media(kind="document", text="Red", name="A")
    body, _ = asked(called("a"), user(ToolResult(id="a", parts=[found])))
    assert body["messages"][1]["content"] == [
        {"type": "document", "document": {"data": {"text": "Red", "title": "A"}}},
    ]


def test_operators_speak_in_system_messages_in_their_place():
    """All of them, also those that other APIs call developers'; a request of them alone is asked as the user."""
    body, _ = asked(
        Message(role="developer", parts=[Text(text="a")]),
        user(Text(text="Hi")),
        Message(role="system", parts=[Text(text="b")]),
    )
    assert [(one["role"], one["content"]) for one in body["messages"]] == [
        ("system", "a"),
        ("user", "Hi"),
        ("system", "b"),
    ]
    alone, _ = asked(Message(role="system", parts=[Text(text="a")]))
    assert alone["messages"] == [{"role": "user", "content": "a"}]
    with pytest.raises(ClientError, match="at least one message"):
        asked(user(Text(text=" ")))


@pytest.mark.parametrize(
    ("choice", "said", "names", "lost"),
    [
        (ToolChoice(mode="auto", parallel=True), None, ["f", "g"], set()),
        (ToolChoice(mode="required"), "REQUIRED", ["f", "g"], set()),
        (ToolChoice(mode="none"), "NONE", ["f", "g"], set()),
        (ToolChoice(mode="named", name="g"), "REQUIRED", ["g"], set()),
        (ToolChoice(mode="auto", parallel=False), None, ["f", "g"], {"parallel_tool_calls"}),
    ],
)
def test_every_tool_choice_is_said(choice, said, names, lost):
    """A named tool is the only one left, and must be called."""
    body, dropped = asked(tools=[Tool(name="f"), Tool(name="g", description="d", schema=SCHEMA)], choice=choice)
    assert body.get("tool_choice") == said
    assert [tool["function"]["name"] for tool in body["tools"]] == names
    assert dropped == lost


def test_a_named_tool_must_be_among_the_tools():
    """Nothing else could be called."""
    with pytest.raises(ClientError, match="names 'x', which is none of the tools"):
        asked(tools=[Tool(name="f")], choice=ToolChoice(mode="named", name="x"))


def test_strict_tools_are_one_switch_for_all():
    """It is set when all are strict and have fields; else what was asked for is named."""
    strict = Tool(name="f", schema=SCHEMA | {"maxProperties": 3}, strict=True)
    body, dropped = asked(tools=[strict])
    assert body["strict_tools"] is True
    assert body["tools"][0]["function"]["parameters"] == SCHEMA | {"description": '{"maxProperties":3}'}
    assert dropped == set()
    body, dropped = asked(tools=[strict, Tool(name="g", strict=True)])
    assert "strict_tools" not in body
    assert body["tools"][1]["function"]["parameters"] == {"type": "object", "properties": {}}
    assert dropped == {"strict"}


def test_a_schema_is_enforced_where_it_can_be():
    """Beside tools, and where it is of no object, it is asked for in words after the system prompts."""
    body, dropped = asked(output=OutputFormat(schema=SCHEMA, name="n", strict=True))
    assert body["response_format"] == {"type": "json_object", "json_schema": SCHEMA}
    assert dropped == set()
    assert asked(output=OutputFormat())[0]["response_format"] == {"type": "json_object"}
    system = Message(role="system", parts=[Text(text="s")])
    for fields in (
        {"output": OutputFormat(schema={"type": "array"})},
        {"output": OutputFormat(), "tools": [Tool(name="f")]},
    ):
        body, dropped = asked(system, user(Text(text="Hi")), **fields)
        assert "response_format" not in body
        assert [one["role"] for one in body["messages"]] == ["system", "system", "user"]
        assert "JSON" in body["messages"][1]["content"]
        assert dropped == {"response_format"}


def test_a_schema_is_kept_to_the_keywords_the_api_knows():
    """What goes is said in the description, every object has a required field, and `oneOf` is `anyOf`."""
    schema = {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "minimum": 1, "description": "A number."},
            "s": {"type": "string", "format": "email", "pattern": "^a$"},
            "d": {"type": "string", "format": "date", "pattern": "[a-z]"},
            "u": {"oneOf": [{"type": "null"}, {"type": "array", "items": {"type": "string", "maxLength": 2}}]},
            "o": {"type": "object", "properties": {"x": {}}, "additionalProperties": False},
        },
        "required": ["n"],
    }
    assert fitted(schema) == {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "description": 'A number.\n\n{"minimum":1}'},
            "s": {"type": "string", "description": '{"format":"email","pattern":"^a$"}'},
            "d": {"type": "string", "format": "date", "pattern": "[a-z]"},
            "u": {
                "anyOf": [
                    {"type": "null"},
                    {"type": "array", "items": {"type": "string", "description": '{"maxLength":2}'}},
                ]
            },
            "o": {"type": "object", "properties": {"x": {}}, "additionalProperties": False, "required": ["x"]},
        },
        "required": ["n"],
    }
    both = fitted({"anyOf": [{"type": "string"}], "oneOf": [{"type": "null"}]})
    assert both == {"anyOf": [{"type": "string"}], "description": '{"oneOf":[{"type":"null"}]}'}


@pytest.mark.parametrize(
    ("fields", "thinking"),
    [
        ({"effort": "none"}, {"type": "disabled"}),
        ({"thinking_tokens": 0}, {"type": "disabled"}),
        ({"effort": "low"}, {"type": "enabled", "token_budget": 2048}),
        ({"effort": "high"}, {"type": "enabled"}),
        ({"thinking_tokens": -1}, {"type": "enabled"}),
        ({"thinking_tokens": 700}, {"type": "enabled", "token_budget": 700}),
        ({"thinking_tokens": 7000, "max_tokens": 4000}, {"type": "enabled", "token_budget": 3000}),
        ({"effort": "low", "max_tokens": 100}, {"type": "enabled", "token_budget": 1}),
    ],
)
def test_every_amount_of_thought_is_said(fields, thinking):
    """A budget leaves room for the answer."""
    body, dropped = asked(**fields)
    assert body["thinking"] == thinking
    assert dropped == set()


def test_a_model_that_does_not_think_is_not_asked_to():
    """Not to think is what it does anyway."""
    body, dropped = asked(model="command-r7b-12-2024", effort="high")
    assert ("thinking" in body, dropped) == (False, {"reasoning_effort"})
    body, dropped = asked(model="command-a-03-2025", effort="none")
    assert ("thinking" in body, dropped) == (False, set())


def test_samplers_are_kept_within_their_limits():
    """A changed one is named, but for a `top_p` of 1: there is no more than 0.99."""
    body, dropped = asked(temperature=0.2, top_p=1, top_k=9, seed=3, max_tokens=5, stop=["a", ""], logprobs=True)
    assert (body["temperature"], body["p"], body["k"], body["seed"]) == (0.2, 0.99, 9, 3)
    assert (body["max_tokens"], body["stop_sequences"], body["logprobs"]) == (5, ["a"], True)
    assert dropped == {"stop"}
    body, dropped = asked(top_k=900, presence_penalty=-1.0, frequency_penalty=1.5, stop=list("abcdef"))
    assert (body["k"], body["presence_penalty"], body["frequency_penalty"]) == (500, 0.0, 1.0)
    assert body["stop_sequences"] == list("abcde")
    assert dropped == {"top_k", "presence_penalty", "frequency_penalty", "stop"}


def test_what_the_api_has_no_word_for_is_named():
    """By the names of chat completions; a default tier is no loss."""
    _, dropped = asked(candidates=2, top_logprobs=3, user="u", service_tier="flex", rest={"logit_bias": {"1": 2}})
    assert dropped == {"n", "top_logprobs", "user", "service_tier", "logit_bias"}
    assert asked(candidates=1, service_tier="auto")[1] == set()


@pytest.mark.parametrize("dialect", [chat, messages, generate_content, responses], ids=lambda one: one.NAME)
def test_everything_said_reaches_providers_of_other_dialects(dialect):
    """Documents, plans and results included; what only Cohere knows is named."""
    dropped = Dropped()
    body = str(dialect.encode_request(cohere.decode_request(EVERYTHING), "m", dropped))
    for said in ("Be brief.", "Look", "iVBORw0KGgo=", "https://example.com/a.png", "Found it.", "Hi", "plain", "more"):
        assert said in body or base64.b64encode(said.encode()).decode() in body
    assert {"safety_mode", "citation_options", "priority"} <= dropped
