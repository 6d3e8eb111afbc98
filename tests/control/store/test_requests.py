"""The ledger's table: stored once, and paged through from the newest on."""

import pytest
from sqlalchemy import event

from fixtures.ledger import record, stored
from gatewright.control.store import requests
from gatewright.control.store.requests import Wanted
from gatewright.errors import ClientError


def insert(database, *records):
    with database.connection() as connection:
        return requests.insert(connection, records)


def pages(database, size, **wanted):
    """Ids of all pages, one list a page."""
    found, token = [], ""
    while True:
        with database.read() as tx:
            records, token = requests.page(tx, Wanted(**wanted), max_results=size, page_token=token)
        found.append([one.record_id for one in records])
        if not token:
            return found


def test_a_record_is_stored_once_and_stays_as_it_was(database):
    """The count is of those that are new; the first one wins."""
    first, second = record("a", status=200), record("b", stream=True, error="UPSTREAM_TIMEOUT")
    assert insert(database, first) == 1
    assert insert(database, record("a", status=500), second) == 1
    assert insert(database, first, second) == 0
    assert stored(database) == {"a": first, "b": second}


def test_batches_of_many_sizes_are_stored_by_few_statements(database):
    """Each that differs is kept by the driver, and on SQLite takes as much memory as it has rows."""
    statements = []
    for size in (0, 1, 4, 5, 26, 99, 399, 501, 626, 1000):
        with database.connection() as connection:
            event.listen(connection, "before_cursor_execute", lambda *call: statements.append(call[2]))
            assert requests.insert(connection, [record(f"{size}-{number}") for number in range(size)]) == size
    assert 1 <= len(set(statements)) <= 5


def test_pages_go_from_the_newest_to_the_oldest(database):
    """Requests of one millisecond are in a fixed order; the last page has no token."""
    insert(database, *(record(str(number), at=1000 + number // 3) for number in range(10)))
    assert pages(database, 4) == [["9", "8", "7", "6"], ["5", "4", "3", "2"], ["1", "0"]]
    assert pages(database, 5) == [["9", "8", "7", "6", "5"], ["4", "3", "2", "1", "0"]]
    assert pages(database, None) == [[str(number) for number in range(9, -1, -1)]]
    assert pages(database, 3, endpoint="other") == [[]]


def test_requests_that_come_meanwhile_move_no_page(database):
    """A page goes on after the last row, not after a number of rows."""
    insert(database, *(record(str(number), at=number) for number in range(4)))
    with database.read() as tx:
        _, token = requests.page(tx, Wanted(), max_results=2)
    insert(database, record("new", at=100))
    with database.read() as tx:
        records, _ = requests.page(tx, Wanted(), max_results=2, page_token=token)
    assert [one.record_id for one in records] == ["1", "0"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"endpoint": "chat"}, "a c"),
        ({"endpoint": "cha"}, ""),
        ({"key_id": "k-2"}, "b c"),
        ({"least_status": 400, "most_status": 499}, "b"),
        ({"least_status": 200, "most_status": 200}, "a"),
        ({"since": 2}, "b c"),
        ({"until": 2}, "a"),
        ({"since": 2, "until": 3, "key_id": "k-2"}, "b"),
        ({"endpoint": "no\0such"}, ""),
        ({"key_id": "\ud800"}, ""),
    ],
)
def test_filters_choose(database, wanted, found):
    """Each by itself, and together; a text that cannot be stored matches nothing."""
    insert(
        database,
        record("a", at=1, key_id="k-1", endpoint="chat", status=200),
        record("b", at=2, key_id="k-2", endpoint="embed", status=429),
        record("c", at=3, key_id="k-2", endpoint="chat", status=503),
    )
    assert sorted(id_ for page in pages(database, 2, **wanted) for id_ in page) == found.split()


@pytest.mark.parametrize("token", ["x", "eyJvZmZzZXQiOjJ9", "WzFd", "W251bGwsImEiXQ==", "WyIxIiwiYSJd", "é", "\0"])
def test_a_token_that_no_page_gave_is_refused(database, token):
    """The message says what to send."""
    with database.read() as tx, pytest.raises(ClientError, match="next_page_token of the page before"):
        requests.page(tx, Wanted(), page_token=token)


@pytest.mark.parametrize("most", [-1, 1001])
def test_a_page_has_a_size_within_its_limits(database, most):
    """1 to 1,000."""
    with database.read() as tx, pytest.raises(ClientError, match="1 to 1000"):
        requests.page(tx, Wanted(), max_results=most)


def test_the_oldest_are_pruned_first_and_no_more_than_asked_for(database):
    """Those at the time itself stay."""
    insert(database, *(record(str(number), at=number) for number in range(6)))
    with database.connection() as connection:
        assert requests.prune(connection, before=4, most=3) == 3
    assert sorted(stored(database)) == ["3", "4", "5"]
    with database.connection() as connection:
        assert requests.prune(connection, before=4, most=3) == 1
    assert sorted(stored(database)) == ["4", "5"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # PostgreSQL plans by what is in the table
def test_every_page_is_read_from_where_it_begins(database):
    """Each filter of one value has an index that ends as the list is ordered: nothing is sorted."""
    for wanted in ("", "WHERE endpoint = 'chat'", "WHERE key_id = 'k-1'"):
        with database.connection() as connection:
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN SELECT * FROM requests {wanted} ORDER BY at DESC, record_id DESC LIMIT 10"
            ).all()
        assert "USING INDEX" in str(plan)
        assert "TEMP B-TREE" not in str(plan)
