"""`GET /api/v1/requests` over HTTP, and what the reference says of it."""

import msgspec
import pytest

from fixtures.ledger import record
from gatewright.control.api import ledger, openapi
from gatewright.control.store import requests
from gatewright.ledger.record import Record


@pytest.fixture
def store(database):
    """Stores records."""

    def insert(*records):
        with database.connection() as connection:
            requests.insert(connection, records)

    return insert


def test_a_request_is_shown_with_every_field_and_its_sum(api, store):
    """Names as in the record; the tokens' sum beside their kinds; no token for a next page on the last."""
    one = record("req_1", cache_read_tokens=5, stream=True)
    store(one)
    answer = api.get(ledger.PATH)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"requests": [msgspec.structs.asdict(one) | {"total_tokens": 12 + 5 + 34}]}


def test_pages_lead_from_one_to_the_next(api, store):
    """Newest first, until there is no token."""
    store(*(record(str(number), at=number, status=200 + 100 * (number % 4)) for number in range(8)))
    first = api.get(ledger.PATH, max_results=2, status="5xx").json()
    assert [one["record_id"] for one in first["requests"]] == ["7", "3"]
    assert "next_page_token" not in first
    first = api.get(ledger.PATH, max_results=3, since=2, until=7).json()
    rest = api.get(ledger.PATH, max_results=3, since=2, until=7, page_token=first["next_page_token"]).json()
    assert [one["record_id"] for one in first["requests"] + rest["requests"]] == ["6", "5", "4", "3", "2"]
    assert [one["record_id"] for one in api.get(ledger.PATH, status="400").json()["requests"]] == ["6", "2"]


def test_a_filter_that_is_empty_wants_all(api, store):
    """As a form sends it."""
    store(record("a"))
    assert (
        len(api.send("GET", f"{ledger.PATH}?endpoint=&status=&since=&max_results=&page_token=").json()["requests"]) == 1
    )


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("endpont=chat", "endpoint, key_id, status"),
        ("status=6xx", "'status'"),
        ("status=20", "'status'"),
        ("since=yesterday", "'since'"),
        ("until=-1", "'until'"),
        ("since=99999999999999999999", "'since'"),
        ("max_results=1001", "'max_results'"),
        ("page_token=abc", "next_page_token"),
        ("since=1&since=2", "more than once"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(api, query, named):
    """400, never a guess at what was meant."""
    answer = api.send("GET", f"{ledger.PATH}?{query}")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert named in answer.json()["message"]


def test_requests_can_only_be_read(api):
    """They are what happened."""
    answer = api.send("POST", ledger.PATH, json={})
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


def test_the_reference_describes_every_field(api, store):
    """From the record's own words; the schema lists what the answer has."""
    document = openapi.document((), version="1")
    fields = document["components"]["schemas"]["Request"]["properties"]
    assert list(fields) == [*Record.__struct_fields__, "total_tokens"]
    assert all(len(one["description"]) > 10 for one in fields.values())
    assert fields["stream"]["type"] == "boolean"
    store(record("a"))
    assert list(fields) == list(api.get(ledger.PATH).json()["requests"][0])
