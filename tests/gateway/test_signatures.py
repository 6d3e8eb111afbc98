"""Signed thoughts over the turns of a conversation that changes provider."""

import base64
import json
from dataclasses import replace

import pytest

from fixtures.exchange import FakeExchange, make_holder, make_target
from gatewright.dialects import messages
from gatewright.dialects.conversation import Answer, Candidate, Dropped, Message, Reasoning, Request, Text, ToolCall
from gatewright.dialects.stream import PartBegan, PartGrew
from gatewright.gateway.operations import Table
from gatewright.gateway.pipeline import Pipeline
from gatewright.gateway.signatures import Marker, settle, unproven
from gatewright.snapshot.holder import Holder
from gatewright.upstream.fake import Answer as Played
from gatewright.upstream.fake import FakeClient, in_turn

SIGNED = base64.b64encode(b"a provider's own").decode()


def asked(*parts, client="messages"):
    """A request whose last turn of the assistant holds these parts."""
    turns = [Message(role="user", parts=[Text(text="?")]), Message(role="assistant", parts=list(parts))]
    return Request(dialect=client, model="m", messages=turns)


def marked(part, maker):
    """The part as an answer of that maker brings it to a client of another dialect."""
    answer = Answer(dialect=maker, candidates=[Candidate(parts=[part])])
    Marker(maker).answer(answer)
    return answer.candidates[0].parts[0]


@pytest.mark.parametrize("maker", ["messages", "generate_content", "responses", "chat"])
def test_what_a_provider_signed_comes_back_to_it_as_it_was(maker):
    """And a client can still decode it from base64."""
    thought = marked(Reasoning(text="Hm.", signature=SIGNED, sealed=SIGNED), maker)
    call = marked(ToolCall(id="c", name="f", arguments="{}", signature=SIGNED), maker)
    assert base64.b64decode(thought.signature, validate=True)
    assert thought.signature != SIGNED
    dropped = Dropped()
    settled = settle(asked(thought, call, client="other"), maker, dropped).messages[1].parts
    assert [part.signature for part in settled] == [SIGNED, SIGNED]
    assert settled[0].sealed == SIGNED
    assert dropped == set()


@pytest.mark.parametrize(("provider", "kept"), [("messages", []), ("generate_content", []), ("chat", ["Hm."])])
def test_what_another_provider_signed_is_not_sent(provider, kept):
    """A chat model, which signs nothing, gets the thought as text; the call stays, unsigned."""
    dropped = Dropped()
    request = asked(
        marked(Reasoning(text="Hm.", signature=SIGNED), "responses"),
        marked(ToolCall(id="c", name="f", arguments="{}", signature=SIGNED), "responses"),
    )
    settled = settle(request, provider, dropped).messages[1].parts
    assert [part.text for part in settled if isinstance(part, Reasoning)] == kept
    assert all(part.signature is None for part in settled)
    assert dropped == {"reasoning"}
    assert request.messages[1].parts[0].signature, "the request itself is left as it was"


@pytest.mark.parametrize("maker", ["messages", "generate_content", "converse", "responses"])
def test_a_thought_that_broke_off_goes_back_as_plain_text_or_not_at_all(maker):
    """Its maker would refuse it without the signature that it never had."""
    thought = Reasoning(text="Let me", signature=unproven(maker))
    for provider, kept in ((maker, []), ("chat", [Reasoning(text="Let me")])):
        dropped = Dropped()
        *_, last = settle(asked(thought, client=maker), provider, dropped).messages
        assert (last.parts, dropped) == (kept, set() if kept else {"reasoning"})


def test_an_unmarked_signature_is_of_the_dialect_the_client_speaks():
    """It came from a provider that was passed through."""
    thought = Reasoning(text="Hm.", signature=SIGNED)
    assert settle(asked(thought), "messages", Dropped()).messages[1].parts == [thought]
    assert settle(asked(thought), "generate_content", Dropped()).messages[1].parts == []


def test_a_streamed_signature_is_marked_once_however_it_comes():
    """In one piece or in several."""
    marker = Marker("messages")
    began = PartBegan(at=0, part=Reasoning())
    grown = [PartGrew(at=0, text="Hm."), PartGrew(at=0, signature="ab"), PartGrew(at=0, signature="cd")]
    told = [one for event in (began, *grown) for one in marker.events(event)]
    assert "".join(event.signature for event in told if isinstance(event, PartGrew)) == "gatewrightSignedByMessagabcd"


def test_a_thought_that_nobody_signed_bears_the_bare_mark():
    """So that it is not sent to a provider that would ask for a signature."""
    (began, grown) = Marker("chat").events(PartBegan(at=0, part=Reasoning()))
    assert (began.part, grown.signature) == (Reasoning(), "gatewrightSignedByOpenAI")
    thought = marked(Reasoning(text="Hm."), "chat")
    assert settle(asked(thought), "messages", Dropped()).messages[1].parts == []
    assert settle(asked(thought), "chat", Dropped()).messages[1].parts == [Reasoning(text="Hm.")]


async def test_a_conversation_that_moves_to_the_clients_own_dialect_leaves_foreign_thoughts_behind():
    """Passed through otherwise, the body is rewritten only where a mark is in it."""
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "gatewrightSignedByOpenAI"}
    turns = [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": [thought, {"type": "text", "text": "Hi"}]},
        {"role": "user", "content": "And?"},
    ]
    snapshot = make_holder("one").current
    target = make_target("one", paths={"messages": b"/v1/messages"})
    endpoint = replace(snapshot.endpoints["ep"], primaries=((target, 1.0),))
    answer = messages.encode_answer(
        Answer(dialect="messages", id="m", model="m", candidates=[Candidate(parts=[Text(text="Yes")], finish="stop")]),
        Request(dialect="messages", model="m"),
        Dropped(),
    )
    upstream = FakeClient(in_turn(Played(body=[json.dumps(answer).encode()])))
    body = {"model": "ep", "max_tokens": 9, "messages": turns, "cache_control": {"type": "ephemeral"}}
    exchange = FakeExchange("POST", "/v1/messages", body)
    pipeline = Pipeline(Holder(replace(snapshot, endpoints={"ep": endpoint})), upstream)
    await pipeline.serve(exchange, *Table().find("POST", "/v1/messages"))
    sent = json.loads(upstream.requests[0].body)
    assert sent["messages"][1]["content"] == [{"type": "text", "text": "Hi"}]
    assert sent == {**body, "model": "one", "messages": sent["messages"]}
    assert exchange.json["content"][0]["text"] == "Yes"
