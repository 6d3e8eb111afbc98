"""`GET /api/v1/requests`: the finished requests, newest first, page by page; and how the reference describes it."""

import inspect
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from gatewright.control.store import requests
from gatewright.control.store.database import Database
from gatewright.control.store.requests import DEFAULT_RESULTS, MOST_RESULTS, Wanted
from gatewright.errors import ClientError
from gatewright.ledger.record import Record

PATH = "/api/v1/requests"
"""Ours, not MLflow's, so under a prefix of its own."""

_INTEGER = {"type": "integer", "format": "int64"}
_MILLIS = {**_INTEGER, "minimum": 0}
_STATUS = re.compile(r"([1-5])(xx|\d\d)")
_PARAMETERS: dict[str, tuple[dict[str, Any], str]] = {
    "endpoint": ({"type": "string"}, "Name of the endpoint."),
    "key_id": ({"type": "string"}, "Who called: a key's id, `admin` or `anonymous`."),
    "status": (
        {"type": "string", "pattern": f"^{_STATUS.pattern}$"},
        "A status the client got (`429`), or a class of them (`5xx`).",
    ),
    "since": (_MILLIS, "The earliest time, in milliseconds since the epoch."),
    "until": (_MILLIS, "Up to this time, not included, in milliseconds since the epoch."),
    "max_results": (
        {"type": "integer", "minimum": 1, "maximum": MOST_RESULTS, "default": DEFAULT_RESULTS},
        "Requests a page.",
    ),
    "page_token": ({"type": "string"}, "The `next_page_token` of the page before; the other parameters stay."),
}
_TYPES = {str: {"type": "string"}, int: _INTEGER, bool: {"type": "boolean"}}


def answer(database: Database, query: Iterable[tuple[str, str]]) -> bytes:
    """One page as JSON.

    Raises:
        ClientError: for a parameter that is unknown, given twice or cannot be read.
        UnavailableError: when the database is away.
    """
    given: dict[str, str] = {}
    for name, text in query:
        if name not in _PARAMETERS:
            raise ClientError(f"Unknown parameter {name[:40]!r}. There are: {', '.join(_PARAMETERS)}.")
        if name in given:
            raise ClientError(f"Parameter '{name}' is given more than once.")
        given[name] = text
    low, high = _statuses(given.get("status", ""))
    wanted = Wanted(
        endpoint=given.get("endpoint", ""),
        key_id=given.get("key_id", ""),
        least_status=low,
        most_status=high,
        since=_integer("since", given),
        until=_integer("until", given),
    )
    most = _integer("max_results", given)
    with database.read() as tx:
        records, token = requests.page(tx, wanted, max_results=most, page_token=given.get("page_token", ""))
    shown = [msgspec.structs.asdict(one) | {"total_tokens": one.total_tokens} for one in records]
    page = {"requests": shown, **({"next_page_token": token} if token else {})}
    return msgspec.json.format(msgspec.json.encode(page), indent=2)


def parameters() -> list[dict[str, Any]]:
    """The query's parameters, for the reference."""
    return [
        {"name": name, "in": "query", "required": False, "schema": schema, "description": meaning}
        for name, (schema, meaning) in _PARAMETERS.items()
    ]


def schemas() -> dict[str, dict[str, Any]]:
    """Schemas of the answer and of one request in it, by name."""
    meanings = dict(re.findall(r"^ {4}(\w+): (.+)$", inspect.getdoc(Record) or "", re.MULTILINE))
    properties: dict[str, Any] = {
        one.name: _TYPES[one.type] | {"description": _sentence(meanings[one.name])}
        for one in msgspec.structs.fields(Record)
    } | {"total_tokens": _INTEGER | {"description": "All tokens."}}
    return {
        "Requests": {
            "type": "object",
            "required": ["requests"],
            "properties": {
                "requests": {"type": "array", "items": {"$ref": "#/components/schemas/Request"}},
                "next_page_token": {"type": "string", "description": "Leads to the next page; absent on the last."},
            },
        },
        "Request": {"type": "object", "required": list(properties), "properties": properties},
    }


def _statuses(text: str) -> tuple[int | None, int | None]:
    if not text:
        return None, None
    found = _STATUS.fullmatch(text)
    if found is None:
        raise ClientError("Invalid value for parameter 'status': use a status such as 429, or a class such as 5xx.")
    return int(text.replace("xx", "00")), int(text.replace("xx", "99"))


def _integer(name: str, given: dict[str, str]) -> int | None:
    text = given.get(name, "")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise ClientError(f"Invalid value for parameter '{name}': use a whole number.")
    return int(text)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
