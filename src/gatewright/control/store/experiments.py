"""Experiments: where an endpoint's usage is filed. Only what endpoints and scorers need of them."""

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from gatewright.control.store.rows import now
from gatewright.control.store.tables import ExperimentRow
from gatewright.errors import ClientError, NotFoundError

# What fits a 64-bit column.
_NUMBER = re.compile(r"[0-9]{1,18}")


def require(tx: Session, experiment_id: str) -> int:
    """The number of an experiment that exists; `0` always does.

    Raises:
        ClientError: when the id is not a whole number.
        NotFoundError: when there is no such experiment.
    """
    if not _NUMBER.fullmatch(experiment_id):
        raise ClientError(f"Invalid experiment ID {experiment_id[:50]!r}. Experiment ID must be a valid integer.")
    number = int(experiment_id)
    if tx.get(ExperimentRow, number) is None:
        raise NotFoundError(f"Experiment not found (experiment_id='{number}')")
    return number


def ensure(tx: Session, endpoint_name: str) -> int:
    """The experiment `gateway/<endpoint name>`, made when it is not there, in the same transaction."""
    name = f"gateway/{endpoint_name}"
    row = tx.scalar(select(ExperimentRow).where(ExperimentRow.name == name))
    if row is None:
        row = ExperimentRow(name=name, created_at=now())
        tx.add(row)
        tx.flush()
    return row.experiment_id
