"""Gates: never more in than the limit, a fair queue, and nothing lost whoever leaves when."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.exchange import make_holder
from gatewright.errors import OverloadedError
from gatewright.gateway.admit import Admission, Gate
from gatewright.snapshot.model import Endpoint, Policy

LONG = 60.0


def refused(gate):
    return OverloadedError(f"{gate.limit} are in.", LONG, limited=False)


def endpoint(limit, name="ep"):
    values = make_holder("one").current.endpoints["ep"]
    return Endpoint(
        endpoint_id="e-1",
        name=name,
        created_at=0,
        primaries=values.primaries,
        policy=Policy(max_concurrency=limit),
    )


async def settle():
    """Let everybody who can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_there_is_nothing_to_await_while_there_is_room():
    """The usual way is two comparisons."""
    turn = Admission(limit=1, held=10).turn()
    assert turn.enter(10) is None
    assert turn.enter_endpoint(endpoint(1)) is None
    assert turn.enter_endpoint(endpoint(None)) is None


async def test_who_waits_longest_goes_first():
    """Also before somebody who comes at the moment at which there is room."""
    gate = Gate(2, LONG, refused)
    order = []

    async def pass_through(number):
        if not gate.take():
            await gate.wait()
        order.append(number)
        await asyncio.sleep(0)
        gate.leave()

    assert gate.take()
    assert gate.take()
    tasks = [asyncio.create_task(pass_through(number)) for number in range(2)]
    await settle()
    gate.leave()
    tasks.append(asyncio.create_task(pass_through(2)))
    assert not gate.take(), "the room is for somebody who waits"
    gate.leave()
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2]
    assert (gate.taken, gate.waiting) == (0, 0)


async def test_the_queue_has_as_many_places_as_the_limit():
    """Who finds it full is sent away at once."""
    gate = Gate(2, LONG, refused)
    assert gate.take()
    assert gate.take()
    waiting = [asyncio.create_task(gate.wait()) for _ in range(2)]
    await settle()
    with pytest.raises(OverloadedError):
        await gate.wait()
    gate.leave()
    gate.leave()
    await asyncio.gather(*waiting)


async def test_nobody_waits_for_longer_than_the_queue_time():
    """Then the place in the queue is free again, and nothing is kept."""
    gate = Gate(1, 0.05, refused)
    assert gate.take()
    loop = asyncio.get_running_loop()
    came = loop.time()
    with pytest.raises(OverloadedError):
        await gate.wait()
    assert 0.05 <= loop.time() - came < 1
    assert (gate.taken, gate.waiting) == (1, 0)
    gate.leave()
    assert gate.take()


async def test_a_large_body_waits_for_its_room_and_is_not_overtaken():
    """Small ones that came later go in when it is in, or gone."""
    gate = Gate(10, LONG, refused, held=10)
    assert gate.take(6)
    large = asyncio.create_task(gate.wait(8))
    small = asyncio.create_task(gate.wait(2))
    await settle()
    assert not gate.take(1)
    assert gate.waiting == 2
    large.cancel()
    await settle()
    assert small.done(), "there was room for it"
    assert (gate.taken, gate.held, gate.waiting) == (2, 8, 0)
    gate.leave(6)
    gate.leave(2)
    assert gate.held == 0


async def test_who_waited_in_vain_keeps_nobody_behind_from_the_room_there_is():
    """A body too large for now is sent away; a small one that came later goes in then, not at its own end."""
    gate = Gate(10, 0.1, refused, held=10)
    assert gate.take(6)
    large = asyncio.create_task(gate.wait(8))
    await asyncio.sleep(0.05)
    small = asyncio.create_task(gate.wait(2))
    await asyncio.wait([large])
    await settle()
    assert isinstance(large.exception(), OverloadedError)
    assert small.done()
    assert small.exception() is None
    assert (gate.taken, gate.held) == (2, 8)


async def test_bytes_that_were_not_announced_are_held_only_while_there_is_room():
    """They do not wait: those who hold half of a body each would wait for one another."""
    admission = Admission(held=10)
    turn = admission.turn()
    assert turn.enter(4) is None
    turn.hold(6)
    with pytest.raises(OverloadedError, match="GATEWRIGHT_MAX_HELD") as caught:
        turn.hold(1)
    assert (caught.value.status, admission.shed, admission.worker.held) == (503, 1, 10)
    turn.leave()
    assert admission.worker.held == 0


