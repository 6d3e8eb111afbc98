"""The guardrail: a scorer that looks at requests or answers, and its place on an endpoint."""

from dataclasses import dataclass, field
from enum import StrEnum

from gatewright.entities.codec import Entity, wired
from gatewright.entities.proto import guardrails_pb2
from gatewright.entities.scorer import Scorer


class GuardrailStage(StrEnum):
    """When a guardrail looks: at the request, or at the answer."""

    BEFORE = "BEFORE"
    AFTER = "AFTER"


class GuardrailAction(StrEnum):
    """What follows when the scorer objects: the call is refused, or the text is rewritten."""

    VALIDATION = "VALIDATION"
    SANITIZATION = "SANITIZATION"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayGuardrail(Entity[guardrails_pb2.GatewayGuardrail]):
    """A scorer put to use.

    Attributes:
        guardrail_id: `gr-` and 32 hex digits.
        name: at most 255 characters; need not be unique.
        scorer: the judge, one version of it.
        stage: when it looks.
        action: what follows when it objects.
        created_at: milliseconds since 1970, UTC.
        last_updated_at: milliseconds since 1970, UTC.
        action_endpoint_name: name of the endpoint that rewrites; None for none. It travels in the wire field
            `action_endpoint_id`, where MLflow's clients look for it.
        action_endpoint_id: id of that endpoint; stays in the process.
        created_by: who made it, at most 255 characters; None when unknown, which is written as an empty text.
        last_updated_by: who changed it last; limits and wire form as `created_by`.
    """

    guardrail_id: str
    name: str
    scorer: Scorer
    stage: GuardrailStage
    action: GuardrailAction
    created_at: int
    last_updated_at: int
    action_endpoint_name: str | None = field(default=None, metadata=wired(wire="action_endpoint_id"))
    action_endpoint_id: str | None = field(default=None, metadata=wired(wire=False))
    created_by: str | None = field(default=None, metadata=wired(none_as=""))
    last_updated_by: str | None = field(default=None, metadata=wired(none_as=""))


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayGuardrailConfig(Entity[guardrails_pb2.GatewayGuardrailConfig]):
    """A guardrail at work in an endpoint.

    Attributes:
        endpoint_id: the endpoint.
        guardrail_id: the guardrail.
        execution_order: its place, lowest first; None is last.
        created_at: milliseconds since 1970, UTC.
        guardrail: the guardrail itself; None when it was not asked for.
        created_by: who put it there, at most 255 characters; None when unknown, which is written as an empty text.
    """

    endpoint_id: str
    guardrail_id: str
    execution_order: int | None = None
    created_at: int
    guardrail: GatewayGuardrail | None = None
    created_by: str | None = field(default=None, metadata=wired(none_as=""))
