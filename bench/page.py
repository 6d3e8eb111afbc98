"""Writes docs/benchmarks.md and its pictures from the raw data of one run."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench import targets as wanted
from bench.contestants import DIRECT, REFERENCE
from bench.figures import SMALL, Figures, scaled
from bench.machine import MEGABYTE
from bench.plot import bars

Column = tuple[str, str, Callable[[Figures, str], float | None]]


def write(result: dict[str, Any], source: str, output: Path) -> None:
    """Write the page, and its pictures to `images` beside it.

    Args:
        result: the raw data.
        source: the name of its file in bench/results.
        output: the page.
    """
    figures = Figures(result)
    images = output.parent / "images"
    images.mkdir(parents=True, exist_ok=True)
    pictures = []
    for name, title, form, compute in _PLOTS:
        found = [(one["title"], compute(figures, one["name"])) for one in result["contestants"]]
        drawn = [(label, value) for label, value in found if value is not None and value > 0]
        if drawn:
            (images / f"benchmarks-{name}.svg").write_text(bars(title, drawn, form))
            pictures.append(f"![{title}](images/benchmarks-{name}.svg)")
    tables = [f"## {title}\n\n{text}\n\n{_table(result, figures, columns)}" for title, text, columns in _TABLES]
    parts = [_INTRODUCTION.format(source=source, **_facts(result)), _reached(result), *pictures, *tables]
    parts += [_spreads(result, figures), _STANDS_IN_THE_WAY, _METHOD, _missing(result), _NOT_MEASURED]
    output.write_text("\n\n".join(part.strip() for part in parts if part) + "\n")


def targets(result: dict[str, Any]) -> str:
    """The table of targets, for a terminal or a page."""
    return _markdown(["what", "target", "reached", "holds"], wanted.rows(result))


def _facts(result: dict[str, Any]) -> dict[str, str]:
    machine = result["machine"]
    versions = ", ".join(f"{one['name']} {one['version']}" for one in result["contestants"] if one["version"])
    return {
        "began": result["began"][:10],
        "form": result["form"]["name"],
        "rounds": str(result["form"]["rounds"]),
        "machine": f"{machine['processor']}, {machine['cores']} cores, {machine['kernel']}, Python {machine['python']}",
        "versions": versions,
        "tools": f"Mock for plain answers: {result['mock']}. Load of closed loops: {result['load_generator']}.",
    }


def _reached(result: dict[str, Any]) -> str:
    text = "One worker on one core, keys on. A target that is not held is work to do."
    return f"## Targets\n\n{text}\n\n{targets(result)}"


def _table(result: dict[str, Any], figures: Figures, columns: Sequence[Column]) -> str:
    rows = []
    for one in result["contestants"]:
        values = [(form, compute(figures, one["name"])) for _, form, compute in columns]
        if one["name"] != DIRECT and any(value is not None for _, value in values):
            rows.append([one["title"], *("" if value is None else form.format(value) for form, value in values)])
    return _markdown(["", *(title for title, _, _ in columns)], rows)


def _spreads(result: dict[str, Any], figures: Figures) -> str:
    """How far apart the rounds were, for what most ratios rest on."""
    rows = []
    for one in result["contestants"]:
        found = [
            figures.spread(one["name"], workload, metric)
            for workload, metric in ((SMALL, "cpu_us"), (SMALL, "rps"), ("rate", "p50_ms"), ("stream", "cpu_us"))
        ]
        rows.append([one["title"], *("" if value is None else f"{value:.0%}" for value in found)])
    head = ["", "CPU, 64 connections", "requests/s, 64 connections", "p50, low rate", "CPU per chunk"]
    text = "How much higher the worst round was than the best, or lower:"
    return f"## Spread\n\n{text}\n\n{_markdown(head, rows)}"


def _missing(result: dict[str, Any]) -> str:
    said = [f"- {name}: {reason}" for name, reason in result["left_out"].items()]
    seen = {(one["contestant"], one["workload"]): one["reason"] for one in result["failures"]}
    said += [
        f"- {who}, {what}: failed ({reason.splitlines()[0][:120] if reason else 'no reason given'})"
        for (who, what), reason in seen.items()
    ]
    return "## Left out of this run\n\n" + "\n".join(said) if said else ""


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _speed(workload: str, at: str = "") -> Callable[[Figures, str], float | None]:
    return lambda figures, name: figures.speed(name, workload, at=at)


def _best(workload: str, metric: str, by: float = 1.0) -> Callable[[Figures, str], float | None]:
    return lambda figures, name: scaled(figures.best(name, workload, metric), by)


def _added(workload: str, metric: str) -> Callable[[Figures, str], float | None]:
    return lambda figures, name: figures.added(name, workload, metric)


def _per_chunk(figures: Figures, name: str) -> float | None:
    return figures.share((name, "stream", "cpu_us"), (REFERENCE, "stream", "cpu_us"))


_PLOTS = (
    ("chat", "Small chat, 64 connections: speed, nginx = 1", "{:.3g}", _speed(SMALL)),
    ("stream", "CPU per chunk of a stream, microseconds", "{:.3g}", _best("stream", "cpu_us")),
    ("latency", "Latency added at a low rate, p50, milliseconds", "{:.2g}", _added("rate", "p50_ms")),
)

_TABLES: tuple[tuple[str, str, Sequence[Column]], ...] = (
    (
        "Small chat",
        (
            "A closed loop of short chat completions. Speed is requests for the same CPU time, nginx = 1; `busy` is "
            "how much of its core it used: below 1, the load generator was the limit and requests/s say too little."
        ),
        (
            ("1 connection", "{:.3g}", _speed("chat-1")),
            ("64", "{:.3g}", _speed(SMALL)),
            ("512", "{:.3g}", _speed("chat-512")),
            ("requests/s at 64", "{:,.0f}", _best(SMALL, "rps")),
            ("µs CPU each", "{:,.1f}", _best(SMALL, "cpu_us")),
            ("busy", "{:.2f}", _best(SMALL, "busy")),
            ("p99 at 64, ms", "{:.1f}", _best(SMALL, "p99_ms")),
        ),
    ),
    (
        "Added latency",
        "Milliseconds above the mock asked directly, at 50 requests a second.",
        (
            ("p50", "{:.2f}", _added("rate", "p50_ms")),
            ("p99", "{:.2f}", _added("rate", "p99_ms")),
            ("p99.9", "{:.2f}", _added("rate", "p999_ms")),
        ),
    ),
    (
        "Streams",
        "20 streams beside each other, 50 chunks each, 20 ms apart. Each chunk carries the time it was sent.",
        (
            ("first byte added, ms", "{:.2f}", _added("stream", "first_byte_ms")),
            ("CPU per chunk, µs", "{:.1f}", _best("stream", "cpu_us")),
            ("of nginx", "{:.2f}", _per_chunk),
            ("chunk later by, p50 ms", "{:.2f}", _added("stream", "chunk_ms")),
            ("p99 ms", "{:.2f}", _added("stream", "chunk_p99_ms")),
            ("jitter, ms", "{:.2f}", _best("stream", "jitter_ms")),
            ("translated: CPU per chunk, µs", "{:.1f}", _best("translated-stream", "cpu_us")),
            ("first byte added, ms", "{:.2f}", _added("translated-stream", "first_byte_ms")),
        ),
    ),
    (
        "Long prompts, TLS, translation",
        "Speed, nginx = 1 at the same work. nginx translates nothing; there its small chat is 1.",
        (
            ("100 KB prompt", "{:.3g}", _speed("prompt-100k")),
            ("1 MB prompt", "{:.3g}", _speed("prompt-1m")),
            ("TLS to the provider", "{:.3g}", _speed("tls")),
            ("OpenAI client, Anthropic provider", "{:.3g}", _speed("translated", at=SMALL)),
        ),
    ),
    (
        "Size and start",
        (
            "Ready is the first answered chat, with the configuration made before. Memory is that of all its "
            "processes (PSS). Installed does not count Python or Node themselves, nor compiled Python."
        ),
        (
            ("ready, s", "{:.2f}", _best("start", "ready_seconds")),
            ("idle memory, MB", "{:.0f}", _best("start", "memory_bytes", 1 / MEGABYTE)),
            ("installed, MB", "{:.0f}", _best("start", "size_bytes", 1 / MEGABYTE)),
            ("each idle stream, KB", "{:.1f}", _best("idle", "kb_each")),
        ),
    ),
    (
        "Growth",
        "Two workers with a core each, from the CPU time of the busier one; more CPU time with more endpoints.",
        (
            ("2 workers, of 1", "{:.2f}", lambda figures, name: figures.scaling(name)),
            ("1,000 endpoints", "{:+.1%}", lambda figures, name: figures.slowdown(name, "endpoints-1000")),
            ("10,000 endpoints", "{:+.1%}", lambda figures, name: figures.slowdown(name, "endpoints-10000")),
        ),
    ),
)

_INTRODUCTION = """\
# Benchmarks

