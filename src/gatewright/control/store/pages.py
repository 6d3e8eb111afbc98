"""Paging of the lists that have it: an offset in an opaque token, as MLflow's clients send back what they got."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import Session

from gatewright.errors import ClientError

DEFAULT_RESULTS = 1000
MOST_RESULTS = 50_000
_LARGEST_OFFSET = 2**53

Row = TypeVar("Row")


def load(
    tx: Session, query: Select[Row], max_results: int | None, page_token: str | None
) -> tuple[Sequence[Row], str | None]:
    """One page of an ordered query, and the token of the next one; None on the last.

    Args:
        tx: transaction.
        query: selects one thing a row, in a fixed order.
        max_results: rows a page, at most 50,000; None and 0 mean 1,000.
        page_token: what the page before gave; empty for the first.

    Raises:
        ClientError: for a number or a token that cannot be used.
    """
    size = max_results or DEFAULT_RESULTS
    if size < 0:
        raise ClientError(f"Invalid value {size} for parameter 'max_results' supplied. It must be a positive integer")
    if size > MOST_RESULTS:
        raise ClientError(
            f"Invalid value {size} for parameter 'max_results' supplied. It must be at most {MOST_RESULTS}"
        )
    offset = _offset(page_token) if page_token else 0
    found = tx.scalars(query.offset(offset).limit(size + 1)).all()
    return found[:size], _token(offset + size) if len(found) > size else None


def _token(offset: int) -> str:
    return base64.b64encode(json.dumps({"offset": offset}).encode()).decode()


def _offset(token: str) -> int:
    try:
        decoded = json.loads(base64.b64decode(token, validate=True))
        offset = decoded["offset"]
    except (binascii.Error, ValueError, TypeError, KeyError, RecursionError):
        offset = None
    if type(offset) is not int or not 0 < offset <= _LARGEST_OFFSET:
        raise ClientError("Invalid page token: send back the next_page_token of the page before, unchanged.")
    return offset
