"""The management API over HTTP: routes, content types, limits, discovery, and that no input is a 500."""

import itertools
import json

import pytest

from gatewright.control.api.calls import CALLS

JSON = {"content-type": "application/json"}
DISCOVERY = "/ajax-api/3.0/mlflow/gateway/"


def code(response):
    """Status and error code of an answer."""
    return response.status_code, response.json().get("error_code")


def test_a_secret_is_created_shown_masked_and_deleted(api):
    """The whole way of one entity, under both prefixes; the value never comes back."""
    created = api.post("secrets/create", secret_name="a", secret_value={"api_key": "sk-abcdef123456"})
    assert created.status_code == 200
    assert created.headers["content-type"] == "application/json"
    secret = created.json()["secret"]
    assert secret["masked_values"] == {"api_key": "sk-...3456"}
    again = api.send("GET", f"/ajax-api/3.0/mlflow/gateway/secrets/get?secret_id={secret['secret_id']}")
    assert again.json() == {"secret": secret}
    assert "abcdef" not in created.text + again.text
    assert api.send("DELETE", "secrets/delete", json={"secret_id": secret["secret_id"]}).text == "{}"
    assert code(api.get("secrets/get", secret_id=secret["secret_id"])) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_a_change_is_announced_after_it_is_made_and_only_then(api):
    """Reads and refused writes announce nothing."""
    api.get("secrets/list")
    api.post("secrets/create", secret_name="")
    assert api.changes == []
    api.secret()
    assert api.changes == ["changed"]


def test_the_caller_signs_what_a_request_cannot(api):
    """A guardrail's maker is the principal of the key."""
    scorer = api.send(
        "POST",
        "/api/3.0/mlflow/scorers/register",
        json={"experiment_id": "0", "name": "pii", "serialized_scorer": "{}"},
    ).json()
    assert scorer["version"] == 1
    made = api.post(
        "guardrails/create",
        name="g",
        scorer_id=scorer["scorer_id"],
        scorer_version=1,
        stage="BEFORE",
        action="VALIDATION",
    ).json()["guardrail"]
    assert made["created_by"] == "olga"
    api.post("guardrails/add-to-endpoint", endpoint_id=api.endpoint(), guardrail_id=made["guardrail_id"])
    page = api.get("guardrails/list", max_results=1).json()
    assert [one["guardrail_id"] for one in page["guardrails"]] == [made["guardrail_id"]]


def test_scorers_are_registered_listed_and_shown(api):
    """Versions count up; the list and `get` show the newest."""
    for _ in range(2):
        fields = {"experiment_id": "0", "name": "pii", "serialized_scorer": "{}"}
        api.send("POST", "/api/3.0/mlflow/scorers/register", json=fields)
    listed = api.get("/api/3.0/mlflow/scorers/list", experiment_ids=["0"]).json()["scorers"]
    assert [(one["scorer_name"], one["scorer_version"]) for one in listed] == [("pii", 2)]
    shown = api.get("/api/3.0/mlflow/scorers/get", experiment_id="0", name="pii").json()["scorer"]
    assert shown == listed[0]
    assert code(api.get("/api/3.0/mlflow/scorers/list")) == (400, "INVALID_PARAMETER_VALUE")


def test_a_get_without_a_query_reads_its_body(api):
    """MLflow's clients do not, but its server allows it."""
    secret_id = api.secret()
    assert api.send("GET", "secrets/get", json={"secret_id": secret_id}).status_code == 200


def test_a_delete_ignores_its_query(api):
    """The id belongs into the body."""
    secret_id = api.secret()
    refused = api.send("DELETE", f"secrets/delete?secret_id={secret_id}")
    assert code(refused) == (400, "INVALID_PARAMETER_VALUE")
    accepted = api.send("DELETE", "secrets/delete", content=json.dumps({"secret_id": secret_id}))
    assert accepted.status_code == 200


@pytest.mark.parametrize("sent", [None, "text/plain", "application/jsonx", "multipart/form-data"])
def test_only_json_may_be_posted(api, sent):
    """Any other content type, and none, is refused."""
    headers = {} if sent is None else {"content-type": sent}
    refused = api.send("POST", "secrets/create", content=b'{"secret_name": "x"}', headers=headers)
    assert code(refused) == (400, "INVALID_PARAMETER_VALUE")
    assert "application/json" in refused.json()["message"]


