"""The reader that every dialect takes objects apart with."""

import pytest

from gatewright.dialects.fields import WORDS, Fields, provider_fault, to_object, to_text
from gatewright.errors import ClientError, UpstreamProtocolError

SAMPLES = {str: "a", int: 1, float: 1.5, bool: True, list: [1], dict: {"a": 1}}


def read(found, at=""):
    """The fields of a client's object."""
    return Fields(found, at, ClientError)


def test_what_nobody_takes_is_left():
    """A null counts as absent, and stays."""
    fields = read({"a": 1, "b": None, "c": "x"})
    assert (fields.get("a", int), fields.get("b", str), fields.get("d", str)) == (1, None, None)
    assert fields.left == {"b": None, "c": "x"}


def test_the_object_that_was_read_stays_as_it_was():
    """Taking is from a copy."""
    body = {"a": 1}
    read(body).get("a", int)
    assert body == {"a": 1}


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_field_is_of_its_kind_alone(kind):
    """But a whole number is a number too, and true is none."""
    for other, value in SAMPLES.items():
        if other is kind or (kind, other) == (float, int):
            assert read({"a": value}).get("a", kind) == value
        else:
            with pytest.raises(ClientError) as caught:
                read({"a": value}, "b[0]").get("a", kind)
            assert caught.value.public == f"b[0].a must be {WORDS[kind]}."


@pytest.mark.parametrize("body", [{}, {"a": None}], ids=str)
def test_a_field_that_must_be_there_is_named(body):
    """Absent and null alike."""
    with pytest.raises(ClientError, match="a is required and must be a string"):
        read(body).need("a", str)
    with pytest.raises(ClientError, match="a is required and must be an object"):
        read(body).inner("a")
    assert read(body).within("a") is None
    assert read(body).objects("a") == []


def test_objects_inside_know_their_place():
    """Each with the path that a person would write."""
    fields = read({"a": {"b": [{"c": 1}, {"c": "x"}]}})
    first, second = fields.inner("a").objects("b")
    assert first.get("c", int) == 1
    with pytest.raises(ClientError, match=r"^a\.b\[1\]\.c must be a whole number\.$"):
        second.get("c", int)
    assert fields.left == {}


def test_an_empty_list_is_left():
    """It says nothing, and its wire keeps it."""
    fields = read({"a": []})
    assert (fields.objects("a"), fields.left) == ([], {"a": []})


def test_a_provider_is_blamed_for_its_answer():
    """With the name of the API that it should be of."""
    with pytest.raises(UpstreamProtocolError, match=r"not one of the Tea API: The body must be an object\."):
        Fields([], "", provider_fault("the Tea API"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1}', {"a": 1}),
        (" ", {}),
        ("[1]", {"arguments": [1]}),
        ("{", {"arguments": "{"}),
        ("\ud800", {"arguments": "\ud800"}),
    ],
    ids=ascii,
)
def test_arguments_become_an_object(text, found):
    """Whatever a model wrote is kept."""
    assert to_object(text) == found


def test_a_value_becomes_compact_text():
    """Without spaces, and letters as they are."""
    assert to_text({"a": [1, "ä"]}) == '{"a":[1,"ä"]}'
