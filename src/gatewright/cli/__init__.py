"""The `gatewright` command."""

from gatewright.cli.group import main

__all__ = ["main"]
