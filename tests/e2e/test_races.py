"""Many callers at once, on two workers and both databases: one wins, nobody's change is lost, nothing is a 500."""

import concurrent.futures
import json
from collections import Counter

import pytest

BASE = "/api/3.0/mlflow/gateway/"


@pytest.fixture(params=["sqlite", "postgres"])
def two_workers(request, serve):
    """A server of two processes."""
    if request.param == "sqlite":
        return serve("--workers", "2")
    return serve("--workers", "2", GATEWRIGHT_DATABASE=request.getfixturevalue("postgres_url"))


def at_once(server, calls):
    """The statuses of (method, path, fields), all sent together."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda call: server.request(call[0], BASE + call[1], call[2]), calls))
    assert all(json.loads(answer.body) is not None for answer in answers)
    return Counter(answer.status for answer in answers)


def definition(server, name, secret_id):
    made = server.manage(
        "model-definitions/create", name=name, secret_id=secret_id, provider="openai", model_name="gpt-4o"
    )
    return made["model_definition"]["model_definition_id"]


def test_callers_at_once_do_not_step_on_each_other(two_workers):
    """Of equal names one is made; of changes to one endpoint each is kept; a deletion and a use never both happen."""
    server = two_workers
    fields = {"secret_name": "same", "secret_value": {"api_key": "sk-12345678"}, "provider": "openai"}
    assert at_once(server, [("POST", "secrets/create", fields)] * 16) == {200: 1, 400: 15}
    secret_id = server.get(f"{BASE}secrets/list").json["secrets"][0]["secret_id"]
    models = [definition(server, f"m-{number}", secret_id) for number in range(10)]
    primary = [{"model_definition_id": models[0], "linkage_type": "PRIMARY"}]
    fields = {"name": "same", "model_configs": primary}
    assert at_once(server, [("POST", "endpoints/create", fields)] * 16) == {200: 1, 400: 15}

    endpoint_id = server.get(f"{BASE}endpoints/list").json["endpoints"][0]["endpoint_id"]
    of_it = {"endpoint_id": endpoint_id}
    tags = [("POST", "endpoints/set-tag", of_it | {"key": f"k-{n}", "value": "v"}) for n in range(20)]
    links = [
        (
            "POST",
            "endpoints/models/attach",
            of_it | {"model_config": {"model_definition_id": one, "linkage_type": "FALLBACK", "fallback_order": order}},
        )
        for order, one in enumerate(models[1:6])
    ]
    renames = [("POST", "endpoints/update", of_it | {"name": f"n-{n}"}) for n in range(5)]
    mixed = [call for three in zip(tags, links * 4, renames * 4, strict=True) for call in three]
    counted = at_once(server, mixed)
    assert set(counted) == {200, 400}, "a link that is there already is refused"
    stored = server.get(f"{BASE}endpoints/get?endpoint_id={endpoint_id}").json["endpoint"]
    assert len(stored["tags"]) == 20
    assert len(stored["model_mappings"]) == 6
    assert counted[400] == 15

    uses = []
    for number, one in enumerate(models[6:]):
        config = {"model_definition_id": one, "linkage_type": "PRIMARY"}
        uses.append(("POST", "endpoints/create", {"name": f"uses-{number}", "model_configs": [config]}))
        uses.append(("DELETE", "model-definitions/delete", {"model_definition_id": one}))
    assert set(at_once(server, uses)) <= {200, 404, 409}
    left = {one["model_definition_id"] for one in server.get(f"{BASE}model-definitions/list").json["model_definitions"]}
    published = server.get(f"{BASE}endpoints/list").json["endpoints"]
    used = {mapping["model_definition_id"] for one in published for mapping in one["model_mappings"]}
    assert used <= left
    assert len(left & set(models[6:])) == len(published) - 1
    assert "Traceback" not in server.output
