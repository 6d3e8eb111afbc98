"""Bar charts as SVG, on a logarithmic scale: the slowest of the compared would be invisible on another."""

import math
from collections.abc import Sequence
from html import escape

_ROW, _LEFT, _WIDTH = 26, 210, 700


def bars(title: str, rows: Sequence[tuple[str, float]], form: str) -> str:
    """A horizontal bar for each row.

    Args:
        title: above the bars.
        rows: label and value above 0.
        form: how a value is shown.
    """
    low = min(value for _, value in rows) / 2
    span = math.log10(max(value for _, value in rows) / low)
    height = _ROW * (len(rows) + 1) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="10" y="19" font-size="14" font-weight="bold">{escape(title)} (logarithmic)</text>',
    ]
    for number, (label, value) in enumerate(rows, 1):
        top = number * _ROW + 4
        length = (_WIDTH - _LEFT - 80) * math.log10(value / low) / span
        colour = "#2b6cb0" if label.startswith("Gatewright") else "#a0aec0"
        parts.append(
            f'<text x="{_LEFT - 8}" y="{top + 15}" font-size="13" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{_LEFT}" y="{top}" width="{length:.1f}" height="{_ROW - 6}" fill="{colour}"/>'
            f'<text x="{_LEFT + length + 6:.1f}" y="{top + 15}" font-size="13">{form.format(value)}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"
