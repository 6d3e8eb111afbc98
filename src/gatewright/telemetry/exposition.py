"""Prometheus' text format, version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import accumulate

from gatewright.telemetry.families import Family, Labels

Number = int | float

_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_HELP_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n"})


def render(shown: Iterable[tuple[Family, Mapping[Labels, Sequence[Number]]]]) -> bytes:
    """The page.

    Args:
        shown: each family once, with its series; of a histogram the counts by bucket, not yet summed up, and the sum
            in microseconds.
    """
    lines: list[str] = []
    for family, series in shown:
        lines.append(f"# HELP {family.name} {family.meaning.translate(_HELP_ESCAPES)}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        write = _histogram if family.bounds else _number
        for labels, values in sorted(series.items()):
            named = [f'{name}="{value.translate(_ESCAPES)}"' for name, value in zip(family.labels, labels, strict=True)]
            lines += write(family, ",".join(named), values)
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _number(family: Family, named: str, values: Sequence[Number]) -> list[str]:
    labels = f"{{{named}}}" if named else ""
    return [f"{family.name}{labels} {values[0]}"]


def _histogram(family: Family, named: str, values: Sequence[Number]) -> list[str]:
    *buckets, total = values
    counts = list(accumulate(buckets))
    begin = f'{family.name}_bucket{{{named},le="'
    lines = [f"{begin}{end} {count}" for end, count in zip(_ends(family.bounds), counts, strict=True)]
    return [*lines, f"{family.name}_sum{{{named}}} {total / 1e6}", f"{family.name}_count{{{named}}} {counts[-1]}"]


@cache
def _ends(bounds: tuple[int, ...]) -> list[str]:
    """What ends the labels of each bucket."""
    return [f'{bound / 1e6}"}}' for bound in bounds] + ['+Inf"}']
