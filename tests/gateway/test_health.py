"""Cooldowns: which targets are in, what takes them out, and how they come back."""

import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fixtures.clock import Clock
from fixtures.exchange import make_target
from gatewright.errors import RestingError
from gatewright.gateway import health as module
from gatewright.gateway.failures import RULES, Kind
from gatewright.gateway.health import (
    FIRST,
    LONGEST,
    PROBE,
    SLACK,
    STEP_SECONDS,
    STEP_SUCCESSES,
    STEPS,
    THRESHOLD,
    Health,
)
from gatewright.gateway.plan import plan
from gatewright.snapshot.model import Endpoint
from gatewright.snapshot.outage import Outage


@pytest.fixture
def clock():
    """Stands still."""
    return Clock(1000.0)


@pytest.fixture
def health(clock):
    """A health that goes by it, and remembers what it published."""
    one = Health(clock)
    one.published = []
    one.publish = one.published.append
    return one


def fail(health, clock, times=THRESHOLD, key="t", **more):
    for _ in range(times):
        health.failed(key, Kind.SERVER_ERROR, clock(), **more)


def endpoint(primaries, fallbacks=(), most=None):
    return Endpoint(
        endpoint_id="e-1",
        name="ep",
        created_at=0,
        primaries=tuple((make_target(name), weight) for name, weight in primaries.items()),
        fallbacks=tuple(map(make_target, fallbacks)),
        most_fallbacks=most,
    )


def names(route):
    return [target.model for target in route]


# The way of one target.


def test_failures_in_a_row_take_a_target_out(health, clock):
    """One less does not, and a success between begins anew."""
    fail(health, clock, THRESHOLD - 1)
    health.succeeded("t", clock())
    fail(health, clock, THRESHOLD - 1)
    assert not health.out
    assert health.admits("t")
    fail(health, clock, 1)
    assert not health.admits("t")
    assert health.share("t") == 0
    assert health.outs == 1
    assert health.published == [Outage(key="t", seconds=FIRST, reason=Kind.SERVER_ERROR)]


def test_a_target_that_is_well_leaves_nothing_behind(health, clock):
    """Who asks first looks at two empty maps."""
    health.succeeded("t", clock())
    fail(health, clock, 1)
    health.succeeded("t", clock())
    assert (health.out, health.failing) == ({}, {})


def test_the_time_out_doubles_up_to_a_minute(health, clock):
    """As long as the one request that asks fails, however often."""
    spans = []
    fail(health, clock)
    for _ in range(1100):
        spans.append(health.published[-1].seconds)
        clock.now += spans[-1]
        assert health.admits("t")
        fail(health, clock, 1)
    assert spans[:7] == [FIRST, 2, 4, 8, 16, 32, LONGEST]
    assert set(spans[6:]) == {LONGEST}


def test_an_operator_may_say_how_long(health, clock):
    """The same each time; 0 leaves every target in."""
    fail(health, clock, 9, cooldown=0)
    assert not health.out
    fail(health, clock, 1, cooldown=30)
    fail(health, clock, 2, cooldown=30)
    clock.now += 30
    assert health.admits("t")
    fail(health, clock, 1, cooldown=30)
    assert [one.seconds for one in health.published] == [30, 30]


def test_one_request_asks_a_target_that_is_due(health, clock):
    """All others pass it by, until the outcome is told, or the request has gone, or is not heard of for long."""
    fail(health, clock)
    clock.now += FIRST
    assert health.share("t") == 1
    assert health.admits("t")
    assert not health.admits("t")
    assert health.share("t") == 0
    health.abandoned("t")
    assert health.admits("t")
    assert not health.admits("t")
    clock.now += PROBE
    assert health.admits("t")


def test_a_target_returns_step_by_step_with_its_successes(health, clock):
    """Then nothing is left of its failures: the next time out is a short one again."""
    fail(health, clock)
    clock.now += FIRST
    assert health.admits("t")
    health.succeeded("t", clock())
    for share in STEPS:
        assert health.share("t") == share
        assert health.condition("t").state == "returning"
        for _ in range(STEP_SUCCESSES):
            health.succeeded("t", clock())
    assert health.share("t") == 1
    assert not health.out
    fail(health, clock)
    assert health.published[-1].seconds == FIRST


