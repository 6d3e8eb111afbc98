"""The picture of memory over time."""

import re
from xml.etree import ElementTree as ET

import pytest

from faults.curves import drawn


def test_a_line_is_where_its_numbers_are():
    """Twice the time is twice as far to the right, twice the memory twice as far up from the bottom."""
    picture = drawn(
        "Memory", [("worker 1", [(0.0, 0.0), (60.0, 50 * 2.0**20), (120.0, 100 * 2.0**20)]), ("", [(0, 1)])]
    )
    ET.fromstring(picture)
    [path] = re.findall(r'd="M([^"H]*L[^"]*)"', picture)
    (x0, y0), (x1, y1), (x2, y2) = (map(float, point.split()) for point in path.split("L"))
    assert (x2 - x0, y0 - y2) == pytest.approx((2 * (x1 - x0), 2 * (y0 - y1)), abs=0.2)
    assert x2 > x0
    assert y2 < y0
    assert "worker 1" in picture
    assert ">100<" in picture


@pytest.mark.parametrize("lines", [[], [("one", [(0.0, 5.0)])]])
def test_next_to_nothing_can_be_drawn_too(lines):
    """A run that ends at once is still told of."""
    ET.fromstring(drawn("<nothing>", lines))