@pytest.mark.parametrize("sent", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_may_be_named_in_any_case_and_with_a_charset(api, sent):
    """Media types have no case."""
    body = json.dumps({"secret_name": "x", "secret_value": {"api_key": "k"}})
    assert api.send("POST", "secrets/create", content=body, headers={"content-type": sent}).status_code == 200


def test_a_body_over_the_limit_is_refused(api):
    """The limit is GATEWRIGHT_MAX_BODY, 100,000 bytes here."""
    fields = {"secret_name": "x", "secret_value": {"api_key": "k"}, "padding": "x" * 100_000}
    assert code(api.post("secrets/create", **fields)) == (413, "REQUEST_TOO_LARGE")
    assert api.get("secrets/list").json() == {}


def test_unknown_paths_and_methods_are_answered_in_json(api):
    """404 and 405 have a code, a message that helps, and what is allowed."""
    assert code(api.send("GET", "nope")) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert code(api.send("GET", "/api/2.0/mlflow/gateway/secrets/list")) == (404, "RESOURCE_DOES_NOT_EXIST")
    wrong = api.send("GET", "secrets/create")
    assert code(wrong) == (405, "METHOD_NOT_ALLOWED")
    assert wrong.headers["allow"] == "POST"
    assert code(api.send("GET", "secrets/list/")) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_an_answer_is_not_cached_sniffed_or_framed(api):
    """Answers are for one caller at one time."""
    headers = api.get("secrets/list").headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"


def test_a_fault_of_our_own_is_a_json_500_without_details(api):
    """What went wrong inside stays in the server's log."""
    api.failure = RuntimeError("sk-canary")
    api.transport.raise_app_exceptions = False
    answer = api.post("secrets/create", secret_name="a", secret_value={"api_key": "sk-1"})
    assert code(answer) == (500, "INTERNAL_ERROR")
    assert "canary" not in answer.text


def test_discovery_is_compact_json_under_the_web_prefix_alone(api):
    """Keys sorted, one line, as MLflow writes these."""
    answer = api.get(DISCOVERY + "secrets/config")
    assert answer.text == '{"secrets_available":true,"using_default_passphrase":false}\n'
    assert api.get("secrets/config").status_code == 404


def test_supported_providers_are_sorted_and_can_be_called(api):
    """The names of the registry."""
    names = api.get(DISCOVERY + "supported-providers").json()["providers"]
    assert names == sorted(names)
    assert {"openai", "groq", "openai-compatible"} <= set(names)


def test_supported_models_are_the_operators_own(api):
    """One row a model, every fact there and unknown; an unknown provider has none."""
    api.definition("a")
    api.definition("b")
    (model,) = api.get(DISCOVERY + "supported-models", provider="openai").json()["models"]
    assert (model.pop("model"), model.pop("provider")) == ("gpt-4o", "openai")
    assert len(model) == 13
    assert set(model.values()) == {None}
    assert api.get(DISCOVERY + "supported-models", provider="none").json() == {"models": []}


def test_provider_config_needs_a_provider_and_answers_any(api):
    """An unknown provider takes an API key."""
    assert code(api.get(DISCOVERY + "provider-config")) == (400, "INVALID_PARAMETER_VALUE")
    config = api.get(DISCOVERY + "provider-config", provider="nosuch").json()
    assert config["default_mode"] == "api_key"
    assert [field["name"] for field in config["auth_modes"][0]["secret_fields"]] == ["api_key"]


def test_the_probes_of_mlflow_are_answered(api):
    """Version as text; server-info under both prefixes, saying that only the gateway is here."""
    assert api.get("/version").text.count(".") >= 2
    for prefix in ("/api/3.0", "/ajax-api/3.0"):
        info = api.get(prefix + "/mlflow/server-info").json()
        assert info["features_enabled"] == {"gateway": True}
        assert info["workspaces_enabled"] is False


BODIES = [
    b"",
    b"{",
    b"[]",
    b"7",
    b'"x"',
    b"\xff\xfe",
    b'{"a":' * 50_000,
    b"[" * 90_000,
    b'{"name":NaN}',
]
VALUES = [
    None,
    "",
    "x",
    "a\0b",
    "x" * 20_000,
    0,
    -1,
    2**31,
    2**63 - 1,
    2**80,
    1e308,
    "NaN",
    True,
    [],
    [1],
    [[]],
    {},
    {"x": 1},
    {"": ""},
    [{}],
    [{"linkage_type": "PRIMARY", "weight": -1, "fallback_order": -1}],
    {"unit": "DAYS"},
    {"value": 2**31 - 1, "unit": 5},
    {"api_key": "\0"},
    {"api_base": "http://\x00"},
    {"api_base": "https://[::1"},
    {"api_base": "http://169.254.169.254/"},
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_no_body_makes_a_server_error(api, call):
    """Whatever is sent instead of an object, the answer is JSON and no 500; nothing is written."""
    for body in BODIES:
        answer = api.send(call.method, "/api/3.0" + call.path, content=body, headers=JSON)
        assert answer.status_code in (200, 400, 404, 413), (body[:20], answer.text)
        assert answer.status_code != 200 or not call.writes
        assert isinstance(answer.json(), dict)
    assert api.changes == []


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_no_value_makes_a_server_error(api, call):
    """Every odd value in every field of a request that is good otherwise."""
    good = good_request(api, call)
    for field, value in itertools.product(call.request.DESCRIPTOR.fields, VALUES):
        body = json.dumps(good | {field.name: value})
        answer = api.send(call.method, "/api/3.0" + call.path, content=body, headers=JSON)
        assert answer.status_code < 500, (field.name, value, answer.text)
        assert isinstance(answer.json(), dict)


def good_request(api, call):
    """A request that would be served, as far as its fields are known by name."""
    endpoint_id = api.endpoint("good")
    found = {
        "endpoint_id": endpoint_id,
        "secret_id": api.secret("s"),
        "secret_name": "new",
        "secret_value": {"api_key": "sk-1"},
        "model_definition_id": api.definition("d"),
        "name": "new",
        "provider": "openai",
        "model_name": "m",
        "key": "k",
        "value": "v",
        "resource_type": "scorer",
        "resource_id": "r",
        "budget_unit": "USD",
        "budget_amount": 5,
        "duration": {"unit": "DAYS", "value": 1},
        "target_scope": "GLOBAL",
        "budget_action": "ALERT",
        "experiment_id": "0",
        "serialized_scorer": "{}",
        "scorer_version": 1,
        "stage": "BEFORE",
        "action": "VALIDATION",
    }
    found["model_configs"] = [{"model_definition_id": found["model_definition_id"], "linkage_type": "PRIMARY"}]
    found["model_config"] = found["model_configs"][0]
    names = {field.name for field in call.request.DESCRIPTOR.fields}
    if call.name == "getGatewayEndpoint":
        names.discard("name")
    return {name: value for name, value in found.items() if name in names}
