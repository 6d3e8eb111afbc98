"""A stream that breaks off, and who goes on with it: what the client gets, who is asked what, and what is kept."""

import asyncio
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faults.judge import ANSWER, BROKEN, Heard, hear
from faults.wires import CHAT, GENERATE_CONTENT, MESSAGES, MODEL, RESPONSES, WIRES, text
from fixtures.exchange import FakeExchange, make_holder, make_target
from fixtures.lanes import Answered
from fixtures.meaning import of_events
from gatewright.dialects.conversation import Reasoning, Request, Text, ToolCall, Usage
from gatewright.dialects.stream import Began, Counted, Ended, Finished, PartBegan, PartEnded, PartGrew
from gatewright.errors import UpstreamCutError, UpstreamStalledError
from gatewright.gateway.conversations import WIRES as DIALECTS
from gatewright.gateway.health import Health
from gatewright.gateway.operations import Table
from gatewright.gateway.pipeline import Pipeline
from gatewright.gateway.transcript import INSTRUCTION
from gatewright.ledger.record import CLIENT_LEFT
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.model import Policy, Way
from gatewright.upstream.fake import Answer, FakeClient

TABLE = Table()
SSE = ((b"content-type", b"text/event-stream"),)
CONTINUED = Policy(continuation=True, retries=0)
SPEAKER = "word"
ALL = text(SPEAKER)
SAID = 20
"""Words after which a stream breaks off."""

CUT, STALL, FAILED, UNENDED = "cut", "stall", "error event", "missing terminator"
BREAKS = {CUT: UpstreamCutError("it was cut."), STALL: UpstreamStalledError("it stood still.")}
CODES = {CUT: "UPSTREAM_PROTOCOL_ERROR", STALL: "UPSTREAM_TIMEOUT", FAILED: "UPSTREAM_REJECTED", UNENDED: ""}
CODES[UNENDED] = CODES[CUT]


def broken(wire, how=CUT, words=SAID):
    """A stream that breaks off after so many words."""
    said = b"".join(wire.events(SPEAKER)[: wire.opens + words])
    last = [wire.failed_later or wire.failed] if how == FAILED else [BREAKS[how]] if how in BREAKS else []
    return Answer(headers=SSE, body=[said, 0.001, *last])


def events(*parts, usage, finish):
    """The events of an answer with these parts; a string is a text, and comes in some pieces."""
    found = [Began(id="second", model=MODEL, created=1)]
    for at, part in enumerate(Text(text=part) if isinstance(part, str) else part for part in parts):
        field = "arguments" if isinstance(part, ToolCall) else "text"
        said = getattr(part, field)
        size = len(said) // 5 + 1
        grown = [PartGrew(at=at, text=said[place : place + size]) for place in range(0, len(said), size)]
        found += [PartBegan(at=at, part=replace(part, **{field: ""})), *grown, PartEnded(at=at)]
    return [*found, Finished(finish=finish), Counted(usage=usage), Ended()]


def told(wire, *parts, tokens=7, finish="stop"):
    """A provider's stream with these parts."""
    encoder = DIALECTS[wire.operation].dialect.Encoder(Request(dialect="", model=MODEL, stream=True, stream_usage=True))
    said = events(*parts, usage=Usage(input=100, output=tokens), finish=finish)
    return Answer(headers=SSE, body=[encoder.encode(event) for event in said])


def way(wire):
    """How a provider of a dialect is called."""
    path = wire.path.replace("{model}", "m").encode()
    return Way(path=path, streamed=wire.streamed.partition("?")[0].replace("{model}", "m").encode())


