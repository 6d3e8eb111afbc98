"""Our protobuf against MLflow's own: the bytes and the JSON are interchangeable."""

from functools import cache

import pytest
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.protos import databricks_pb2
from mlflow.protos import service_pb2 as mlflow

from gatewright.entities.proto import options_pb2, service_pb2

OURS = service_pb2.DESCRIPTOR.services_by_name["GatewayService"]
THEIRS = mlflow.DESCRIPTOR.services_by_name["MlflowService"]
FILES = [file for file in service_pb2.DESCRIPTOR.dependencies if file.name != "gatewright/v1/options.proto"]


def with_nested(descriptor):
    yield descriptor
    for nested in descriptor.nested_types:
        if not nested.GetOptions().map_entry:
            yield from with_nested(nested)


MESSAGES = [found for file in FILES for top in file.message_types_by_name.values() for found in with_nested(top)]
ENUMS = [enum for file in FILES for enum in file.enum_types_by_name.values()]


def short(name):
    return name.removeprefix("gatewright.v1.").removeprefix("mlflow.")


def theirs(descriptor):
    return mlflow.DESCRIPTOR.pool.FindMessageTypeByName(f"mlflow.{short(descriptor.full_name)}")


def shape(field):
    """What of a field is seen on the wire or in JSON."""
    kind = field.message_type or field.enum_type
    is_map = bool(field.message_type and field.message_type.GetOptions().map_entry)
    return (
        field.number,
        field.name,
        field.json_name,
        field.type,
        field.is_repeated,
        field.has_presence,
        field.default_value if field.cpp_type != FieldDescriptor.CPPTYPE_MESSAGE else None,
        [shape(inner) for inner in kind.fields] if is_map else kind and short(kind.full_name),
    )


NUMBERS = {
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_FLOAT: st.floats(width=32, allow_nan=False),
    FieldDescriptor.TYPE_DOUBLE: st.floats(allow_nan=False),
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_STRING: st.text(st.characters(exclude_categories=["Cs"])),
}


@cache
def values(field):
    """Random content of one field, as the keyword argument its message takes."""
    if field.message_type and field.message_type.GetOptions().map_entry:
        return st.dictionaries(*map(values, field.message_type.fields), max_size=3)
    if field.message_type:
        one = messages(field.message_type)
    elif field.enum_type:
        one = st.sampled_from([value.number for value in field.enum_type.values])
    else:
        one = NUMBERS[field.type]
    return st.lists(one, max_size=3) if field.is_repeated else one


@cache
def messages(descriptor):
    """Random messages of one type; each field is there or not."""
    made = message_factory.GetMessageClass(descriptor)
    return st.fixed_dictionaries({}, optional={field.name: values(field) for field in descriptor.fields}).map(
        lambda content: made(**content)
    )


def named(descriptors):
    return pytest.mark.parametrize(
        "descriptor", descriptors, ids=[short(descriptor.full_name) for descriptor in descriptors]
    )


@named(MESSAGES)
def test_a_message_has_the_fields_of_its_namesake(descriptor):
    """Numbers, names, JSON names, types, presence and defaults are equal, none more, none less."""
    assert [shape(field) for field in descriptor.fields] == [shape(field) for field in theirs(descriptor).fields]
    assert [inner.name for inner in descriptor.nested_types] == [
        inner.name for inner in theirs(descriptor).nested_types
    ]


@named(ENUMS)
def test_an_enum_has_the_values_of_its_namesake(descriptor):
    """Names, numbers and their order are equal."""
    other = mlflow.DESCRIPTOR.enum_types_by_name[descriptor.name]
    assert [(value.name, value.number) for value in descriptor.values] == [
        (value.name, value.number) for value in other.values
    ]


@named(MESSAGES)
@settings(max_examples=25)
@given(data=st.data())
def test_a_message_crosses_to_mlflow_and_back_unchanged(descriptor, data):
    """Ours parses as theirs with the same fields and the same JSON; the bytes that come back are equal."""
    ours = data.draw(messages(descriptor))
    sent = ours.SerializeToString(deterministic=True)
    other = message_factory.GetMessageClass(theirs(descriptor)).FromString(sent)
    assert json_format.MessageToDict(other, preserving_proto_field_name=True) == json_format.MessageToDict(
        ours, preserving_proto_field_name=True
    )
    assert [field.name for field, _ in other.ListFields()] == [field.name for field, _ in ours.ListFields()]
    back = other.SerializeToString(deterministic=True)
    assert back == sent
    assert type(ours).FromString(back) == ours


def routes_of_mlflow():
    """Every gateway route of MLflow and the three scorer routes we serve, from its own RPC options."""
    wanted = {f"/mlflow/scorers/{verb}" for verb in ("register", "list", "get")}
    for method in THEIRS.methods:
        for endpoint in method.GetOptions().Extensions[databricks_pb2.rpc].endpoints:
            if "/gateway/" in endpoint.path or endpoint.path in wanted:
                assert (endpoint.since.major, endpoint.since.minor) == (3, 0)
                yield method.name, endpoint.method, endpoint.path, method.input_type, method.output_type


def test_the_calls_are_those_of_mlflow():
    """Names, methods, paths, requests and responses are equal, in all 39 calls and in no other."""
    expected = {
        (name, method, path, short(asked.full_name), short(answered.full_name))
        for name, method, path, asked, answered in routes_of_mlflow()
    }
    ours = set()
    for method in OURS.methods:
        route = method.GetOptions().Extensions[options_pb2.route]
        asked, answered = method.input_type, method.output_type
        ours.add((method.name, route.method, route.path, short(asked.full_name), short(answered.full_name)))
    assert ours == expected
    assert len(ours) == len(OURS.methods) == 39


def test_every_call_has_a_summary_and_its_own_route():
    """The API reference has a sentence for each call, and no two share method and path."""
    options = [method.GetOptions().Extensions for method in OURS.methods]
    assert all(option[options_pb2.summary].endswith(".") for option in options)
    assert len({(o[options_pb2.route].method, o[options_pb2.route].path) for o in options}) == len(options)


def rules_of(descriptor):
    return {
        field.name: field.GetOptions().Extensions[options_pb2.rules]
        for field in descriptor.fields
        if field.GetOptions().HasExtension(options_pb2.rules)
    }


@named(MESSAGES)
def test_rules_fit_the_fields_they_stand_at(descriptor):
    """Lengths stand at text, bounds at numbers, defaults parse as the field's own JSON."""
    text = FieldDescriptor.CPPTYPE_STRING
    for name, rules in rules_of(descriptor).items():
        field = descriptor.fields_by_name[name]
        number = field.cpp_type not in (text, FieldDescriptor.CPPTYPE_MESSAGE, FieldDescriptor.CPPTYPE_ENUM)
        assert not rules.HasField("max_length") or field.cpp_type == text
        assert not (rules.HasField("min") or rules.HasField("max")) or number
        if rules.HasField("default"):
            json_format.Parse(f'{{"{name}": {rules.default}}}', message_factory.GetMessageClass(descriptor)())


def test_credentials_are_marked_as_secret():
    """The two fields that carry a plain credential say so, and no other does."""
    marked = {
        f"{descriptor.name}.{name}"
        for descriptor in MESSAGES
        for name, rules in rules_of(descriptor).items()
        if rules.secret
    }
    assert marked == {"CreateGatewaySecret.secret_value", "UpdateGatewaySecret.secret_value"}
