"""The ledger against what users have seen and providers have served: each request once, and as it was."""

import contextlib
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import func, select

from faults.judge import ANSWER
from faults.users import Answer, Told
from faults.wires import WORDS
from gatewright.control.store.database import Database
from gatewright.control.store.tables import REQUESTS
from gatewright.errors import UnavailableError
from gatewright.ledger.record import Record

STILL = 2.0
"""Seconds without a new record after which none is expected any more."""


def ledger(url: str, wanted: Collection[str], patience: float = 60.0) -> dict[str, Record]:
    """All records, when they are all there: those wanted, and no more are coming.

    Args:
        url: of the database.
        wanted: ids of records that must come.
        patience: seconds after which those that are missing will not come any more.
    """
    database = Database(url)
    try:
        deadline = time.monotonic() + patience
        count, since = -1, time.monotonic()
        while time.monotonic() < deadline:
            time.sleep(0.5)
            with contextlib.suppress(UnavailableError), database.read() as tx:  # it may be starting still
                found = tx.scalar(select(func.count()).select_from(REQUESTS))
                if found != count:
                    count, since = found, time.monotonic()
                elif time.monotonic() - since > STILL and set(tx.scalars(select(REQUESTS.c.record_id))).issuperset(
                    wanted
                ):
                    break
        with database.read() as tx:
            return {row["record_id"]: Record(**row) for row in tx.execute(select(REQUESTS)).mappings()}
    finally:
        database.close()


def differences(records: Mapping[str, Record], told: Told, given: Mapping[str, int]) -> Iterator[str]:
    """What is not as it must be; one line each.

    Args:
        records: the ledger.
        told: what users have seen.
        given: of each complete answer of a provider its `x-request-id`, and the number of the user's request.
    """
    for request_id, answer in told.answers.items():
        problem = _unlike(answer, records.get(request_id), given)
        if problem:
            yield f"request {answer.number} ({answer.status}, {answer.kind}) {problem}"
    recorded = Counter(record.upstream_request_id for record in records.values() if record.upstream_request_id)
    for upstream_id, count in recorded.items():
        if count > 1:
            yield f"answer {upstream_id} is in {count} records"
    for upstream_id, number in given.items():
        if not recorded[upstream_id] and number not in told.lost | told.left:
            yield f"answer {upstream_id} was served to request {number} and is in no record"
    unseen = len(records.keys() - told.answers.keys())
    if unseen > told.partings:
        yield f"{unseen} records are of requests whose users got no answer, and there were {told.partings} of these"


def _unlike(answer: Answer, record: Record | None, given: Mapping[str, int]) -> str:
    """How a record is not that of an answer."""
    if record is None:
        return "has no record"
    if record.status != answer.status:
        return f"has a record with the status {record.status}"
    if (record.error == "") != (answer.kind == ANSWER):
        return f"has a record with the error {record.error!r}"
    if answer.kind != ANSWER:
        return ""
    if given.get(record.upstream_request_id) != answer.number:
        return f"has a record of an answer to somebody else: {record.upstream_request_id!r}"
    if not record.stream and record.output_tokens != WORDS:
        return f"has a record of {record.output_tokens} tokens and not {WORDS}"
    return ""
