"""What is counted of finished requests, what is shown of it, and what does not grow."""

import asyncio
import os
import sys
from types import SimpleNamespace

import msgspec
import pytest

from fixtures.metrics import exposed, values
from gatewright.errors import ConfigError
from gatewright.ledger.record import BUCKETS, CLIENT_LEFT, Record
from gatewright.telemetry import exposition, process, shelf
from gatewright.telemetry.families import FAMILIES, PROCESS, READ_COUNTERS, READ_GAUGES, Family
from gatewright.telemetry.metrics import FULL, MOST, Metrics
from gatewright.telemetry.shelf import Shelf

NAMES = [family.name for family in (*READ_COUNTERS, *READ_GAUGES)]
TARGET = {"endpoint": "ep", "provider": "openai", "model": "gpt"}


def finished(**fields):
    given = {"record_id": "req_1", "at": 1, "operation": "chat", "status": 200, **TARGET}
    return Record(**(given | fields))


@pytest.fixture
def worker(tmp_path):
    """Makes workers of one machine; `told` is what the other parts of one say."""

    def make(limit=100, **told):
        told = SimpleNamespace(**dict.fromkeys(NAMES, 0) | told)
        sources = {name: lambda name=name: getattr(told, name) for name in NAMES}
        made = Metrics(Shelf(tmp_path / "metrics"), kinds=BUCKETS, sources=sources, limit=limit)
        made.told = told
        return made

    return make


async def shown(metrics):
    return exposed(await metrics.page())


async def test_requests_are_counted_by_endpoint_target_operation_class_and_error(worker):
    """Errors are requests with a code; a client that left is one of class 4xx."""
    metrics = worker()
    for one in (finished(), finished(), finished(status=504, error="UPSTREAM_TIMEOUT"), finished(operation="messages")):
        metrics.record(one)
    metrics.record(finished(status=499, error=CLIENT_LEFT))
    metrics.record(finished(endpoint="", provider="", model="", status=404, error="RESOURCE_DOES_NOT_EXIST"))
    found = values(await shown(metrics), "gatewright_requests_total", "endpoint", "operation", "class", "error")
    assert found == {
        ("ep", "chat", "2xx", ""): 2,
        ("ep", "messages", "2xx", ""): 1,
        ("ep", "chat", "5xx", "UPSTREAM_TIMEOUT"): 1,
        ("ep", "chat", "4xx", "CLIENT_LEFT"): 1,
        ("", "chat", "4xx", "RESOURCE_DOES_NOT_EXIST"): 1,
    }


async def test_tokens_are_counted_by_kind(worker):
    """Only the kinds that were used have a series; together they are what the records say."""
    metrics = worker()
    for _ in range(3):
        metrics.record(finished(usage_told=True, input_tokens=4, cache_read_tokens=5, output_tokens=6))
    found = values(await shown(metrics), "gatewright_tokens_total", *TARGET, "kind")
    target = tuple(TARGET.values())
    assert found == {(*target, "input"): 12, (*target, "cache_read"): 15, (*target, "output"): 18}


async def test_times_are_histograms_in_seconds_whose_bounds_belong_to_the_bucket_below(worker):
    """As Prometheus has it: `le` is less or equal; the sum is exact."""
    metrics = worker()
    for micros in (10_000, 10_001, 10**9):
        metrics.record(finished(total_us=micros, first_byte_us=micros, overhead_us=50))
    page = await shown(metrics)
    for name in ("gatewright_request_duration_seconds", "gatewright_first_byte_seconds"):
        buckets = values(page, f"{name}_bucket", "le")
        assert [buckets[le,] for le in ("0.01", "0.02", "655.36", "+Inf")] == [1, 2, 2, 3]
        assert values(page, f"{name}_sum") == {(): 1000.020001}
        assert values(page, f"{name}_count", *TARGET) == {tuple(TARGET.values()): 3}
    assert values(page, "gatewright_overhead_seconds_bucket", "operation", "le")["chat", "5e-05"] == 3
    assert len(values(page, "gatewright_overhead_seconds_bucket", "le")) == 13


async def test_what_the_parts_of_a_worker_say_is_shown(worker):
    """Counters without labels, for they are summed; gauges by worker."""
    metrics = worker(gatewright_refused_total=3, gatewright_requests_in_flight=7)
    await metrics.start()
    page = await shown(metrics)
    assert values(page, "gatewright_refused_total") == {(): 3}
    assert values(page, "gatewright_requests_in_flight", "worker") == {("0",): 7}
    await metrics.stop()


