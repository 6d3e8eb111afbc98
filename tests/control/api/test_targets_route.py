"""`GET /api/v1/targets` over HTTP, and what the reference says of it."""

import time

import jsonschema
import pytest

from fixtures.exchange import make_target
from gatewright.control.api import openapi, targets
from gatewright.snapshot.model import Endpoint, Snapshot
from gatewright.snapshot.outage import Condition


def endpoint(name, *models, fallbacks=()):
    return Endpoint(
        endpoint_id=f"e-{name}",
        name=name,
        created_at=0,
        primaries=tuple((make_target(model), 1.0) for model in models),
        fallbacks=tuple(map(make_target, fallbacks)),
    )


def test_each_target_is_told_once_with_how_it_stands(api):
    """With the endpoints that use it; one that is wholly in is known to nobody but the snapshot."""
    endpoints = {one.name: one for one in (endpoint("one", "a", "b"), endpoint("two", "c", fallbacks=["a"]))}
    out = Condition(state="out", share=0.0, seconds=7.0, rests=7.0, reason="rate_limited", times=0)
    returning = Condition(state="returning", share=0.25, seconds=0.0, rests=0.0, reason="dns", times=3)
    gone = Condition(state="due", share=0.0, seconds=0.0, rests=0.0, reason="dns", times=1)
    api.standing = (
        Snapshot(revision=1, endpoints=endpoints),
        {"openai/a": out, "openai/c": returning, "openai/gone": gone},
    )
    answer = api.get(targets.PATH)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    first, second, third = answer.json()["targets"]
    assert first.pop("out_until") / 1000 - time.time() == pytest.approx(7, abs=1)
    same = {"provider": "openai"}
    assert first == same | {
        "key": "openai/a",
        "model": "a",
        "endpoints": ["one", "two"],
        "state": "out",
        "share": 0.0,
        "asked": True,
        "reason": "rate_limited",
        "times": 0,
    }
    assert second == same | {
        "key": "openai/b",
        "model": "b",
        "endpoints": ["one"],
        "state": "in",
        "share": 1.0,
        "out_until": 0,
        "asked": False,
        "reason": "",
        "times": 0,
    }
    assert (third["state"], third["share"], third["out_until"], third["times"]) == ("returning", 0.25, 0, 3)


def test_the_reference_describes_the_answer(api):
    """Every field of it, and no other."""
    api.standing = (Snapshot(revision=1, endpoints={"one": endpoint("one", "a")}), {})
    document = openapi.document([], version="0")
    (shown,) = api.get(targets.PATH).json()["targets"]
    schema = document["components"]["schemas"]["Target"]
    assert set(shown) == set(schema["properties"]) == set(schema["required"])
    jsonschema.validate(shown, schema)
    assert document["paths"][targets.PATH]["get"]["operationId"] == "listTargets"
