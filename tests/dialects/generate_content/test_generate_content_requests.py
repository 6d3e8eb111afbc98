"""Requests between Gemini's API and every other: what a field becomes, and what is said of what is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from gatewright.dialects.generate_content import decode_request, encode_request
from gatewright.errors import ClientError

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def said(text):
    return [{"role": "user", "parts": [{"text": text}]}]


def message(role, *parts):
    return Message(role=role, parts=list(parts))


def written(*messages, model="gemini-2.5-flash", **fields):
    """A request of another dialect as Gemini gets it, and what was left out."""
    dropped = Dropped()
    asked = list(messages) or [message("user", Text(text="Hi"))]
    return encode_request(Request(dialect="other", model="m", messages=asked, **fields), model, dropped), set(dropped)


def test_both_spellings_are_read_and_written_again():
    """CamelCase and snake_case, at every level."""
    body = {
        "contents": [{"parts": {"text": "Hi"}}],
        "system_instruction": {"parts": [{"text": "Be brief."}], "role": "system"},
        "generation_config": {
            "max_output_tokens": 5,
            "stop_sequences": ["x"],
            "thinking_config": {"thinking_budget": 9},
        },
        "tools": {"function_declarations": {"name": "f", "parameters_json_schema": SCHEMA}},
        "tool_config": {"function_calling_config": {"mode": "any", "allowed_function_names": ["f"]}},
        "safety_settings": [{"category": "c", "threshold": "t"}],
    }
    request = decode_request(body)
    assert [one.role for one in request.messages] == ["system", "user"]
    assert (request.max_tokens, request.stop, request.thinking_tokens) == (5, ["x"], 9)
    assert request.tools[0].schema == SCHEMA
    assert request.choice == ToolChoice(mode="named", name="f")
    assert set(request.rest) == {"safety_settings"}
    assert encode_request(request, "m", Dropped()) == body


def test_an_edited_request_keeps_its_form():
    """What was changed on the way is written, in the spelling that came."""
    request = decode_request({"contents": said("secret"), "generation_config": {"max_output_tokens": 5}, "tools": []})
    request.messages[0].parts[0].text = "[redacted]"
    request.max_tokens = 6
    request.tools.append(Tool(name="f"))
    assert encode_request(request, "m", Dropped()) == {
        "contents": said("[redacted]"),
        "generation_config": {"max_output_tokens": 6},
        "tools": [{"functionDeclarations": [{"name": "f"}]}],
    }


def test_googles_schema_becomes_json_schema():
    """Types in lower case, null as a type, numbers as numbers; Google's own fields are gone."""
    google = {
        "type": "OBJECT",
        "properties": {
            "type": {"type": "STRING", "nullable": True, "enum": ["a"]},
            "many": {"type": "ARRAY", "items": {"type": "INTEGER"}, "max_items": "3"},
            "any": {"any_of": [{"type": "NUMBER"}, {"type": "BOOLEAN"}], "nullable": True},
        },
        "propertyOrdering": ["type"],
    }
    request = decode_request(
        {"contents": [], "tools": [{"functionDeclarations": [{"name": "f", "parameters": google}]}]}
    )
    assert request.tools[0].schema == {
        "type": "object",
        "properties": {
            "type": {"type": ["string", "null"], "enum": ["a", None]},
            "many": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
            "any": {"anyOf": [{"type": "number"}, {"type": "boolean"}, {"type": "null"}]},
        },
    }


def test_calls_and_results_without_ids_are_tied_by_name_and_order():
    """Two calls of one tool: the first result is the first call's; ids are the same each time."""
    call = {"functionCall": {"name": "f", "args": {}}}
    result = {"functionResponse": {"name": "f", "response": {"output": "x"}}}
    body = {"contents": [{"role": "model", "parts": [call, call]}, {"role": "function", "parts": [result, result]}]}
    request = decode_request(body)
    calls, results = request.messages[0].parts, request.messages[1].parts
    assert [one.id for one in calls] == [one.id for one in results]
    assert calls[0].id != calls[1].id
    assert request.messages[1].role == "tool"
    assert decode_request(body) == request
    assert encode_request(request, "m", Dropped()) == body