async def test_a_page_names_every_family_once_with_its_meaning(worker):
    """And no other; what the system tells of a process is there where the system tells it."""
    metrics = worker()
    page = await shown(metrics)
    named = {family.name.removesuffix("_total"): (family.kind, family.meaning) for family in FAMILIES}
    assert {name: (one.type, one.documentation) for name, one in page.items()} == named
    if sys.platform == "linux":
        assert values(page, "process_resident_memory_bytes")[()] > 1 << 20
        assert values(page, "process_open_fds")[()] > 2
        assert {family.name for family in PROCESS} >= process.read(os.getpid()).keys()
    assert process.read(2**22 + 1) == {}, "there is no such process"


async def test_a_worker_shows_the_counts_of_all_and_the_gauges_of_the_living(worker):
    """Its own to the moment, of others what they have put on the shelf."""
    one, other = worker(gatewright_requests_in_flight=1), worker(gatewright_requests_in_flight=2)
    await one.start()
    await other.start()
    one.record(finished())
    other.record(finished())
    await shown(one)  # which puts it on the shelf
    page = await shown(other)
    assert values(page, "gatewright_requests_total") == {(): 2}
    assert values(page, "gatewright_requests_in_flight", "worker") == {("0",): 1, ("1",): 2}
    one.record(finished())
    await one.stop()
    page = await shown(other)
    assert values(page, "gatewright_requests_total") == {(): 3}
    assert values(page, "gatewright_requests_in_flight", "worker") == {("1",): 2}
    await other.stop()


async def test_no_worker_ever_shows_less_than_another_has_shown(worker):
    """Prometheus asks any of them, and takes less for a restart."""
    workers = [worker() for _ in range(3)]
    for one in workers:
        await one.start()
    last = 0.0
    for number in range(30):
        workers[number % 3].record(finished())
        found = values(await shown(workers[number * 7 % 3]), "gatewright_requests_total").get((), 0.0)
        assert found >= last
        last = found
    for one in workers:
        await one.stop()


async def test_a_new_worker_counts_on_from_the_one_it_replaces(worker):
    """In its place, and nothing twice; the counters of its other parts begin at zero, their sums do not."""
    first = worker(gatewright_refused_total=5, gatewright_requests_in_flight=1)
    await first.start()
    first.record(finished(total_us=3, input_tokens=2))
    await first.stop()
    second = worker(gatewright_refused_total=0)
    await second.start()
    second.record(finished(total_us=4))
    second.told.gatewright_refused_total = 1
    page = await shown(second)
    assert values(page, "gatewright_requests_total") == {(): 2}
    assert values(page, "gatewright_request_duration_seconds_sum") == {(): 7e-06}
    assert values(page, "gatewright_tokens_total", "kind") == {("input",): 2}
    assert values(page, "gatewright_refused_total") == {(): 6}
    assert values(page, "gatewright_requests_in_flight", "worker") == {("0",): 0}
    await second.stop()


async def test_a_server_that_starts_forgets_the_workers_that_are_gone(worker, tmp_path):
    """Not those that serve on."""
    gone, living = worker(), worker()
    await gone.start()
    await living.start()
    gone.record(finished(endpoint="gone"))
    living.record(finished(endpoint="living"))
    await shown(living)
    await gone.stop()
    shelf.clear(tmp_path / "metrics")
    assert values(await shown(living), "gatewright_requests_total", "endpoint") == {("living",): 1}
    await living.stop()


async def test_a_server_that_is_made_to_stop_at_once_leaves_its_counts(worker):
    """All its tasks are cancelled first, that of the metrics too."""
    first = worker()
    await first.start()
    first.record(finished())
    first._task.cancel()
    await first.stop()
    second = worker()
    await second.start()
    assert values(await shown(second), "gatewright_requests_total") == {(): 1}
    await second.stop()


async def test_counts_are_on_the_shelf_within_a_second_or_two_without_being_asked_for(worker, tmp_path):
    """Other workers need not ask."""
    one, other = worker(), worker()
    await one.start()
    await other.start()
    one.record(finished())
    found = {}
    async with asyncio.timeout(5):
        while not found:
            await asyncio.sleep(0.05)
            found = values(await shown(other), "gatewright_requests_total")
    assert found == {(): 1}
    await one.stop()
    await other.stop()


async def test_whatever_names_there_are_the_page_is_valid_and_says_them(worker):
    """Quotes, backslashes, line breaks, any script; what UTF-8 has no place for is replaced, and counted as one."""
    names = [
        'a"b',
        "a\\b",
        "a\\nb",
        "a\nb",
        "a\rb",
        "a\u2028b",
        "\\",
        '"',
        '{x="y"} 1',
        "日本",
        "\0",
        " ",
        "#",
        "\ud800",
        "\udfff",
    ]
    metrics = worker()
    for name in names:
        metrics.record(finished(endpoint=name))
    metrics.record(finished(endpoint="x" * 1000))
    found = values(await shown(metrics), "gatewright_requests_total", "endpoint")
    assert found == {(name,): 1 for name in names[:-2]} | {("?",): 2, ("x" * 128,): 1}


