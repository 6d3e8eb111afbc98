"""The command's root: its subcommands, and what every failure looks like at a terminal."""

import importlib
from typing import Any

import click

from gatewright import __version__
from gatewright.errors import ConfigError, GatewrightError

_COMMANDS = {
    "apply": "apply:apply",
    "db": "database:database",
    "demo": "demo:demo",
    "endpoints": "endpoints:endpoints",
    "keys": "keys:keys",
    "reload": "reload:reload",
    "secrets": "secrets:secrets",
    "serve": "serve:serve",
}
"""Each command's module beside this one, and its name there. It is loaded when it is asked for: what holds the port of
a server is to be small."""


class _SetupFailure(click.ClickException):
    exit_code = 2


class _Root(click.Group):
    """Shows our errors and the system's as one message on stderr: exit code 2 for what the operator set up, else 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(f"gatewright.cli.{module}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except GatewrightError as problem:
            failure = _SetupFailure if isinstance(problem, ConfigError) else click.ClickException
            raise failure(problem.public) from problem
        except BrokenPipeError:
            # Whoever read our output has seen enough; click ends quietly.
            raise
        except OSError as problem:
            named = f"{problem.filename}: " if problem.filename else ""
            raise click.ClickException(f"{named}{problem.strerror or problem}.") from problem


@click.group(cls=_Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="gatewright")
def main() -> None:
    """One server in front of every LLM provider.

    Every option that a GATEWRIGHT_* variable sets names that variable; an option wins over its variable.

    \b
    First steps:
      gatewright apply -f examples/openai.yaml      describe an endpoint
      gatewright serve                              serve it; prints an admin key once
      gatewright keys create my-app                 a key for an application
    """
