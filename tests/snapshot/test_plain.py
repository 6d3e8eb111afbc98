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


def whole(value, *maps):
    """Plain data, as it is written."""
    return {"value": value, "maps": list(maps)}


TREE = Tree(leaves={b"\xff": (Leaf(name="one", delay="p95", tags=frozenset({"a", "b"})), Leaf(name="two", delay=7))})


def test_a_field_that_is_not_there_takes_its_default():
    """What an earlier version wrote is read by one that has another field."""
    data = whole({"": "Tree", "leaves": 0}, {b"": [{"": "Leaf", "name": "one"}]})
    assert restored(Tree, data).leaves[b""] == (Leaf(name="one"),)


def test_a_field_that_is_as_by_default_is_not_written():
    """Nearly all are; but a number of another type is another value."""
    assert plain(Leaf(name="one"))["value"] == {"": "Leaf", "name": "one"}
    assert plain(Leaf(name="one", weight=1))["value"] == {"": "Leaf", "name": "one", "weight": 1}


def test_a_map_that_many_values_hold_is_written_and_read_once():
    """Ten thousand endpoints hold the same few."""
    pair = make_dataclass("Pair", [("one", Mapping[str, int]), ("two", Mapping[str, int])], frozen=True)
    shared = {"a": 1}
    data = plain(pair(one=shared, two=shared))
    assert data == whole({"": "Pair", "one": 0, "two": 0}, {"a": 1})
    found = restored(pair, data)
    assert found.one is found.two
    assert found.one == shared


def test_a_cache_is_not_kept():
    """A field that is left out of comparisons is worked out anew."""
    data = plain(Leaf(name="one", seen={"x": 1}))
    assert "seen" not in data["value"]
    assert restored(Leaf, data).seen == {}


def test_a_whole_number_will_do_where_any_number_may_be():
    """JSON knows no difference, so neither does what was stored from it."""
    assert restored(Leaf, whole({"": "Leaf", "name": "one", "weight": 2})).weight == 2


def test_maps_cannot_be_changed_once_they_are_back():
    """A snapshot is frozen, wherever it comes from."""
    assert restored(Tree, plain(TREE)) == TREE
    with pytest.raises(TypeError):
        restored(Tree, plain(TREE)).leaves[b""] = ()


@pytest.mark.parametrize(
    ("value", "maps", "problem"),
    [
        ({"": "Tree", "leaves": 0, "later": 1}, [{}], "field 'later', which is not known"),
        ({"": "Leaf", "name": "one", "seen": 0}, [{}], "field 'seen', which is not known"),
        ({"": "Tree"}, [], "lacks a field"),
        ({"": "Bush", "leaves": 0}, [{}], "in the place of a"),
        ({"leaves": 0}, [{}], "in the place of a"),
        ([], [], "in the place of a"),
        ({"": "Tree", "leaves": {}}, [], "in the place of a map"),
        ({"": "Tree", "leaves": 0}, [], "in the place of a map"),
        ({"": "Tree", "leaves": -1}, [{}], "in the place of a map"),
        ({"": "Tree", "leaves": 0}, [[]], "in the place of a map"),
        ({"": "Tree", "leaves": 0}, [{"text": []}], "in the place of a bytes"),
        ({"": "Tree", "leaves": 0}, [{b"": {}}], "in the place of a list"),
        ({"": "Leaf", "name": 1}, [], "in the place of a str"),
        ({"": "Leaf", "name": "sk-canary", "weight": True}, [], "in the place of a float"),
        ({"": "Leaf", "name": "sk-canary", "colour": "sk-canary"}, [], "in the place of a Colour"),
        ({"": "Leaf", "name": "sk-canary", "delay": "p96"}, [], "in the place of"),
        ({"": "Leaf", "name": "sk-canary", "tags": ["a", 1]}, [], "in the place of a str"),
        ({"": "Leaf", "name": "one"}, None, "in the place of a value and its maps"),
    ],
)
def test_what_is_not_exactly_of_the_form_is_refused_without_being_repeated(value, maps, problem):
    """Never half of it; and the message holds no value, for that may be a secret."""
    kind = Leaf if isinstance(value, dict) and "name" in value else Tree
    with pytest.raises(ValueError, match=problem) as caught:
        restored(kind, {"value": value, "maps": maps})
    assert "canary" not in str(caught.value)


def test_a_pair_must_be_a_pair():
    """Fixed tuples have their length."""
    pair = make_dataclass("Pair", [("one", tuple[str, int])], frozen=True)
    assert restored(pair, plain(pair(one=("a", 1)))) == pair(one=("a", 1))
    with pytest.raises(ValueError, match="2 values"):
        restored(pair, whole({"": "Pair", "one": ["a"]}))


def test_a_type_that_cannot_be_kept_is_a_fault_of_ours():
    """Told when the first value is read, whatever it holds."""
    wrong = make_dataclass("Wrong", [("anything", Any)], frozen=True)
    with pytest.raises(TypeError, match="cannot be made plain"):
        restored(wrong, whole({"": "Wrong", "anything": 1}))
