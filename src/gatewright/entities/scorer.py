"""The scorer: one version of a judge that a guardrail asks."""

from dataclasses import dataclass, field

from gatewright.entities.codec import Entity, wired
from gatewright.entities.proto import scorers_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer(Entity[scorers_pb2.Scorer]):
    """One version of a judge. Its definition is the client library's own and is kept as it came.

    Attributes:
        experiment_id: the experiment it belongs to; a number as text here, a 32-bit number on the wire.
        scorer_name: unique in its experiment, at most 256 characters.
        scorer_version: counted from 1.
        serialized_scorer: its definition, JSON text.
        creation_time: milliseconds since 1970, UTC, of this version.
        scorer_id: a uuid shared by all versions; None when the sender did not say.
    """

    experiment_id: str = field(metadata=wired(number=True))
    scorer_name: str
    scorer_version: int
    serialized_scorer: str
    creation_time: int
    scorer_id: str | None = None