def test_a_target_returns_with_time_where_it_is_seldom_asked(health, clock):
    """A step each few seconds; nobody need ask."""
    fail(health, clock)
    clock.now += FIRST
    health.succeeded("t", clock())
    clock.now += STEP_SECONDS * 1.5
    assert health.share("t") == STEPS[1]
    clock.now += STEP_SECONDS
    assert health.share("t") == STEPS[2]
    clock.now += STEP_SECONDS
    assert health.share("t") == 1
    assert not health.out


def test_a_returning_target_that_fails_again_is_out_for_longer(health, clock):
    """It takes as many failures as ever, for some fail always."""
    fail(health, clock)
    clock.now += FIRST
    health.succeeded("t", clock())
    fail(health, clock, THRESHOLD - 1)
    assert health.admits("t")
    fail(health, clock, 1)
    assert not health.admits("t")
    assert health.published[-1].seconds == 2 * FIRST


def test_what_was_under_way_says_nothing_new(health, clock):
    """Neither the successes nor the failures of calls that began before the target was taken out."""
    began = clock() - 1
    fail(health, clock)
    clock.now += FIRST / 2
    for _ in range(9):
        health.failed("t", Kind.STALLED, began)
        health.succeeded("t", began)
    assert health.condition("t").seconds == FIRST / 2
    clock.now += FIRST
    health.failed("t", Kind.STALLED, began)
    health.succeeded("t", began)
    assert health.condition("t").state == "due"
    assert len(health.published) == 1


def test_a_success_against_all_odds_ends_the_time_out(health, clock):
    """When all are out one is asked all the same; what it answers counts."""
    fail(health, clock)
    clock.now += FIRST / 2
    health.succeeded("t", clock())
    assert health.condition("t").state == "returning"


@pytest.mark.parametrize("kind", [kind for kind, rule in RULES.items() if not rule.cools and kind is not Kind.BUSY])
def test_failures_that_are_about_the_request_prove_a_target_well(health, clock, kind):
    """They end what failures have begun, and let a due target return."""
    fail(health, clock, THRESHOLD - 1)
    health.failed("t", kind, clock())
    assert not health.failing
    fail(health, clock)
    clock.now += FIRST
    health.admits("t")
    health.failed("t", kind, clock())
    assert health.condition("t").state == "returning"


def test_a_lack_of_connections_says_nothing_of_the_target(health, clock):
    """It was not asked: whoever comes next may ask."""
    fail(health, clock)
    clock.now += FIRST
    assert health.admits("t")
    health.failed("t", Kind.BUSY, clock())
    assert health.admits("t")
    assert health.condition("t").state == "due"


# A provider that says for how long.


def test_a_stated_time_is_kept_at_once_and_whatever_happens(health, clock):
    """One failure is enough, and no success of a call that was under way ends it."""
    health.failed("t", Kind.RATE_LIMITED, clock(), wait=7.0)
    assert health.published == [Outage(key="t", seconds=7, reason=Kind.RATE_LIMITED, times=0, stated=True)]
    clock.now += 6.9
    health.succeeded("t", clock())
    fail(health, clock, 9)
    assert not health.admits("t")
    clock.now += 0.2
    assert health.admits("t")


def test_a_later_stated_time_extends_an_earlier_one_and_a_shorter_one_does_not_cut_it(health, clock):
    """Also when the call that was told began long before."""
    health.failed("t", Kind.RATE_LIMITED, clock(), wait=5.0)
    health.failed("t", Kind.UNAVAILABLE, clock() - 99, wait=9.0)
    health.failed("t", Kind.RATE_LIMITED, clock(), wait=1.0)
    assert health.condition("t").seconds == 9
    assert len(health.published) == 2


# What other processes have noticed.


def test_an_outage_of_another_process_is_one_here(health, clock):
    """It is not published again; when it ends the target is due."""
    health.merge([Outage(key="t", seconds=5, reason="server_error", times=3)])
    assert not health.admits("t")
    assert (health.published, health.outs) == ([], 0)
    clock.now += 5
    assert health.admits("t")
    fail(health, clock, 1)
    assert health.published[-1].seconds == 8


