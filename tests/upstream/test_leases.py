"""Credentials are fetched once, renewed ahead of their end, and never awaited without need."""

import asyncio
import logging

import pytest

from fixtures.clock import Clock
from gatewright.errors import UpstreamRefusedError
from gatewright.upstream.leases import AHEAD, KNOWN, PAUSE, SLACK, YOUNG, Lease, Leases


class Source:
    """Numbered credentials that last an hour; `gate` holds them back, `problem` is raised instead."""

    def __init__(self, life=3600.0):
        self.clock = Clock()
        self.life = life
        self.fetched = []
        self.problem = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.leases = Leases(self._fetch, self.clock)

    async def _fetch(self, identity):
        self.fetched.append(identity)
        number = len(self.fetched)
        await self.gate.wait()
        if self.problem is not None:
            raise self.problem
        return Lease(f"{identity}-{number}", self.clock.now + self.life)

    async def settle(self):
        """Let what was begun in the background end."""
        await self.leases.close()
        await asyncio.sleep(0)


async def test_all_who_wait_share_one_fetch():
    """However many requests come while there is no credential."""
    source = Source()
    source.gate.clear()
    waiting = [asyncio.create_task(source.leases.get("a")) for _ in range(20)]
    await asyncio.sleep(0)
    source.gate.set()
    assert set(await asyncio.gather(*waiting)) == {"a-1"}
    assert source.fetched == ["a"]


async def test_one_who_gives_up_does_not_take_it_from_the_others():
    """A cancelled request leaves the fetch under way."""
    source = Source()
    source.gate.clear()
    first, second = (asyncio.create_task(source.leases.get("a")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    source.gate.set()
    assert first.cancelled()
    assert await second == "a-1"


async def test_identities_do_not_share():
    """Each has its own."""
    source = Source()
    assert (await source.leases.get("a"), await source.leases.get("b"), await source.leases.get("a")) == (
        "a-1",
        "b-2",
        "a-1",
    )


async def test_it_is_renewed_ahead_while_it_still_serves():
    """Nobody waits: the old one serves until the new one is here."""
    source = Source()
    await source.leases.get("a")
    source.clock.now += 3600 - AHEAD - 1
    assert await source.leases.get("a") == "a-1"
    assert source.fetched == ["a"]
    source.clock.now += 1
    source.gate.clear()
    assert [await source.leases.get("a") for _ in range(3)] == ["a-1"] * 3
    source.gate.set()
    await source.settle()
    assert await source.leases.get("a") == "a-2"
    assert source.fetched == ["a", "a"]


async def test_one_that_would_end_on_its_way_is_not_used():
    """The request waits for the next one."""
    source = Source()
    await source.leases.get("a")
    source.clock.now += 3600 - SLACK
    assert await source.leases.get("a") == "a-2"


@pytest.mark.parametrize("life", [8.0, 0.0, -5.0])
async def test_a_short_life_is_used_for_what_it_is(life):
    """Even one that has ended when it comes is handed out once, for clocks differ; it is only not kept."""
    source = Source(life=life)
    assert await source.leases.get("a") == "a-1"
    source.clock.now += max(life, 0.0)
    assert await source.leases.get("a") == "a-2"


async def test_a_renewal_that_fails_is_tried_again_after_a_pause(caplog):
    """Meanwhile the old one serves and the log tells, without a stack trace."""
    source = Source()
    await source.leases.get("a")
    source.clock.now += 3600 - AHEAD
    source.problem = UpstreamRefusedError("no\nluck")
    with caplog.at_level(logging.WARNING):
        assert await source.leases.get("a") == "a-1"
        await source.settle()
    assert [record.getMessage() for record in caplog.records] == ["a credential was not renewed: 'no\\nluck'"]
    assert await source.leases.get("a") == "a-1"
    assert len(source.fetched) == 2
    source.clock.now += PAUSE
    source.problem = None
    await source.leases.get("a")
    await source.settle()
    assert await source.leases.get("a") == "a-3"


async def test_a_failure_reaches_all_who_wait_and_the_next_one_tries_again():
    """No failure is remembered."""
    source = Source()
    source.problem = UpstreamRefusedError("no luck")
    answers = await asyncio.gather(*(source.leases.get("a") for _ in range(3)), return_exceptions=True)
    assert [str(answer) for answer in answers] == ["no luck"] * 3
    assert len(source.fetched) == 1
    source.problem = None
    assert await source.leases.get("a") == "a-2"


async def test_a_refused_one_is_fetched_anew_unless_it_is_young():
    """A lack of permission, which looks the same, must not cost a renewal a request."""
    source = Source()
    await source.leases.get("a")
    source.leases.drop("a")
    source.leases.drop("never seen")
    assert await source.leases.get("a") == "a-1"
    source.clock.now += YOUNG
    source.leases.drop("a")
    assert await source.leases.get("a") == "a-2"


async def test_the_ones_used_least_are_forgotten():
    """Rotated secrets leave nothing behind."""
    source = Source()
    for number in range(KNOWN):
        await source.leases.get(number)
    await source.leases.get(0)
    await source.leases.get("new")
    before = len(source.fetched)
    await source.leases.get(0)
    assert len(source.fetched) == before
    await source.leases.get(1)
    assert len(source.fetched) == before + 1
