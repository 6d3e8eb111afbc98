"""What the gateway is to reach on one core with one worker, against what a run shows."""

from dataclasses import dataclass
from typing import Any

from bench.figures import SMALL, Compute, Figures, ratio, scaled
from bench.machine import MEGABYTE

OURS = "gatewright"


@dataclass(frozen=True, slots=True)
class Target:
    """One row.

    Attributes:
        what: for people.
        limit: the figure to reach.
        least: whether more is better.
        compute: the figure of a run.
        form: how it is shown.
    """

    what: str
    limit: float
    least: bool
    compute: Compute
    form: str = "{:.2f}"

    def row(self, figures: Figures) -> list[str]:
        """What, target, reached, and whether that holds."""
        value = self.compute(figures)
        wanted = f"{'≥' if self.least else '≤'} {self.form.format(self.limit)}"
        if value is None:
            return [self.what, wanted, "not measured", ""]
        holds = value >= self.limit if self.least else value <= self.limit
        return [self.what, wanted, self.form.format(value), "yes" if holds else "**no**"]


def _small_against(other: str) -> Compute:
    return lambda figures: figures.speed(OURS, SMALL, than=other)


def _over_nginx(figures: Figures) -> float | None:
    ours, theirs = figures.added(OURS, "rate", "p99_ms"), figures.added("nginx", "rate", "p99_ms")
    return None if ours is None or theirs is None else ours - theirs


TARGETS = (
    Target("small chat, 64 connections, of nginx", 0.32, True, _small_against("nginx")),
    Target("the same, of Envoy as a plain proxy", 1.0, True, _small_against("envoy")),
    Target("the same, of smg", 3.0, True, _small_against("smg"), "{:.1f}"),
    Target("the same, of ferrogw", 3.0, True, _small_against("ferrogw"), "{:.1f}"),
    Target("the same, of Portkey", 40, True, _small_against("portkey"), "{:.0f}"),
    Target("the same, of LiteLLM", 200, True, _small_against("litellm"), "{:.0f}"),
    Target(
        "added latency at a low rate, p50, of nginx's own",
        2.0,
        False,
        lambda figures: ratio(figures.added(OURS, "rate", "p50_ms"), figures.added("nginx", "rate", "p50_ms")),
    ),
    Target("added latency at a low rate, p99, above nginx's", 1.0, False, _over_nginx, "{:.2f} ms"),
    Target(
        "CPU per chunk of a stream passed through, of nginx",
        1.6,
        False,
        lambda figures: figures.share((OURS, "stream", "cpu_us"), ("nginx", "stream", "cpu_us")),
    ),
    Target(
        "CPU per chunk of a translated stream, of nginx",
        4.0,
        False,
        lambda figures: figures.share((OURS, "translated-stream", "cpu_us"), ("nginx", "stream", "cpu_us")),
    ),
    Target(
        "first byte of a stream, added",
        0.5,
        False,
        lambda figures: figures.added(OURS, "stream", "first_byte_ms"),
        "{:.2f} ms",
    ),
    Target(
        "translated chat, of nginx (which passes it through)",
        0.15,
        True,
        lambda figures: figures.speed(OURS, "translated", at=SMALL),
    ),
    Target("100 KB prompt, of nginx", 0.5, True, lambda figures: figures.speed(OURS, "prompt-100k")),
    Target("1 MB prompt, of nginx", 0.5, True, lambda figures: figures.speed(OURS, "prompt-1m")),
    Target("two workers, of one", 1.8, True, lambda figures: figures.scaling(OURS)),
    Target(
        "10,000 endpoints against 10, more CPU",
        0.03,
        False,
        lambda figures: figures.slowdown(OURS, "endpoints-10000"),
        "{:.1%}",
    ),
    Target("an idle stream", 25, False, lambda figures: figures.best(OURS, "idle", "kb_each"), "{:.1f} KB"),
    Target(
        "start to the first answer",
        1.0,
        False,
        lambda figures: figures.best(OURS, "start", "ready_seconds"),
        "{:.2f} s",
    ),
    Target(
        "idle memory",
        100,
        False,
        lambda figures: scaled(figures.best(OURS, "start", "memory_bytes"), 1 / MEGABYTE),
        "{:.0f} MB",
    ),
    Target(
        "installed",
        70,
        False,
        lambda figures: scaled(figures.best(OURS, "start", "size_bytes"), 1 / MEGABYTE),
        "{:.0f} MB",
    ),
)


def rows(result: dict[str, Any]) -> list[list[str]]:
    """All targets against a run."""
    figures = Figures(result)
    return [target.row(figures) for target in TARGETS]
