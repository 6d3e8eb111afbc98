"""The nouns of the management API as plain values.

Names and fields are those of MLflow's AI Gateway, so that code and people move over without a dictionary. Each class
turns into its protobuf message with `to_proto()` and comes from it with `from_proto()`; both are derived, see `codec`.
"""

from gatewright.entities.binding import GatewayEndpointBinding, GatewayResourceType
from gatewright.entities.budget import (
    BudgetAction,
    BudgetDuration,
    BudgetDurationUnit,
    BudgetTargetScope,
    BudgetUnit,
    BudgetWindow,
    GatewayBudgetPolicy,
)
from gatewright.entities.endpoint import (
    FallbackConfig,
    FallbackStrategy,
    GatewayEndpoint,
    GatewayEndpointModelConfig,
    GatewayEndpointModelMapping,
    GatewayEndpointTag,
    GatewayModelLinkageType,
    RoutingStrategy,
)
from gatewright.entities.guardrail import (
    GatewayGuardrail,
    GatewayGuardrailConfig,
    GuardrailAction,
    GuardrailStage,
)
from gatewright.entities.model_definition import GatewayModelDefinition
from gatewright.entities.scorer import Scorer
from gatewright.entities.secret import GatewaySecretInfo

__all__ = [
    "BudgetAction",
    "BudgetDuration",
    "BudgetDurationUnit",
    "BudgetTargetScope",
    "BudgetUnit",
    "BudgetWindow",
    "FallbackConfig",
    "FallbackStrategy",
    "GatewayBudgetPolicy",
    "GatewayEndpoint",
    "GatewayEndpointBinding",
    "GatewayEndpointModelConfig",
    "GatewayEndpointModelMapping",
    "GatewayEndpointTag",
    "GatewayGuardrail",
    "GatewayGuardrailConfig",
    "GatewayModelDefinition",
    "GatewayModelLinkageType",
    "GatewayResourceType",
    "GatewaySecretInfo",
    "GuardrailAction",
    "GuardrailStage",
    "RoutingStrategy",
    "Scorer",
]
