"""The route plan: a split by weight, then the fallbacks."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.exchange import make_target
from gatewright.errors import ClientError, UnavailableError
from gatewright.gateway.health import Health
from gatewright.gateway.plan import plan
from gatewright.snapshot.model import Endpoint


def target(name, *operations):
    paths = {operation: b"/v1/" + operation.encode() for operation in operations or ("chat",)}
    return make_target(name, paths=paths)


def endpoint(primaries, fallbacks=(), most=None, problem=""):
    return Endpoint(
        endpoint_id="e-1",
        name="ep",
        created_at=0,
        primaries=tuple(primaries),
        fallbacks=tuple(fallbacks),
        most_fallbacks=most,
        problem=problem,
    )


def test_the_split_follows_the_weights_over_100_000_draws():
    """Chi-square over 100,000 draws with weights that sum to neither 1 nor 100; p = 0.001 at 3 degrees is 16.27."""
    weights = [0.005, 3.0, 7.0, 2.995]
    split = endpoint([(target(str(index)), weight) for index, weight in enumerate(weights)])
    source = random.Random(20)
    draws = 100_000
    counts = dict.fromkeys("0123", 0)
    for _ in range(draws):
        counts[plan(split, "chat", source.random(), Health())[0].model] += 1
    expected = [draws * weight / sum(weights) for weight in weights]
    chi_square = sum((count - want) ** 2 / want for count, want in zip(counts.values(), expected, strict=True))
    assert chi_square < 16.27


@given(
    weights=st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=8),
    draw=st.floats(0, 1, exclude_max=True),
)
def test_every_draw_of_every_split_finds_a_target(weights, draw):
    """No rounding leads past the last target."""
    split = endpoint([(target(str(index)), weight) for index, weight in enumerate(weights)])
    assert len(plan(split, "chat", draw, Health())) == 1


def test_one_primary_is_taken_whatever_is_drawn():
    """A single primary needs no draw: even a draw that is not a number finds it."""
    only = target("only")
    assert plan(endpoint([(only, 0.3)]), "chat", float("nan"), Health()) == (only,)


def test_fallbacks_follow_the_drawn_primary_in_their_order():
    """The plan is the drawn primary, then every fallback."""
    first, other = target("first"), target("other")
    second, third = target("second"), target("third")
    assert plan(endpoint([(first, 1), (other, 1)], [second, third]), "chat", 0.0, Health()) == (first, second, third)
    assert plan(endpoint([(first, 1), (other, 1)], [second, third]), "chat", 0.99, Health()) == (other, second, third)


def test_max_attempts_counts_only_fallbacks_that_serve_the_operation():
    """A fallback for embeddings does not use up the one attempt of a chat."""
    first, chat, later = target("first"), target("chat"), target("later")
    embeddings = target("embeddings", "embeddings")
    ordered = endpoint([(first, 1)], [embeddings, chat, later], most=1)
    assert plan(ordered, "chat", 0.0, Health()) == (first, chat)
    assert plan(endpoint([(first, 1)], [chat, later]), "chat", 0.0, Health()) == (first, chat, later)


def test_without_a_usable_primary_the_fallbacks_serve():
    """An endpoint whose primaries lost their secret goes straight to its fallbacks."""
    spare = target("spare")
    assert plan(endpoint([], [spare]), "chat", 0.5, Health()) == (spare,)


def test_an_endpoint_without_any_usable_target_says_why():
    """The answer is 503 with the reason the compiler found."""
    with pytest.raises(UnavailableError, match=r"Endpoint 'ep' cannot be served: its secret was deleted\."):
        plan(endpoint([], problem="its secret was deleted"), "chat", 0.5, Health())


def test_only_targets_that_serve_the_operation_are_drawn():
    """A split over a chat model and an embedding model sends each operation to the one that has it."""
    chat, embeddings, both = target("c"), target("e", "embeddings"), target("b", "chat", "embeddings")
    mixed = endpoint([(chat, 1), (embeddings, 1), (both, 2)])
    drawn = {plan(mixed, "embeddings", number / 100, Health())[0].model for number in range(100)}
    assert drawn == {"e", "b"}
    share = sum(plan(mixed, "embeddings", number / 300, Health())[0].model == "e" for number in range(300))
    assert share == 100


def test_an_operation_no_target_serves_is_the_callers_mistake():
    """The answer names the operation, the endpoint and its models."""
    with pytest.raises(ClientError, match=r"'embeddings' for endpoint 'ep' \(its models: openai/m\)"):
        plan(endpoint([(target("m"), 1)]), "embeddings", 0.5, Health())


def test_a_conversation_is_served_by_any_target_that_speaks_one():
    """An Anthropic client's messages reach a chat model, by translation; an embedding model they do not."""
    chat, embeddings = target("c"), target("e", "embeddings")
    for operation in ("messages", "generate_content", "responses"):
        assert plan(endpoint([(chat, 1), (embeddings, 1)]), operation, 0.99, Health()) == (chat,)
