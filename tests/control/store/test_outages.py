"""The shared store of outages, in each of its forms."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from valkey import Valkey

from gatewright.control.store import outages, valkey
from gatewright.control.store.database import Database
from gatewright.errors import ConfigError, UnavailableError
from gatewright.snapshot.outage import Outage


@pytest.fixture(params=["sqlite", "postgres", "valkey"])
def make(request, monkeypatch, tmp_path):
    """Opens the store for one more process."""
    opened = []
    if request.param == "valkey":
        url = request.getfixturevalue("valkey_url")
        monkeypatch.setattr(valkey, "HASH", f"test:{tmp_path.name}")

        def make():
            opened.append(valkey.Outages(url))
            return opened[-1]
    else:
        url = request.getfixturevalue(f"{request.param}_url")

        def make():
            opened.append(Database(url))
            return outages.Outages(opened[-1])

    yield make
    for one in opened:
        one.close()


def outage(key="t", seconds=9.0, **more):
    return Outage(key=key, seconds=seconds, reason="server_error", **more)


def shown(found):
    return {one.key: (one.reason, one.times, one.stated) for one in found}


def test_what_one_process_tells_the_others_know(make):
    """With what is left of its time, by the store's own clock."""
    one, other = make(), make()
    assert other.exchange([]) == []
    one.exchange([outage("a", times=4), outage("b", 30, stated=True)])
    found = other.exchange([])
    assert shown(found) == {"a": ("server_error", 4, False), "b": ("server_error", 1, True)}
    left = {each.key: each.seconds for each in found}
    assert 8 < left["a"] <= 9
    assert 29 < left["b"] <= 30


def test_who_tells_learns_at_the_same_time(make):
    """One round trip for both."""
    one, other = make(), make()
    one.exchange([outage("a")])
    assert shown(other.exchange([outage("b")])) == dict.fromkeys("ab", ("server_error", 1, False))


def test_the_longer_of_two_outages_counts(make):
    """And what a provider asked for, always."""
    store = make()
    store.exchange([outage(seconds=20, times=3)])
    (found,) = store.exchange([outage(seconds=5, times=1)])
    assert (found.times, found.seconds > 19) == (3, True)
    (found,) = store.exchange([outage(seconds=40, times=5)])
    assert (found.times, found.seconds > 39) == (5, True)
    (found,) = store.exchange([outage(seconds=7, stated=True)])
    assert (found.stated, 6 < found.seconds <= 7) == (True, True)


def test_an_outage_that_is_over_is_gone(make):
    """Nobody need take it away."""
    store = make()
    store.exchange([outage("a", seconds=-1), outage("b")])
    assert set(shown(store.exchange([]))) == {"b"}


def test_processes_tell_at_the_same_time(make):
    """None waits for another for ever, and nothing is lost."""
    stores = [make() for _ in range(4)]

    def tell(number):
        for turn in range(10):
            keys = "01234"[:: -1 if number % 2 else 1]
            stores[number].exchange([outage(key, 20 + number + turn) for key in keys])

    with ThreadPoolExecutor() as threads:
        list(threads.map(tell, range(len(stores))))
    found = {each.key: each.seconds for each in stores[0].exchange([])}
    assert set(found) == set("01234")
    assert min(found.values()) > 30


def test_rows_do_not_stay_for_ever(database, monkeypatch):
    """Those long over go when another comes."""
    monkeypatch.setattr(outages, "KEPT", 0)
    store = outages.Outages(database)
    store.exchange([outage("old", seconds=-outages.KEPT / 1000 - 4000)])
    store.exchange([outage("new")])
    with database.connection() as connection:
        assert connection.exec_driver_sql("SELECT target_key FROM target_health").scalars().all() == ["new"]


def test_telling_of_outages_is_no_change_of_the_configuration(database):
    """Nothing is compiled for it."""
    before = database.revision()
    outages.Outages(database).exchange([outage()])
    assert database.revision() == before


def test_a_hash_that_nobody_writes_goes_away(valkey_url, monkeypatch, tmp_path):
    """And what is no outage in it is passed over."""
    monkeypatch.setattr(valkey, "HASH", f"test:{tmp_path.name}")
    store, client = valkey.Outages(valkey_url), Valkey.from_url(valkey_url)
    store.exchange([outage("a")])
    assert 0 < client.pttl(valkey.HASH) <= valkey.KEPT
    client.hset(valkey.HASH, "odd", "nonsense")
    assert set(shown(store.exchange([]))) == {"a"}
    assert client.hkeys(valkey.HASH) == [b"a"]
    store.close()
    client.close()


def test_a_server_that_is_away_is_told_without_its_password():
    """In time."""
    store = valkey.Outages("redis://user:canary@127.0.0.1:1/0")
    with pytest.raises(UnavailableError, match="GATEWRIGHT_REDIS") as caught:
        store.exchange([])
    assert "canary" not in caught.value.public


def test_an_address_that_is_none_is_refused():
    """Without repeating it."""
    with pytest.raises(ConfigError, match="GATEWRIGHT_REDIS cannot be read") as caught:
        valkey.Outages("canary://h")
    assert "canary" not in caught.value.public


def test_without_the_client_it_is_said_how_to_get_it(monkeypatch):
    """A default installation has none."""
    monkeypatch.setitem(sys.modules, "valkey", None)
    with pytest.raises(ConfigError, match=r"pip install 'gatewright\[redis\]'"):
        valkey.Outages("redis://h")
