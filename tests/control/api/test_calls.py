"""The calls are those of the contract, and each has a handler."""

from gatewright.control.api.calls import CALLS
from gatewright.control.api.handlers import HANDLERS


def test_every_call_has_a_handler_and_no_handler_is_left_over():
    """The table of handlers and the service descriptor name the same calls."""
    assert {call.name for call in CALLS} == set(HANDLERS)


def test_no_two_calls_share_a_route():
    """Method and path name one call."""
    assert len({(call.method, call.path) for call in CALLS}) == len(CALLS) == 39


def test_only_get_leaves_everything_as_it_is():
    """What is announced as a change is every call that is not a GET."""
    reading = {call.name for call in CALLS if not call.writes}
    assert {name.removeprefix("get").removeprefix("list") for name in reading} & {"GatewayEndpoint", "GatewayEndpoints"}
    assert all(name.startswith(("get", "list")) for name in reading)
    assert not any(call.name.startswith(("get", "list")) for call in CALLS if call.writes)
