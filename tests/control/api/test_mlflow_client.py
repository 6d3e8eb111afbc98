"""MLflow's own client, unmodified, through every gateway method against a real server."""

import importlib

import pytest

from fixtures.needed import missing as absent

# Importing MLflow's client warns about libraries of its own choosing.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


class Watched:
    """A store that remembers which of its methods were called."""

    def __init__(self, store):
        self._store = store
        self.called = set()

    def __getattr__(self, name):
        self.called.add(name)
        return getattr(self._store, name)


@pytest.fixture
def mlflow(monkeypatch):
    """MLflow's entities; nothing is sent home, and nothing is tried again."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    try:
        return importlib.import_module("mlflow.entities")
    except ImportError:
        absent("MLflow's client is not installed; pip install mlflow-skinny")


@pytest.fixture
def store(mlflow, server):
    """RestStore with the key as password, as MLFLOW_TRACKING_PASSWORD gives it."""
    from mlflow.store.tracking.rest_store import RestStore
    from mlflow.utils.rest_utils import MlflowHostCreds

    credentials = MlflowHostCreds(server.url, username="any", password=server.admin_key)
    return Watched(RestStore(lambda: credentials))


@pytest.fixture
def missing(mlflow):
    """Expects MLflow's exception with an error code."""
    from mlflow.exceptions import MlflowException

    def expect(code, call, *arguments, **fields):
        with pytest.raises(MlflowException) as refused:
            call(*arguments, **fields)
        assert refused.value.error_code == code, refused.value

    return expect


def manage_secrets(store, missing):
    """Create, read, change, list and delete; returns the id of one that stays."""
    secret = store.create_gateway_secret(
        "openai", {"api_key": "sk-abcdef123456"}, "openai", {"organization": "org"}, created_by="alice"
    )
    assert secret.masked_values == {"api_key": "sk-...3456"}
    assert (secret.created_by, secret.auth_config) == ("alice", {"organization": "org"})
    assert store.get_secret_info(secret_id=secret.secret_id).secret_name == "openai"
    changed = store.update_gateway_secret(
        secret.secret_id, secret_value={"api_key": "sk-rotated-7777"}, updated_by="bob"
    )
    assert (changed.masked_values, changed.last_updated_by) == ({"api_key": "sk-...7777"}, "bob")
    other = store.create_gateway_secret("other", {"api_key": "sk-other-0001"})
    assert [one.secret_id for one in store.list_secret_infos(provider="openai")] == [secret.secret_id]
    assert len(store.list_secret_infos()) == 2
    store.delete_gateway_secret(other.secret_id)
    missing("RESOURCE_DOES_NOT_EXIST", store.get_secret_info, secret_id=other.secret_id)
    missing("RESOURCE_ALREADY_EXISTS", store.create_gateway_secret, "openai", {"api_key": "sk-1"})
    missing("INVALID_PARAMETER_VALUE", store.create_gateway_secret, "empty", {})
    return secret.secret_id


def manage_definitions(store, missing, secret_id):
    """The same for model definitions; returns the ids of two that stay."""
    first = store.create_gateway_model_definition("gpt", secret_id, "openai", "gpt-4o", created_by="alice")
    second = store.create_gateway_model_definition("mini", secret_id, "openai", "gpt-4o-mini")
    assert (first.secret_name, second.created_by) == ("openai", None)
    changed = store.update_gateway_model_definition(first.model_definition_id, model_name="gpt-5", updated_by="bob")
    assert (changed.model_name, changed.name) == ("gpt-5", "gpt")
    assert store.get_gateway_model_definition(first.model_definition_id).last_updated_by == "bob"
    assert len(store.list_gateway_model_definitions(provider="openai", secret_id=secret_id)) == 2
    assert store.list_gateway_model_definitions(provider="nobody") == []
    third = store.create_gateway_model_definition("third", secret_id, "openai", "o3")
    store.delete_gateway_model_definition(third.model_definition_id)
    missing("RESOURCE_DOES_NOT_EXIST", store.delete_gateway_model_definition, third.model_definition_id)
    return first.model_definition_id, second.model_definition_id


