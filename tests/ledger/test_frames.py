"""Records in a file: whatever is cut off or spoiled, every whole record is read, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from fixtures.ledger import record
from gatewright.ledger import frames
from gatewright.ledger.record import LONGEST, Record

RECORDS = st.lists(
    st.builds(
        record,
        st.text(max_size=20),
        at=st.integers(0, 2**63 - 1),
        model=st.text(max_size=300),
        upstream_request_id=st.text(max_size=20) | st.just("\u00c1GWR"),
        input_tokens=st.integers(0, 2**63 - 1),
        cache_read_tokens=st.sampled_from([0xC1475752, 0]),  # the mark itself, as a number
    ),
    max_size=6,
)


def written(records):
    return b"".join(map(frames.write, records))


@given(RECORDS, st.binary(max_size=40))
def test_records_are_read_as_they_were_written(records, before):
    """In order, whatever stands before them."""
    found = frames.read(before + written(records), last=True)
    assert found.records == records
    assert (found.taken, found.damaged) == (len(before) + len(written(records)), len(before))


@given(RECORDS, st.data())
def test_a_file_that_was_cut_anywhere_has_every_whole_record(records, data):
    """While it is written the rest is waited for; once it is complete the rest is damage."""
    whole = written(records)
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    count = next(n for n in range(len(records), -1, -1) if len(written(records[:n])) <= len(cut))
    so_far = frames.read(cut, last=False)
    assert so_far.records == records[:count]
    assert (so_far.taken, so_far.damaged) == (len(written(records[:count])), 0)
    assert frames.read(whole[so_far.taken :], last=True).records == records[count:]
    at_last = frames.read(cut, last=True)
    assert at_last.records == records[:count]
    assert (at_last.taken, at_last.damaged) == (len(cut), len(cut) - so_far.taken)


@given(RECORDS, RECORDS, st.integers(1, 60))
def test_a_record_that_broke_off_costs_none_before_it_and_none_after(before, after, missing):
    """A writer whose disk was full for a moment wrote on behind it."""
    torn = frames.write(record("torn"))[:-missing]
    found = frames.read(written(before) + torn + written(after), last=True)
    assert found.records == before + after
    assert found.damaged == len(torn)


@given(RECORDS, st.data())
def test_a_spoiled_byte_costs_the_record_it_is_in(records, data):
    """And no other; nothing is made up in its place."""
    whole = bytearray(written(records) or b"\0")
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    spoiled = next((n for n in range(len(records)) if place < len(written(records[: n + 1]))), 0)
    expected = records[:spoiled] + records[spoiled + 1 :]
    assert frames.read(bytes(whole), last=True).records == expected


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_read_without_an_error(data, last):
    """A file of something else has no records; reading it makes progress or waits."""
    found = frames.read(data, last=last)
    assert found.records == []
    assert found.taken == len(data) if last else found.taken <= len(data)


@given(RECORDS, st.lists(st.integers(1, 200), min_size=1))
def test_a_file_read_in_pieces_has_the_same_records(records, sizes):
    """Each piece begins where the last one was taken to, and is as long as one read gives."""
    whole, found, position = written(records), [], 0
    for end in (*(sum(sizes[: n + 1]) for n in range(len(sizes))), len(whole)):
        piece = frames.read(whole[position : max(position, end)], last=False)
        found += piece.records
        position += piece.taken
    assert found == records
    assert position == len(whole)


def test_the_largest_record_fits_into_a_frame():
    """Texts of the longest characters in every field; a longer one is cut first."""
    texts = {name: "\U0001f600" * LONGEST for name in Record.__struct_fields__ if Record.__annotations__[name] is str}
    numbers = {name: 2**63 - 1 for name in Record.__struct_fields__ if Record.__annotations__[name] is int}
    largest = Record(**texts, **numbers)
    assert frames.read(frames.write(largest), last=True).records == [largest]
    longer = record(endpoint="\U0001f600" * 100_000)
    assert frames.read(frames.write(longer), last=True).records == [longer.fitted()]


def test_values_that_cannot_be_written_are_made_to_fit():
    """Half a surrogate pair, and a number over 64 bits."""
    odd = record(model="\ud800", input_tokens=2**64)
    assert frames.read(frames.write(odd), last=True).records == [odd.fitted()]
