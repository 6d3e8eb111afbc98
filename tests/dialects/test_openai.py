"""OpenAI's error shapes, written and read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import ResponseErrorEvent

from gatewright.dialects import openai
from gatewright.dialects.errors import MANAGEMENT, MLFLOW, OPENAI
from gatewright.dialects.sse import SSEReader
from gatewright.errors import AccessError, ClientError, ForbiddenError, NotFoundError, UnavailableError


@pytest.mark.parametrize(
    ("problem", "kind", "code"),
    [
        (NotFoundError("x"), "invalid_request_error", "model_not_found"),
        (ClientError("x"), "invalid_request_error", "invalid_parameter_value"),
        (AccessError("x"), "authentication_error", "invalid_api_key"),
        (ForbiddenError("x"), "permission_error", "permission_denied"),
        (UnavailableError("x"), "api_error", "temporarily_unavailable"),
    ],
)
def test_an_error_has_the_four_fields_openai_clients_read(problem, kind, code):
    """message, type, param, code."""
    assert json.loads(openai.error(problem)) == {"error": {"message": "x", "type": kind, "param": None, "code": code}}


@pytest.mark.parametrize("dialect", [OPENAI, MLFLOW, MANAGEMENT])
def test_an_error_event_is_one_event_whatever_the_message(dialect):
    """A line break in a message must not end the event early."""
    event = dialect.event(ClientError("two\n\nlines"))
    assert event.startswith(b"\n\ndata: "), "whatever went before is ended"
    assert event.endswith(b"\n\n")
    assert b"\n" not in event[2:-2]
    assert json.loads(event[8:])


def test_an_error_event_of_responses_is_one_that_their_clients_read():
    """Its fields are its own; what breaks a line in a message ends nothing early."""
    event = openai.response_error(UnavailableError("two\n\nlines"))
    assert event.startswith(b"\n\nevent: error\ndata: "), "whatever went before is ended"
    [found] = SSEReader().feed(event)
    told = ResponseErrorEvent.model_validate_json(found.data)
    assert (found.name, told.type, told.code, told.message) == (
        b"error",
        "error",
        "temporarily_unavailable",
        "two\n\nlines",
    )
    assert b'"code":"invalid_api_key"' in openai.response_error(AccessError("x"))


def test_mlflows_routes_say_what_does_not_exist_in_an_object():
    """A missing thing carries its error code; any other error is text."""
    assert json.loads(MLFLOW.body(NotFoundError("gone"))) == {
        "detail": {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "gone"}
    }
    assert json.loads(MLFLOW.body(ClientError("wrong"))) == {"detail": "wrong"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error":{"message":"no quota","code":"x"}}', "no quota"),
        (b'{"error":"plain"}', "plain"),
        (b'{"message":"top"}', "top"),
        (b'{"error":{"code":1}}', ""),
        (b"[]", ""),
        (b"Too many requests", "Too many requests"),
        (b"<html>502</html>", ""),
        (b"", ""),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"x" * 5000, "x" * 500),
    ],
)
def test_what_a_provider_says_is_found_in_every_shape_they_use(body, said):
    """At most 500 characters; a page of HTML says nothing."""
    assert openai.error_message(body) == said


@given(st.binary(max_size=100))
def test_any_error_body_gives_text(body):
    """Fuzz: never an exception."""
    assert isinstance(openai.error_message(body), str)
