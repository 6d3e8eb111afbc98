"""Mappings one by one, tags and bindings of an endpoint."""

import pytest

from gatewright.control.store import bindings, endpoints, mappings, tags
from gatewright.entities import GatewayEndpointTag
from gatewright.errors import AlreadyExistsError, ClientError, NotFoundError


def attach(database, endpoint_id, model_config, **fields):
    with database.write() as tx:
        return mappings.attach(tx, endpoint_id=endpoint_id, model_config=model_config, **fields)


def detach(database, endpoint_id, definition):
    with database.write() as tx:
        mappings.detach(tx, endpoint_id=endpoint_id, model_definition_id=definition.model_definition_id)


def read(database, made):
    with database.read() as tx:
        return endpoints.get(tx, endpoint_id=made.endpoint_id)


def test_an_attached_model_comes_last(database, make):
    """The endpoint notes who attached it; its fallback config stays absent."""
    made = make.endpoint("e", created_by="alice")
    definition = make.definition("new")
    mapping = attach(database, made.endpoint_id, make.config(definition, weight=0.5), created_by="bob")
    assert (mapping.model_definition, mapping.weight, mapping.created_by) == (definition, 0.5, "bob")
    attach(database, made.endpoint_id, make.config(definition, "FALLBACK", fallback_order=4))
    found = read(database, made)
    assert [one.mapping_id for one in found.model_mappings][:2] == [
        made.model_mappings[0].mapping_id,
        mapping.mapping_id,
    ]
    assert found.model_mappings[2].fallback_order == 4
    assert (found.last_updated_by, found.fallback_config) == ("bob", None)
    assert found.last_updated_at >= made.last_updated_at


def test_attaching_checks_in_order(database, make):
    """Linkage, then order, then endpoint, then definition, then the duplicate."""
    definition = make.definition()
    made = make.endpoint("e", make.config(definition))
    unlinked = make.config(definition)
    object.__setattr__(unlinked, "linkage_type", None)
    ghost = make.config(definition)
    object.__setattr__(ghost, "model_definition_id", "d-0")
    for endpoint_id, model_config, error, named in [
        ("", make.config(definition), ClientError, "'endpoint_id'"),
        ("e-0", unlinked, ClientError, "'linkage_type' in model_config"),
        ("e-0", make.config(definition, "FALLBACK"), ClientError, "'fallback_order' in model_config"),
        ("e-0", make.config(definition, weight=-1.0), ClientError, "'weight'"),
        ("e-0", ghost, NotFoundError, "GatewayEndpoint not found"),
        (made.endpoint_id, ghost, NotFoundError, "GatewayModelDefinition not found"),
        (made.endpoint_id, make.config(definition), AlreadyExistsError, "already attached"),
    ]:
        with pytest.raises(error, match=named):
            attach(database, endpoint_id, model_config)
    assert read(database, made) == made


def test_attaching_keeps_to_the_most_models_of_an_endpoint(database, make, monkeypatch):
    """The limit of a new endpoint holds for one that grows."""
    monkeypatch.setattr(mappings, "MOST_MODELS", 2)
    made = make.endpoint("e")
    attach(database, made.endpoint_id, make.config())
    with pytest.raises(ClientError, match="at most 2 model configurations"):
        attach(database, made.endpoint_id, make.config())
    assert len(read(database, made).model_mappings) == 2


def test_detaching_takes_one_mapping_the_newest_first(database, make):
    """With both linkages there it takes two calls; the third finds nothing; the last model may go."""
    definition = make.definition()
    made = make.endpoint("e", make.config(definition), make.config(definition, "FALLBACK", fallback_order=0))
    detach(database, made.endpoint_id, definition)
    assert [one.linkage_type for one in read(database, made).model_mappings] == ["PRIMARY"]
    detach(database, made.endpoint_id, definition)
    found = read(database, made)
    assert found.model_mappings == []
    assert found.last_updated_at == made.last_updated_at
    with pytest.raises(NotFoundError, match="is not attached"):
        detach(database, made.endpoint_id, definition)
    with pytest.raises(NotFoundError, match="GatewayEndpoint not found"):
        detach(database, "e-0", definition)


def put(database, endpoint_id, key, value=None):
    with database.write() as tx:
        tags.put(tx, endpoint_id=endpoint_id, key=key, value=value)