class Desk:
    """A pipeline over targets of these dialects, each with the answers that it gives in turn."""

    def __init__(self, *targets, policy=CONTINUED):
        names = ("one", "two", "three")[: len(targets)]
        answers = {name: iter(answers) for name, (_, *answers) in zip(names, targets, strict=True)}
        self.continuing = asyncio.Event()

        def play(request):
            if INSTRUCTION.encode() in request.body:
                self.continuing.set()
            return next(answers[request.address.host.partition(".")[0]])

        self.upstream = FakeClient(play)
        made = [make_target(name, {wire.operation: way(wire)}) for name, (wire, *_) in zip(names, targets, strict=True)]
        snapshot = make_holder().current
        endpoint = replace(snapshot.endpoints["ep"], primaries=((made[0], 1.0),), fallbacks=tuple(made[1:]))
        holder = Holder(replace(snapshot, endpoints={"ep": replace(endpoint, policy=policy)}))
        self.records, self.health = [], Health()
        self.pipeline = Pipeline(holder, self.upstream, lambda: 0.0, self.records.append, self.health)

    async def ask(self, wire, exchange=None, **fields):
        """One request for a stream, and what its client has heard."""
        path, body = wire.request("ep", stream=True)
        path, _, query = path.partition("?")
        exchange = exchange or FakeExchange(path=path, body=json.loads(body) | fields)
        exchange.query = query.encode()
        await self.pipeline.serve(exchange, *TABLE.find("POST", path))
        return exchange, hear(wire.name, answered(exchange), stream=True)

    @property
    def asked(self):
        """The targets that were asked, in order."""
        return [request.address.host.partition(".")[0] for request in self.upstream.requests]

    @property
    def last(self):
        """The body of the last request."""
        return json.loads(self.upstream.requests[-1].body)

    @property
    def kept(self):
        """Of each record what tells one from the other: the end of its id, who was asked, the error, the attempts."""
        return [(one.record_id[28:], one.model, one.error, one.attempts) for one in self.records]


def answered(exchange):
    """What an exchange has seen, as a client reads it."""
    return Answered(exchange.status, exchange.answered, exchange.text, whole=exchange.ended)


def meant(wire, exchange):
    """What an exchange has seen means; also that its events come in their order."""
    decoder = DIALECTS[wire.operation].dialect.Decoder()
    return of_events([*decoder.feed(exchange.text), *decoder.end()])


def cut_at(words=SAID):
    """How many characters these words are."""
    return len("".join(f"{SPEAKER}{number} " for number in range(words)))


@pytest.mark.parametrize("how", CODES)
@pytest.mark.parametrize("second", WIRES.values(), ids=WIRES)
@pytest.mark.parametrize("first", WIRES.values(), ids=WIRES)
@pytest.mark.parametrize("client", WIRES.values(), ids=WIRES)
async def test_a_stream_that_breaks_off_is_gone_on_with(client, first, second, how):
    """The client gets one whole answer of its dialect, whatever the targets speak; the ledger has both calls."""
    desk = Desk((first, broken(first, how)), (second, told(second, ALL[cut_at() :])))
    exchange, heard = await desk.ask(client)
    assert heard == Heard(ANSWER, ALL)
    assert desk.asked == ["one", "two"]
    assert desk.kept == [("-broken", "one", CODES[how], 0), ("", "two", "", 2)]
    assert exchange.answered[b"x-gatewright-target"] == b"openai/one"
    assert exchange.answered[b"x-gatewright-attempts"] == b"1"
    sent = json.dumps(desk.last)
    assert json.dumps(ALL[: cut_at()]) in sent
    assert json.dumps(INSTRUCTION) in sent


@pytest.mark.parametrize("again", ["its end", "all"])
@pytest.mark.parametrize("second", WIRES.values(), ids=WIRES)
@pytest.mark.parametrize("client", WIRES.values(), ids=WIRES)
async def test_what_the_next_target_says_again_is_cut_away(client, second, again):
    """Its last words, or all of it from the beginning."""
    repeating = told(second, ALL[cut_at(SAID - 5) :])
    anew = Answer(headers=SSE, body=second.events(SPEAKER))
    desk = Desk((client, broken(client)), (second, repeating if again == "its end" else anew))
    _, heard = await desk.ask(client)
    assert heard == Heard(ANSWER, ALL)


