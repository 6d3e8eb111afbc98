"""The memory of processes over time, and its picture as SVG."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from html import escape

import psutil

from fixtures.server import Served

Points = Sequence[tuple[float, float]]
"""Seconds since the beginning, and bytes."""

PACE = 1.0
"""Seconds between two looks."""

_LEFT, _TOP, _WIDTH, _HEIGHT = 50, 40, 700, 270
_COLOURS = ("#2b6cb0", "#c05621", "#2f855a")


class Memory:
    """The memory of all workers of a server, as long as it is followed.

    Attributes:
        seen: by process id, in the order in which they were there.
    """

    def __init__(self, server: Served) -> None:
        self.seen: dict[int, list[tuple[float, float]]] = {}
        self._server = server

    async def follow(self) -> None:
        """Look again and again, until it is cancelled."""
        began = time.monotonic()
        while True:
            for one in self._server.workers():
                with contextlib.suppress(psutil.NoSuchProcess):
                    point = (time.monotonic() - began, float(one.memory_info().rss))
                    self.seen.setdefault(one.pid, []).append(point)
            await asyncio.sleep(PACE)


def drawn(title: str, lines: Sequence[tuple[str, Points]]) -> str:
    """Lines over minutes, in MiB from 0 on.

    Args:
        title: above them.
        lines: each with its name; those without one are grey.
    """
    longest = max([1.0, *(at for _, points in lines for at, _ in points)])
    most = max([1.0, *(size for _, points in lines for _, size in points)])
    right, bottom = _WIDTH - 20, _HEIGHT - 30

    def across(at: float) -> float:
        return _LEFT + (right - _LEFT) * at / longest

    def down(size: float) -> float:
        return bottom - (bottom - _TOP) * size / (1.1 * most)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<g font-size="12"><text x="10" y="19" font-size="14" font-weight="bold">{escape(title)}</text>',
        f'<text x="10" y="{_TOP - 2}">MiB</text><text x="{right}" y="{_HEIGHT - 1}" text-anchor="end">minutes</text>',
    ]
    for size in _steps(most / 2**20):
        level = down(size * 2**20)
        parts.append(f'<path d="M{_LEFT} {level:.1f}H{right}" stroke="#e2e8f0"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{level + 4:.1f}" text-anchor="end">{size:g}</text>')
    parts += [
        f'<text x="{across(60 * minutes):.1f}" y="{bottom + 16}" text-anchor="middle">{minutes:g}</text>'
        for minutes in _steps(longest / 60)
    ]
    names = [name for name, _ in lines if name]
    for name, points in sorted(lines, key=lambda line: bool(line[0])):  # the grey ones lie below
        colour = _COLOURS[names.index(name) % len(_COLOURS)] if name else "#cbd5e0"
        path = "L".join(f"{across(at):.1f} {down(size):.1f}" for at, size in points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="{1.5 if name else 1}"/>')
    for number, name in enumerate(names):
        colour, level = _COLOURS[number % len(_COLOURS)], bottom - 10 - 16 * number
        parts.append(f'<text x="{right}" y="{level}" text-anchor="end" fill="{colour}">{escape(name)}</text>')
    return "\n".join([*parts, "</g></svg>"]) + "\n"


def _steps(most: float) -> list[float]:
    """Four to ten round numbers from 0 to `most`."""
    step = next(step for power in range(-3, 9) for base in (1, 2, 5) if (step := base * 10.0**power) * 8 >= most)
    return [step * number for number in range(int(most / step) + 1)]