def test_tags_keep_the_order_in_which_they_were_first_set(database, make):
    """A new value keeps its place; no value is an empty one; the endpoint's time does not move."""
    made = make.endpoint("e")
    for key, value in [("z", "1"), ("a/b c☃", "x y"), ("z", "2"), ("m", None)]:
        put(database, made.endpoint_id, key, value)
    found = read(database, made)
    assert found.tags == [
        GatewayEndpointTag(key="z", value="2"),
        GatewayEndpointTag(key="a/b c☃", value="x y"),
        GatewayEndpointTag(key="m", value=""),
    ]
    assert found.last_updated_at == made.last_updated_at


def test_tags_are_taken_off(database, make):
    """A key that is not there is fine; an unknown endpoint is not."""
    made = make.endpoint("e")
    put(database, made.endpoint_id, "k", "v")
    for _ in range(2):
        with database.write() as tx:
            tags.delete(tx, endpoint_id=made.endpoint_id, key="k")
    assert read(database, made).tags == []
    with pytest.raises(NotFoundError, match="GatewayEndpoint"), database.write() as tx:
        tags.delete(tx, endpoint_id="e-0", key="k")


def test_tags_have_limits(database, make):
    """250 characters of key and 5000 of value fit, whatever the alphabet; one more does not."""
    made = make.endpoint("e")
    put(database, made.endpoint_id, "☃" * 250, "😀" * 5000)
    assert read(database, made).tags == [GatewayEndpointTag(key="☃" * 250, value="😀" * 5000)]
    for key, value, named in [
        ("k" * 251, "v", "'key'.*at most 250"),
        ("k", "v" * 5001, "'value'.*at most 5000"),
        ("", "v", "'key'"),
        ("k", "\0", "'value'"),
    ]:
        with pytest.raises(ClientError, match=named):
            put(database, made.endpoint_id, key, value)
    with pytest.raises(NotFoundError, match="GatewayEndpoint not found"):
        put(database, "e-0", "k", "v")


def bind(database, endpoint_id, resource_id, resource_type="scorer", **fields):
    with database.write() as tx:
        key = {"endpoint_id": endpoint_id, "resource_type": resource_type, "resource_id": resource_id}
        return bindings.create(tx, **key, **fields)


def test_bindings_are_made_found_and_forgotten(database, make):
    """Every filter narrows; unknown values match nothing."""
    one, two = make.endpoint("one").endpoint_id, make.endpoint("two").endpoint_id
    made = bind(database, one, "job-1", created_by="alice")
    assert (made.created_by, made.last_updated_by) == ("alice", "alice")
    assert made.created_at == made.last_updated_at
    bind(database, one, "job-2")
    bind(database, two, "job-1")
    with database.read() as tx:

        def found(**filters):
            return {(binding.endpoint_id, binding.resource_id) for binding in bindings.list_all(tx, **filters)}

        assert found() == {(one, "job-1"), (one, "job-2"), (two, "job-1")}
        assert found(endpoint_id=one) == {(one, "job-1"), (one, "job-2")}
        assert found(resource_type="scorer", resource_id="job-1") == {(one, "job-1"), (two, "job-1")}
        assert found(resource_type="robot") == found(endpoint_id="e-0") == set()
    with database.write() as tx:
        bindings.delete(tx, endpoint_id=one, resource_type="scorer", resource_id="job-2")
    for resource_type in ("scorer", "robot"):
        with pytest.raises(NotFoundError, match=f"resource_type='{resource_type}'"), database.write() as tx:
            bindings.delete(tx, endpoint_id=one, resource_type=resource_type, resource_id="job-2")


def test_a_binding_that_makes_no_sense_is_refused(database, make):
    """An unknown kind of resource, an unknown endpoint, one that is there, one without a name."""
    one = make.endpoint("one").endpoint_id
    bind(database, one, "job-1")
    for endpoint_id, resource_id, resource_type, error, named in [
        (one, "job-1", "scorer", AlreadyExistsError, "already bound"),
        ("e-0", "job-1", "robot", ClientError, "Must be one of: scorer"),
        ("e-0", "job-1", "scorer", NotFoundError, "GatewayEndpoint not found"),
        (one, "", "scorer", ClientError, "'resource_id'"),
        (one, "x" * 256, "scorer", ClientError, "at most 255"),
    ]:
        with pytest.raises(error, match=named):
            bind(database, endpoint_id, resource_id, resource_type)