def manage_endpoint(mlflow, store, missing, definitions):
    """An endpoint with a fallback, its mappings, tags and bindings; returns its id."""
    kinds = mlflow.GatewayModelLinkageType
    primary = mlflow.GatewayEndpointModelConfig(definitions[0], kinds.PRIMARY, weight=0.7)
    fallback = mlflow.GatewayEndpointModelConfig(definitions[1], kinds.FALLBACK, fallback_order=0)
    endpoint = store.create_gateway_endpoint(
        "chat",
        [primary, fallback],
        created_by="alice",
        routing_strategy=mlflow.RoutingStrategy.REQUEST_BASED_TRAFFIC_SPLIT,
        fallback_config=mlflow.FallbackConfig(mlflow.FallbackStrategy.SEQUENTIAL, 1),
    )
    assert [one.linkage_type for one in endpoint.model_mappings] == [kinds.PRIMARY, kinds.FALLBACK]
    assert endpoint.model_mappings[0].weight == pytest.approx(0.7)
    assert endpoint.fallback_config.max_attempts == 1
    assert endpoint.experiment_id
    assert store.get_gateway_endpoint(name="chat").endpoint_id == endpoint.endpoint_id
    changed = store.update_gateway_endpoint(endpoint.endpoint_id, name="talk", usage_tracking=False, updated_by="bob")
    assert (changed.name, changed.usage_tracking, len(changed.model_mappings)) == ("talk", False, 2)
    assert [one.name for one in store.list_gateway_endpoints(provider="openai")] == ["talk"]
    manage_links(mlflow, store, missing, endpoint.endpoint_id, definitions[1])
    missing("INVALID_STATE", store.delete_gateway_model_definition, definitions[0])
    missing("RESOURCE_ALREADY_EXISTS", store.create_gateway_endpoint, "talk", [primary])
    missing("INVALID_PARAMETER_VALUE", store.create_gateway_endpoint, "has space", [primary])
    return endpoint.endpoint_id


def manage_links(mlflow, store, missing, endpoint_id, definition_id):
    """What hangs on an endpoint: another mapping, a tag, a binding."""
    again = mlflow.GatewayEndpointModelConfig(definition_id, mlflow.GatewayModelLinkageType.PRIMARY, weight=0.3)
    attached = store.attach_model_to_endpoint(endpoint_id, again, created_by="carol")
    assert attached.model_definition.model_name == "gpt-4o-mini"
    store.detach_model_from_endpoint(endpoint_id, definition_id)
    missing("RESOURCE_DOES_NOT_EXIST", store.detach_model_from_endpoint, endpoint_id, "d-" + "0" * 32)
    store.set_gateway_endpoint_tag(endpoint_id, mlflow.GatewayEndpointTag("team", "search"))
    store.set_gateway_endpoint_tag(endpoint_id, mlflow.GatewayEndpointTag("empty", ""))
    tags = {tag.key: tag.value for tag in store.get_gateway_endpoint(endpoint_id=endpoint_id).tags}
    assert tags == {"team": "search", "empty": None}
    store.delete_gateway_endpoint_tag(endpoint_id, "team")
    scorer = mlflow.GatewayResourceType.SCORER
    binding = store.create_endpoint_binding(endpoint_id, scorer, "job-1", created_by="carol")
    assert (binding.resource_type, binding.resource_id) == (scorer, "job-1")
    assert len(store.list_endpoint_bindings(endpoint_id=endpoint_id, resource_type=scorer, resource_id="job-1")) == 1
    store.delete_endpoint_binding(endpoint_id, "scorer", "job-1")
    assert store.list_endpoint_bindings() == []