<!-- Written by `make bench-page` from bench/results/{source}; change bench/page.py, not this file. -->

Gatewright, other AI gateways, and plain proxies for the limit, in one run on one machine: `make bench-peers`, then
`make bench LONG=1`. Ratios within the run are what counts; absolute figures are this machine's.

- {began}, the {form} form, {rounds} rounds; raw data: `bench/results/{source}`.
- {machine}.
- {versions}.
- {tools}
"""

_STANDS_IN_THE_WAY = """\
## What stands in the way

Where a target is missed, this is why; what was tried, with figures:
[what a request costs](adr/0014-what-a-request-costs.md).

- **Small chats**, and with them translated ones and the latency at a low rate. About 140 calls of Python functions,
  none of them over a twentieth, are more than half of a request's time. A third is the kernel's: the reads and writes
  that a proxy makes too, and one write of the journal. A tenth is the thread that moves records into the ledger, which
  shares the core here.
- **Streams.** At a thousand chunks a second each one wakes the process, and Python's working set does not stay in the
  processor's caches meanwhile. What runs a few times a second beside the traffic (looking for a new configuration, for
  records, for what other machines tell) takes some 10 ms of CPU a second: 10 microseconds a chunk at this rate.
- **100 KB prompts.** Half is the cost of any request. The body is put together from the pieces it comes in, split at
  its top level, and written again with the target's model: three passes over it that a proxy does not make.
