"""Hedging: who is asked when, who wins, what becomes of the other call, and what is kept of both."""

import asyncio
import json
from dataclasses import replace

import pytest

from fixtures.exchange import PATHS, FakeExchange, make_holder, make_target
from gatewright.errors import UpstreamCutError
from gatewright.gateway.health import Health
from gatewright.gateway.hedge import ENOUGH, KNOWN, WINDOW, Hedged, Pace, Paces
from gatewright.gateway.operations import Table
from gatewright.gateway.pipeline import Pipeline
from gatewright.gateway.understand import Asked
from gatewright.ledger.record import HEDGE_LOST
from gatewright.snapshot.holder import Holder
from gatewright.snapshot.model import Policy
from gatewright.upstream.fake import Answer, FakeClient

TABLE = Table()
CHAT = {"model": "ep", "messages": [{"role": "user", "content": "hi"}]}
SSE = ((b"content-type", b"text/event-stream"),)
NEVER = 60.0
HEDGED = Policy(hedge=0.02, retries=0)


def said(text, after=0.0):
    """An answer that comes after so many seconds."""
    body = json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()
    return Answer(body=[after, body] if after else [body])


def failing(status, after=0.0):
    """An answer with an error status, whose body comes after so many seconds."""
    return Answer(status=status, body=[after, b"{}"] if after else [b"{}"])


def playing(**answers):
    """A provider for each host."""
    return FakeClient(lambda request: answers[request.address.host.partition(".")[0]])


def parsed(*, stream=False):
    """A chat as it is understood."""
    parse = TABLE.find("POST", "/v1/chat/completions")[0].parse
    return parse(Asked(json.dumps(CHAT | {"stream": stream}).encode(), {}, b"", []))


class Desk:
    """A pipeline, what it has recorded, and its targets' health."""

    def __init__(self, upstream, policy=HEDGED, fallbacks=("two",), paths=PATHS):
        self.records, self.health, self.upstream = [], Health(), upstream
        snapshot = make_holder(fallbacks=fallbacks, policy=policy).current
        endpoint = replace(snapshot.endpoints["ep"], primaries=((make_target("one", paths), 1.0),))
        holder = Holder(replace(snapshot, endpoints={"ep": endpoint}))
        self.pipeline = Pipeline(holder, upstream, lambda: 0.0, self.records.append, self.health)

    async def ask(self, path="/v1/chat/completions", body=CHAT):
        """One request."""
        exchange = FakeExchange(path=path, body=body)
        await self.pipeline.serve(exchange, *TABLE.find("POST", path))
        return exchange

    @property
    def asked(self):
        """The hosts that were asked, in order."""
        return [request.address.host.partition(".")[0] for request in self.upstream.requests]


def test_the_95th_percentile_is_of_the_last_answers():
    """What was long ago is forgotten."""
    pace = Pace()
    for second in range(ENOUGH - 1):
        pace.add(float(second))
    assert pace.p95 is None
    pace.add(float(ENOUGH - 1))
    assert pace.p95 == 18.0
    for second in range(WINDOW):
        pace.add(1000.0 + second)
    assert pace.p95 == 1189.0


def test_paces_are_kept_apart_by_what_is_asked_and_bounded():
    """Streams begin long before whole answers are there."""
    paces, endpoint = Paces(), make_holder("one").current.endpoints["ep"]
    plain, stream = parsed(), parsed(stream=True)
    pace = paces.of(endpoint, plain)
    assert paces.of(endpoint, plain) is pace
    assert paces.of(endpoint, stream) is not pace
    for number in range(KNOWN):
        paces.of(replace(endpoint, endpoint_id=f"e-{number}"), plain)
    assert paces.of(endpoint, plain) is not pace


async def test_a_target_that_answers_in_time_is_the_only_one():
    """Nobody pays for a call that nobody needs."""
    desk = Desk(playing(one=said("first"), two=said("second")), Policy(hedge=NEVER))
    exchange = await desk.ask()
    assert (desk.asked, exchange.answered[b"x-gatewright-attempts"]) == (["one"], b"1")
    assert len(desk.records) == 1


async def test_a_slow_target_is_raced_and_given_up_when_the_other_answers():
    """The client gets the first answer; both calls are recorded, and counted once."""
    desk = Desk(playing(one=said("first", NEVER), two=said("second")))
    exchange = await desk.ask()
    assert exchange.json["choices"][0]["message"]["content"] == "second"
    assert exchange.answered[b"x-gatewright-attempts"] == b"2"
    await asyncio.sleep(0)
    assert (desk.asked, desk.upstream.aborted) == (["one", "two"], 1)
    lost, won = desk.records
    assert (lost.error, lost.status, lost.model, lost.attempts) == (HEDGE_LOST, 499, "one", 0)
    assert (won.error, won.status, won.model, won.attempts) == ("", 200, "two", 2)
    assert lost.record_id == won.record_id + "-lost"
    assert 20_000 <= lost.total_us <= won.total_us
    assert won.overhead_us < 20_000
    assert (lost.key_id, lost.endpoint, lost.operation) == (won.key_id, won.endpoint, won.operation)
    assert not desk.health.failing


