from gatewright.entities.proto import model_definitions_pb2 as _model_definitions_pb2
from gatewright.entities.proto import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RoutingStrategy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROUTING_STRATEGY_UNSPECIFIED: _ClassVar[RoutingStrategy]
    REQUEST_BASED_TRAFFIC_SPLIT: _ClassVar[RoutingStrategy]

class FallbackStrategy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FALLBACK_STRATEGY_UNSPECIFIED: _ClassVar[FallbackStrategy]
    SEQUENTIAL: _ClassVar[FallbackStrategy]

class GatewayModelLinkageType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINKAGE_TYPE_UNSPECIFIED: _ClassVar[GatewayModelLinkageType]
    PRIMARY: _ClassVar[GatewayModelLinkageType]
    FALLBACK: _ClassVar[GatewayModelLinkageType]
ROUTING_STRATEGY_UNSPECIFIED: RoutingStrategy
REQUEST_BASED_TRAFFIC_SPLIT: RoutingStrategy
FALLBACK_STRATEGY_UNSPECIFIED: FallbackStrategy
SEQUENTIAL: FallbackStrategy
LINKAGE_TYPE_UNSPECIFIED: GatewayModelLinkageType
PRIMARY: GatewayModelLinkageType
FALLBACK: GatewayModelLinkageType

class FallbackConfig(_message.Message):
    __slots__ = ("strategy", "max_attempts")
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    strategy: FallbackStrategy
    max_attempts: int
    def __init__(self, strategy: _Optional[_Union[FallbackStrategy, str]] = ..., max_attempts: _Optional[int] = ...) -> None: ...

class GatewayEndpointModelMapping(_message.Message):
    __slots__ = ("mapping_id", "endpoint_id", "model_definition_id", "model_definition", "weight", "created_at", "created_by", "linkage_type", "fallback_order")
    MAPPING_ID_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_DEFINITION_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_DEFINITION_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    LINKAGE_TYPE_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_ORDER_FIELD_NUMBER: _ClassVar[int]
    mapping_id: str
    endpoint_id: str
    model_definition_id: str
    model_definition: _model_definitions_pb2.GatewayModelDefinition
    weight: float
    created_at: int
    created_by: str
    linkage_type: GatewayModelLinkageType
    fallback_order: int
    def __init__(self, mapping_id: _Optional[str] = ..., endpoint_id: _Optional[str] = ..., model_definition_id: _Optional[str] = ..., model_definition: _Optional[_Union[_model_definitions_pb2.GatewayModelDefinition, _Mapping]] = ..., weight: _Optional[float] = ..., created_at: _Optional[int] = ..., created_by: _Optional[str] = ..., linkage_type: _Optional[_Union[GatewayModelLinkageType, str]] = ..., fallback_order: _Optional[int] = ...) -> None: ...

