"""Fixtures of all tests, one file a topic under `fixtures/`."""

pytest_plugins = [
    "fixtures.api",
    "fixtures.database",
    "fixtures.lanes",
    "fixtures.provider",
    "fixtures.scripted",
    "fixtures.server",
    "fixtures.valkey",
    "fixtures.clients",  # after those it imports, or pytest could not rewrite their assertions
]