DIALECT = st.sampled_from(sorted(WIRES))


@given(DIALECT, DIALECT, DIALECT, st.integers(0, 20_000))
def test_wherever_a_stream_is_cut_its_client_gets_all_of_it_once(client, first, second, place):
    """At any byte, by a target that begins anew; one that had said all but its end may end in an error."""
    said = b"".join(WIRES[first].events(SPEAKER))
    cut = Answer(headers=SSE, body=[said[: place % len(said)], 0.0, BREAKS[CUT]])
    desk = Desk((WIRES[first], cut), (WIRES[second], Answer(headers=SSE, body=WIRES[second].events(SPEAKER))))
    _, heard = asyncio.run(desk.ask(WIRES[client]))
    assert heard.text == ALL
    assert heard.kind == ANSWER or (heard.kind == BROKEN and desk.asked == ["one"])


OTHERS = {
    "converse": ("/bedrock/model/ep/converse-stream", {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}),
    "cohere": ("/cohere/v2/chat", {"model": "ep", "messages": [{"role": "user", "content": "hi"}], "stream": True}),
    "ollama_chat": ("/ollama/api/chat", {"model": "ep", "messages": [{"role": "user", "content": "hi"}]}),
    "ollama_generate": ("/ollama/api/generate", {"model": "ep", "prompt": "hi"}),
}
"""How the clients of the other dialects ask for a stream."""


@pytest.mark.parametrize("operation", OTHERS)
@pytest.mark.parametrize("second", ["its own", "chat"])
async def test_a_stream_of_any_dialect_is_gone_on_with(operation, second):
    """By a target of the same one, and by another."""
    dialect = DIALECTS[operation]
    media = ((b"content-type", dialect.media),)
    path, body = OTHERS[operation]
    wire = SimpleNamespace(operation=operation, path="/one", streamed="/one")
    following = wire if second == "its own" else CHAT
    first, rest = told(wire, ALL), told(following, ALL)
    cut = replace(first, headers=media, body=[b"".join(first.body[:5]), 0.001, BREAKS[CUT]])
    desk = Desk((wire, cut), (following, replace(rest, headers=media if following is wire else SSE)))
    exchange = FakeExchange(path=path, body=body)
    await desk.pipeline.serve(exchange, *TABLE.find("POST", path))
    found = meant(wire, exchange)
    assert (found.text, found.finish, desk.asked) == (ALL, "stop", ["one", "two"])
    assert INSTRUCTION.encode() in desk.upstream.requests[-1].body


@pytest.mark.parametrize("client", WIRES.values(), ids=WIRES)
@pytest.mark.parametrize("how", CODES)
async def test_without_the_tag_a_stream_that_breaks_off_ends_with_an_error(client, how):
    """Nobody else is asked."""
    desk = Desk((client, broken(client, how)), (CHAT, told(CHAT, ALL)), policy=Policy(retries=0))
    _, heard = await desk.ask(client)
    assert heard == Heard(BROKEN, ALL[: cut_at()])
    assert desk.asked == ["one"]
    assert [(record.error, record.attempts) for record in desk.records] == [(CODES[how], 1)]


@pytest.mark.parametrize("client", WIRES.values(), ids=WIRES)
@pytest.mark.parametrize("how", CODES)
async def test_where_nobody_goes_on_the_stream_ends_with_an_error(client, how):
    """As without the tag: in the dialect of the client, after what was said; the attempts of all are counted."""
    desk = Desk((client, broken(client, how)), (CHAT, Answer(status=500, body=[b"{}"])))
    _, heard = await desk.ask(client)
    assert heard == Heard(BROKEN, ALL[: cut_at()])
    assert desk.kept == [("", "one", CODES[how], 2)]
    assert desk.health.failing.keys() == {"openai/one", "openai/two"}


