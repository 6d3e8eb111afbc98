"""Fixtures of all tests, one file a topic under `fixtures/`."""

pytest_plugins = ["fixtures.database", "fixtures.scripted", "fixtures.server"]