async def test_the_first_target_may_still_win():
    """Then the second is given up."""
    desk = Desk(playing(one=said("first", 0.06), two=said("second", NEVER)))
    exchange = await desk.ask()
    await asyncio.sleep(0)
    assert exchange.json["choices"][0]["message"]["content"] == "first"
    assert (desk.asked, desk.upstream.aborted) == (["one", "two"], 1)
    assert [(record.model, record.error) for record in desk.records] == [("two", HEDGE_LOST), ("one", "")]


async def test_a_stream_is_raced_until_its_first_event():
    """The client sees one stream, of whoever began first; what the other has told of its usage is kept."""
    head = b'{"type":"message_start","message":{"type":"message","role":"assistant","content":[],"usage":%s}}'
    begun = b"event: message_start\ndata: " + head % b'{"input_tokens":7,"output_tokens":1}' + b"\n\n"
    event = b'data: {"choices":[{"delta":{"content":"second"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    upstream = playing(one=Answer(headers=SSE, body=[begun, NEVER]), two=Answer(headers=SSE, body=[event]))
    desk = Desk(upstream, paths={"messages": b"/v1/messages"})
    exchange = await desk.ask(body=CHAT | {"stream": True})
    await asyncio.sleep(0)
    assert (exchange.status, exchange.text) == (200, event)
    assert desk.upstream.aborted == 1
    assert [(record.error, record.input_tokens) for record in desk.records] == [(HEDGE_LOST, 7), ("", 0)]


@pytest.mark.parametrize("slow", ["one", "two"])
async def test_the_failure_of_one_leaves_the_other_running(slow):
    """Whoever is left decides; a call that failed was not lost."""
    answers = {"one": failing(503, 0.05), "two": failing(503)} | {slow: said("late", 0.08)}
    desk = Desk(playing(**answers))
    exchange = await desk.ask()
    assert exchange.json["choices"][0]["message"]["content"] == "late"
    assert [(record.model, record.attempts) for record in desk.records] == [(slow, 2)]
    assert len(desk.health.failing) == 1


async def test_when_both_fail_the_client_gets_one_error():
    """That of the later target."""
    desk = Desk(playing(one=failing(503, 0.04), two=failing(502)))
    exchange = await desk.ask()
    assert (exchange.status, exchange.answered[b"x-gatewright-target"]) == (502, b"openai/two")
    assert [(record.status, record.attempts) for record in desk.records] == [(502, 2)]


async def test_a_final_error_is_the_one_that_is_told():
    """A mistake of the client is not hidden behind a provider that is down."""
    answers = {"one": failing(400, 0.04), "two": failing(503, 0.06), "three": failing(503)}
    desk = Desk(playing(**answers), fallbacks=("two", "three"))
    exchange = await desk.ask()
    assert (exchange.status, exchange.answered[b"x-gatewright-attempts"]) == (400, b"3")


@pytest.mark.parametrize(("first", "status", "hosts"), [(503, 200, ["one", "two"]), (400, 400, ["one"])])
async def test_a_failure_before_the_delay_is_treated_as_ever(first, status, hosts):
    """The next target at once where that may help."""
    desk = Desk(playing(one=failing(first), two=said("second")), Policy(hedge=NEVER, retries=0))
    exchange = await desk.ask()
    assert (exchange.status, desk.asked) == (status, hosts)
    assert len(desk.records) == 1


async def test_the_second_leg_goes_on_to_further_targets():
    """As the plan says."""
    desk = Desk(
        playing(one=said("first", NEVER), two=UpstreamCutError("cut"), three=said("third")), HEDGED, ("two", "three")
    )
    exchange = await desk.ask()
    assert (exchange.status, desk.asked) == (200, ["one", "two", "three"])
    assert exchange.answered[b"x-gatewright-attempts"] == b"3"


async def test_a_target_that_has_gone_out_is_not_raced_against():
    """It would be called for nothing."""

    def play(request):
        desk.health.failed("openai/two", "rate_limited", 0.0, wait=60.0)
        return said("first", 0.05)

    desk = Desk(FakeClient(play))
    exchange = await desk.ask()
    assert (exchange.status, desk.asked) == (200, ["one"])


