"""`gatewright apply`."""

from collections import Counter
from pathlib import Path

import click

from gatewright.cli.opened import opened
from gatewright.cli.options import STORE, settings_from
from gatewright.cli.table import plain
from gatewright.control.crypto import Vault
from gatewright.control.keyring import Keyring
from gatewright.control.manifest import file as manifest
from gatewright.control.manifest.changes import Action, Change
from gatewright.settings import Settings

_SIGNS = {Action.CREATED: "+", Action.UPDATED: "~", Action.UNCHANGED: " "}


@click.command()
@click.option(
    "-f", "--file", "path", type=click.Path(path_type=Path), required=True, help="The file; - for standard input."
)
@click.option("--dry-run", is_flag=True, help="Change nothing; print what would change.")
@settings_from(*STORE, "kek_file", "allow_private_upstreams")
def apply(settings: Settings, path: Path, dry_run: bool) -> None:
    """Bring the gateway to what a YAML file describes: secrets, model definitions and endpoints.

    All of the file is applied, or nothing. A running server serves the change within a second; applying the same file
    again changes nothing. Objects that the file does not name are left alone.

    \b
    Example, gateway.yaml:
      secrets:
        openai:
          provider: openai
          secret_value:
            api_key: {env: OPENAI_API_KEY}
      model_definitions:
        gpt-4o-mini: {secret: openai, model_name: gpt-4o-mini}
      endpoints:
        chat: {models: [gpt-4o-mini]}

    \b
      OPENAI_API_KEY=sk-… gatewright apply -f gateway.yaml
    """
    with opened(settings, create=True) as database:
        changes = manifest.apply(
            database,
            Vault(Keyring.load(settings)),
            path,
            allow_private=settings.allow_private_upstreams,
            dry_run=dry_run,
        )
    for change in changes:
        click.echo(_told(change))
    click.echo(_summary(changes, dry_run=dry_run))


def _told(change: Change) -> str:
    sign = _SIGNS[change.action]
    lines = [f"{sign} {change.kind} {plain(change.name)}: {change.action}"]
    width = max((len(plain(one.field)) for one in change.differences), default=0)
    for one in change.differences:
        before, after = (None if text is None else plain(text) for text in (one.before, one.after))
        told = after if change.action is Action.CREATED else f"{_or_none(before)} -> {_or_none(after)}"
        lines.append(f"    {plain(one.field):{width}}  {told}")
    return "\n".join(lines)


def _or_none(text: str | None) -> str:
    return "(none)" if text is None else text or "(empty)"


def _summary(changes: list[Change], *, dry_run: bool) -> str:
    counted = Counter(change.action for change in changes)
    if counted[Action.UNCHANGED] == len(changes):
        return "Nothing to change."
    totals = ", ".join(f"{counted[action]} {action}" for action in Action)
    told = f"Dry run, nothing was written: {totals}." if dry_run else f"Applied: {totals}."
    return f"{told} Objects that are not in the file are left alone."
