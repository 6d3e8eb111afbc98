"""These tests run on the loop that serves."""

import uvloop


def pytest_asyncio_loop_factories(config, item):
    """As `gatewright serve` has it."""
    return {"uvloop": uvloop.new_event_loop}