async def test_an_error_is_told_in_the_words_of_its_provider():
    """What nobody goes on with is what it would be without the tag."""
    desk = Desk((MESSAGES, broken(MESSAGES, FAILED)), policy=Policy(continuation=True, retries=0))
    exchange, _ = await desk.ask(MESSAGES)
    assert exchange.text.endswith(b'{"type":"error","error":{"type":"overloaded_error","message":"Not now."}}\n\n')


async def test_a_third_target_goes_on_when_the_second_breaks_off_too():
    """Each of those that broke off has a record, and usage is that of all who told it."""
    second = told(CHAT, ALL[cut_at() : cut_at(40)])
    ends = replace(second, body=[*second.body[:-4], BREAKS[CUT]])
    third = told(RESPONSES, ALL[cut_at(40) :], tokens=8)
    desk = Desk((MESSAGES, broken(MESSAGES)), (CHAT, ends), (RESPONSES, third))
    exchange, heard = await desk.ask(CHAT, stream_options={"include_usage": True})
    assert heard == Heard(ANSWER, ALL)
    assert desk.asked == ["one", "two", "three"]
    assert desk.kept == [
        ("-broken", "one", "UPSTREAM_PROTOCOL_ERROR", 0),
        ("-broken2", "two", "UPSTREAM_PROTOCOL_ERROR", 0),
        ("", "three", "", 3),
    ]
    assert [(one.input_tokens, one.output_tokens) for one in desk.records] == [(3, 1), (0, 0), (100, 8)]
    last = json.loads(exchange.text.splitlines()[-4].removeprefix(b"data: "))
    assert (last["usage"]["prompt_tokens"], last["usage"]["completion_tokens"]) == (103, 9)


async def test_the_last_that_breaks_off_is_the_requests_own():
    """Its error is what the client is told after all that was said."""
    second = told(CHAT, ALL[cut_at() : cut_at(40)])
    ends = replace(second, body=[*second.body[:-4], 0.001, BREAKS[STALL]])
    desk = Desk((CHAT, broken(CHAT)), (CHAT, ends))
    exchange, heard = await desk.ask(CHAT)
    assert heard == Heard(BROKEN, ALL[: cut_at(40)])
    assert b"openai/two" in exchange.text
    assert desk.kept == [("-broken", "one", CODES[CUT], 0), ("", "two", CODES[STALL], 2)]
    assert desk.upstream.aborted == 0


async def test_a_call_that_talks_nonsense_is_let_go_of_before_the_next_is_made():
    """Its connection is not held while another target thinks."""
    said = b"".join(CHAT.events(SPEAKER)[: 1 + SAID])
    nonsense = Answer(headers=SSE, body=[said, 0.001, b"data: {\n\n", 60.0])
    desk = Desk((CHAT, nonsense), (CHAT, Answer(headers=SSE, body=[60.0])))
    path, body = CHAT.request("ep", stream=True)
    asking = asyncio.create_task(desk.ask(CHAT, FakeExchange(path=path, body=body)))
    await desk.continuing.wait()
    assert desk.upstream.aborted == 1
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_the_record_of_a_call_that_broke_off_tells_when_and_how_long():
    """It began later than the request, and its status is the one that the client has seen."""
    desk = Desk((CHAT, broken(CHAT, STALL)), (CHAT, told(CHAT, ALL[cut_at() :])))
    await desk.ask(CHAT)
    cut, whole = desk.records
    assert (cut.status, cut.stream, cut.operation, cut.endpoint, cut.key_id) == (200, True, "chat", "ep", "k-1")
    assert cut.record_id == whole.record_id + "-broken"
    assert 1_000 <= cut.total_us <= whole.total_us
    assert whole.first_byte_us < 1_000 + cut.total_us
    assert (cut.part, whole.part) == (True, False)


