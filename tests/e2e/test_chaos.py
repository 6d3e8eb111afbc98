"""The short forms of `make chaos` and `make soak`."""

import pytest

from scripts import chaos, soak

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_no_request_fails_and_none_is_lost_from_the_ledger_while_everything_else_fails():
    """Providers, workers, the database and Valkey; the ledger agrees with users and with providers."""
    run = chaos.Run(seconds=10.0, seed=1)
    run.play()
    assert run.wrong == []
    assert run.troubles["workers killed"] > 1
    assert run.troubles["outages of the database"] > 0
    assert run.troubles["times a provider refused connections"] > 0
    assert run.troubles["reloads"] > 0
    assert sum(run.faults.values()) > 20
    assert "## What was wrong\n\nNothing." in run.page()
    assert "the spared worker" in run.picture()


def test_nothing_is_left_of_requests_that_are_over():
    """No task, no socket and no file; a fifth are streams, and one user in twenty leaves."""
    run = soak.Run(requests=3000, seed=1)
    run.play()
    assert run.wrong == []
    assert run.told.requests == 3000
    assert len(run.told.left) > 50
    assert "## What was wrong\n\nNothing." in run.page()
    assert "worker 2" in run.picture()
