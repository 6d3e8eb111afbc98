"""The benchmark runs from end to end, and derives from its figures what it says; nothing here asserts a time."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import page, payload, plot, targets
from bench.figures import Figures
from bench.load import Job
from bench.workloads import ALL, FORMS

ROOT = Path(__file__).parent.parent.parent
BENCH = [path for path in (ROOT / "bench").rglob("*.py") if ".peers" not in path.parts]
WORKLOADS = "chat-64,rate,prompt-100k,translated,stream,translated-stream,idle,tls"


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """Raw data of a quick run over the mock itself and Gatewright."""
    output = tmp_path_factory.mktemp("bench") / "run.json"
    command = [sys.executable, "-m", "bench", "run", "--form", "quick", "--workloads", WORKLOADS, "--output", output]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(output.read_text())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_quick_run_measures_every_workload(result):
    """Each of them, for Gatewright, without a failure."""
    measured = {row["workload"] for row in result["figures"] if row["contestant"] == "gatewright"}
    assert result["failures"] == []
    assert measured == {"start", *WORKLOADS.split(",")}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_was_measured_is_there(result):
    """CPU time of the gateway, chunks of streams, memory, and nothing but answers."""
    figures = Figures(result)
    assert figures.best("gatewright", "chat-64", "cpu_us") > 0
    assert figures.best("gatewright", "stream", "chunks") % payload.CHUNKS == 0
    assert figures.best("gatewright", "translated-stream", "cpu_us") > 0
    assert figures.best("gatewright", "start", "memory_bytes") > 10**7
    assert figures.best("direct", "chat-64", "cpu_us") == 0, "nothing stands before the mock"
    assert {row["values"].get("errors", 0) for row in result["figures"]} == {0}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_page_is_written_from_the_raw_data(result, tmp_path):
    """With its tables, its pictures, and who was left out or not measured."""
    output = tmp_path / "docs" / "benchmarks.md"
    output.parent.mkdir()
    page.write(result, "run.json", output)
    text = output.read_text()
    for part in ("## Targets", "## Small chat", "## Method", "## Not measured", "| Gatewright |", "not measured"):
        assert part in text
    assert (output.parent / "images" / "benchmarks-stream.svg").read_text().startswith("<svg")


def rows(contestant, workload, *values):
    return [
        {"round": number, "contestant": contestant, "workload": workload, "values": one}
        for number, one in enumerate(values, 1)
    ]


def test_ratios_are_the_median_of_those_of_each_round_and_the_spread_is_told():
    """A round in which one of the two was lucky does not decide, nor one in which only one was measured."""
    figures = Figures(
        {
            "figures": [
                *rows(
                    "nginx", "chat-64", {"cpu_us": 10.0, "rps": 900.0}, {"cpu_us": 6.0, "rps": 1000.0}, {"cpu_us": 9.0}
                ),
                *rows("gatewright", "chat-64", {"cpu_us": 40.0}, {"cpu_us": 40.0}, {"cpu_us": 30.0}),
                *rows("smg", "chat-64", {"cpu_us": 80.0}),
            ]
        }
    )
    assert figures.speed("gatewright", "chat-64") == 10 / 40
    assert figures.speed("gatewright", "chat-64", than="smg") == 2
    assert figures.best("nginx", "chat-64", "rps") == 1000
    assert figures.spread("gatewright", "chat-64", "cpu_us") == 10 / 30
    assert figures.speed("portkey", "chat-64") is None, "what was not measured has no ratio"


def test_added_latency_is_against_the_mock_of_the_same_round():
    """A slow minute of the machine is in both."""
    figures = Figures(
        {
            "figures": [
                *rows("direct", "rate", {"p50_ms": 1.0}, {"p50_ms": 5.0}),
                *rows("gatewright", "rate", {"p50_ms": 3.0}, {"p50_ms": 6.5}),
            ]
        }
    )
    assert figures.added("gatewright", "rate", "p50_ms") == 1.75


def test_a_target_that_is_missed_is_said_to_be_missed():
    """And one that is held, held; both at the limit."""
    most = targets.Target("x", 2.0, False, lambda figures: figures.best("a", "w", "m"))
    least = targets.Target("x", 2.0, True, lambda figures: figures.best("a", "w", "m"))
    at, above = (Figures({"figures": rows("a", "w", {"m": value})}) for value in (2.0, 2.1))
    below = Figures({"figures": rows("a", "w", {"m": 1.9})})
    assert [most.row(one)[-1] for one in (below, at, above)] == ["yes", "yes", "**no**"]
    assert [least.row(one)[-1] for one in (below, at, above)] == ["**no**", "yes", "yes"]


def test_two_workers_are_limited_by_the_busier_one():
    """Half of the requests at the same cost each is twice as fast."""
    figures = Figures(
        {
            "figures": [
                *rows("gatewright", "chat-64", {"busiest_us": 30.0}),
                *rows("gatewright", "workers-2", {"busiest_us": 20.0}),
            ]
        }
    )
    assert figures.scaling("gatewright") == 1.5


def test_a_stamped_chunk_is_found_in_both_dialects():
    """The time a chunk was sent survives translation because it is its text."""
    for chunk in (payload.openai_chunk("t123456789t"), payload.anthropic_chunk("t123456789t")):
        assert payload.STAMP.findall(chunk) == [b"123456789"]


def test_a_prompt_has_the_size_that_was_asked_for():
    """Within a percent, the rest of the request included."""
    assert len(payload.chat("m", size=100_000)) == pytest.approx(100_000, rel=0.01)


def test_a_request_is_sent_with_its_length_and_headers():
    """What the load generator writes is one whole HTTP/1.1 request."""
    job = Job(kind="closed", port=1, path="/p", headers={"a": "b"}, body="{}", connections=1, seconds=1)
    assert job.raw == b"POST /p HTTP/1.1\r\nhost: 127.0.0.1:1\r\na: b\r\ncontent-length: 2\r\n\r\n{}"


def test_a_plot_draws_a_bar_for_each_row():
    """Longer for more, and labels are text, not markup."""
    drawn = plot.bars("t", [("a<b", 1.0), ("c", 100.0)], "{:.0f}")
    assert drawn.count("<rect") == 3
    assert "a&lt;b" in drawn


def test_names_are_unique_and_forms_grow():
    """The command line finds workloads by name."""
    assert len({one.name for one in ALL}) == len(ALL)
    assert FORMS["quick"].rounds <= FORMS["short"].rounds <= FORMS["long"].rounds


def test_the_limits_of_files_and_functions_hold_here_too():
    """400 lines a file, 60 a function."""
    for path in BENCH:
        text = path.read_text()
        assert len(text.splitlines()) <= 400, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno - node.lineno < 60, (path, node.name)
