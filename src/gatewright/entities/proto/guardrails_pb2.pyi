from gatewright.entities.proto import options_pb2 as _options_pb2
from gatewright.entities.proto import scorers_pb2 as _scorers_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GuardrailStage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GUARDRAIL_STAGE_UNSPECIFIED: _ClassVar[GuardrailStage]
    BEFORE: _ClassVar[GuardrailStage]
    AFTER: _ClassVar[GuardrailStage]

class GuardrailAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GUARDRAIL_ACTION_UNSPECIFIED: _ClassVar[GuardrailAction]
    VALIDATION: _ClassVar[GuardrailAction]
    SANITIZATION: _ClassVar[GuardrailAction]
GUARDRAIL_STAGE_UNSPECIFIED: GuardrailStage
BEFORE: GuardrailStage
AFTER: GuardrailStage
GUARDRAIL_ACTION_UNSPECIFIED: GuardrailAction
VALIDATION: GuardrailAction
SANITIZATION: GuardrailAction

class GatewayGuardrail(_message.Message):
    __slots__ = ("guardrail_id", "name", "scorer", "stage", "action", "action_endpoint_id", "created_by", "created_at", "last_updated_by", "last_updated_at")
    GUARDRAIL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCORER_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ACTION_ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_BY_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    guardrail_id: str
    name: str
    scorer: _scorers_pb2.Scorer
    stage: GuardrailStage
    action: GuardrailAction
    action_endpoint_id: str
    created_by: str
    created_at: int
    last_updated_by: str
    last_updated_at: int
    def __init__(self, guardrail_id: _Optional[str] = ..., name: _Optional[str] = ..., scorer: _Optional[_Union[_scorers_pb2.Scorer, _Mapping]] = ..., stage: _Optional[_Union[GuardrailStage, str]] = ..., action: _Optional[_Union[GuardrailAction, str]] = ..., action_endpoint_id: _Optional[str] = ..., created_by: _Optional[str] = ..., created_at: _Optional[int] = ..., last_updated_by: _Optional[str] = ..., last_updated_at: _Optional[int] = ...) -> None: ...

class GatewayGuardrailConfig(_message.Message):
    __slots__ = ("endpoint_id", "guardrail_id", "execution_order", "created_by", "created_at", "guardrail")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    GUARDRAIL_ID_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_ORDER_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    GUARDRAIL_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    guardrail_id: str
    execution_order: int
    created_by: str
    created_at: int
    guardrail: GatewayGuardrail
    def __init__(self, endpoint_id: _Optional[str] = ..., guardrail_id: _Optional[str] = ..., execution_order: _Optional[int] = ..., created_by: _Optional[str] = ..., created_at: _Optional[int] = ..., guardrail: _Optional[_Union[GatewayGuardrail, _Mapping]] = ...) -> None: ...

class CreateGatewayGuardrail(_message.Message):
    __slots__ = ("name", "scorer_id", "scorer_version", "stage", "action", "action_endpoint_id")
    class Response(_message.Message):
        __slots__ = ("guardrail",)
        GUARDRAIL_FIELD_NUMBER: _ClassVar[int]
        guardrail: GatewayGuardrail
        def __init__(self, guardrail: _Optional[_Union[GatewayGuardrail, _Mapping]] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCORER_ID_FIELD_NUMBER: _ClassVar[int]
    SCORER_VERSION_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ACTION_ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    scorer_id: str
    scorer_version: int
    stage: GuardrailStage
    action: GuardrailAction
    action_endpoint_id: str
    def __init__(self, name: _Optional[str] = ..., scorer_id: _Optional[str] = ..., scorer_version: _Optional[int] = ..., stage: _Optional[_Union[GuardrailStage, str]] = ..., action: _Optional[_Union[GuardrailAction, str]] = ..., action_endpoint_id: _Optional[str] = ...) -> None: ...

class GetGatewayGuardrail(_message.Message):
    __slots__ = ("guardrail_id",)
    class Response(_message.Message):
        __slots__ = ("guardrail",)
        GUARDRAIL_FIELD_NUMBER: _ClassVar[int]
        guardrail: GatewayGuardrail
        def __init__(self, guardrail: _Optional[_Union[GatewayGuardrail, _Mapping]] = ...) -> None: ...
    GUARDRAIL_ID_FIELD_NUMBER: _ClassVar[int]
    guardrail_id: str
    def __init__(self, guardrail_id: _Optional[str] = ...) -> None: ...

class DeleteGatewayGuardrail(_message.Message):
    __slots__ = ("guardrail_id",)
    class Response(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    GUARDRAIL_ID_FIELD_NUMBER: _ClassVar[int]
    guardrail_id: str
    def __init__(self, guardrail_id: _Optional[str] = ...) -> None: ...

class ListGatewayGuardrails(_message.Message):
    __slots__ = ("max_results", "page_token")
    class Response(_message.Message):
        __slots__ = ("guardrails", "next_page_token")
        GUARDRAILS_FIELD_NUMBER: _ClassVar[int]
        NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
        guardrails: _containers.RepeatedCompositeFieldContainer[GatewayGuardrail]
        next_page_token: str
        def __init__(self, guardrails: _Optional[_Iterable[_Union[GatewayGuardrail, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
    MAX_RESULTS_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    max_results: int
    page_token: str
    def __init__(self, max_results: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class AddGuardrailToEndpoint(_message.Message):
    __slots__ = ("endpoint_id", "guardrail_id", "execution_order")
    class Response(_message.Message):
        __slots__ = ("config",)
        CONFIG_FIELD_NUMBER: _ClassVar[int]
        config: GatewayGuardrailConfig
        def __init__(self, config: _Optional[_Union[GatewayGuardrailConfig, _Mapping]] = ...) -> None: ...
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    GUARDRAIL_ID_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_ORDER_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    guardrail_id: str
    execution_order: int
    def __init__(self, endpoint_id: _Optional[str] = ..., guardrail_id: _Optional[str] = ..., execution_order: _Optional[int] = ...) -> None: ...

class RemoveGuardrailFromEndpoint(_message.Message):
    __slots__ = ("endpoint_id", "guardrail_id")
    class Response(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    GUARDRAIL_ID_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    guardrail_id: str
    def __init__(self, endpoint_id: _Optional[str] = ..., guardrail_id: _Optional[str] = ...) -> None: ...

class ListEndpointGuardrailConfigs(_message.Message):
    __slots__ = ("endpoint_id",)
    class Response(_message.Message):
        __slots__ = ("configs",)
        CONFIGS_FIELD_NUMBER: _ClassVar[int]
        configs: _containers.RepeatedCompositeFieldContainer[GatewayGuardrailConfig]
        def __init__(self, configs: _Optional[_Iterable[_Union[GatewayGuardrailConfig, _Mapping]]] = ...) -> None: ...
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    def __init__(self, endpoint_id: _Optional[str] = ...) -> None: ...

class UpdateEndpointGuardrailConfig(_message.Message):
    __slots__ = ("endpoint_id", "guardrail_id", "execution_order")
    class Response(_message.Message):
        __slots__ = ("config",)
        CONFIG_FIELD_NUMBER: _ClassVar[int]
        config: GatewayGuardrailConfig
        def __init__(self, config: _Optional[_Union[GatewayGuardrailConfig, _Mapping]] = ...) -> None: ...
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    GUARDRAIL_ID_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_ORDER_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    guardrail_id: str
    execution_order: int
    def __init__(self, endpoint_id: _Optional[str] = ..., guardrail_id: _Optional[str] = ..., execution_order: _Optional[int] = ...) -> None: ...
