"""Frozen values as plain data: all there is in a snapshot goes there and back, and nothing else comes in."""

from collections.abc import Mapping
from dataclasses import dataclass, field, make_dataclass
from enum import StrEnum
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewright.snapshot.address import Address
from gatewright.snapshot.identity import AwsIdentity, GoogleIdentity, OAuthIdentity, ServiceAccount
from gatewright.snapshot.model import Access, Snapshot
from gatewright.snapshot.plain import plain, restored


@settings(max_examples=10, deadline=None)
@given(st.from_type(Snapshot))
def test_every_snapshot_there_can_be_comes_back_as_it_was(snapshot):
    """Also with the fields that are added to it tomorrow."""
    assert restored(Snapshot, plain(snapshot)) == snapshot


SERVER = Address("https", "login.example.com", 443, "/token")
IDENTITIES = (
    None,
    AwsIdentity(region="eu-west-1", service="bedrock", key_id="AKIA", secret_key="secret", session_token="token"),
    GoogleIdentity(),
    GoogleIdentity(account=ServiceAccount(email="a@b", private_key="PEM", key_id="1", project="p", server=SERVER)),
    OAuthIdentity(server=SERVER, client_id="id", client_secret="secret", scope="all"),
)


@pytest.mark.parametrize("identity", IDENTITIES, ids=lambda one: type(one).__name__)
def test_an_identity_comes_back_as_the_same_kind_with_its_secrets(identity):
    """Equal identities share their tokens, so it must be equal."""
    access = Access(address=SERVER, ways={}, headers=((b"x-api-key", b"\xff\x00"),), identity=identity)
    found = restored(Access, plain(access))
    assert (found, type(found.identity)) == (access, type(identity))


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    name: str
    weight: float = 1.0
    colour: Colour = Colour.RED
    delay: int | Literal["p95"] | None = None
    tags: frozenset[str] = frozenset()
    seen: dict[str, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    leaves: Mapping[bytes, tuple[Leaf, ...]]


TREE = Tree(leaves={b"\xff": (Leaf(name="one", delay="p95", tags=frozenset({"a", "b"})), Leaf(name="two", delay=7))})


def test_a_field_that_is_not_there_takes_its_default():
    """What an earlier version wrote is read by one that has another field."""
    assert restored(Tree, {"": "Tree", "leaves": {b"": [{"": "Leaf", "name": "one"}]}}).leaves[b""] == (
        Leaf(name="one"),
    )


def test_a_cache_is_not_kept():
    """A field that is left out of comparisons is worked out anew."""
    data = plain(Leaf(name="one", seen={"x": 1}))
    assert "seen" not in data
    assert restored(Leaf, data).seen == {}


def test_a_whole_number_will_do_where_any_number_may_be():
    """JSON knows no difference, so neither does what was stored from it."""
    assert restored(Leaf, {"": "Leaf", "name": "one", "weight": 2}).weight == 2


def test_maps_cannot_be_changed_once_they_are_back():
    """A snapshot is frozen, wherever it comes from."""
    assert restored(Tree, plain(TREE)) == TREE
    with pytest.raises(TypeError):
        restored(Tree, plain(TREE)).leaves[b""] = ()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"": "Tree", "leaves": {}, "later": 1}, "field 'later', which is not known"),
        ({"": "Leaf", "name": "one", "seen": {}}, "field 'seen', which is not known"),
        ({"": "Tree"}, "lacks a field"),
        ({"": "Bush", "leaves": {}}, "in the place of a"),
        ({"leaves": {}}, "in the place of a"),
        ([], "in the place of a"),
        ({"": "Tree", "leaves": []}, "in the place of a map"),
        ({"": "Tree", "leaves": {"text": []}}, "in the place of a bytes"),
        ({"": "Tree", "leaves": {b"": {}}}, "in the place of a list"),
        ({"": "Leaf", "name": 1}, "in the place of a str"),
        ({"": "Leaf", "name": "sk-canary", "weight": True}, "in the place of a float"),
        ({"": "Leaf", "name": "sk-canary", "colour": "sk-canary"}, "in the place of a Colour"),
        ({"": "Leaf", "name": "sk-canary", "delay": "p96"}, "in the place of"),
        ({"": "Leaf", "name": "sk-canary", "tags": ["a", 1]}, "in the place of a str"),
    ],
)
def test_what_is_not_exactly_of_the_form_is_refused_without_being_repeated(data, problem):
    """Never half of it; and the message holds no value, for that may be a secret."""
    kind = Leaf if isinstance(data, dict) and "name" in data else Tree
    with pytest.raises(ValueError, match=problem) as caught:
        restored(kind, data)
    assert "canary" not in str(caught.value)


def test_a_pair_must_be_a_pair():
    """Fixed tuples have their length."""
    pair = make_dataclass("Pair", [("one", tuple[str, int])], frozen=True)
    assert restored(pair, plain(pair(one=("a", 1)))) == pair(one=("a", 1))
    with pytest.raises(ValueError, match="2 values"):
        restored(pair, {"": "Pair", "one": ["a"]})


def test_a_type_that_cannot_be_kept_is_a_fault_of_ours():
    """Told when the first value is read, whatever it holds."""
    wrong = make_dataclass("Wrong", [("anything", Any)], frozen=True)
    with pytest.raises(TypeError, match="cannot be made plain"):
        restored(wrong, {"": "Wrong", "anything": 1})
