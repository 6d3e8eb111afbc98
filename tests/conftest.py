"""Fixtures of all tests, one file a topic under `fixtures/`."""

pytest_plugins = [
    "fixtures.api",
    "fixtures.database",
    "fixtures.provider",
    "fixtures.scripted",
    "fixtures.server",
    "fixtures.valkey",
]
