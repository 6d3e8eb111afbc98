"""Splitting a JSON object at its top level changes nothing below it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.dialects import toplevel
from gatewright.errors import ClientError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON, max_size=6), st.booleans())
def test_only_the_changed_field_changes(body, spaced):
    """Every other value means the same after split and join, whatever it is."""
    text = json.dumps(body, indent=2 if spaced else None)
    joined = json.loads(toplevel.join(toplevel.split(text.encode()), model="m"))
    assert joined == {**body, "model": "m"}


def test_values_stay_the_bytes_that_came():
    """Numbers keep their spelling and strings their escapes: 1.0 does not become 1."""
    body = rb'{"a": 1.0, "b":12345678901234567890123, "c" : "\u00e9\/", "d":{ "x" : [1e2 ] }, "model":"old"}'
    assert toplevel.join(toplevel.split(body), model="new") == (
        rb'{"a":1.0,"b":12345678901234567890123,"c":"\u00e9\/","d":{ "x" : [1e2 ] },"model":"new"}'
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "Invalid JSON payload"),
        (b"{", "Invalid JSON payload"),
        (b"[1]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b'{"a":NaN}', "Invalid JSON payload"),
        (b'{"a":1} {"b":2}', "Invalid JSON payload"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b'{"\xc3":1}', "not UTF-8"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"a":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, "nested too deeply"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused_with_the_reason(body, said):
    """A ClientError, whatever is wrong."""
    with pytest.raises(ClientError, match=said):
        toplevel.split(body)


@given(st.binary(max_size=200))
def test_any_bytes_split_or_are_refused(body):
    """Fuzz: only our own error escapes."""
    try:
        assert isinstance(toplevel.split(body), dict)
    except ClientError as problem:
        assert problem.public.startswith("Invalid JSON payload")


def test_a_field_of_the_wrong_kind_is_named():
    """`model` is text, `stream` is true or false; null counts as absent."""
    fields = toplevel.split(b'{"model":5,"stream":"yes","none":null,"empty":""}')
    with pytest.raises(ClientError, match="'model' must be a non-empty string"):
        toplevel.text(fields, "model")
    with pytest.raises(ClientError, match="'empty' must be a non-empty string"):
        toplevel.text(fields, "empty")
    with pytest.raises(ClientError, match="'stream' must be true or false"):
        toplevel.flag(fields, "stream")
    assert toplevel.text(fields, "none") is None
    assert toplevel.text(fields, "absent") is None
    assert toplevel.flag(fields, "none") is False