def test_our_own_outage_that_comes_back_changes_nothing(health, clock):
    """Though the times differ a little, and also when the target returns already."""
    fail(health, clock)
    clock.now += 0.3
    health.merge([Outage(key="t", seconds=FIRST, reason="server_error")])
    assert health.condition("t").seconds == pytest.approx(FIRST - 0.3)
    health.succeeded("t", clock())
    health.merge([Outage(key="t", seconds=FIRST, reason="server_error")])
    assert health.condition("t").state == "returning"


def test_an_outage_that_lasts_longer_elsewhere_lasts_as_long_here(health, clock):
    """And one that a provider asked for is kept, though we are to leave the target alone for longer."""
    fail(health, clock)
    health.merge([Outage(key="t", seconds=8, reason="server_error", times=4)])
    assert health.condition("t").seconds == 8
    health.merge([Outage(key="t", seconds=4, reason="rate_limited", stated=True)])
    assert health.condition("t").rests == 4
    health.merge([Outage(key="t", seconds=20, reason="server_error", times=5)])
    assert (health.condition("t").rests, health.condition("t").seconds) == (4, 20)


def test_targets_that_nobody_asks_any_more_are_forgotten(health, clock):
    """Those of endpoints that are gone."""
    fail(health, clock)
    health.merge([Outage(key="u", seconds=1, reason="dns")])
    clock.now += FIRST + module.FORGOTTEN - 1
    assert set(health.conditions()) == {"t", "u"}
    clock.now += 2
    assert health.conditions() == {}
    assert not health.out


def test_failures_are_remembered_for_so_many_targets(health, clock, monkeypatch):
    """Memory has a bound."""
    monkeypatch.setattr(module, "KNOWN", 3)
    for number in range(10):
        fail(health, clock, 1, key=f"t{number}")
    assert len(health.failing) <= 3


# Plans.


def test_a_target_that_is_out_is_passed_by(health, clock):
    """PRIMARY or FALLBACK, the others keep their order; no more fallbacks than were asked for."""
    ep = endpoint({"a": 1, "b": 3}, ["x", "y", "z"], most=2)
    fail(health, clock, key="openai/a")
    fail(health, clock, key="openai/x")
    assert {tuple(names(plan(ep, "chat", draw / 100, health))) for draw in range(100)} == {("b", "y", "z")}
    fail(health, clock, key="openai/b")
    assert names(plan(ep, "chat", 0.5, health)) == ["y", "z"]


def test_an_endpoint_without_the_target_is_planned_as_ever(health, clock):
    """The very plan that was made once."""
    ep = endpoint({"a": 1}, ["x"])
    fail(health, clock, key="openai/other")
    assert plan(ep, "chat", 0.5, health) is plan(ep, "chat", 0.1, Health())


def test_a_due_target_is_asked_by_one_request_which_has_a_second(health, clock):
    """The request is not to fail because the target may."""
    ep = endpoint({"a": 1, "b": 1}, ["x"])
    fail(health, clock, key="openai/a")
    clock.now += FIRST
    assert names(plan(ep, "chat", 0.1, health)) == ["a", "b", "x"]
    assert names(plan(ep, "chat", 0.1, health)) == ["b", "x"]


def test_a_returning_target_gets_a_part_of_its_own(health, clock):
    """The rest goes to those that are in, as their weights are; without any, to the fallbacks."""
    for fallbacks, others in (([], "bc"), (["x"], "bc"), (["x"], "")):
        one = Health(clock)
        ep = endpoint({"a": 1} | dict.fromkeys(others, 1.0), fallbacks)
        fail(one, clock, key="openai/a")
        one.succeeded("openai/a", clock())
        first = Counter(plan(ep, "chat", draw / 1000, one)[0].model for draw in range(1000))
        share = STEPS[0] / (1 + len(others))
        assert first["a"] == pytest.approx(1000 * share, abs=1)
        for other in others or "x":
            assert first[other] == pytest.approx(1000 * (1 - share) / max(1, len(others)), abs=1)


