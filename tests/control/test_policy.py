"""The tags of an endpoint: what they set, and what they may hold."""

from typing import get_args

import pytest

from gatewright.control import policy
from gatewright.control.store import endpoints, tags
from gatewright.errors import ClientError
from gatewright.gateway.failures import RULES, Action
from gatewright.settings import TAGS, Settings
from gatewright.snapshot.model import FallbackKind, Policy

SET = {
    "gatewright.strict": ("True", Policy(strict=True)),
    "gatewright.timeout-ms": ("1500", Policy(timeout=1.5)),
    "gatewright.first-token-ms": ("1", Policy(first_token=0.001)),
    "gatewright.retries": ("0", Policy(retries=0)),
    "gatewright.fallback-on": (
        "context-window, content-policy",
        Policy(fallback_on=frozenset({"context_window", "content_policy"})),
    ),
    "gatewright.cooldown-seconds": ("30", Policy(cooldown=30)),
    "gatewright.hedge-ms": ("250", Policy(hedge=0.25)),
    "gatewright.continuation": ("true", Policy(continuation=True)),
    "gatewright.max-concurrency": (" 64 ", Policy(max_concurrency=64)),
}


@pytest.mark.parametrize("key", TAGS)
def test_each_tag_sets_what_it_is_for(key):
    """And nothing else."""
    value, found = SET[key]
    assert policy.read({key: value, "team": "search"}, Policy()) == (found, [])
    policy.check(key, value)


@pytest.mark.parametrize("tag", TAGS.values(), ids=TAGS)
def test_a_variable_says_for_all_endpoints_what_a_tag_says_for_one(tag):
    """It takes the same values, and nothing else is changed by it."""
    value, found = SET[tag.name]
    assert Policy(**Settings.load({f"GATEWRIGHT_{tag.variable.upper()}": value}).usual) == found


FOR_ALL = {"gatewright.strict", "gatewright.retries", "gatewright.continuation"}
"""Tags whose every value is one that a variable may have, too."""


@pytest.mark.parametrize("key", sorted(TAGS.keys() - FOR_ALL))
def test_a_tag_takes_back_what_is_said_for_all_endpoints(key):
    """What can be said of an endpoint can be unsaid, too."""
    _, usual = SET[key]
    assert policy.read({key: "None"}, usual) == (Policy(), [])


def test_a_hedge_may_follow_what_was_slow_of_late():
    """The one value that is no number."""
    assert policy.read({"gatewright.hedge-ms": "P95"}, Policy())[0].hedge == "p95"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("gatewright.strict", "perhaps"), ("gatewright.strict", " "), ("gatewright.timeout-ms", "0"),
        ("gatewright.timeout-ms", "1.5"), ("gatewright.timeout-ms", "-1"), ("gatewright.timeout-ms", "9999999999"),
        ("gatewright.retries", "11"), ("gatewright.retries", "\u0663"), ("gatewright.fallback-on", "anything"),
        ("gatewright.fallback-on", ""), ("gatewright.hedge-ms", "p99"), ("gatewright.max-concurrency", "0"),
        ("gatewright.cooldown-seconds", "soon"), ("gatewright.retires", "1"), ("gatewright.", "1"),
    ],
)  # fmt: skip
def test_a_tag_that_cannot_be_used_is_refused_and_passed_over(key, value):
    """Whoever sets it is told; an endpoint that has it serves as if it had not."""
    with pytest.raises(ClientError, match=key.replace(".", r"\.")) as caught:
        policy.check(key, value)
    usual = Policy(retries=3, timeout=9)
    assert policy.read({key: value, "gatewright.first-token-ms": "500"}, usual) == (
        Policy(retries=3, timeout=9, first_token=0.5),
        [caught.value.public],
    )


def test_a_tag_that_cannot_be_used_is_not_stored(database, make):
    """The call that sets it is answered with a 400, and the endpoint is as it was."""
    published = make.endpoint("ep", make.config())
    with pytest.raises(ClientError, match="use true or false") as caught, database.write() as tx:
        tags.put(tx, endpoint_id=published.endpoint_id, key="gatewright.strict", value="perhaps")
    assert caught.value.status == 400
    with database.read() as tx:
        assert endpoints.get(tx, name="ep").tags == []


def test_tags_of_others_are_theirs():
    """Whatever their value is."""
    policy.check("strict", "maybe")
    policy.check("Gatewright.strict", "maybe")
    assert policy.read({"strict": "true", "mlflow.x": "y"}, Policy()) == (Policy(), [])


def test_the_failures_that_can_be_asked_for_are_those_of_the_failure_table():
    """Each kind that goes on only where it is asked for has its word."""
    assert set(get_args(FallbackKind)) == {kind for kind, rule in RULES.items() if rule.action is Action.NEXT_IF_ASKED}