@pytest.mark.parametrize(
    ("response", "text", "error"),
    [
        ({"output": "plain"}, "plain", None),
        ({"result": [1, 2]}, "[1,2]", None),
        ({"error": "broken"}, "broken", True),
        ({"temperature": 20}, '{"temperature":20}', None),
        ({"output": "a", "error": "b"}, '{"output":"a","error":"b"}', None),
        ({"output": None}, "null", None),
    ],
)
def test_what_a_tool_answered_becomes_text(response, text, error):
    """The one answer field, or else the whole object as JSON."""
    body = {"contents": [{"role": "user", "parts": [{"functionResponse": {"name": "f", "response": response}}]}]}
    request = decode_request(body)
    result = request.messages[0].parts[0]
    assert ([part.text for part in result.parts], result.error) == ([text], error)
    assert encode_request(request, "m", Dropped()) == body


def test_media_have_a_kind_and_standard_base64():
    """By MIME type; bytes in Google's other alphabet; files of Google are named, others are linked."""
    parts = [
        {"inlineData": {"mimeType": "image/png", "data": "-_8"}},
        {"inlineData": {"mimeType": "text/plain", "data": "TVRJeg=="}},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://bucket/film"}},
        {"fileData": {"fileUri": "https://example.com/a.mp3", "mimeType": "audio/mpeg"}},
    ]
    body = {"contents": [{"role": "user", "parts": parts}]}
    request = decode_request(body)
    found = request.messages[0].parts
    assert [one.kind for one in found] == ["image", "document", "video", "audio"]
    assert (found[0].data, found[2].file_id, found[3].url) == ("+/8=", "gs://bucket/film", "https://example.com/a.mp3")
    assert encode_request(request, "m", Dropped()) == body


def test_what_only_google_has_is_told_to_other_dialects():
    """Tools that Google runs, parts of them, and settings, by their names."""
    request = decode_request(
        {
            "contents": [{"role": "user", "parts": [{"executableCode": {"code": "1"}}, {"text": "Hi", "extra": 1}]}],
            "tools": [{"googleSearch": {}}, {"functionDeclarations": [{"name": "f"}], "codeExecution": {}}],
            "cachedContent": "c",
            "generationConfig": {"responseModalities": ["TEXT"], "thinkingConfig": {"thinkingBudget": -1}},
            "toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}},
        }
    )
    dropped = Dropped()
    dropped.rest(request, same=False)
    assert dropped == {
        "tools.googleSearch",
        "tools.codeExecution",
        "cachedContent",
        "generationConfig.responseModalities",
        "generationConfig.thinkingConfig.thinkingBudget",
        "toolConfig.functionCallingConfig.mode",
    }
    assert isinstance(request.messages[0].parts[0], Native)
    assert request.choice == ToolChoice(mode="auto")


def test_system_prompts_of_others_become_the_instruction_in_order():
    """System and developer messages, wherever they stand."""
    body, dropped = written(
        message("system", Text(text="One.")),
        message("user", Text(text="Hi")),
        message("developer", Text(text="Two.")),
    )
    assert body == {
        "contents": said("Hi"),
        "systemInstruction": {"parts": [{"text": "One."}, {"text": "Two."}]},
    }
    assert dropped == set()


def test_a_request_of_only_a_system_prompt_has_a_content():
    """Gemini refuses one without."""
    assert written(message("system", Text(text="One.")))[0] == {"contents": said("One.")}