def manage_budgets(mlflow, store, missing, endpoint_id):
    """Policies by the page."""
    policy = store.create_budget_policy(
        mlflow.BudgetUnit.USD,
        100.5,
        mlflow.BudgetDuration(mlflow.BudgetDurationUnit.DAYS, 7),
        mlflow.BudgetTargetScope.GLOBAL,
        mlflow.BudgetAction.ALERT,
        created_by="alice",
    )
    assert (policy.budget_amount, policy.duration.value) == (100.5, 7)
    changed = store.update_budget_policy(
        policy.budget_policy_id,
        target_scope=mlflow.BudgetTargetScope.ENDPOINT,
        target_value=endpoint_id,
        budget_action=mlflow.BudgetAction.REJECT,
        updated_by="bob",
    )
    assert (changed.target_value, changed.budget_action) == (endpoint_id, mlflow.BudgetAction.REJECT)
    assert store.get_budget_policy(policy.budget_policy_id).last_updated_by == "bob"
    other = store.create_budget_policy(
        mlflow.BudgetUnit.USD,
        1.0,
        mlflow.BudgetDuration(mlflow.BudgetDurationUnit.MONTHS, 1),
        mlflow.BudgetTargetScope.GLOBAL,
        mlflow.BudgetAction.ALERT,
    )
    first = store.list_budget_policies(max_results=1)
    second = store.list_budget_policies(max_results=1, page_token=first.token)
    ids = {one.budget_policy_id for one in [*first, *second]}
    assert ids == {policy.budget_policy_id, other.budget_policy_id}
    assert second.token is None
    store.delete_budget_policy(other.budget_policy_id)
    missing("RESOURCE_DOES_NOT_EXIST", store.get_budget_policy, other.budget_policy_id)
    missing("INVALID_PARAMETER_VALUE", store.list_budget_policies, page_token="!!!")


def manage_guardrails(mlflow, store, missing, endpoint_id):
    """A scorer, a guardrail of it, and its place on an endpoint."""
    scorer = store.register_scorer("0", "pii", '{"name": "pii"}')
    assert scorer.scorer_version == 1
    assert store.get_scorer("0", "pii").scorer_id == scorer.scorer_id
    assert [one.scorer_name for one in store.list_scorers("0")] == ["pii"]
    guardrail = store.create_gateway_guardrail(
        "no-pii",
        scorer.scorer_id,
        scorer.scorer_version,
        mlflow.GuardrailStage.BEFORE,
        mlflow.GuardrailAction.SANITIZATION,
        action_endpoint_id=endpoint_id,
    )
    assert guardrail.scorer.scorer_name == "pii"
    shown = store.get_gateway_guardrail(guardrail.guardrail_id)
    assert (shown.stage, shown.created_by) == (mlflow.GuardrailStage.BEFORE, guardrail.created_by)
    assert [one.guardrail_id for one in store.list_gateway_guardrails(max_results=5)] == [guardrail.guardrail_id]
    config = store.add_guardrail_to_endpoint(endpoint_id, guardrail.guardrail_id, execution_order=3)
    assert config.execution_order == 3
    assert store.update_endpoint_guardrail_config(endpoint_id, guardrail.guardrail_id).execution_order is None
    assert len(store.list_endpoint_guardrail_configs(endpoint_id)) == 1
    store.remove_guardrail_from_endpoint(endpoint_id, guardrail.guardrail_id)
    assert store.list_endpoint_guardrail_configs(endpoint_id) == []
    store.delete_gateway_guardrail(guardrail.guardrail_id)
    missing("RESOURCE_DOES_NOT_EXIST", store.get_gateway_guardrail, guardrail.guardrail_id)


def test_every_gateway_method_of_mlflows_client_works(mlflow, store, missing):
    """Each method is called and its answer understood; none is left out, also not one that a new version adds."""
    from mlflow.store.tracking.gateway.rest_mixin import RestGatewayStoreMixin

    secret_id = manage_secrets(store, missing)
    definitions = manage_definitions(store, missing, secret_id)
    endpoint_id = manage_endpoint(mlflow, store, missing, definitions)
    manage_budgets(mlflow, store, missing, endpoint_id)
    manage_guardrails(mlflow, store, missing, endpoint_id)
    store.delete_gateway_endpoint(endpoint_id)
    missing("RESOURCE_DOES_NOT_EXIST", store.get_gateway_endpoint, endpoint_id=endpoint_id)
    methods = {name for name in vars(RestGatewayStoreMixin) if not name.startswith("_")}
    assert methods - store.called == set()
    assert len(methods) > 30


def test_mlflows_client_learns_that_its_key_is_wrong(mlflow, server):
    """At once, without trying again, and with MLflow's own exception."""
    from mlflow.exceptions import MlflowException
    from mlflow.store.tracking.rest_store import RestStore
    from mlflow.utils.rest_utils import MlflowHostCreds

    store = RestStore(lambda: MlflowHostCreds(server.url, token="gw-wrong"))
    with pytest.raises(MlflowException, match="key"):
        store.list_secret_infos()
