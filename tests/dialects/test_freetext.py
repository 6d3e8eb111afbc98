"""Tools of free text: themselves in chat and responses, and a function with one text everywhere else."""

import copy

import msgspec
import pytest

from fixtures.conformance import sdk
from gatewright.dialects import chat
from gatewright.dialects.conversation import Answer, Candidate, Dropped, ToolCall, Usage
from gatewright.dialects.stream import Began, Counted, Ended, Finished, PartBegan, PartEnded, PartGrew
from gatewright.gateway.conversations import CONVERSATIONS

DIALECTS = {one.operation: one.dialect for one in CONVERSATIONS}
CALLING = [name for name in DIALECTS if name != "ollama_generate"]  # which has no calls
GRAMMAR = {"syntax": "regex", "definition": "[0-9+]*"}
TEXT = 'say "4"\n+ 4'
REQUESTS = {
    "chat": {
        "model": "m",
        "messages": [
            {"role": "user", "content": "4 + 4?"},
            {
                "role": "assistant",
                "tool_calls": [{"id": "c1", "type": "custom", "custom": {"name": "math", "input": TEXT}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "8"},
        ],
        "tools": [
            {
                "type": "custom",
                "custom": {
                    "name": "math",
                    "description": "Adds.",
                    "format": {"type": "grammar", "grammar": GRAMMAR},
                },
            }
        ],
        "tool_choice": {"type": "custom", "custom": {"name": "math"}},
    },
    "responses": {
        "model": "m",
        "input": [
            {"role": "user", "content": "4 + 4?"},
            {"type": "custom_tool_call", "call_id": "c1", "name": "math", "input": TEXT},
            {"type": "custom_tool_call_output", "call_id": "c1", "output": "8"},
        ],
        "tools": [{"type": "custom", "name": "math", "description": "Adds.", "format": {"type": "grammar", **GRAMMAR}}],
        "tool_choice": {"type": "custom", "name": "math"},
    },
}


def asked(client):
    return DIALECTS[client].decode_request(copy.deepcopy(REQUESTS[client]))


@pytest.mark.parametrize(("client", "target"), [("chat", "responses"), ("responses", "chat")])
def test_tools_of_free_text_go_between_chat_and_responses(client, target):
    """The tool, its grammar, the choice of it, a call and its result: all in the target's own form."""
    dropped = Dropped()
    made = DIALECTS[target].encode_request(asked(client), "m", dropped)
    wanted = REQUESTS[target] | ({"store": False} if target == "responses" else {})
    assert made == wanted
    assert not dropped
    sdk.accept_request(target, msgspec.json.decode(msgspec.json.encode(made)))


@pytest.mark.parametrize("client", REQUESTS)
def test_tools_of_free_text_come_out_as_they_came_in(client):
    """In its own dialect such a request is unchanged."""
    assert DIALECTS[client].encode_request(asked(client), "m", Dropped()) == REQUESTS[client]


@pytest.mark.parametrize("client", REQUESTS)
@pytest.mark.parametrize("target", [name for name in CALLING if name not in REQUESTS])
def test_elsewhere_such_a_tool_is_a_function_of_one_text(client, target):
    """Its call has the text as its argument; only the grammar is lost, and named."""
    dropped = Dropped()
    made = DIALECTS[target].encode_request(asked(client), "m", dropped)
    assert dropped - {"tool_choice"} == {"grammar"}
    back = DIALECTS[target].decode_request(msgspec.json.decode(msgspec.json.encode(made)))
    assert back.tools[0].schema["properties"] == {"input": {"type": "string"}}
    (call,) = [part for message in back.messages for part in message.parts if isinstance(part, ToolCall)]
    assert msgspec.json.decode(call.arguments) == {"input": TEXT}


def answer(call):
    candidate = Candidate(parts=[call], finish="tool_calls")
    return Answer(dialect="other", id="r", model="m", created=1, candidates=[candidate], usage=Usage())


def stream(client, call, pieces):
    events = [Began(id="r", model="m", created=1, dialect="other"), PartBegan(at=0, part=call)]
    events += [PartGrew(at=0, text=piece) for piece in pieces]
    events += [PartEnded(at=0), Counted(usage=Usage()), Finished(finish="tool_calls"), Ended()]
    request = asked(client if client in REQUESTS else "chat")
    encoder = DIALECTS[client].Encoder(request)
    return b"".join(encoder.encode(event) for event in events)


def calls_of(events):
    texts, parts = {}, {}
    for event in events:
        if isinstance(event, PartBegan):
            parts[event.at], texts[event.at] = event.part, event.part.arguments
        elif isinstance(event, PartGrew):
            texts[event.at] += event.text
    return [(part.name, part.custom, texts[at]) for at, part in parts.items()]


@pytest.mark.parametrize("client", REQUESTS)
def test_a_call_of_the_function_is_a_call_of_the_tool_again(client):
    """The client asked with a tool of free text, and gets its call, whole or streamed."""
    arguments = msgspec.json.encode({"input": TEXT}).decode()
    made = DIALECTS[client].encode_answer(
        answer(ToolCall(id="c1", name="math", arguments=arguments)), asked(client), Dropped()
    )
    back = DIALECTS[client].decode_answer(made)
    assert [(part.name, part.custom, part.arguments) for part in back.candidates[0].parts] == [("math", True, TEXT)]
    assert back.candidates[0].finish == "tool_calls"
    raw = stream(client, ToolCall(id="c1", name="math", arguments=""), [arguments[:9], arguments[9:]])
    decoder = DIALECTS[client].Decoder()
    events = [*decoder.feed(raw), *decoder.end()]
    assert calls_of(events) == [("math", True, TEXT)]
    assert [event.finish for event in events if isinstance(event, Finished)] == ["tool_calls"]


@pytest.mark.parametrize("client", CALLING)
def test_a_call_of_free_text_reaches_every_client_with_a_true_finish(client):
    """Where a dialect has no such calls it calls the function that stands for the tool."""
    call = ToolCall(id="c1", name="math", arguments=TEXT, custom=True)
    made = DIALECTS[client].encode_answer(answer(call), asked("chat"), Dropped())
    sdk.read_answer(client, msgspec.json.encode(made))
    back = DIALECTS[client].decode_answer(msgspec.json.decode(msgspec.json.encode(made))).candidates[0]
    raw = stream(client, ToolCall(id="c1", name="math", arguments="", custom=True), [TEXT[:4], TEXT[4:]])
    decoder = DIALECTS[client].Decoder()
    events = [*decoder.feed(raw), *decoder.end()]
    assert back.finish == "tool_calls"
    assert [event.finish for event in events if isinstance(event, Finished)] == ["tool_calls"]
    for name, custom, arguments in ((part.name, part.custom, part.arguments) for part in back.parts):
        assert (name, custom) == ("math", client in REQUESTS)
        assert arguments == TEXT if custom else msgspec.json.decode(arguments) == {"input": TEXT}
        assert calls_of(events) == [(name, custom, arguments)]


def test_a_call_that_is_no_json_is_given_as_its_text():
    """Models do write what is no JSON; nothing of it is lost."""
    made = chat.encode_answer(answer(ToolCall(id="c", name="math", arguments="4 +")), asked("chat"), Dropped())
    assert made["choices"][0]["message"]["tool_calls"][0]["custom"] == {"name": "math", "input": "4 +"}