@pytest.mark.parametrize("client", WIRES.values(), ids=WIRES)
async def test_an_answer_that_asks_for_a_tool_is_not_gone_on_with(client):
    """Of half a call, nobody can write the other half."""
    call = ToolCall(id="call_1", name="weather", arguments='{"in": "Rome"}')
    answer = told(client, "Let me see. ", call)
    begun = next(at for at, piece in enumerate(answer.body) if b"weather" in piece) + 1
    cut = Answer(headers=SSE, body=[b"".join(answer.body[:begun]), 0.001, BREAKS[CUT]])
    desk = Desk((client, cut), (CHAT, told(CHAT, "never")))
    exchange, _ = await desk.ask(client)
    assert meant(client, exchange).text == "Let me see. "
    assert desk.asked == ["one"]


@pytest.mark.parametrize("client", WIRES.values(), ids=WIRES)
@pytest.mark.parametrize("second", WIRES.values(), ids=WIRES)
async def test_the_next_target_may_ask_for_a_tool(client, second):
    """After the text that it goes on with, or instead of it."""
    call = ToolCall(id="call_1", name="weather", arguments='{"in": "Rome"}')
    for said in ([ALL[cut_at() :], call], [call]):
        desk = Desk((client, broken(client)), (second, told(second, *said, finish="tool_calls")))
        exchange, _ = await desk.ask(client)
        found = meant(client, exchange)
        assert found.text == (ALL if len(said) == 2 else ALL[: cut_at()])
        assert (found.calls, found.finish) == ([("weather", {"in": "Rome"})], "tool_calls")


async def test_what_another_dialect_adds_to_a_response_is_whole():
    """OpenAI's SDKs need the id of each item, and all lists of a text."""
    call = ToolCall(id="call_1", name="weather", arguments="{}")
    desk = Desk((RESPONSES, broken(RESPONSES)), (MESSAGES, told(MESSAGES, ALL[cut_at() :], call)))
    exchange, _ = await desk.ask(RESPONSES)
    last = json.loads(exchange.text.split(b"data: ")[-1])["response"]
    message, called = last["output"]
    assert message["content"] == [{"type": "output_text", "text": ALL, "annotations": [], "logprobs": []}]
    assert (message["id"], called["id"], called["status"]) == ("msg_1", "fc_1_0", "completed")
    assert b'"item_id":""' not in exchange.text
    assert last["id"] == "resp_1"


def thinking(wire):
    """A stream that breaks off while its provider thinks."""
    answer = told(wire, Reasoning(text="Let me think about it"), ALL)
    begun = next(at for at, piece in enumerate(answer.body) if b"out i" in piece) + 1
    return Answer(headers=SSE, body=[b"".join(answer.body[:begun]), 0.001, BREAKS[CUT]])


@pytest.mark.parametrize("client", [CHAT, MESSAGES, GENERATE_CONTENT], ids=lambda wire: wire.name)
async def test_a_thought_that_breaks_off_is_thought_anew(client):
    """The next target is asked the same, and all of its answer is shown; a thought without proof is marked as such."""
    desk = Desk((client, thinking(client)), (client, told(client, Reasoning(text="Hm"), ALL)))
    exchange, _ = await desk.ask(client)
    found = meant(client, exchange)
    assert (found.text, found.thought, found.finish) == (ALL, "Let me think about iHm", "stop")
    first, second = (json.loads(request.body) for request in desk.upstream.requests)
    assert first | {"model": ""} == second | {"model": ""}
    assert (b"gatewrightSignedByOpenAI" in exchange.text) == (client is not CHAT)


@pytest.mark.parametrize("client", WIRES.values(), ids=WIRES)
async def test_what_a_target_thinks_before_it_goes_on_is_not_shown(client):
    """The text that broke off is still open."""
    second = told(client, Reasoning(text="Where was I?"), ALL[cut_at() :])
    desk = Desk((client, broken(client)), (client, second))
    exchange, heard = await desk.ask(client)
    assert heard == Heard(ANSWER, ALL)
    assert b"Where was I?" not in exchange.text