def test_a_returning_target_that_is_alone_gets_all(health, clock):
    """There is nobody else."""
    ep = endpoint({"a": 1, "b": 1})
    for key in ("openai/a", "openai/b"):
        fail(health, clock, key=key)
    health.succeeded("openai/a", clock())
    assert {plan(ep, "chat", draw / 100, health)[0].model for draw in range(100)} == {"a"}


def test_when_all_are_out_the_one_due_first_is_tried(health, clock):
    """By every request: rather one that may fail than none."""
    ep = endpoint({"a": 1, "b": 1}, ["x"])
    for key, cooldown in (("openai/a", 9), ("openai/b", 5), ("openai/x", 7)):
        fail(health, clock, key=key, cooldown=cooldown)
    for _ in range(3):
        assert names(plan(ep, "chat", 0.1, health)) == ["b"]


def test_a_target_whose_provider_asked_for_it_is_never_tried_before(health, clock):
    """Another one is, though it is due later; without any the caller is told when to come back."""
    ep = endpoint({"a": 1}, ["x"])
    health.failed("openai/a", Kind.RATE_LIMITED, clock(), wait=7)
    fail(health, clock, key="openai/x", cooldown=60)
    assert names(plan(ep, "chat", 0.1, health)) == ["x"]
    health.failed("openai/x", Kind.UNAVAILABLE, clock(), wait=30)
    clock.now += 0.5
    with pytest.raises(RestingError, match=r"endpoint 'ep' .* in 7 s") as caught:
        plan(ep, "chat", 0.1, health)
    assert (caught.value.status, caught.value.retry_after) == (429, 6.5)
    clock.now += 6.5
    assert names(plan(ep, "chat", 0.1, health)) == ["a"]


def test_who_waits_for_no_rate_limit_is_told_that_it_is_unavailable(health, clock):
    """A 429 would say that the caller asks too much."""
    health.failed("openai/a", Kind.UNAVAILABLE, clock(), wait=3)
    with pytest.raises(RestingError) as caught:
        plan(endpoint({"a": 1}), "chat", 0.1, health)
    assert (caught.value.status, caught.value.code) == (503, "TEMPORARILY_UNAVAILABLE")


# Properties.


class Machine(RuleBasedStateMachine):
    """Any order of calls, outcomes, news and time."""

    keys = st.sampled_from(["openai/a", "openai/b", "openai/x"])

    def __init__(self):
        super().__init__()
        self.clock = Clock(0.0)
        self.health = Health(self.clock)
        self.health.publish = self.note
        self.endpoint = endpoint({"a": 1, "b": 2}, ["x"])
        self.under_way = []
        self.stated = {}

    def note(self, outage, slack=0.0):
        """Remember what a provider asked for."""
        if outage.stated:
            end = self.clock() + outage.seconds - slack
            self.stated[outage.key] = max(end, self.stated.get(outage.key, -math.inf))

    @rule(seconds=st.floats(0, 90))
    def wait(self, seconds):
        self.clock.now += seconds

    @rule(draw=st.floats(0, 1, exclude_max=True))
    def call(self, draw):
        """A plan is never empty and never holds a target whose provider asked to be left alone."""
        try:
            route = plan(self.endpoint, "chat", draw, self.health)
        except RestingError as problem:
            first = min(self.stated.values()) - self.clock()
            assert problem.retry_after == pytest.approx(first, abs=SLACK + 1e-6)
            return
        assert route
        assert all(self.stated.get(target.key, -math.inf) <= self.clock() + 1e-6 for target in route)
        self.under_way.append((route[0].key, self.clock()))

    @precondition(lambda self: self.under_way)
    @rule(place=st.integers(0, 99), kind=st.none() | st.sampled_from(Kind), wait=st.none() | st.floats(0.01, 600))
    def end(self, place, kind, wait):
        key, began = self.under_way.pop(place % len(self.under_way))
        if kind is None:
            self.health.succeeded(key, began)
        else:
            self.health.failed(key, kind, began, wait=wait if RULES[kind].cools else None)

    @rule(key=keys, seconds=st.floats(0, 60), stated=st.booleans())
    def hear(self, key, seconds, stated):
        outage = Outage(key=key, seconds=seconds, reason="dns", stated=stated)
        self.health.merge([outage])
        self.note(outage, SLACK)

    @rule(key=keys)
    def give_up(self, key):
        self.health.abandoned(key)

    @invariant()
    def shares_are_parts(self):
        for key, condition in self.health.conditions().items():
            assert 0 <= self.health.share(key) <= 1
            assert (condition.seconds > 0) == (condition.state == "out")

    @invariant()
    def nobody_is_out_for_ever(self):
        """Left to itself, every target can be asked again in bounded time."""
        longest = max((one.until for one in self.health.out.values()), default=0.0)
        assert longest <= self.clock() + 600


