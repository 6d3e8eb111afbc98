"""Sharing of outages: with the other machines through a store, with the workers of this one at once."""

import asyncio
import contextlib
import logging

import pytest

from gatewright.control import cooldowns
from gatewright.control.cooldowns import Cooldowns
from gatewright.control.neighbours import SUFFIX, Neighbours
from gatewright.control.store.outages import Outages
from gatewright.errors import UnavailableError
from gatewright.gateway.failures import Kind
from gatewright.gateway.health import THRESHOLD, Health
from gatewright.snapshot.outage import Outage


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    """Tests wait for the store."""
    monkeypatch.setattr(cooldowns, "PACE", 0.02)
    monkeypatch.setattr(cooldowns, "LONGEST_PAUSE", 0.02)


class Away:
    """A store that can be away."""

    def __init__(self, store):
        self.store = store
        self.away = False
        self.fault = None
        self.tried = 0

    def exchange(self, told):
        self.tried += 1
        if self.away:
            raise UnavailableError("the store is away")
        if self.fault:
            raise self.fault
        return self.store.exchange(told)

    def close(self):
        self.store.close()


@contextlib.asynccontextmanager
async def sharing(store, folder):
    """The health of one more process."""
    health = Health()
    one = Cooldowns(health, store, folder)
    await one.start()
    try:
        yield health
    finally:
        await one.stop()


async def until(condition, seconds=10.0):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - another task makes it true
            await asyncio.sleep(0.002)


def fail(health, key="t"):
    for _ in range(THRESHOLD):
        health.failed(key, Kind.SERVER_ERROR, 1e12, cooldown=60)


async def test_what_takes_a_target_out_here_takes_it_out_on_other_machines(database, tmp_path):
    """Through the store; with the time the provider asked for."""
    store = Outages(database)
    async with sharing(store, tmp_path / "a") as one, sharing(store, tmp_path / "b") as other:
        fail(one)
        one.failed("u", Kind.RATE_LIMITED, 0, wait=30)
        await until(lambda: {"t", "u"} <= set(other.out))
        assert not other.admits("t")
        assert 29 < other.condition("u").rests <= 30
        assert other.outs == 0
        fail(other, "v")
        await until(lambda: "v" in one.out)


async def test_a_process_that_starts_knows_what_the_others_know(database, tmp_path):
    """Before it serves."""
    async with sharing(Outages(database), tmp_path / "a") as one:
        fail(one)
        await asyncio.sleep(0.05)
    async with sharing(Outages(database), tmp_path / "b") as other:
        assert set(other.out) == {"t"}


async def test_what_is_noticed_last_is_told_at_the_end(database, tmp_path):
    """A process that stops leaves what it knows."""
    async with sharing(Outages(database), tmp_path) as one:
        fail(one)
    assert [each.key for each in Outages(database).exchange([])] == ["t"]


async def test_while_the_store_is_away_each_goes_by_itself(database, tmp_path, caplog):
    """It is said once; what was noticed meanwhile is told when it is back, with what is left of its time."""
    caplog.set_level(logging.INFO)
    store = Away(Outages(database))
    async with sharing(store, tmp_path / "a") as one, sharing(Outages(database), tmp_path / "b") as other:
        store.away = True
        tried = store.tried
        fail(one)
        await until(lambda: store.tried > tried + 3)
        assert not one.admits("t")
        assert "t" not in other.out
        store.away = False
        await until(lambda: "t" in other.out)
        await until(lambda: "outages of targets are shared again" in caplog.text)
    assert caplog.text.count("are not shared with other machines: the store is away") == 1


async def test_a_store_that_is_away_keeps_nobody_from_starting_or_stopping(tmp_path):
    """Nor one with a fault of ours."""
    store = Away(None)
    store.close = lambda: None
    for store.away, store.fault in ((True, None), (False, ZeroDivisionError())):
        async with asyncio.timeout(5), sharing(store, tmp_path) as health:
            fail(health)
            assert not health.admits("t")


async def test_the_workers_of_a_machine_tell_each_other_at_once(tmp_path):
    """Without the store, in as many folders deep as there are."""
    folder = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 6)
    heard = {name: [] for name in "abc"}
    ones = [Neighbours(folder, heard[name].extend) for name in heard]
    for number, one in enumerate(ones):
        one._path = folder / f"{number}{SUFFIX}"  # each is a process of its own
        one.open()
    said = Outage(key="t", seconds=7, reason="rate_limited", stated=True)
    ones[0].tell(said)
    await until(lambda: heard["b"] and heard["c"])
    assert heard == {"a": [], "b": [said], "c": [said]}
    ones[1].close()
    with pytest.MonkeyPatch.context() as killed:  # which leaves its socket behind
        killed.setattr(type(folder), "unlink", lambda *_, **__: None)
        ones[2].close()
    assert {path.name for path in folder.iterdir()} == {"0.sock", "2.sock"}
    ones[0].tell(said)
    assert [path.name for path in folder.iterdir()] == ["0.sock"]
    ones[0].close()


async def test_words_that_are_none_are_passed_over(tmp_path):
    """Whoever wrote them."""
    heard = []
    one, other = Neighbours(tmp_path, heard.extend), Neighbours(tmp_path, heard.extend)
    other._path = tmp_path / f"other{SUFFIX}"
    for each in (one, other):
        each.open()
    for words in (b"", b"\xff", b"\x80", b"x" * 9000):
        with contextlib.suppress(OSError):
            one._send(one._socket, words, other._path)
    one.tell(Outage(key="t", seconds=1, reason="dns"))
    await until(lambda: heard)
    assert [each.key for each in heard] == ["t"]
    for each in (one, other):
        each.close()


async def test_where_no_socket_can_be_the_store_alone_is_used(database, tmp_path, caplog):
    """It is said, and everything else goes on."""
    (tmp_path / "file").write_text("")
    store = Outages(database)
    async with sharing(store, tmp_path / "file" / "x") as one, sharing(store, tmp_path / "b") as other:
        fail(one)
        await until(lambda: "t" in other.out)
    assert "through the shared store alone" in caplog.text