@pytest.mark.parametrize("client", [CHAT, GENERATE_CONTENT], ids=lambda wire: wire.name)
async def test_a_stream_that_lacks_only_its_end_is_completed(client):
    """All was said, and why it ended: nobody has to go on."""
    left = {CHAT: 1, GENERATE_CONTENT: 0}[client]
    events = client.events(SPEAKER)
    cut = Answer(headers=SSE, body=[b"".join(events[: len(events) - left]), 0.001, BREAKS[CUT]])
    desk = Desk((client, cut), (CHAT, told(CHAT, "more")))
    _, heard = await desk.ask(client)
    assert heard == Heard(ANSWER, ALL)
    assert desk.asked == ["one"]
    assert [record.error for record in desk.records] == [""]


async def test_an_answer_that_is_over_is_not_gone_on_with():
    """Anthropic has said why it ended, but not that all has come."""
    events = MESSAGES.events(SPEAKER)[:-1]
    cut = Answer(headers=SSE, body=[b"".join(events), 0.001, BREAKS[CUT]])
    desk = Desk((MESSAGES, cut), (CHAT, told(CHAT, "more")))
    _, heard = await desk.ask(MESSAGES)
    assert heard == Heard(BROKEN, ALL)
    assert desk.asked == ["one"]


async def test_the_only_target_is_asked_again_where_the_failure_may_pass():
    """As often as the endpoint lets a target be asked again."""
    once = Policy(continuation=True, retries=1)
    desk = Desk((CHAT, broken(CHAT), told(CHAT, ALL[cut_at() :])), policy=once)
    _, heard = await desk.ask(CHAT)
    assert (heard, desk.asked) == (Heard(ANSWER, ALL), ["one", "one"])
    desk = Desk((CHAT, broken(CHAT), told(CHAT, "never")), policy=replace(once, retries=0))
    assert (await desk.ask(CHAT))[1].kind == BROKEN
    desk = Desk((CHAT, broken(CHAT, STALL), told(CHAT, "never")), policy=once)
    assert (await desk.ask(CHAT))[1].kind == BROKEN
    assert desk.asked == ["one"]


async def test_a_failure_that_is_final_is_the_end():
    """A filter that stops an answer would be gone around; only an endpoint that asks for that gets it."""
    error = {"error": {"message": "No.", "type": "api_error", "param": None, "code": "content_filter"}}
    said = b"".join(CHAT.events(SPEAKER)[: 1 + SAID])
    stopped = Answer(headers=SSE, body=[said, 0.001, b"data: " + json.dumps(error).encode() + b"\n\n"])
    desk = Desk((CHAT, stopped), (CHAT, told(CHAT, ALL[cut_at() :])))
    assert (await desk.ask(CHAT))[1] == Heard(BROKEN, ALL[: cut_at()])
    assert desk.asked == ["one"]
    around = replace(CONTINUED, fallback_on=frozenset({"content_policy"}))
    desk = Desk((CHAT, stopped), (CHAT, told(CHAT, ALL[cut_at() :])), policy=around)
    assert (await desk.ask(CHAT))[1] == Heard(ANSWER, ALL)


async def test_the_deadline_is_that_of_the_whole_request():
    """No target gets time beyond it."""
    desk = Desk(
        (CHAT, broken(CHAT)),
        (CHAT, Answer(headers=SSE, body=[60.0])),
        (CHAT, told(CHAT, "never")),
        policy=replace(CONTINUED, timeout=0.05),
    )
    _, heard = await desk.ask(CHAT)
    assert heard == Heard(BROKEN, ALL[: cut_at()])
    assert desk.asked == ["one", "two"]
    assert desk.upstream.aborted == 1