async def test_any_number_of_names_makes_a_bounded_number_of_series(worker):
    """What comes late counts as `other`, with its operation, class and error; nothing is lost."""
    metrics = worker(limit=100)
    for number in range(20 * FULL):
        metrics.record(
            finished(endpoint=f"e{number}", model=f"m{number % 7}", status=200 + number % 2 * 200, input_tokens=1)
        )
    page = await shown(metrics)
    requests = values(page, "gatewright_requests_total", "endpoint", "class")
    assert len(requests) == 102
    assert sum(requests.values()) == 20 * FULL
    assert requests["other", "2xx"] == requests["other", "4xx"] == 10 * FULL - 50
    assert len(values(page, "gatewright_tokens_total", "endpoint")) == 101
    assert len(values(page, "gatewright_first_byte_seconds_count", "endpoint")) == 101
    assert len(metrics._rows) <= 200
    assert len(metrics._pending) < FULL


async def test_what_waits_to_be_counted_is_bounded(worker):
    """It is counted at once when there is much of it."""
    metrics = worker()
    for _ in range(3 * FULL - 1):
        metrics.record(finished())
        assert len(metrics._pending) < FULL
    assert values(await shown(metrics), "gatewright_requests_total") == {(): 3 * FULL - 1}


async def test_absurd_numbers_stop_a_counter_and_nothing_else(worker):
    """A provider may tell any number of tokens; a count never falls and always fits."""
    metrics = worker()
    await metrics.start()
    for count in (2**63 - 1, 2**63 - 1, 2**70, -5):
        metrics.record(finished(output_tokens=count))
    page = await shown(metrics)
    assert values(page, "gatewright_tokens_total", "kind") == {("output",): float(MOST)}
    assert values(page, "gatewright_requests_total") == {(): 4}
    await metrics.stop()


async def test_what_another_version_or_a_broken_disk_left_is_passed_over(worker, tmp_path):
    """Families that are unknown or have another form are left out; the rest counts on."""
    folder = tmp_path / "metrics"
    folder.mkdir()
    counts = {
        "gatewright_requests_total": {("e", "p", "m", "chat", "2xx", ""): [4], ("too", "few"): [1]},
        "gatewright_overhead_seconds": {("chat",): [1, 2, 3]},
        "gatewright_unknown_total": {(): [1]},
    }
    (folder / "0.m1").write_bytes(shelf.encode(shelf.State(1, counts, {})))
    (folder / "1.m1").write_bytes(b"\xc1 nothing")
    (folder / "2.m1").write_bytes(msgspec.msgpack.encode(["x", 1]))
    metrics = worker()
    await metrics.start()
    page = await shown(metrics)
    assert values(page, "gatewright_requests_total") == {(): 4}
    assert values(page, "gatewright_overhead_seconds_count") == {}
    await metrics.stop()


async def test_a_folder_that_cannot_be_written_keeps_a_worker_from_starting(tmp_path, worker):
    """With the folder named."""
    (tmp_path / "metrics").write_bytes(b"a file")
    with pytest.raises(ConfigError, match="metrics"):
        await worker().start()


async def test_a_folder_that_is_lost_meanwhile_costs_only_the_sight_of_others(worker, tmp_path, caplog):
    """It is said once, and the worker counts on."""
    metrics = worker()
    await metrics.start()
    (tmp_path / "metrics").rename(tmp_path / "elsewhere")
    for _ in range(3):
        metrics.record(finished())
        page = await shown(metrics)
    assert values(page, "gatewright_requests_total") == {(): 3}
    assert len(caplog.records) == 1
    await metrics.stop()


def test_help_and_labels_are_escaped_each_in_its_way():
    """Quotes stay as they are in a help text."""
    family = Family("x_total", "counter", 'a "b"\n\\', ("name",))
    assert exposition.render([(family, {('"\n\\',): [1]})]) == (
        b'# HELP x_total a "b"\\n\\\\\n# TYPE x_total counter\nx_total{name="\\"\\n\\\\"} 1\n'
    )


def test_a_missing_source_is_told_at_once(tmp_path):
    """Not when somebody asks for the page."""
    with pytest.raises(KeyError, match="gatewright_"):
        Metrics(Shelf(tmp_path), kinds=BUCKETS, sources={})
