"""What the modules of this dialect share in reading its objects."""

from collections.abc import Collection, Mapping
from typing import Any

from gatewright.dialects.conversation import Rest
from gatewright.dialects.fields import Fields, provider_fault

NAME = "responses"
"""The dialect's name: the operation's."""

providers = provider_fault("OpenAI's Responses API")
"""Makes the error of an answer."""


def picked(wire: Mapping[str, Any], names: Collection[str]) -> Rest:
    """The named fields, as far as they are there."""
    return {name: wire[name] for name in names if name in wire}


def taken(fields: Fields, names: Collection[str]) -> Rest:
    """As `picked`, and takes them."""
    return {name: fields.left.pop(name) for name in names if name in fields.left}
