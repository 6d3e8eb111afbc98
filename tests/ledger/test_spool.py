"""Reading what a process has left, whatever state its files are in."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.ledger import emptied, record
from gatewright.ledger import frames, spool
from gatewright.ledger.spool import Spool, claim


def fill(folder, *contents):
    folder.mkdir(exist_ok=True)
    for number, content in enumerate(contents):
        (folder / f"{number:08}.j1").write_bytes(content)


@given(st.lists(st.integers(0, 5), max_size=4), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_cut_at_the_end_of_any_file_costs_one_record_at_most(tmp_path, counts, data):
    """The files after it are read as well, and all are deleted at the end."""
    expected, contents = [], []
    for count in counts:
        records = [record() for _ in range(count)]
        whole = b"".join(map(frames.write, records))
        cut = data.draw(st.integers(0, len(frames.write(records[-1])))) if records else 0
        expected += [one.record_id for one in (records[:-1] if cut else records)]
        contents.append(whole[: len(whole) - cut])
    folder = tmp_path / "left"
    fill(folder, *contents)
    with claim(folder) as left:
        assert emptied(left) == expected
        assert left.taken == len(expected)
        assert left.freed == sum(map(len, contents))
    assert not folder.exists()


def test_damage_is_told_with_its_file_and_size(tmp_path, caplog):
    """An operator learns what is missing."""
    fill(tmp_path / "left", frames.write(record()) + b"x" * 7)
    with claim(tmp_path / "left") as left:
        emptied(left)
    assert "00000000.j1: 7 bytes after byte 0 are no records" in caplog.text


def test_a_long_file_is_read_a_chunk_at_a_time(tmp_path, monkeypatch):
    """So that memory and transactions stay small; damage longer than a chunk is passed over."""
    monkeypatch.setattr(spool, "CHUNK", 1000)
    records = [record() for _ in range(40)]
    whole = b"".join(map(frames.write, records))
    fill(tmp_path / "left", whole[: len(whole) // 2] + b"x" * 5000 + whole[len(whole) // 2 :])
    with claim(tmp_path / "left") as left:
        sizes, found = [], []
        while (batch := left.read()) is not None:
            sizes.append(len(batch.records))
            found += batch.records
            left.release(batch)
    assert found == records  # forty of one size, so half of the bytes are half of the records
    assert max(sizes) == 1000 // len(frames.write(records[0]))


def test_a_batch_says_whether_more_is_known_to_follow(tmp_path):
    """A file that is still written may have no more; one that is complete is followed by another."""
    content = frames.write(record())
    fill(tmp_path / "live", content, content)
    live = Spool(tmp_path / "live", lambda: "00000001.j1")
    first = live.read()
    live.release(first)
    second = live.read()
    live.release(second)
    assert (first.more, second.more, live.read()) == (True, False, None)
    assert [path.name for path in (tmp_path / "live").iterdir()] == ["00000001.j1"]


def test_files_of_another_kind_are_left_alone(tmp_path):
    """A form of journal that this program does not know stays for one that does."""
    fill(tmp_path / "left", frames.write(record()))
    (tmp_path / "left" / "00000001.j2").write_bytes(b"of a later version")
    with claim(tmp_path / "left") as left:
        assert len(emptied(left)) == 1
    assert [path.name for path in (tmp_path / "left").iterdir()] == ["00000001.j2"]


def test_a_batch_that_is_not_released_is_read_again(tmp_path):
    """It was not stored."""
    fill(tmp_path / "left", frames.write(record("a")))
    with claim(tmp_path / "left") as left:
        assert left.read() == left.read()
    with claim(tmp_path / "left") as left:
        assert emptied(left) == ["a"]