async def test_each_endpoint_has_a_gate_of_its_own():
    """Over its limit a caller gets 429, and others are served."""
    admission = Admission(seconds=0.01)
    first, second, other = (admission.turn() for _ in range(3))
    assert first.enter_endpoint(endpoint(1)) is None
    waiting = second.enter_endpoint(endpoint(1))
    with pytest.raises(OverloadedError, match=r"^Endpoint 'ep' serves 1 requests already") as caught:
        await waiting
    assert (caught.value.status, caught.value.retry_after) == (429, 0.01)
    assert other.enter_endpoint(endpoint(1, "other")) is None
    first.leave()
    assert second.enter_endpoint(endpoint(1)) is None


async def test_a_limit_that_is_raised_lets_in_who_waits():
    """With the next request, which brings the new limit."""
    admission = Admission(seconds=LONG)
    turns = [admission.turn() for _ in range(3)]
    assert turns[0].enter_endpoint(endpoint(1)) is None
    tasks = [asyncio.create_task(turns[1].enter_endpoint(endpoint(1)))]
    await settle()
    assert admission.waiting == 1
    tasks.append(asyncio.create_task(turns[2].enter_endpoint(endpoint(3))))
    async with asyncio.timeout(1):
        await asyncio.gather(*tasks)
    assert admission.waiting == 0


@pytest.mark.parametrize("given_first", [True, False])
async def test_who_leaves_in_the_turn_in_which_it_is_let_in_gives_the_place_back(given_first):
    """Whichever comes first."""
    gate = Gate(1, LONG, refused)
    assert gate.take()
    leaving = asyncio.create_task(gate.wait())
    await settle()
    if given_first:
        gate.leave()
        leaving.cancel()
    else:
        leaving.cancel()
        gate.leave()
    await settle()
    assert leaving.cancelled()
    assert (gate.taken, gate.waiting) == (0, 0)
    assert gate.take()


def test_a_wait_that_is_never_finished_leaves_nothing():
    """A loop that is closed meanwhile takes its waits with it."""
    gate = Gate(1, LONG, refused)

    async def begin():
        assert gate.take()
        waiting = gate.wait()
        waiting.send(None)
        waiting.close()

    asyncio.run(begin())
    assert (gate.taken, gate.waiting) == (1, 0)


class Crowd:
    """Requests that come, are served, leave and run out of time in any order; whoever is let in is checked."""

    def __init__(self, limit, held):
        self.gate = Gate(limit, LONG, refused, held=held)
        self.held = held
        self.queue = []  # as it must be: (task, size) of those who wait
        self.inside = []  # sizes

    async def come(self, size):
        before = self.gate.waiting
        if self.gate.take(size):
            assert not before, "nobody is overtaken"
            self.inside.append(size)
            return
        task = asyncio.create_task(self.gate.wait(size))
        await settle()
        if task.done() and task.exception() is not None:
            assert before == self.gate.limit
        else:
            self.queue.append((task, size))

    async def served(self, index):
        if self.inside:
            self.gate.leave(self.inside.pop(index % len(self.inside)))

    async def left(self, index):
        if self.queue:
            self.queue[index % len(self.queue)][0].cancel()

    async def late(self, index):
        if self.queue:
            waiting = list(self.gate._queue)
            if waiting:
                self.gate._expire(waiting[index % len(waiting)])

    async def check(self, *, settled):
        if settled:
            await settle()
            still = []
            for task, size in self.queue:
                if not task.done():
                    still.append((task, size))
                elif not task.cancelled() and task.exception() is None:
                    assert not still, "nobody is overtaken"
                    self.inside.append(size)
            self.queue = still
            assert (self.gate.taken, self.gate.held) == (len(self.inside), sum(self.inside))
            assert self.gate.waiting == len(self.queue)
            if self.queue:
                full = self.gate.taken == self.gate.limit or self.gate.held + self.queue[0][1] > self.held
                assert full, "nobody waits while there is room"
        assert self.gate.taken <= self.gate.limit
        assert self.gate.held <= self.held


STEPS = st.lists(
    st.tuples(st.sampled_from(["come", "come", "served", "left", "late"]), st.integers(0, 8), st.booleans()),
    max_size=60,
)


@given(limit=st.integers(1, 4), steps=STEPS)
def test_whatever_happens_the_limits_hold_and_no_place_is_lost(limit, steps):
    """Requests come, end, leave and run out of time, several within one turn of the loop; in the end all is free."""

    async def play():
        crowd = Crowd(limit, held=10)
        for action, number, settled in steps:
            await getattr(crowd, action)(number)
            await crowd.check(settled=settled)
        await crowd.check(settled=True)
        while crowd.inside or crowd.queue:
            await crowd.served(0)
            await crowd.check(settled=True)
        assert (crowd.gate.taken, crowd.gate.held, crowd.gate.waiting) == (0, 0, 0)

    asyncio.run(play())