def test_turns_of_one_role_are_joined_and_results_get_the_names_of_their_calls():
    """Parallel calls, whose results come as messages of their own, one of them failed."""
    body, _ = written(
        message("user", Text(text="Weather?")),
        message("assistant", Text(text=""), ToolCall(id="1", name="a", arguments="")),
        message("assistant", ToolCall(id="2", name="b", arguments='{"x": 1}')),
        message("tool", ToolResult(id="1", parts=[Text(text="sun"), Text(text="wind")])),
        message("tool", ToolResult(id="2", parts=[Text(text="no")], error=True)),
        message("user", Text(text="And?")),
    )
    assert body["contents"][1:] == [
        {
            "role": "model",
            "parts": [
                {"functionCall": {"id": "1", "name": "a", "args": {}}},
                {"functionCall": {"id": "2", "name": "b", "args": {"x": 1}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "1", "name": "a", "response": {"output": "sun\nwind"}}},
                {"functionResponse": {"id": "2", "name": "b", "response": {"error": "no"}}},
                {"text": "And?"},
            ],
        },
    ]


def test_a_result_without_its_call_is_refused():
    """Gemini needs the tool's name, which nobody said."""
    with pytest.raises(ClientError, match="`lost`"):
        written(message("tool", ToolResult(id="lost")))


@pytest.mark.parametrize("arguments", ["[1]", '"x"', "{broken", "[" * 5000])
def test_arguments_that_are_no_object_are_kept_inside_of_one(arguments):
    """Models do write such; the conversation goes on."""
    body, _ = written(message("assistant", ToolCall(id="1", name="a", arguments=arguments)))
    args = body["contents"][0]["parts"][0]["functionCall"]["args"]
    assert list(args) == ["arguments"]


def test_the_first_call_of_another_model_is_marked_for_models_that_check():
    """From Gemini 3 on; a signature that came alone before the call is the call's."""
    call = ToolCall(id="1", name="a", arguments="{}")
    other = ToolCall(id="2", name="a", arguments="{}")
    new = written(message("assistant", call, other), model="gemini-3.1-pro-preview")[0]["contents"][0]["parts"]
    assert [part.get("thoughtSignature") for part in new] == ["skip_thought_signature_validator", None]
    old = written(message("assistant", call), model="gemini-2.5-pro")[0]["contents"][0]["parts"]
    assert "thoughtSignature" not in old[0]
    signed = written(message("assistant", Reasoning(signature="s"), call), model="gemini-3-flash")[0]["contents"][0]
    assert [part.get("thoughtSignature") for part in signed["parts"]] == ["s"]


def test_thoughts_and_their_signatures_are_sent_back():
    """A thought, a signature alone, and one that only its provider can read."""
    thoughts = [
        Reasoning(text="Hm.", signature="s"),
        Reasoning(signature="t"),
        Reasoning(sealed="x"),
        Refusal(text="No."),
    ]
    body, dropped = written(message("assistant", *thoughts))
    assert body["contents"][0]["parts"] == [
        {"text": "Hm.", "thought": True, "thoughtSignature": "s"},
        {"text": "", "thoughtSignature": "t"},
        {"text": "No."},
    ]
    assert dropped == {"encrypted_reasoning"}


def test_a_signature_on_text_survives_other_dialects():
    """It is a thought of its own there, and comes back as the empty text that Gemini knows."""
    request = decode_request({"contents": [{"role": "model", "parts": [{"text": "A", "thoughtSignature": "s"}]}]})
    request.dialect = "other"
    body = encode_request(request, "gemini-3-flash", Dropped())
    assert body["contents"][0]["parts"] == [{"text": "A"}, {"text": "", "thoughtSignature": "s"}]