async def test_the_time_until_the_first_content_is_that_of_each_target():
    """One that is slow to go on is left for the next."""
    desk = Desk(
        (CHAT, broken(CHAT)),
        (CHAT, Answer(headers=SSE, body=[CHAT.events(SPEAKER)[0], 60.0])),
        (CHAT, told(CHAT, ALL[cut_at() :])),
        policy=replace(CONTINUED, first_token=0.05),
    )
    _, heard = await desk.ask(CHAT)
    assert (heard, desk.asked) == (Heard(ANSWER, ALL), ["one", "two", "three"])
    assert desk.kept == [("-broken", "one", "UPSTREAM_PROTOCOL_ERROR", 0), ("", "three", "", 3)]


async def test_a_client_that_leaves_takes_the_next_call_along():
    """The target that is being asked is let go of at once."""
    desk = Desk((CHAT, broken(CHAT)), (CHAT, Answer(headers=SSE, body=[60.0])))
    path, body = CHAT.request("ep", stream=True)
    exchange = FakeExchange(path=path, body=body)
    asking = asyncio.create_task(desk.ask(CHAT, exchange))
    await desk.continuing.wait()
    exchange.gone = True
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert desk.upstream.aborted == 1
    assert desk.kept == [("", "one", CLIENT_LEFT, 2)]


async def test_a_race_is_for_the_first_target_only():
    """Whoever goes on is asked alone; the plan's rest is after the one that won."""
    desk = Desk(
        (CHAT, Answer(headers=SSE, body=[60.0])),
        (CHAT, broken(CHAT)),
        (CHAT, told(CHAT, ALL[cut_at() :])),
        policy=replace(CONTINUED, hedge=0.01),
    )
    _, heard = await desk.ask(CHAT)
    assert (heard, desk.asked) == (Heard(ANSWER, ALL), ["one", "two", "three"])
    assert [(one.record_id[28:], one.model, one.attempts) for one in desk.records] == [
        ("-lost", "one", 0),
        ("-broken", "two", 0),
        ("", "three", 3),
    ]


@pytest.mark.parametrize(
    ("wire", "fields"),
    [
        (CHAT, {"n": 2}),
        (CHAT, {"modalities": ["text", "audio"]}),
        (CHAT, {"response_format": {"type": "json_object"}}),
        (RESPONSES, {"previous_response_id": "resp_0"}),
        (CHAT, {"messages": "what only this provider takes"}),
    ],
)
async def test_what_nobody_could_go_on_with_is_passed_through_as_it_is(wire, fields):
    """Several answers, sound, a shape that must hold, a state that the provider keeps, what we cannot read."""
    desk = Desk((wire, broken(wire)), (wire, told(wire, "never")))
    exchange, heard = await desk.ask(wire, **fields)
    assert heard.kind == BROKEN
    assert desk.asked == ["one"]
    assert exchange.text.startswith(b"".join(wire.events(SPEAKER)[: wire.opens + SAID]))


async def test_a_target_of_the_clients_dialect_gets_its_versions_and_the_client_its_errors():
    """Reading what goes through changes neither."""
    refusal = b'{"type":"error","error":{"type":"invalid_request_error","message":"No."},"request_id":"req_9"}'
    desk = Desk((MESSAGES, Answer(status=400, body=[refusal])))
    exchange = FakeExchange(path="/v1/messages", body=MESSAGES.request("ep", stream=True)[1])
    exchange.headers = [*exchange.headers, (b"anthropic-beta", b"one,two")]
    await desk.ask(MESSAGES, exchange)
    assert (exchange.status, exchange.text) == (400, refusal)
    assert (b"anthropic-beta", b"one,two") in desk.upstream.requests[0].headers


@pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)
async def test_a_stream_that_ends_well_says_the_same_with_the_tag(wire):
    """Usage and all."""
    whole = Answer(headers=SSE, body=wire.events(SPEAKER))
    (with_tag, heard), (without, _) = [
        await Desk((wire, whole), policy=Policy(continuation=on)).ask(wire) for on in (True, False)
    ]
    assert heard == Heard(ANSWER, ALL)
    assert meant(wire, with_tag) == meant(wire, without)
