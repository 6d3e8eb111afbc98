"""What a run of chaos or a soak holds against the ledger: nothing slips through."""

import pytest

from faults.books import differences
from faults.judge import ANSWER, BROKEN
from faults.users import Answer, Told
from faults.wires import WORDS
from fixtures.ledger import record


def answered(record_id, upstream_id="u-1", **fields):
    return record(record_id, upstream_request_id=upstream_id, output_tokens=WORDS, **fields)


def found(*records, given=None, told=None):
    told = told or Told(answers={"req_1": Answer(7, 200, ANSWER)})
    given = {"u-1": 7} if given is None else given
    return list(differences({one.record_id: one for one in records}, told, given))


def test_books_that_agree_have_no_difference():
    """A complete answer, and a stream that broke."""
    assert found(answered("req_1")) == []
    broken = Told(answers={"req_1": Answer(7, 200, BROKEN)})
    assert found(record("req_1", error="UPSTREAM_TIMEOUT"), told=broken, given={}) == []


WRONG = {
    "has no record": ([], {"u-1": 7}),
    "the status 502": ([answered("req_1", status=502)], {"u-1": 7}),
    "the error 'UPSTREAM_TIMEOUT'": ([answered("req_1", error="UPSTREAM_TIMEOUT")], {"u-1": 7}),
    "an answer to somebody else": ([answered("req_1")], {"u-1": 8}),
    "34 tokens": ([record("req_1", upstream_request_id="u-1")], {"u-1": 7}),
    "is in 2 records": ([answered("req_1"), answered("req_2")], {"u-1": 7}),
    "was served to request 9": ([answered("req_1")], {"u-1": 7, "u-2": 9}),
    "users got no answer": ([answered("req_1"), answered("req_2", "")], {"u-1": 7}),
}


@pytest.mark.parametrize(("says", "books"), WRONG.items(), ids=WRONG)
def test_what_does_not_agree_is_told(says, books):
    """A record that is missing, or that says something else; an answer in none, or in two."""
    records, given = books
    assert any(says in line for line in found(*records, given=given))


def test_what_was_served_to_users_who_are_gone_may_be_in_no_record():
    """Their worker may have been killed; what it recorded before is no record too many."""
    told = Told(answers={"req_1": Answer(7, 200, ANSWER)}, lost={9}, partings=1)
    assert found(answered("req_1"), given={"u-1": 7, "u-2": 9}, told=told) == []
    assert found(answered("req_1"), answered("req_2", "u-2"), given={"u-1": 7, "u-2": 9}, told=told) == []
