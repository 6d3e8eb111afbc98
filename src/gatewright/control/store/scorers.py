"""Scorers: the judges that guardrails name. Their definition is the client library's own; it is kept as it came."""

import json
import uuid

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from gatewright.control.store import experiments, limits
from gatewright.control.store.rows import find as find_row
from gatewright.control.store.rows import now
from gatewright.control.store.tables import ScorerRow, ScorerVersionRow
from gatewright.entities import Scorer
from gatewright.errors import ClientError, NotFoundError

DEFINITION_CHARACTERS = 1 << 20
"""Most characters of a serialised scorer."""


def register(tx: Session, *, experiment_id: str, name: str, serialized_scorer: str) -> Scorer:
    """Store a scorer, or the next version of the one with this name in the experiment.

    Raises:
        ClientError: for a missing text, a definition that is no JSON object, or one that holds code to run.
        NotFoundError: when there is no such experiment.
    """
    limits.given(experiment_id=experiment_id, name=name, serialized_scorer=serialized_scorer)
    limits.fits(ScorerRow, scorer_name=name)
    _check_definition(serialized_scorer)
    experiment = experiments.require(tx, experiment_id)
    scorer = tx.scalar(select(ScorerRow).filter_by(experiment_id=experiment, scorer_name=name))
    if scorer is None:
        scorer = ScorerRow(scorer_id=str(uuid.uuid4()), experiment_id=experiment, scorer_name=name)
        tx.add(scorer)
        tx.flush()
    last = tx.scalar(select(func.max(ScorerVersionRow.scorer_version)).filter_by(scorer_id=scorer.scorer_id))
    version = ScorerVersionRow(
        scorer_id=scorer.scorer_id,
        scorer_version=(last or 0) + 1,
        serialized_scorer=serialized_scorer,
        creation_time=now(),
    )
    tx.add(version)
    tx.flush()
    return entity(scorer, version)


def get(tx: Session, *, experiment_id: str, name: str, version: int | None = None) -> Scorer:
    """One version of a scorer; the newest when no version is given.

    Raises:
        NotFoundError: when there is none.
    """
    limits.given(experiment_id=experiment_id, name=name)
    experiment = experiments.require(tx, experiment_id)
    query = _versions().where(ScorerRow.experiment_id == experiment, ScorerRow.scorer_name == name)
    if version is not None:
        query = query.where(ScorerVersionRow.scorer_version == version)
    found = tx.execute(query.limit(1)).first() if limits.storable(name) else None
    if found is None:
        which = "" if version is None else f" and version {version}"
        raise NotFoundError(f"Scorer with name {name!r}{which} not found in experiment {experiment_id}.")
    return entity(*found)


def list_all(tx: Session, *, experiment_id: str) -> list[Scorer]:
    """The newest version of every scorer of an experiment, by name.

    Raises:
        NotFoundError: when there is no such experiment.
    """
    limits.given(experiment_id=experiment_id)
    experiment = experiments.require(tx, experiment_id)
    newest: dict[str, Scorer] = {}
    for scorer, version in tx.execute(_versions().where(ScorerRow.experiment_id == experiment)):
        newest.setdefault(scorer.scorer_name, entity(scorer, version))
    return list(newest.values())


def require(tx: Session, scorer_id: str, version: int) -> Scorer:
    """The version of a scorer that a guardrail names.

    Raises:
        NotFoundError: when the scorer or the version does not exist.
    """
    scorer = find_row(tx, ScorerRow, scorer_id)
    if scorer is None:
        raise NotFoundError(f"Scorer with ID {scorer_id!r} not found.")
    found = tx.scalar(
        select(ScorerVersionRow).filter_by(scorer_id=scorer_id).where(ScorerVersionRow.scorer_version == version)
    )
    if found is None:
        raise NotFoundError(f"Scorer with ID {scorer_id!r} and version {version} not found.")
    return entity(scorer, found)


def entity(scorer: ScorerRow, version: ScorerVersionRow) -> Scorer:
    """The entity of a scorer and one of its versions."""
    return Scorer(
        experiment_id=str(scorer.experiment_id),
        scorer_name=scorer.scorer_name,
        scorer_version=version.scorer_version,
        serialized_scorer=version.serialized_scorer,
        creation_time=version.creation_time,
        scorer_id=scorer.scorer_id,
    )


def _versions() -> "Select[ScorerRow, ScorerVersionRow]":
    return (
        select(ScorerRow, ScorerVersionRow)
        .join(ScorerVersionRow, ScorerVersionRow.scorer_id == ScorerRow.scorer_id)
        .order_by(ScorerRow.scorer_name, ScorerVersionRow.scorer_version.desc())
    )


def _check_definition(serialized: str) -> None:
    limits.text("serialized_scorer", serialized, DEFINITION_CHARACTERS)
    try:
        definition = json.loads(serialized)
    except (ValueError, RecursionError):
        definition = None
    if not isinstance(definition, dict):
        raise ClientError("Invalid value for parameter 'serialized_scorer': it is not a JSON object.")
    if definition.get("call_source"):
        raise ClientError(
            "A scorer with custom code cannot be registered: the gateway runs no code it is sent. "
            "Use a built-in scorer or a judge with instructions."
        )
