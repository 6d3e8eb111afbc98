"""What each call does: one function of the store, in one transaction.

Handlers run in a thread. Their second argument is the request's given fields by name, which are the store's own
argument names. What they return fills the response message; see `render.response`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gatewright.control.crypto import Vault
from gatewright.control.store import (
    auth,
    bindings,
    budgets,
    endpoints,
    guardrails,
    mappings,
    model_definitions,
    scorers,
    secrets,
    tags,
)
from gatewright.control.store.database import Database
from gatewright.errors import ClientError
from gatewright.settings import Settings
from gatewright.snapshot.model import Principal


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler may use besides the request.

    Attributes:
        database: where everything is stored.
        vault: seals secrets.
        settings: what is allowed.
        principal: who calls.
    """

    database: Database
    vault: Vault
    settings: Settings
    principal: Principal


Fields = dict[str, Any]
Handler = Callable[[Context, Fields], Any]


def _reads(function: Callable[..., Any]) -> Handler:
    def handle(of: Context, fields: Fields) -> Any:
        with of.database.read() as tx:
            return function(tx, **fields)

    return handle


def _writes(function: Callable[..., Any]) -> Handler:
    def handle(of: Context, fields: Fields) -> Any:
        with of.database.write() as tx:
            return function(tx, **fields)

    return handle


def _seals(function: Callable[..., Any]) -> Handler:
    """A write that stores a secret. DNS is asked before the transaction, for it may be slow."""

    def handle(of: Context, fields: Fields) -> Any:
        private = of.settings.allow_private_upstreams
        auth.refuse_private(fields.get("auth_config"), allow_private=private)
        with of.database.write() as tx:
            return function(tx, of.vault, **fields, allow_private=private)

    return handle


def _pages(function: Callable[..., Any], name: str) -> Handler:
    def handle(of: Context, fields: Fields) -> Any:
        with of.database.read() as tx:
            found, token = function(tx, **fields)
        return {name: found, "next_page_token": token}

    return handle


def _knows_users(function: Callable[..., Any]) -> Handler:
    """A write of a budget; one for a user makes sense only where callers are known."""

    def handle(of: Context, fields: Fields) -> Any:
        with of.database.write() as tx:
            return function(tx, **fields, authentication=not of.settings.no_auth)

    return handle


def _signed(function: Callable[..., Any]) -> Handler:
    """A write whose request does not say who made it: the caller did."""

    def handle(of: Context, fields: Fields) -> Any:
        with of.database.write() as tx:
            return function(tx, **fields, created_by=of.principal.name)

    return handle


def _register_scorer(of: Context, fields: Fields) -> Any:
    with of.database.write() as tx:
        scorer = scorers.register(tx, **fields)
    return {
        "version": scorer.scorer_version,
        "scorer_id": scorer.scorer_id,
        "experiment_id": scorer.experiment_id,
        "name": scorer.scorer_name,
        "serialized_scorer": scorer.serialized_scorer,
        "creation_time": scorer.creation_time,
    }


def _list_scorers(of: Context, fields: Fields) -> Any:
    wanted = [fields["experiment_id"]] if "experiment_id" in fields else []
    wanted += fields.get("experiment_ids", [])
    if not wanted:
        raise ClientError("Missing value for required parameter 'experiment_id'.")
    with of.database.read() as tx:
        return [
            scorer
            for experiment_id in dict.fromkeys(wanted)
            for scorer in scorers.list_all(tx, experiment_id=experiment_id)
        ]


HANDLERS: dict[str, Handler] = {
    "createGatewaySecret": _seals(secrets.create),
    "getGatewaySecretInfo": _reads(secrets.get),
    "updateGatewaySecret": _seals(secrets.update),
    "deleteGatewaySecret": _writes(secrets.delete),
    "listGatewaySecretInfos": _reads(secrets.list_all),
    "createGatewayEndpoint": _writes(endpoints.create),
    "getGatewayEndpoint": _reads(endpoints.get),
    "updateGatewayEndpoint": _writes(endpoints.update),
    "deleteGatewayEndpoint": _writes(endpoints.delete),
    "listGatewayEndpoints": _reads(endpoints.list_all),
    "createGatewayModelDefinition": _writes(model_definitions.create),
    "getGatewayModelDefinition": _reads(model_definitions.get),
    "listGatewayModelDefinitions": _reads(model_definitions.list_all),
    "updateGatewayModelDefinition": _writes(model_definitions.update),
    "deleteGatewayModelDefinition": _writes(model_definitions.delete),
    "attachModelToEndpoint": _writes(mappings.attach),
    "detachModelFromEndpoint": _writes(mappings.detach),
    "createEndpointBinding": _writes(bindings.create),
    "deleteEndpointBinding": _writes(bindings.delete),
    "listEndpointBindings": _reads(bindings.list_all),
    "setGatewayEndpointTag": _writes(tags.put),
    "deleteGatewayEndpointTag": _writes(tags.delete),
    "createBudgetPolicy": _knows_users(budgets.create),
    "getBudgetPolicy": _reads(budgets.get),
    "updateBudgetPolicy": _knows_users(budgets.update),
    "deleteBudgetPolicy": _writes(budgets.delete),
    "listBudgetPolicies": _pages(budgets.find, "budget_policies"),
    "listBudgetWindows": _reads(budgets.windows),
    "createGatewayGuardrail": _signed(guardrails.create),
    "getGatewayGuardrail": _reads(guardrails.get),
    "deleteGatewayGuardrail": _writes(guardrails.delete),
    "listGatewayGuardrails": _pages(guardrails.find, "guardrails"),
    "addGuardrailToEndpoint": _signed(guardrails.add),
    "removeGuardrailFromEndpoint": _writes(guardrails.remove),
    "listEndpointGuardrailConfigs": _reads(guardrails.list_for_endpoint),
    "updateEndpointGuardrailConfig": _writes(guardrails.update_config),
    "registerScorer": _register_scorer,
    "listScorers": _list_scorers,
    "getScorer": _reads(scorers.get),
}
"""By RPC name."""
