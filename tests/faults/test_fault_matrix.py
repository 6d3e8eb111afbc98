"""Every fault of an upstream, in every dialect, comes to what is stated; `docs/fault-matrix.md` shows it."""

from pathlib import Path

import pytest

from faults.expected import expected
from faults.matrix import Matrix
from faults.page import page
from faults.scripts import FAULTS

PAGE = Path(__file__).parent.parent.parent / "docs" / "fault-matrix.md"


@pytest.fixture(scope="module")
def matrix():
    """One gateway and its upstreams, for all tests."""
    with Matrix() as running:
        yield running


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_comes_to_what_is_stated(matrix, fault):
    """In each of its cells."""
    found = matrix.outcomes(fault)
    assert {cell.name: (got, expected(cell)) for cell, got in found.items() if got != expected(cell)} == {}


def test_no_cell_leaves_anything_behind(matrix):
    """No request under way, and no connection to an upstream that one holds."""
    for fault in FAULTS:
        matrix.outcomes(fault)
    assert matrix.busy == 0


def test_the_page_is_what_the_run_gave(matrix):
    """`make faults` writes it."""
    assert PAGE.read_text("utf-8") == page(matrix)
