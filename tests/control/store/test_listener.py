"""Waiting for the next write."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from gatewright.control.store.database import Database
from gatewright.control.store.listener import Listener
from gatewright.errors import UnavailableError


@pytest.fixture
def listener(database):
    """A listener on the database."""
    made = Listener(database)
    yield made
    made.close()


def test_a_past_revision_is_answered_at_once(database, listener):
    """Nothing is waited for when the news is there already."""
    with database.write():
        pass
    start = time.monotonic()
    assert listener.wait(1, 30) == 2
    assert time.monotonic() - start < 5


def test_without_news_the_revision_comes_at_the_timeout(database, listener):
    """The wait lasts as long as was said."""
    start = time.monotonic()
    assert listener.wait(database.revision(), 0.5) == 1
    assert 0.5 <= time.monotonic() - start < 5


def test_a_write_of_another_process_wakes_the_waiter_in_time(database, database_url, listener):
    """Well within the second that a change may take to be served."""
    other = Database(database_url)
    listener.wait(0, 0)
    with ThreadPoolExecutor(1) as pool:
        for revision in (2, 3, 4):
            waiting = pool.submit(listener.wait, revision - 1, 30)
            time.sleep(0.1)
            with other.write():
                pass
            start = time.monotonic()
            assert waiting.result() == revision
            assert time.monotonic() - start < 0.8
    other.close()


def test_postgresql_tells_rather_than_being_asked(postgres_url):
    """The notification comes long before the poll would."""
    database = Database(postgres_url)
    listener = Listener(database)
    listener.wait(0, 0)
    delays = []
    with ThreadPoolExecutor(1) as pool:
        for revision in range(2, 7):
            waiting = pool.submit(listener.wait, revision - 1, 30)
            time.sleep(0.05)
            with database.write():
                pass
            start = time.monotonic()
            waiting.result()
            delays.append(time.monotonic() - start)
    listener.close()
    database.close()
    assert min(delays) < 0.1


def test_a_failed_write_is_no_news(database, listener):
    """Rolled-back writes wake nobody up with a new number."""
    with pytest.raises(RuntimeError), database.write():
        raise RuntimeError
    assert listener.wait(1, 0.3) == 1


def test_closing_ends_a_wait_at_once(database, listener):
    """A server that stops does not wait for the next poll."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(listener.wait, database.revision(), 60)
        time.sleep(0.1)
        start = time.monotonic()
        listener.close()
        assert waiting.result() == 1
    assert time.monotonic() - start < 2
    assert listener.wait(1, 60) == 1
    listener.close()


def test_a_lost_connection_is_opened_again(postgres_url):
    """After the server cut every connection, news still comes."""
    database = Database(postgres_url)
    listener = Listener(database)
    listener.wait(0, 0)
    cut = Database(postgres_url)
    with cut.connection() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(listener.wait, 1, 30)
        time.sleep(0.2)
        with cut.write():
            pass
        assert waiting.result() == 2
    assert listener.wait(1, 0) == 2
    listener.close()
    cut.close()
    database.close()


def test_a_database_that_is_away_is_said_at_once():
    """The watcher decides what to do about it."""
    database = Database("postgresql://nobody@127.0.0.1:1/nowhere?connect_timeout=2")
    listener = Listener(database)
    with pytest.raises(UnavailableError):
        listener.wait(1, 30)
    listener.close()
    database.close()
    assert threading.active_count() < 50
