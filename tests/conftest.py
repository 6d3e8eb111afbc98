"""Fixtures of all tests, one file a topic under `fixtures/`."""

import gc

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes tells of the machine, which other tests keep busy.
settings.register_profile("tests", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

pytest_plugins = [
    "fixtures.api",
    "fixtures.database",
    "fixtures.lanes",
    "fixtures.origins",
    "fixtures.provider",
    "fixtures.scripted",
    "fixtures.server",
    "fixtures.valkey",
    "fixtures.clients",  # after those it imports, or pytest could not rewrite their assertions
]


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Spare the garbage collector the tests themselves and all they import: a full look at that takes half a second."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