async def test_a_race_that_is_lost_tells_how_slow_the_target_is():
    """Else the percentile would be that of the quick answers, and ever more requests would be raced."""
    lost, pace, plan = [], Pace(), (make_target("one"), make_target("two"))
    policy = Policy(hedge=0.005, retries=0)
    for _ in range(ENOUGH):
        upstream = playing(one=said("first", NEVER), two=said("second"))
        await Hedged(upstream, Health(), policy, parsed(), "req_1", None, pace, lost.append).attempt(plan)
    assert [leg.target.model for leg in lost] == ["one"] * ENOUGH
    assert pace.p95 >= 0.005


async def test_a_target_is_not_raced_against_itself():
    """Who is slow is not asked twice at a time, though it may stand twice in the plan."""
    desk = Desk(playing(one=said("first", 0.05)), HEDGED, ("one",))
    exchange = await desk.ask()
    assert (exchange.status, desk.asked) == (200, ["one"])


class Together(FakeClient):
    """Answers its first two requests in the same moment."""

    def __init__(self, play):
        super().__init__(play)
        self._both, self._asked = asyncio.Event(), 0

    async def call(self, *request):
        """As that of the fake, when there are two."""
        self._asked += 1
        if self._asked == 2:
            self._both.set()
        await self._both.wait()
        return await super().call(*request)


async def test_two_answers_at_once_are_one_answer():
    """The first target's; of the other's the tokens are kept, which must be paid for."""
    usage = b'{"prompt_tokens":5,"completion_tokens":1,"total_tokens":6}'
    body = b'{"choices":[{"message":{"role":"assistant","content":"a"}}],"usage":%s}' % usage
    desk = Desk(Together(lambda _: Answer(body=[body])))
    assert (await desk.ask()).status == 200
    assert [(record.model, record.error, record.input_tokens, record.output_tokens) for record in desk.records] == [
        ("two", HEDGE_LOST, 5, 1),
        ("one", "", 5, 1),
    ]


async def test_a_stream_that_began_in_the_same_moment_is_let_go():
    """A target that was due may be asked by the next request."""
    event = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n'
    now = [100.0]
    health = Health(lambda: now[0])
    health.failed("openai/two", "rate_limited", 0.0, wait=1.0)
    now[0] += 2.0
    plan = (make_target("one"), make_target("two"))
    upstream = Together(lambda _: Answer(headers=SSE, body=[event, NEVER]))
    walk = Hedged(upstream, health, HEDGED, parsed(stream=True), "req_1", None, Pace(), lambda _: None)
    answer = await walk.attempt(plan)
    await asyncio.sleep(0)
    assert (answer.target, upstream.aborted, health.share("openai/two")) == (plan[0], 1, 1.0)
    await answer.response.close()


async def test_when_the_client_leaves_both_calls_are_given_up():
    """At once, and the request has its one record."""
    both = asyncio.Event()

    def play(request):
        if request.address.host.startswith("two"):
            both.set()
        return said("late", NEVER)

    desk = Desk(FakeClient(play))
    asking = asyncio.create_task(desk.ask())
    await both.wait()
    asking.cancel()
    await asyncio.wait([asking])
    await asyncio.sleep(0)
    assert desk.upstream.aborted == 2
    assert len(desk.records) == 1


async def test_the_time_of_the_request_bounds_both_calls():
    """Nobody is waited for longer."""
    desk = Desk(playing(one=said("first", NEVER), two=said("second", NEVER)), Policy(hedge=0.01, timeout=0.05))
    exchange = await desk.ask()
    assert exchange.status == 504
    assert desk.upstream.aborted == 2


async def test_by_p95_nothing_is_raced_until_enough_is_known():
    """Then whatever takes longer than nearly all answers of late."""
    slow = {"one": False}

    def play(request):
        if request.address.host.startswith("one") and slow["one"]:
            return said("first", NEVER)
        return said("well", 0.001)

    desk = Desk(FakeClient(play), Policy(hedge="p95"))
    for _ in range(ENOUGH):
        await desk.ask()
    known = desk.asked
    slow["one"] = True
    exchange = await desk.ask()
    assert known == ["one"] * ENOUGH
    assert (exchange.status, desk.asked[ENOUGH:]) == (200, ["one", "two"])


async def test_a_call_to_a_path_of_the_clients_choice_is_never_doubled():
    """What it does twice is not known."""
    desk = Desk(playing(one=said("first", 0.05), two=said("second")))
    exchange = await desk.ask("/gateway/proxy/ep/batches", {"any": 1})
    assert (exchange.status, desk.asked) == (200, ["one"])