- **This machine.** Windows of one second differ by a factor of up to two for the same program, as the table of spreads
  shows. That is why only figures of the same round are compared.
"""

_METHOD = """\
## Method

- The contestant has one core for itself. The load generator and the mock provider share the others. All traffic is
  loopback.
- A round starts each contestant anew, one after the other, so that a slow minute of the machine hits all of them. Those
  that take minutes are in every sixth round only.
- Ratios and differences compare figures of the same round, and are the median over the rounds. What is not a ratio or a
  difference is the best of the rounds.
- Gatewright runs in the interpreter named above, LiteLLM and MLflow in that of the environment they were installed to
  (in the run shown 3.11.7 built without optimizations guided by profiles, which serves about a fifth less).
- Speed is compared by CPU time per request, kernel included, read from the process's CPU clock. Where a contestant
  fills its core, that is the same as requests per second. A contestant faster than the load generator (nginx, HAProxy)
  is not at its limit: it handles fewer events each time it wakes up, and could do somewhat better than its figure.
- Plain answers come from nginx (`return 200`), load from `wrk` with one thread: a mock or a generator in Python would
  itself be the limit. Streams, fixed rates and idle streams are made by `bench/mock.py` and `bench/load.py` (uvloop,
  httptools).
- Latency counts from when a request is written. At the fixed rate requests go out when their time has come, whatever
  became of those before.
- The proxies pass answers on unbuffered and keep connections to the provider open. Contestants that have keys are
  asked with one; Gatewright runs as `gatewright serve` with all that it does by default. The others log warnings only,
  where they can be told to.
- A prompt's size is that of its JSON, in one message. An idle stream has received its first chunk; those in every sixth
  round hold a twentieth of the streams.
"""

_NOT_MEASURED = """\
## Not measured

- Networks, real providers, TLS from clients, HTTP/2.
- Features that only some have, such as caches and guardrails. Databases other than SQLite.
- What a contestant could reach with settings other than these, or on more cores.
- Correctness: an answer counts when its status is 200, a stream when all its chunks came.
"""