def test_media_of_others_become_data_or_a_link():
    """A type is found for each, as Vertex asks for one; what only another provider holds is named as lost."""
    body, dropped = written(
        message(
            "user",
            Media(kind="image", url="https://example.com/a.png?x=1"),
            Media(kind="image", url="https://example.com/a"),
            Media(kind="document", data="AA==", name="a.pdf"),
            Media(kind="document", text="é", media_type="text/plain"),
            Media(kind="document", file_id="file-1"),
        )
    )
    assert body["contents"][0]["parts"] == [
        {"fileData": {"mimeType": "image/png", "fileUri": "https://example.com/a.png?x=1"}},
        {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://example.com/a"}},
        {"inlineData": {"mimeType": "application/pdf", "data": "AA=="}},
        {"inlineData": {"mimeType": "text/plain", "data": "w6k="}},
    ]
    assert dropped == {"filename", "file_id"}


@pytest.mark.parametrize(("model", "inside"), [("gemini-3-flash", True), ("gemini-2.5-flash", False)])
def test_an_image_in_a_result_goes_where_the_model_takes_it(model, inside):
    """Inside of the result from Gemini 3 on, after it before."""
    result = ToolResult(id="1", name="a", parts=[Text(text="Seen."), Media(kind="image", data="AA==")])
    parts = written(message("tool", result), model=model)[0]["contents"][0]["parts"]
    image = {"inlineData": {"mimeType": "image/jpeg", "data": "AA=="}}
    assert parts[0]["functionResponse"].get("parts") == ([image] if inside else None)
    assert parts[1:] == ([] if inside else [image])


def test_tools_of_others_have_json_schema():
    """As it came; strict tools are held to it by the mode, which other modes do anyway."""
    tools = [Tool(name="f", description="F.", schema=SCHEMA, strict=True), Tool(name="g")]
    body, dropped = written(tools=tools, choice=ToolChoice(mode="auto", parallel=False))
    assert body["tools"] == [
        {"functionDeclarations": [{"name": "f", "description": "F.", "parametersJsonSchema": SCHEMA}, {"name": "g"}]}
    ]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "VALIDATED"}}
    assert dropped == {"parallel_tool_calls"}


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (ToolChoice(mode="auto"), {"mode": "AUTO"}),
        (ToolChoice(mode="none"), {"mode": "NONE"}),
        (ToolChoice(mode="required"), {"mode": "ANY"}),
        (ToolChoice(mode="named", name="f"), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_tool_choice_goes_both_ways(choice, wire):
    """Every mode has its own."""
    body, _ = written(choice=choice)
    assert body["toolConfig"] == {"functionCallingConfig": wire}
    assert decode_request(body).choice == choice


def test_parameters_of_others_become_the_configuration():
    """Each under Google's name; what has none is named."""
    body, dropped = written(
        max_tokens=9,
        temperature=0.5,
        top_p=0.9,
        top_k=4,
        stop=["a", "b", "c", "d", "e", "f"],
        seed=1,
        candidates=2,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        logprobs=True,
        top_logprobs=3,
        output=OutputFormat(schema=SCHEMA, name="place", strict=True),
        service_tier="default",
        user="u",
    )
    assert body["generationConfig"] == {
        "maxOutputTokens": 9,
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 4,
        "stopSequences": ["a", "b", "c", "d", "e"],
        "seed": 1,
        "candidateCount": 2,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "responseLogprobs": True,
        "logprobs": 3,
        "responseMimeType": "application/json",
        "responseJsonSchema": SCHEMA,
    }
    assert body["serviceTier"] == "standard"
    assert dropped == {"stop", "user"}


@pytest.mark.parametrize(
    ("model", "fields", "wire", "lost"),
    [
        ("gemini-2.5-flash", {"effort": "none"}, {"thinkingBudget": 0}, set()),
        ("gemini-2.5-pro", {"effort": "none"}, {"thinkingBudget": 128}, {"reasoning_effort"}),
        ("gemini-3-flash-preview", {"effort": "none"}, {"thinkingLevel": "MINIMAL"}, {"reasoning_effort"}),
        ("gemini-3.1-pro-preview", {"thinking_tokens": 0}, {"thinkingLevel": "LOW"}, {"reasoning_effort"}),
        ("gemini-2.5-pro", {"effort": "medium"}, {"thinkingBudget": 8192, "includeThoughts": True}, set()),
        ("gemini-3-pro", {"effort": "minimal"}, {"thinkingLevel": "LOW", "includeThoughts": True}, set()),
        ("gemini-3-pro", {"effort": "max"}, {"thinkingLevel": "HIGH", "includeThoughts": True}, set()),
        ("a-tuned-model", {"effort": "high"}, {"thinkingBudget": 24576, "includeThoughts": True}, set()),
        (
            "gemini-3-pro",
            {"effort": "low", "thinking_tokens": 2000},
            {"thinkingBudget": 2000, "includeThoughts": True},
            set(),
        ),
    ],
)
def test_effort_becomes_what_the_model_knows(model, fields, wire, lost):
    """A level from Gemini 3 on, a budget before; a number of tokens is a budget for all."""
    body, dropped = written(model=model, **fields)
    assert body["generationConfig"]["thinkingConfig"] == wire
    assert dropped == lost


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "The body"),
        ({}, "contents"),
        ({"contents": "Hi"}, "contents"),
        ({"contents": ["Hi"]}, r"contents\[0\]"),
        ({"contents": [{"role": "system"}]}, r"contents\[0\]\.role"),
        ({"contents": [{"parts": [{"text": 1}]}]}, r"contents\[0\]\.parts\[0\]\.text"),
        ({"contents": [{"parts": [{"functionCall": {"args": {}}}]}]}, r"parts\[0\]\.functionCall\.name"),
        ({"contents": [{"parts": [{"functionCall": {"name": "f", "args": "x"}}]}]}, r"functionCall\.args"),
        ({"contents": [{"parts": [{"functionResponse": {"response": {}}}]}]}, r"functionResponse\.name"),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "a/b"}}]}]}, r"inlineData\.data"),
        ({"contents": [], "generationConfig": {"maxOutputTokens": "9"}}, r"generationConfig\.maxOutputTokens"),
        ({"contents": [], "generationConfig": {"maxOutputTokens": 9.5}}, r"generationConfig\.maxOutputTokens"),
        ({"contents": [], "generationConfig": {"stopSequences": [1]}}, r"generationConfig\.stopSequences"),
        ({"contents": [], "tools": [{"functionDeclarations": [{}]}]}, r"tools\[0\]\.functionDeclarations\[0\]\.name"),
        ({"contents": [], "toolConfig": {"functionCallingConfig": {"mode": "x"}}}, r"functionCallingConfig\.mode"),
    ],
)
def test_a_wrong_request_names_the_field(body, field):
    """With its place in the body."""
    with pytest.raises(ClientError, match=field):
        decode_request(body)