class GatewayEndpointTag(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class GatewayEndpoint(_message.Message):
    __slots__ = ("endpoint_id", "name", "created_at", "last_updated_at", "model_mappings", "created_by", "last_updated_by", "tags", "routing_strategy", "fallback_config", "experiment_id", "usage_tracking")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    MODEL_MAPPINGS_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_BY_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    ROUTING_STRATEGY_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_CONFIG_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    USAGE_TRACKING_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    name: str
    created_at: int
    last_updated_at: int
    model_mappings: _containers.RepeatedCompositeFieldContainer[GatewayEndpointModelMapping]
    created_by: str
    last_updated_by: str
    tags: _containers.RepeatedCompositeFieldContainer[GatewayEndpointTag]
    routing_strategy: RoutingStrategy
    fallback_config: FallbackConfig
    experiment_id: str
    usage_tracking: bool
    def __init__(self, endpoint_id: _Optional[str] = ..., name: _Optional[str] = ..., created_at: _Optional[int] = ..., last_updated_at: _Optional[int] = ..., model_mappings: _Optional[_Iterable[_Union[GatewayEndpointModelMapping, _Mapping]]] = ..., created_by: _Optional[str] = ..., last_updated_by: _Optional[str] = ..., tags: _Optional[_Iterable[_Union[GatewayEndpointTag, _Mapping]]] = ..., routing_strategy: _Optional[_Union[RoutingStrategy, str]] = ..., fallback_config: _Optional[_Union[FallbackConfig, _Mapping]] = ..., experiment_id: _Optional[str] = ..., usage_tracking: _Optional[bool] = ...) -> None: ...

class GatewayEndpointModelConfig(_message.Message):
    __slots__ = ("model_definition_id", "linkage_type", "weight", "fallback_order")
    MODEL_DEFINITION_ID_FIELD_NUMBER: _ClassVar[int]
    LINKAGE_TYPE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_ORDER_FIELD_NUMBER: _ClassVar[int]
    model_definition_id: str
    linkage_type: GatewayModelLinkageType
    weight: float
    fallback_order: int
    def __init__(self, model_definition_id: _Optional[str] = ..., linkage_type: _Optional[_Union[GatewayModelLinkageType, str]] = ..., weight: _Optional[float] = ..., fallback_order: _Optional[int] = ...) -> None: ...

class CreateGatewayEndpoint(_message.Message):
    __slots__ = ("name", "model_configs", "created_by", "routing_strategy", "fallback_config", "experiment_id", "usage_tracking")
    class Response(_message.Message):
        __slots__ = ("endpoint",)
        ENDPOINT_FIELD_NUMBER: _ClassVar[int]
        endpoint: GatewayEndpoint
        def __init__(self, endpoint: _Optional[_Union[GatewayEndpoint, _Mapping]] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    MODEL_CONFIGS_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    ROUTING_STRATEGY_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_CONFIG_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    USAGE_TRACKING_FIELD_NUMBER: _ClassVar[int]
    name: str
    model_configs: _containers.RepeatedCompositeFieldContainer[GatewayEndpointModelConfig]
    created_by: str
    routing_strategy: RoutingStrategy
    fallback_config: FallbackConfig
    experiment_id: str
    usage_tracking: bool
    def __init__(self, name: _Optional[str] = ..., model_configs: _Optional[_Iterable[_Union[GatewayEndpointModelConfig, _Mapping]]] = ..., created_by: _Optional[str] = ..., routing_strategy: _Optional[_Union[RoutingStrategy, str]] = ..., fallback_config: _Optional[_Union[FallbackConfig, _Mapping]] = ..., experiment_id: _Optional[str] = ..., usage_tracking: _Optional[bool] = ...) -> None: ...

class GetGatewayEndpoint(_message.Message):
    __slots__ = ("endpoint_id", "name")
    class Response(_message.Message):
        __slots__ = ("endpoint",)
        ENDPOINT_FIELD_NUMBER: _ClassVar[int]
        endpoint: GatewayEndpoint
        def __init__(self, endpoint: _Optional[_Union[GatewayEndpoint, _Mapping]] = ...) -> None: ...
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    name: str
    def __init__(self, endpoint_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class UpdateGatewayEndpoint(_message.Message):
    __slots__ = ("endpoint_id", "name", "updated_by", "model_configs", "routing_strategy", "fallback_config", "experiment_id", "usage_tracking")
    class Response(_message.Message):
        __slots__ = ("endpoint",)
        ENDPOINT_FIELD_NUMBER: _ClassVar[int]
        endpoint: GatewayEndpoint
        def __init__(self, endpoint: _Optional[_Union[GatewayEndpoint, _Mapping]] = ...) -> None: ...
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    UPDATED_BY_FIELD_NUMBER: _ClassVar[int]
    MODEL_CONFIGS_FIELD_NUMBER: _ClassVar[int]
    ROUTING_STRATEGY_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_CONFIG_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_ID_FIELD_NUMBER: _ClassVar[int]
    USAGE_TRACKING_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    name: str
    updated_by: str
    model_configs: _containers.RepeatedCompositeFieldContainer[GatewayEndpointModelConfig]
    routing_strategy: RoutingStrategy
    fallback_config: FallbackConfig
    experiment_id: str
    usage_tracking: bool
    def __init__(self, endpoint_id: _Optional[str] = ..., name: _Optional[str] = ..., updated_by: _Optional[str] = ..., model_configs: _Optional[_Iterable[_Union[GatewayEndpointModelConfig, _Mapping]]] = ..., routing_strategy: _Optional[_Union[RoutingStrategy, str]] = ..., fallback_config: _Optional[_Union[FallbackConfig, _Mapping]] = ..., experiment_id: _Optional[str] = ..., usage_tracking: _Optional[bool] = ...) -> None: ...

class DeleteGatewayEndpoint(_message.Message):
    __slots__ = ("endpoint_id",)
    class Response(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    def __init__(self, endpoint_id: _Optional[str] = ...) -> None: ...

class ListGatewayEndpoints(_message.Message):
    __slots__ = ("provider", "secret_id")
    class Response(_message.Message):
        __slots__ = ("endpoints",)
        ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
        endpoints: _containers.RepeatedCompositeFieldContainer[GatewayEndpoint]
        def __init__(self, endpoints: _Optional[_Iterable[_Union[GatewayEndpoint, _Mapping]]] = ...) -> None: ...
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    SECRET_ID_FIELD_NUMBER: _ClassVar[int]
    provider: str
    secret_id: str
    def __init__(self, provider: _Optional[str] = ..., secret_id: _Optional[str] = ...) -> None: ...

class AttachModelToGatewayEndpoint(_message.Message):
    __slots__ = ("endpoint_id", "model_config", "created_by")
    class Response(_message.Message):
        __slots__ = ("mapping",)
        MAPPING_FIELD_NUMBER: _ClassVar[int]
        mapping: GatewayEndpointModelMapping
        def __init__(self, mapping: _Optional[_Union[GatewayEndpointModelMapping, _Mapping]] = ...) -> None: ...
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_CONFIG_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    model_config: GatewayEndpointModelConfig
    created_by: str
    def __init__(self, endpoint_id: _Optional[str] = ..., model_config: _Optional[_Union[GatewayEndpointModelConfig, _Mapping]] = ..., created_by: _Optional[str] = ...) -> None: ...

class DetachModelFromGatewayEndpoint(_message.Message):
    __slots__ = ("endpoint_id", "model_definition_id")
    class Response(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_DEFINITION_ID_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    model_definition_id: str
    def __init__(self, endpoint_id: _Optional[str] = ..., model_definition_id: _Optional[str] = ...) -> None: ...

class SetGatewayEndpointTag(_message.Message):
    __slots__ = ("endpoint_id", "key", "value")
    class Response(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    key: str
    value: str
    def __init__(self, endpoint_id: _Optional[str] = ..., key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class DeleteGatewayEndpointTag(_message.Message):
    __slots__ = ("endpoint_id", "key")
    class Response(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    key: str
    def __init__(self, endpoint_id: _Optional[str] = ..., key: _Optional[str] = ...) -> None: ...
