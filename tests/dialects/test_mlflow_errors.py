"""Errors as MLflow's clients read them."""

import json

import pytest

from gatewright.dialects.mlflow import management_error
from gatewright.errors import (
    AlreadyExistsError,
    ClientError,
    GatewrightError,
    InvalidStateError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
)


@pytest.mark.parametrize(
    ("error", "status", "code", "sqlstate", "error_class"),
    [
        (ClientError, 400, "INVALID_PARAMETER_VALUE", "KAM00", "INVALID_PARAMETER_VALUE"),
        (AlreadyExistsError, 400, "RESOURCE_ALREADY_EXISTS", "KAM00", "RESOURCE_ALREADY_EXISTS"),
        (NotFoundError, 404, "RESOURCE_DOES_NOT_EXIST", "KAM00", "RESOURCE_NOT_FOUND"),
        (InvalidStateError, 409, "INVALID_STATE", "XXM00", "CLIENT_INTERNAL_ERROR"),
        (UnavailableError, 503, "TEMPORARILY_UNAVAILABLE", "XXM00", "CLIENT_INTERNAL_ERROR"),
        (GatewrightError, 500, "INTERNAL_ERROR", "XXM00", "CLIENT_INTERNAL_ERROR"),
    ],
)
def test_an_error_has_mlflows_keys_in_its_order(error, status, code, sqlstate, error_class):
    """error_code, message, sqlstate, error_class."""
    shown = json.loads(management_error(error("why")))
    assert list(shown.items()) == [
        ("error_code", code),
        ("message", "why"),
        ("sqlstate", sqlstate),
        ("error_class", error_class),
    ]
    assert error.status == status


def test_an_error_mlflow_does_not_know_has_no_sqlstate():
    """The two last keys are left out where MLflow has no value for them."""
    assert json.loads(management_error(TooLargeError("big"))) == {"error_code": "REQUEST_TOO_LARGE", "message": "big"}