NAMES = st.sampled_from(
    """
    contents parts role text thought thoughtSignature thought_signature functionCall function_call
    functionResponse name args id response output error inlineData inline_data fileData data mimeType fileUri
    tools parameters functionDeclarations parametersJsonSchema toolConfig functionCallingConfig mode
    allowedFunctionNames generationConfig thinkingConfig thinkingBudget thinkingLevel maxOutputTokens
    stopSequences responseMimeType responseSchema systemInstruction serviceTier model other
    """.split()  # noqa: SIM905 - forty lines otherwise
)
LEAVES = st.sampled_from(
    [None, True, False, 0, -1, 7, 1.5, "", "user", "model", "AUTO", "application/json", "-_", "low"]
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))


@given(st.dictionaries(NAMES, VALUES), VALUES, st.lists(st.dictionaries(NAMES, VALUES, max_size=3), max_size=3))
def test_only_our_own_error_escapes(body, contents, parts):
    """Any JSON is a request or a client's error; a request is written as it came, and for other dialects."""
    for wire in (body, body | {"contents": contents}, body | {"contents": [{"parts": parts}]}):
        try:
            request = decode_request(wire)
        except ClientError:
            continue
        assert encode_request(request, request.model, Dropped()) == wire
        request.dialect = "other"
        assert encode_request(request, "gemini-3-pro", Dropped())["contents"]
