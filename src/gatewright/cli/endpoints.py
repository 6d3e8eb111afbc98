"""`gatewright endpoints`."""

import json

import click

from gatewright.cli.opened import opened
from gatewright.cli.options import STORE, settings_from
from gatewright.cli.table import moment, none_yet, table
from gatewright.control.store import endpoints as store
from gatewright.entities import GatewayEndpoint, GatewayEndpointModelMapping, GatewayModelLinkageType
from gatewright.entities.plain import plain as as_plain
from gatewright.settings import Settings

_PRIMARY = GatewayModelLinkageType.PRIMARY


@click.group()
def endpoints() -> None:
    """Look at the endpoints of the gateway. They are made with `gatewright apply` or over the API."""


@endpoints.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as the management API does.")
@settings_from(*STORE)
def list_(settings: Settings, as_json: bool) -> None:
    """List all endpoints with their models.

    \b
    Example:
      gatewright endpoints list
    """
    with opened(settings) as database, database.read() as tx:
        found = store.list_all(tx)
    if as_json:
        _print_json([as_plain(one.to_proto()) for one in found])
    elif found:
        click.echo(table(("NAME", "MODELS", "FALLBACKS", "TAGS"), [_row(one) for one in found]))
    else:
        none_yet("endpoints", "Describe one in a file and run: gatewright apply -f FILE")


@endpoints.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as the management API does.")
@settings_from(*STORE)
def show(settings: Settings, name: str, as_json: bool) -> None:
    """Show everything about the endpoint NAME.

    \b
    Example:
      gatewright endpoints show chat
    """
    with opened(settings) as database, database.read() as tx:
        found = store.get(tx, name=name)
    if as_json:
        _print_json(as_plain(found.to_proto()))
        return
    config = found.fallback_config
    attempts = f"at most {config.max_attempts} tried" if config and config.max_attempts else "all tried"
    click.echo(
        f"{found.name}  ({found.endpoint_id})\n"
        f"created         {moment(found.created_at)}\n"
        f"last updated    {moment(found.last_updated_at)}\n"
        f"fallback        {attempts}\n"
        f"usage tracking  {'on' if found.usage_tracking else 'off'}"
    )
    if found.model_mappings:
        click.echo("\n" + table(_MODEL_HEAD, [_model(found, one) for one in found.model_mappings]))
    if found.tags:
        click.echo("\n" + table(("TAG", "VALUE"), [(tag.key, tag.value or "") for tag in found.tags]))


_MODEL_HEAD = ("MODEL DEFINITION", "ROLE", "SHARE", "PROVIDER", "MODEL", "SECRET")


def _row(endpoint: GatewayEndpoint) -> tuple[str, str, str, str]:
    primaries = [_named(endpoint, one) for one in endpoint.model_mappings if one.linkage_type is _PRIMARY]
    fallbacks = [_name(one) for one in _in_order(endpoint)]
    tags = [f"{tag.key}={tag.value}" if tag.value else tag.key for tag in endpoint.tags]
    return endpoint.name, ", ".join(primaries), ", ".join(fallbacks), ", ".join(tags)


def _in_order(endpoint: GatewayEndpoint) -> list[GatewayEndpointModelMapping]:
    fallbacks = [one for one in endpoint.model_mappings if one.linkage_type is not _PRIMARY]
    return sorted(fallbacks, key=lambda one: one.fallback_order or 0)


def _named(endpoint: GatewayEndpoint, mapping: GatewayEndpointModelMapping) -> str:
    share = _share(endpoint, mapping)
    return _name(mapping) if share == "100%" else f"{_name(mapping)} {share}"


def _model(endpoint: GatewayEndpoint, mapping: GatewayEndpointModelMapping) -> tuple[str, ...]:
    definition = mapping.model_definition
    primary = mapping.linkage_type is _PRIMARY
    return (
        _name(mapping),
        "primary" if primary else f"fallback {mapping.fallback_order}",
        _share(endpoint, mapping) if primary else "",
        definition.provider if definition else "",
        definition.model_name if definition else "",
        (definition and definition.secret_name) or "(none: it cannot be used)",
    )


def _share(endpoint: GatewayEndpoint, mapping: GatewayEndpointModelMapping) -> str:
    """Its part of the traffic."""
    total = sum(one.weight for one in endpoint.model_mappings if one.linkage_type is _PRIMARY)
    return f"{100 * mapping.weight / total:.3g}%" if total else "0%"


def _name(mapping: GatewayEndpointModelMapping) -> str:
    return mapping.model_definition.name if mapping.model_definition else mapping.model_definition_id


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2))
