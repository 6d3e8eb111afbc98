"""What a record holds, and that what other versions wrote can be read."""

from dataclasses import fields

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.ledger import record
from gatewright.dialects.conversation import Usage
from gatewright.ledger.record import BUCKETS, LONGEST, Record


def test_a_record_has_every_bucket_of_tokens_and_sums_them():
    """The buckets are those of a conversation's usage, in its order."""
    known = [one.name for one in fields(Usage) if one.type is int]
    assert [f"{name}_tokens" for name in known] == list(BUCKETS)
    assert record(**{name: 2**number for number, name in enumerate(BUCKETS)}).total_tokens == 2 ** len(BUCKETS) - 1


def test_a_record_never_changes():
    """It is a value."""
    with pytest.raises(AttributeError):
        record().status = 500


def test_what_an_older_and_what_a_newer_program_wrote_is_read():
    """Fields are added at the end: one that is missing has its default, one that is not known is passed over."""
    one = record(error="UPSTREAM_TIMEOUT")
    values = list(msgspec.structs.astuple(one))
    read = msgspec.msgpack.Decoder(Record).decode
    assert read(msgspec.msgpack.encode([*values, 0.25, {"currency": "USD"}])) == one
    assert read(msgspec.msgpack.encode(values[:4])) == Record(
        record_id=one.record_id, at=one.at, operation="chat", status=200
    )


@given(st.text(st.characters(codec=None), max_size=2 * LONGEST), st.integers(), st.booleans())
def test_whatever_a_provider_says_can_be_made_storable(text, number, flag):
    """Texts are cut and cleaned, numbers bounded; what fits stays as it is."""
    fitted = record(upstream_request_id=text, input_tokens=number, stream=flag).fitted()
    assert len(fitted.upstream_request_id) <= LONGEST
    assert "\0" not in fitted.upstream_request_id
    assert fitted.upstream_request_id.encode().decode() == fitted.upstream_request_id
    assert 0 <= fitted.input_tokens < 2**63
    assert fitted.stream is flag
    assert fitted.fitted() == fitted
    assert record("a").fitted() == record("a")