TestMachine = Machine.TestCase


@given(weights=st.lists(st.floats(0.01, 100), min_size=2, max_size=6), draw=st.floats(0, 1, exclude_max=True))
def test_taking_out_the_others_leaves_one(weights, draw):
    """Whatever the weights."""
    clock = Clock(0.0)
    health = Health(clock)
    ep = endpoint({str(number): weight for number, weight in enumerate(weights)})
    for number in range(1, len(weights)):
        fail(health, clock, key=f"openai/{number}")
    assert names(plan(ep, "chat", draw, health)) == ["0"]


# A million requests.

WEIGHTS = {"a": 0.5, "b": 0.3, "c": 0.15, "d": 0.05}
REQUESTS, RATE = 1_000_000, 1000.0


def outages(source):
    """When a target fails: spans of some seconds, some minutes apart."""
    at, spans = 0.0, []
    while at < REQUESTS / RATE:
        at += source.expovariate(1 / 250)
        spans.append((at, at + source.uniform(0.5, 12)))
        at = spans[-1][1]
    return spans


def test_a_million_requests_are_split_as_the_weights_are():
    """Targets fail and come back at random; at each time the shares of those that are in are as their weights.

    Within 0.5 percent; no request is lost while a fallback serves, and no target is called while its provider wants to
    be left alone.
    """
    source = random.Random(4)
    clock = Clock(0.0)
    health = Health(clock)
    ep = endpoint(WEIGHTS, ["f"])
    failing = {f"openai/{name}": outages(source) for name in WEIGHTS} | {"openai/f": []}
    rests = dict.fromkeys(failing, -math.inf)
    drawn = Counter()
    lost = early = 0
    draw, out = source.random, health.out
    for number in range(REQUESTS):
        now = clock.now = number / RATE
        route = plan(ep, "chat", draw(), health)
        drawn[frozenset(out) if out else None, route[0].key] += 1
        for place, target in enumerate(route):
            key = target.key
            if place and out and not health.admits(key):
                continue
            early += now < rests[key]
            spans = failing[key]
            while spans and spans[0][1] < now:
                spans.pop(0)
            if spans and spans[0][0] <= now:
                wait = 7.0 if number % 50 == 0 else None
                rests[key] = now + (wait or 0)
                health.failed(key, Kind.RATE_LIMITED if wait else Kind.SERVER_ERROR, now, wait=wait)
            else:
                if out or health.failing:
                    health.succeeded(key, now)
                break
        else:
            lost += 1
    assert (lost, early) == (0, 0)
    assert health.outs > 20
    assert split_is_fair(drawn) > 5


def split_is_fair(drawn):
    """Check each set of targets that was in for long, and all requests together; how many sets there were."""
    gap = Counter()
    sets = {out for out, _ in drawn}
    for out in sets:
        whole = {f"openai/{name}": weight for name, weight in WEIGHTS.items() if f"openai/{name}" not in (out or ())}
        found = {key: drawn[out, key] for key in whole}
        requests, total = sum(found.values()), sum(whole.values())
        for key, weight in whole.items():
            gap[key] += found[key] - requests * weight / total
            if requests > 50_000:
                assert abs(found[key] / requests - weight / total) < 0.005
    assert max(map(abs, gap.values())) < 0.005 * REQUESTS
    return len(sets)
